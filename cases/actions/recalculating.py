"""Open orders follow the work calendar: many orders in one transaction, each with one event."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from django.db import transaction

from cases import clocks
from cases.deadlines import TimerType
from cases.events import EVENT_KINDS
from cases.models import Case, CaseEvent, Clock
from cases.relay import nudge

#: The timers that a calendar moves; limits that run day and night gain no minute.
WORKING: Final = [timer for timer in TimerType if timer.is_working_time]
_KIND: Final = "calendar_changed"


class Instants(NamedTuple):
    """What of a clock the calendar decides."""

    due_at: datetime
    warn_at: datetime
    next_rung_at: datetime | None


def moved(clock: Clock, *, at: datetime) -> Instants | None:
    """The clock's instants by the calendar in force, or None where they are what they were.

    What stands or has stopped is left alone: a pause ends with a reckoning of its own. Rungs already taken
    stay taken. A rung that was put off keeps its time, unless the due time itself moves.
    """
    if not clock.is_running or clock.timer_type not in WORKING:
        return None
    due, warn = clocks.instant(clock, 100), clocks.instant(clock, clocks.WARN_PERCENT)
    rung = clock.next_rung_at
    if rung is not None and clock.next_rung_percent is not None:
        then = clocks.instant(clock, clock.next_rung_percent)
        rung = then if then > at or due != clock.due_at else rung
    now = Instants(due, warn, rung)
    return None if now == (clock.due_at, clock.warn_at, clock.next_rung_at) else now


@transaction.atomic
def follow_calendar(*, case_ids: Sequence[int], at: datetime) -> int:
    """Move the running clocks of these orders to where the calendar in force has them; how many orders moved.

    An order of which nothing moves gets no event, so that a repeat changes nothing.
    """
    events = [event for case in _locked(case_ids) if (event := _moved_event(case, at)) is not None]
    cases = [event.case for event in events]
    running = [clock for case in cases for clock in case.clocks.all() if clock.is_running]
    Clock.objects.bulk_update(running, Instants._fields)
    copied = ["due_at", "next_due_at", "next_warn_at", "next_stage", "last_seq", "updated_at"]
    Case.objects.bulk_update(cases, copied)
    CaseEvent.objects.bulk_create(events)
    if events:
        transaction.on_commit(nudge)
    return len(events)


def _locked(case_ids: Sequence[int]) -> Iterable[Case]:
    """The orders with their clocks; the lock has a statement of its own (see `engine.lock_case`)."""
    rows = Case.objects.filter(pk__in=case_ids).order_by("pk")
    list(rows.select_for_update().values_list("pk"))
    return rows.defer("search_terms").prefetch_related("clocks")


def _moved_event(case: Case, at: datetime) -> CaseEvent | None:
    """Move the order's clocks in memory; the event that tells of it, or None where nothing moved."""
    told = {"from_due_at": case.due_at, "from_next_due_at": case.next_due_at}
    stages = []
    for clock in case.clocks.all():
        instants = moved(clock, at=at)
        if instants is not None:
            clock.due_at, clock.warn_at, clock.next_rung_at = instants
            stages.append(clock.stage)
    if not stages:
        return None
    clocks.refresh(case)
    told |= {"due_at": case.due_at, "next_due_at": case.next_due_at}
    case.last_seq += 1
    case.updated_at = at
    return CaseEvent(
        case=case,
        seq=case.last_seq,
        kind=_KIND,
        version=EVENT_KINDS[_KIND].version,
        at=at,
        actor_kind=CaseEvent.ActorKind.SYSTEM,
        from_state=case.state,
        to_state=case.state,
        data={name: instant and instant.isoformat() for name, instant in told.items()}
        | {"stages": ",".join(sorted(stages))},
    )
