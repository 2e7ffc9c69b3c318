"""Writing the exports that wait, one after the other: a flood of them never takes more than one worker.

Whoever writes holds an advisory lock, which PostgreSQL frees when that process dies: what is still called
running then has lost its writer and is begun anew. No file has its name before it is whole.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request

from governance.common.api.problems import flatten
from governance.common.errors import DomainError, NotAllowed
from governance.models import ExportJob
from partymembers.access import access_of
from partymembers.audit import record_access

from .asking import request_of
from .sources import Source, require_scope, source_of
from .writing import begin, forget_files, names_of, settle, writer_of

logger = logging.getLogger("gezhi.tasks")
State = ExportJob.State

# Any constant will do, as long as nothing else in the database locks it.
LOCK: Final = 7_240_521
#: A file is kept for this long from the end of its writing.
KEPT: Final = timedelta(days=7)
#: An export that its writer did not survive so often is given up: it may be what ends them.
MOST_TRIES: Final = 3
_LONGEST: Final = 500
UNFINISHED: Final = (State.QUEUED, State.RUNNING)


class _DroppedError(Exception):
    """Somebody has deleted the export that is being written."""


def write_exports(*, seconds: float = 20.0) -> int:
    """Write what waits, the oldest first, beginning none after `seconds`; how many: 0 while another does."""
    until, written = time.monotonic() + seconds, 0
    with _alone() as is_alone:
        while is_alone and time.monotonic() < until and (job := _claim(at=timezone.now())):
            with translation.override(job.language):
                _write(job)
            written += 1
    return written


@contextmanager
def _alone() -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        is_alone = bool(cursor.fetchone()[0])
    try:
        yield is_alone
    finally:
        if is_alone and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _claim(*, at: datetime) -> ExportJob | None:
    """The next export, now ours; those of which nothing will come are ended on the way."""
    for job in ExportJob.objects.filter(state__in=UNFINISHED).order_by("tries", "pk"):
        if job.tries >= MOST_TRIES:
            _end(job, State.FAILED, at=at, error_code="gave_up", error=_("It could not be written."))
            continue
        claimed = ExportJob.objects.filter(pk=job.pk, state__in=UNFINISHED).update(
            state=State.RUNNING, tries=F("tries") + 1, rows=0, started_at=at
        )
        if claimed:
            return ExportJob.objects.select_related("user", "key").get(pk=job.pk)
    return None


def _write(job: ExportJob) -> None:
    """Write one export and end it; an error that nobody foresaw leaves it to the next look."""
    draft, name = names_of(job.token, job.format)
    try:
        source = source_of(job.kind, _call(job, at=timezone.now()))
        _fill(job, begin(draft), source)
        _finish(job, draft, name, has_opened=source.has_opened())
    except _DroppedError:
        forget_files([name])
    except SoftTimeLimitExceeded:
        told = _("It took too long. Please choose a shorter period or a smaller place.")
        _end(job, State.FAILED, at=timezone.now(), error_code="too_long", error=told)
    except (DomainError, APIException) as error:
        code, told = _words_of(error)
        _end(job, State.FAILED, at=timezone.now(), error_code=code, error=told[:_LONGEST])
    except Exception:
        logger.exception("export_failed", extra={"export": job.pk})
    finally:
        forget_files([draft])


def _call(job: ExportJob, *, at: datetime) -> Request:
    """The question, by what its account reaches now. Raises NotAllowed where account or key have ended."""
    if not job.user.is_active or (job.key is not None and not job.key.is_valid(at)):
        raise NotAllowed(_("Whoever asked for it may ask no more."))
    request = request_of(job, access_of(job.user, on=timezone.localdate(at)))
    require_scope(request, job.kind)
    return request


def _fill(job: ExportJob, draft: Path, source: Source) -> None:
    writer = writer_of(job.format, draft, source.columns)
    try:
        for bodies in source.batches:
            writer.write(bodies)
            job.rows += len(bodies)
            if not _running(job).update(rows=job.rows):
                raise _DroppedError
    finally:
        writer.close()


@transaction.atomic
def _finish(job: ExportJob, draft: str, name: str, *, has_opened: bool) -> None:
    """Note the file, and that people's names and phones left with it; then give the file its name.

    Killed in between, the export is written anew over it.
    """
    at = timezone.now()
    size, sha256 = settle(draft, name)
    if not _end(job, State.DONE, at=at, file=name, size=size, sha256=sha256, expires_at=at + KEPT):
        raise _DroppedError
    if has_opened:
        told: dict[str, Any] = {"what": "export", "kind": job.kind, "rows": job.rows}
        record_access(job.user, "personal_data_opened", job, at=at, **told)


def _end(job: ExportJob, state: str, *, at: datetime, **fields: Any) -> int:
    return _running(job).update(state=state, ended_at=at, rows=job.rows, **fields)


def _running(job: ExportJob) -> QuerySet[ExportJob]:
    return ExportJob.objects.filter(pk=job.pk, state__in=UNFINISHED)


def _words_of(error: DomainError | APIException) -> tuple[str, str]:
    if isinstance(error, DomainError):
        return error.code, str(error.message)
    if isinstance(error, ValidationError):
        return "invalid", "; ".join(each["detail"] for each in flatten(error.detail))
    return str(getattr(error.detail, "code", error.default_code)), str(error.detail)
