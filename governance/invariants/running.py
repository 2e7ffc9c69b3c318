"""Runs the checks, all of one moment: what is written meanwhile is not seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from django.core.files.storage import Storage, storages
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from . import books, clocks, messages, orders, rungs
from .promises import Invariant, Offence, Outcome, Question
from .time import WorkingTime, read_hours

#: Readers of other tables, whose cursors have nothing to do with the log.
_OF_CHANGES: Final = ("staff_changes", "place_changes")
#: Rows read at a time where files are looked for.
_CHUNK: Final = 2000

FILES_EXIST: Final = Invariant(
    "pictures_have_files", _("Every picture of an order has its file and its thumbnail."), ""
)


def invariants() -> tuple[Invariant, ...]:
    """Every check, in the order in which they are told; one query, for the working hours."""
    time = WorkingTime(read_hours())
    return (
        *orders.HISTORY,
        *orders.PEOPLE,
        *clocks.AT_REST,
        *clocks.reckoned(time),
        *rungs.TAKEN,
        *rungs.reckoned(time),
        *messages.LOG,
        *messages.MESSAGES,
        *books.WISHES,
        *books.POINTS,
        *books.PICTURES,
    )


def run_checks(
    question: Question, *, files: bool = False, tell: Callable[[Outcome], None] = lambda outcome: None
) -> list[Outcome]:
    """Look at everything in one snapshot; `files` looks for the pictures' files too.

    `question.names` chooses checks. Memory does not grow with the tables: the database counts, and only the
    first rows that break a promise come over. Raises ValueError for a name that is no check's.
    """
    with transaction.atomic():
        if not _is_within_another():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        outcomes = []
        for invariant in _chosen(question.names):
            outcomes.append(_look(invariant, question))
            tell(outcomes[-1])
        if files:
            outcomes.append(_look_for_files(question))
            tell(outcomes[-1])
    return outcomes


def _is_within_another() -> bool:
    """Whether a caller's transaction is under way: its snapshot then serves, as in tests."""
    return len(connection.savepoint_ids) > 0


def _chosen(names: Iterable[str]) -> list[Invariant]:
    every = {invariant.name: invariant for invariant in invariants()}
    wrong = [name for name in names if name not in every]
    if wrong:
        raise ValueError(", ".join(wrong))
    return [every[name] for name in names] or list(every.values())


def _look(invariant: Invariant, question: Question) -> Outcome:
    statement = (
        f"SELECT number, detail, count(*) OVER () FROM ({invariant.sql}) AS broken "
        "ORDER BY number, detail LIMIT greatest(%(sample)s, 1)"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, _parameters(question))
        rows = cursor.fetchall()
    offences = tuple(Offence(number or "—", detail) for number, detail, _count in rows[: question.sample])
    return Outcome(invariant, rows[0][2] if rows else 0, offences)


def _parameters(question: Question) -> dict[str, Any]:
    return {
        "at": question.at,
        "grace": question.grace,
        "since": question.since,
        "sample": question.sample,
        "readers": list(question.readers) or _readers(),
    }


def _readers() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM cases_consumercursor WHERE name <> ALL(%s)", [list(_OF_CHANGES)])
        return [name for (name,) in cursor.fetchall()]


def _look_for_files(question: Question) -> Outcome:
    """Files are no rows: each name is asked of the storage, a few thousand rows in memory at a time."""
    storage, count, offences = storages["default"], 0, list[Offence]()
    for number, pk, *names in _pictures():
        missing = [name for name in names if not _is_there(storage, name)]
        if missing:
            count += 1
            if len(offences) < question.sample:
                offences.append(Offence(number, f"picture {pk}: {' '.join(missing)}"))
    return Outcome(FILES_EXIST, count, tuple(offences))


def _is_there(storage: Storage, name: str) -> bool:
    return bool(name) and storage.exists(name)


def _pictures() -> Iterator[tuple[str, int, str, str]]:
    after = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT c.number, a.id, a.file, a.thumbnail FROM cases_attachment a "
                "JOIN cases_case c ON c.id = a.case_id WHERE a.id > %s ORDER BY a.id LIMIT %s",
                [after, _CHUNK],
            )
            rows = cursor.fetchall()
        if not rows:
            return
        yield from rows
        after = rows[-1][1]
