"""Service records: what somebody gave, counted once for its source."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from grids.models import Place
from partymembers.models import Member, ServiceRecord, User


@transaction.atomic
def record_service(
    *,
    user: User,
    kind: str,
    source: str,
    source_id: str | int,
    what: str,
    at: dt.datetime,
    minutes: int = 0,
    place: Place | None = None,
    by: User | None = None,
) -> ServiceRecord:
    """Write down a service, once per (person, source, source id); a cancelled one is taken up again.

    The member's check-in branch and work unit of now are kept with it: its hours count there.
    """
    member = Member.objects.select_related("home_branch").filter(user=user, left_on=None).first()
    record, _is_new = ServiceRecord.objects.update_or_create(
        user=user,
        source=source,
        source_id=str(source_id),
        defaults={"cancelled_at": None, "minutes": minutes},
        create_defaults={
            "kind": kind,
            "what": what[:200],
            "at": at,
            "minutes": minutes,
            "place": place,
            "branch_id": member.checkin_branch_id if member else None,
            "unit_id": member.home_branch.unit_id if member else None,
            "by": by,
        },
    )
    return record


def cancel_service(*, user: User, source: str, source_id: str | int, at: dt.datetime) -> None:
    """Let a record no longer count; nothing happens where there is none."""
    same = ServiceRecord.objects.filter(user=user, source=source, source_id=str(source_id))
    same.filter(cancelled_at=None).update(cancelled_at=at)
