"""After a change of the work calendar: a walk through all open orders, in pieces and in the background.

`CalendarChange` is written with the change itself and keeps how far the walk is, so that a killed worker or a
lost message costs nothing; each piece and its progress are one transaction. Why: docs/adr/0023.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError, transaction

from cases.actions.recalculating import WORKING, follow_calendar, moved
from cases.calendars import FRESH_SECONDS, forget_calendar
from cases.models import CalendarChange, Clock

logger = logging.getLogger("gezhi.calendar")

#: Orders looked at in one transaction; those that move are locked for it.
BATCH: Final = 200
#: By then every process has the new calendar, so that no clock opens by the old one behind the walk.
SETTLES_AFTER: Final = timedelta(seconds=FRESH_SECONDS + 5)


def unfinished_change() -> CalendarChange | None:
    """The newest change that open orders have not all followed; it stands for those before it."""
    return CalendarChange.objects.filter(finished_at=None).order_by("-pk").first()


def recalculate(*, at: datetime, seconds: float = 40.0) -> int:
    """Walk on from where the last walk was, until the end or the time is up; how many orders moved.

    Any number of workers may call it: one walks. An order that fails is logged and left as it was.
    """
    until = time.monotonic() + seconds
    forget_calendar()
    total = 0
    while time.monotonic() < until:
        done = _walk_on(at)
        if done is None:
            break
        total += done
    return total


@transaction.atomic
def _walk_on(at: datetime) -> int | None:
    """Look at the next orders; how many moved, or None when there is nothing to do (now)."""
    newest = unfinished_change()
    if newest is None or newest.at + SETTLES_AFTER > at:
        return None
    change = CalendarChange.objects.select_for_update(skip_locked=True).filter(pk=newest.pk).first()
    if change is None or change.finished_at is not None:
        return None
    case_ids = _next_orders(change.position)
    if not case_ids:
        CalendarChange.objects.filter(pk__lte=change.pk, finished_at=None).update(finished_at=at)
        return None
    clocks = Clock.objects.filter(case__in=case_ids, stopped_at=None)
    moving = sorted({clock.case_id for clock in clocks if moved(clock, at=at) is not None})
    done = _follow(moving, at) if moving else 0
    change.position, change.looked_at = case_ids[-1], change.looked_at + len(case_ids)
    change.moved += done
    change.save()
    return done


def _next_orders(position: int) -> list[int]:
    running = Clock.objects.filter(stopped_at=None, paused_at=None, timer_type__in=WORKING)
    ids = running.filter(case__gt=position).order_by("case_id").values_list("case_id", flat=True)
    return list(ids.distinct()[:BATCH])


def _follow(case_ids: Sequence[int], at: datetime) -> int:
    """Let the orders follow together or, where that fails, one by one."""
    try:
        with transaction.atomic():
            return follow_calendar(case_ids=case_ids, at=at)
    except (OperationalError, InterfaceError, SoftTimeLimitExceeded):
        raise  # nobody's fault: the piece is rolled back and comes again
    except Exception:
        if len(case_ids) == 1:
            logger.exception("calendar_not_followed", extra={"case": case_ids[0]})
            return 0
    return sum(_follow([case_id], at) for case_id in case_ids)
