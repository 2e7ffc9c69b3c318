"""Asking for an export, and dropping one."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError
from rest_framework.exceptions import ValidationError

from governance.common.errors import DomainError, Invalid, NotVisible, Throttled
from governance.models import ExportJob
from partymembers.access import Access
from partymembers.audit import record_access
from partymembers.models import ApiKey, User

from .asking import request_of
from .running import KEPT, UNFINISHED
from .sources import require_scope, source_of
from .tasks import write
from .writing import forget_files, names_of

#: Exports of one account that wait or are being written, and files of its own that are kept.
MOST_UNFINISHED: Final = 3
MOST_KEPT: Final = 50


@dataclass(frozen=True)
class Wanted:
    """Which list, as what kind of file, narrowed how."""

    kind: str
    form: str
    filters: Mapping[str, Sequence[str]]


@transaction.atomic
def ask_export(
    wanted: Wanted,
    *,
    user: User,
    key: ApiKey | None,
    access: Access,
    origin: str,
    at: datetime,
    ip: str | None = None,
) -> ExportJob:
    """Have a list written into a file by a worker. Addresses in it begin with `origin`.

    Raises what the list says to such filters (each field as `filters.…`), PermissionDenied for a key that
    may not read it, and Throttled where the account has too many already.
    """
    job = ExportJob(
        token=secrets.token_urlsafe(24),
        user=user,
        key=key,
        kind=wanted.kind,
        format=wanted.form,
        filters={name: list(values) for name, values in wanted.filters.items()},
        language=get_language() or "",
        origin=origin,
        asked_at=at,
        expires_at=at + KEPT,
    )
    _check(job, access)
    _require_room(user, at)
    job.save()
    told = {"kind": job.kind, "format": job.format, "filters": job.filters}
    record_access(user, "exportjob_added", job, ip, at=at, **told)
    transaction.on_commit(_nudge)
    return job


def _check(job: ExportJob, access: Access) -> None:
    """Ask the list itself, now: what it refuses would fail later anyway."""
    if "kind" in job.filters:
        raise Invalid(_("The kind of the export says which."), field="filters.kind")
    request = request_of(job, access)
    require_scope(request, job.kind)
    try:
        source_of(job.kind, request)
    except NotVisible as error:
        raise Invalid(error.message, field="filters") from error
    except DomainError as error:
        error.field = f"filters.{error.field}" if error.field else "filters"
        raise
    except ValidationError as error:
        raise ValidationError({"filters": error.detail}) from error


def _require_room(user: User, at: datetime) -> None:
    """One who asks after the other: two at the same moment are counted one after the other, too."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    mine = ExportJob.objects.filter(user=user, expires_at__gt=at)
    if mine.filter(state__in=UNFINISHED).count() >= MOST_UNFINISHED:
        told = _("At most %(most)d exports at a time. Please wait until one is done.")
        raise Throttled(told % {"most": MOST_UNFINISHED}, retry_after=30, code="too_many_exports")
    if mine.count() >= MOST_KEPT:
        told = _("At most %(most)d exports are kept. Please delete those that you have fetched.")
        raise Throttled(told % {"most": MOST_KEPT}, retry_after=3600, code="too_many_exports")


def _nudge() -> None:
    """Tell a worker; while the broker is away a sweep does."""
    with suppress(OperationalError):
        write.apply_async(expires=60, retry=False)


def drop_export(*, job: ExportJob, at: datetime, ip: str | None = None) -> None:
    """Delete an export with its file; who is writing it notices with the next rows."""
    with transaction.atomic():
        gone, _each = ExportJob.objects.filter(pk=job.pk).delete()
        if gone:  # of two who delete it at once, one has
            record_access(job.user, "exportjob_deleted", job, ip, at=at, kind=job.kind, format=job.format)
        transaction.on_commit(lambda: forget_files(names_of(job.token, job.format)))
