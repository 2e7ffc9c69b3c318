"""The ladder's deeds, written down one clock at a time: remind, late, climb. Each rung once per clock.

Many clocks at once: `escalating_many`, which asks the functions here what a rung does and tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from cases import clocks, permissions
from cases.actions import wishes
from cases.actions.engine import lock_case, new_event, record
from cases.actions.oversight import move_up
from cases.actors import SYSTEM
from cases.calendars import current_calendar
from cases.circles import audience
from cases.deadlines import is_working_moment
from cases.desks import Desks, load_desks
from cases.ladder import deeds_at, rungs_for
from cases.models import Case, CaseEvent, Clock, LadderRung, TakenRung, Urgency
from cases.roster import load_roster
from grids.models import Place

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
    done = 0
    for percent, deed in due_deeds(case, clock, clocks.active_ladder(), at=at):
        is_first = _do_once(case, clock, percent, deed, at)
        done += is_first
        if is_first and deed in _WISH_DEEDS:  # it acted on the order anew, and may have stopped the clock
            return done + take_rungs(clock_id=clock_id, case_id=case_id, at=at)
    clock.save(update_fields=["passed_percent", "next_rung_at", "next_rung_percent"])
    return done


def due_deeds(
    case: Case, clock: Clock, ladder: Sequence[LadderRung], *, at: datetime
) -> Iterator[tuple[int, str]]:
    """Percentage and deed of every rung that is due, lowest first; the clock passes each after its deeds.

    The ladder is the one in force, wherever the clock still points (`cases.following`). What a deed changes
    on the order (its desk) counts for the rungs above.
    """
    clocks.schedule_rung(clock, case, ladder)
    for _turn in range(MOST_AT_ONCE):
        percent = clock.next_rung_percent
        if clock.next_rung_at is None or clock.next_rung_at > at or percent is None:
            return
        for deed in deeds_at(rungs_for(ladder, case, clock.stage), percent):
            yield percent, deed
        clock.passed_percent = percent
        clocks.schedule_rung(clock, case, ladder)


def _do_once(case: Case, clock: Clock, percent: int, deed: str, at: datetime) -> bool:
    """Do a deed unless the database knows it as done."""
    _rung, is_first = TakenRung.objects.get_or_create(
        clock=clock, percent=percent, deed=deed, defaults={"at": at}
    )
    if is_first and deed in _WISH_DEEDS:
        _WISH_DEEDS[deed](case, at)
    elif is_first:
        day = timezone.localdate(at)
        desks = load_desks([case.desk], on=day)
        told = told_of(case, clock, percent, deed, desks, at=at)
        draft = new_event(case, deed, actor=SYSTEM, at=at, from_state=case.state, data=told)
        pass_on([(draft, case.desk)], desks, at=at)
        record(case, deed, actor=SYSTEM, at=at, **draft.data)
    return is_first


def told_of(
    case: Case, clock: Clock, percent: int, deed: str, desks: Desks, *, at: datetime
) -> dict[str, Any]:
    """What the event of a rung says. A climb moves the order's desk: to the next level in which somebody
    can act, or to the next one where nobody can in any. Nothing climbs from the top (`rungs_for`).
    """
    told: dict[str, Any] = {
        "clock_id": clock.pk,
        "stage": clock.stage,
        "round": clock.round,
        "percent": percent,
        "due_at": clock.due_at.isoformat(),
        "quiet": is_quiet(case, at=at),
    }
    above = desks.above(case.desk)
    if deed != LadderRung.Deed.CLIMB or above is None:
        return told
    if above.pk not in desks.staffed:
        told["no_recipient"] = True
        above = desks.first_with_people(above) or above
    return told | move_up(case, above)


def pass_on(drafts: Sequence[tuple[CaseEvent, Place]], desks: Desks, *, at: datetime) -> None:
    """Have what reaches nobody told to the nearest desk above in which somebody is; the event says so.

    `drafts` are events that are not saved yet, each with the desk that held the order then. Where that desk
    is staffed nothing is asked: whoever else is missing, it sees the order.
    """
    mute = [(event, desk) for event, desk in drafts if _may_be_unheard(event, desk, desks)]
    if not mute:
        return
    cases = Case.objects.select_related("place").in_bulk({event.case_id for event, _desk in mute})
    roster = load_roster([event for event, _desk in mute], cases.values(), on=timezone.localdate(at))
    for event, desk in mute:
        case = cases[event.case_id]
        case.desk_id = desk.pk
        if case.is_test or audience(event, case, roster):
            continue
        event.data["no_recipient"] = True
        above = desks.first_with_people(desk)
        if above is not None:
            event.data["told_desk_id"] = above.pk


def _may_be_unheard(event: CaseEvent, desk: Place, desks: Desks) -> bool:
    return event.kind != LadderRung.Deed.CLIMB and desk.pk not in desks.staffed


def is_quiet(case: Case, *, at: datetime) -> bool:
    """Whether people are left in peace for now: outside working time only urgent orders disturb them."""
    return case.urgency != Urgency.URGENT and not is_working_moment(at, current_calendar())


def _to_branch(case: Case, at: datetime) -> None:
    if permissions.is_allowed(SYSTEM, "to_branch", case, at=at):  # a desk may have been faster
        wishes.leave_to_branch(case_id=case.pk, actor=SYSTEM, at=at)


def _lapse(case: Case, at: datetime) -> None:
    wishes.lapse_claim(case_id=case.pk, at=at)


def _close(case: Case, at: datetime) -> None:
    wishes.close_unrated(case_id=case.pk, at=at)


#: Deeds that are actions of their own; the others are one event each.
_WISH_DEEDS: dict[str, Callable[[Case, datetime], None]] = {
    LadderRung.Deed.TO_BRANCH: _to_branch,
    LadderRung.Deed.LAPSE: _lapse,
    LadderRung.Deed.CLOSE: _close,
}
#: Deeds that are one event and at most a move of the desk.
EVENT_DEEDS = frozenset(LadderRung.Deed.values) - frozenset(_WISH_DEEDS)
