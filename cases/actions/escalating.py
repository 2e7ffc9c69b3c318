"""The ladder's deeds, written down: remind, late, climb. Each rung once per clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from cases import clocks, permissions
from cases.actions import wishes
from cases.actions.engine import lock_case, record
from cases.actions.oversight import climb
from cases.actors import SYSTEM
from cases.calendars import current_calendar
from cases.deadlines import is_working_moment
from cases.ladder import deeds_at, rungs_for
from cases.models import Case, Clock, LadderRung, TakenRung, Urgency

#: A rung that could not be taken is tried again after this time; until then it is in nobody's way.
RETRY = timedelta(minutes=5)
#: More rungs than this at a time means a ladder of tiny steps: the next sweep goes on.
MOST_AT_ONCE = 20


@transaction.atomic
def take_rungs(*, clock_id: int, case_id: int, at: datetime) -> int:
    """Take the rungs of a clock that are due, lowest first, and point it at its next one.

    Returns how many deeds were done. Nothing happens where the clock has stopped, stands, was moved, or
    the rung was taken before: a repeat changes nothing. Raises NotVisible if there is no such order.
    """
    case = lock_case(case_id)
    clock = next(c for c in case.clocks.all() if c.pk == clock_id)
    ladder, done = clocks.active_ladder(), 0
    for _turn in range(MOST_AT_ONCE):
        if clock.next_rung_at is None or clock.next_rung_at > at or clock.next_rung_percent is None:
            break
        percent = clock.next_rung_percent
        for deed in deeds_at(rungs_for(ladder, case, clock.stage), percent):
            done += _do_once(case, clock, percent, deed, at)
        clocks.schedule_rung(clock, case, ladder, after=percent)
    clock.save(update_fields=["next_rung_at", "next_rung_percent"])
    return done


def postpone_rungs(*, clock_id: int, at: datetime) -> None:
    """After a failure: try this clock's rung again later, so that it never keeps the others waiting."""
    Clock.objects.filter(pk=clock_id, next_rung_at__lte=at).update(next_rung_at=at + RETRY)


def _do_once(case: Case, clock: Clock, percent: int, deed: str, at: datetime) -> bool:
    """Do a deed unless the database knows it as done."""
    _rung, is_first = TakenRung.objects.get_or_create(
        clock=clock, percent=percent, deed=deed, defaults={"at": at}
    )
    if is_first:
        told = {
            "clock_id": clock.pk,
            "stage": clock.stage,
            "round": clock.round,
            "percent": percent,
            "due_at": clock.due_at.isoformat(),
            "quiet": is_quiet(case, at=at),
        }
        _DEEDS[deed](case, at, told)
    return is_first


def is_quiet(case: Case, *, at: datetime) -> bool:
    """Whether people are left in peace for now: outside working time only urgent orders disturb them."""
    return case.urgency != Urgency.URGENT and not is_working_moment(at, current_calendar())


def _remind(case: Case, at: datetime, told: dict[str, Any]) -> None:
    record(case, "remind", actor=SYSTEM, at=at, **told)


def _late(case: Case, at: datetime, told: dict[str, Any]) -> None:
    record(case, "late", actor=SYSTEM, at=at, **told)


def _climb(case: Case, at: datetime, told: dict[str, Any]) -> None:
    climb(case, "climb", actor=SYSTEM, at=at, **told)


def _to_branch(case: Case, at: datetime, told: dict[str, Any]) -> None:
    if permissions.is_allowed(SYSTEM, "to_branch", case, at=at):  # a desk may have been faster
        wishes.leave_to_branch(case_id=case.pk, actor=SYSTEM, at=at)


def _lapse(case: Case, at: datetime, told: dict[str, Any]) -> None:
    wishes.lapse_claim(case_id=case.pk, at=at)


def _close(case: Case, at: datetime, told: dict[str, Any]) -> None:
    wishes.close_unrated(case_id=case.pk, at=at)


_DEEDS: dict[str, Callable[[Case, datetime, dict[str, Any]], None]] = {
    LadderRung.Deed.REMIND: _remind,
    LadderRung.Deed.LATE: _late,
    LadderRung.Deed.CLIMB: _climb,
    LadderRung.Deed.TO_BRANCH: _to_branch,
    LadderRung.Deed.LAPSE: _lapse,
    LadderRung.Deed.CLOSE: _close,
}
