"""Clocks whose rung could not be taken: shown to the system officer, and tried again by themselves."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from celery.exceptions import SoftTimeLimitExceeded
from django.db import transaction

from cases.actions.engine import lock_case
from cases.actions.escalating import take_rungs
from cases.models import Clock, QuarantinedClock
from cases.stuck import describe_error
from governance.common.errors import NotVisible
from partymembers.audit import record_access
from partymembers.models import Role, User
from partymembers.rules import require_officer

logger = logging.getLogger("gezhi.ladder")

#: The first try again comes after this time, each further one after twice as long.
RETRY: Final = timedelta(minutes=5)
LONGEST_RETRY: Final = timedelta(hours=6)


@transaction.atomic
def quarantine_clock(*, clock_id: int, error: Exception, at: datetime) -> QuarantinedClock:
    """After a failure: note it, and try this clock's rung again later, so that it keeps no other waiting."""
    kept = QuarantinedClock.objects.select_for_update().filter(pk=clock_id).first()
    if kept is None or kept.resolved_at is not None:
        kept = QuarantinedClock(clock_id=clock_id, times=0, since=at)
    kept.times += 1
    kept.last_at, kept.error = at, describe_error(error)
    kept.save()
    pause = min(RETRY * 2 ** min(kept.times - 1, 10), LONGEST_RETRY)
    Clock.objects.filter(pk=clock_id, next_rung_at__lte=at).update(next_rung_at=at + pause)
    return kept


def release_clocks(*, clock_ids: Iterable[int], at: datetime) -> None:
    """These clocks' rungs were taken, or fell away: nobody need look at them any more."""
    QuarantinedClock.objects.filter(pk__in=list(clock_ids), resolved_at=None).update(resolved_at=at)


@transaction.atomic
def retry_clock(*, clock_id: int, actor: User, at: datetime, ip: str | None = None) -> bool:
    """Try a quarantined clock's rungs at once; whether it went well. A failure is noted like the sweep's.

    Raises NotAllowed, or NotVisible for a clock that is not in quarantine.
    """
    require_officer(actor, Role.SYSTEM_OFFICER, at=at)
    kept = QuarantinedClock.objects.filter(pk=clock_id, resolved_at=None).select_related("clock").first()
    if kept is None:
        raise NotVisible()
    case = lock_case(kept.clock.case_id)
    record_access(actor, "quarantine_retried", f"order:{case.number}", ip, at=at, times=kept.times)
    return take_one(clock_id=clock_id, case_id=case.pk, at=at) is not None


def take_one(*, clock_id: int, case_id: int, at: datetime) -> int | None:
    """Take one clock's rungs; how many deeds were done. None where it failed and is in quarantine now.

    Raises what says that nothing can be written at all: where the connection is lost, noting fails too.
    """
    try:
        done = take_rungs(clock_id=clock_id, case_id=case_id, at=at)
    except SoftTimeLimitExceeded:  # the worker's time is up: all is rolled back and comes again
        raise
    except Exception as error:
        logger.exception("rung_failed", extra={"clock": clock_id, "case": case_id})
        quarantine_clock(clock_id=clock_id, error=error, at=at)
        return None
    release_clocks(clock_ids=[clock_id], at=at)
    return done
