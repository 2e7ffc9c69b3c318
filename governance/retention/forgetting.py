"""Deleting what is old: in batches, archived first where an archive is configured, one run at a time."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.utils import timezone

from partymembers.audit import record_access

from .archive import write_batch
from .rules import RULES, Rule

#: Rows of one transaction.
BATCH: Final = 2000
# Any constant will do, as long as nothing else in the database locks it.
LOCK: Final = 7_240_511


def forget_old_rows(*, at: datetime, seconds: float = 60.0) -> dict[str, int]:
    """Delete what the rules call old at `at`; how many rows of each. What the time did not suffice for stays.

    May be repeated and killed at any moment: the archive is on the disk before its rows go, so a row may be
    in it twice (by `id` the same), never neither there nor in its table. Raises OSError when the archive
    cannot be written; nothing more is deleted then.
    """
    until = time.monotonic() + seconds
    done = dict.fromkeys((rule.name for rule in RULES), 0)
    # With the first refusal this run is over: a later rule builds on what the earlier ones have archived.
    with contextlib.suppress(_AnotherRunError):
        for rule in RULES:
            for number in _forget(rule, at=at, until=until):
                done[rule.name] += number
    if done["audit"]:
        record_access(
            None, "audit_entries_forgotten", at=at, entries=done["audit"], keep_days=settings.KEEP_AUDIT_DAYS
        )
    return done


def count_old_rows(*, at: datetime) -> dict[str, int]:
    """How many rows of each kind `forget_old_rows` would delete at `at`."""
    due = ((rule.name, rule.due(at)) for rule in RULES)
    return {name: 0 if rows is None else rows.count() for name, rows in due}


class _AnotherRunError(Exception):
    """Another run is at it."""


def _forget(rule: Rule, *, at: datetime, until: float) -> Iterator[int]:
    keys = list[Any]()
    while time.monotonic() < until:
        # Behind the last batch: what went still stands in the index until a vacuum, and would be read again.
        keys = _forget_batch(rule, at=at, after=keys[-1:])
        yield len(keys)
        if len(keys) < BATCH:
            break


@transaction.atomic
def _forget_batch(rule: Rule, *, at: datetime, after: Sequence[Any]) -> list[Any]:
    """Archive and delete the next rows; their keys. Raises _AnotherRunError."""
    due = rule.due(at)
    if due is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            raise _AnotherRunError
        if rule.is_guarded:
            cursor.execute("SET LOCAL gezhi.retention = 'on'")  # the trigger still sees to the six months
    further = due.filter(pk__gt=after[0]) if after else due
    rows = list(further.values("pk", *rule.columns)[:BATCH])
    if rows and rule.columns and settings.ARCHIVE_ROOT:
        _archive(rule, rows, Path(settings.ARCHIVE_ROOT))
    keys = [row["pk"] for row in rows]
    going = due.model._default_manager.filter(pk__in=keys)
    if rule.files is not None:
        _forget_files([name for row in going for name in rule.files(row)])
    going.delete()
    return keys


def _forget_files(names: Sequence[str]) -> None:
    """Once the rows are gone for good: a file without a row is harmless, a row without its file is not."""

    def forget() -> None:
        for name in names:
            default_storage.delete(name)

    transaction.on_commit(forget)


def _archive(rule: Rule, rows: Sequence[Mapping[str, Any]], folder: Path) -> None:
    month = f"{timezone.localtime(rows[0][rule.dated]):%Y-%m}"
    plain = [{"id": row["pk"], **{name: row[name] for name in rule.columns}} for row in rows]
    write_batch(folder, rule.name, plain, month=month)
