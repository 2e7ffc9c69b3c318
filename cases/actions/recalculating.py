"""Open orders follow the work calendar: many orders in one transaction, each with one event."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import connection, transaction

from cases import clocks
from cases.deadlines import TimerType
from cases.events import EVENT_KINDS
from cases.models import Case, CaseEvent, Clock
from cases.relay import nudge

#: The timers that a calendar moves; limits that run day and night gain no minute.
WORKING: Final = [timer for timer in TimerType if timer.is_working_time]
_KIND: Final = "calendar_changed"
_CLOCKS: Final = """
UPDATE cases_clock AS clock
SET due_at = fresh.due_at, warn_at = fresh.warn_at, next_rung_at = fresh.next_rung_at
FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[])
    AS fresh (id, due_at, warn_at, next_rung_at)
WHERE clock.id = fresh.id
"""
_CASES: Final = """
UPDATE cases_case AS held
SET due_at = fresh.due_at, next_due_at = fresh.next_due_at, next_warn_at = fresh.next_warn_at,
    next_stage = fresh.next_stage, last_seq = fresh.last_seq, updated_at = %s
FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::int[])
    AS fresh (id, due_at, next_due_at, next_warn_at, next_stage, last_seq)
WHERE held.id = fresh.id
"""


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
    """Move the running clocks of these orders to where the calendar in force has them; how many are due anew.

    Each of those gets one event. Where neither due nor warning time moves, as when an order is late already,
    only the next rung does, and the history has nothing to tell. A repeat changes nothing.
    """
    touched: list[Clock] = []
    events = []
    for case in _locked(case_ids):
        found = [(clock, instants) for clock in case.clocks.all() if (instants := moved(clock, at=at))]
        touched += [clock for clock, _instants in found]
        if (event := _move(case, found, at)) is not None:
            events.append(event)
    _write(touched, [event.case for event in events], at)
    CaseEvent.objects.bulk_create(events)
    if events:
        transaction.on_commit(nudge)
    return len(events)


def _write(touched: Sequence[Clock], cases: Sequence[Case], at: datetime) -> None:
    """Write clocks and orders in a statement each; `bulk_update` is ten times slower."""
    with connection.cursor() as cursor:
        if touched:
            rows = [(c.pk, c.due_at, c.warn_at, c.next_rung_at) for c in touched]
            cursor.execute(_CLOCKS, _columns(rows))
        if cases:
            held = [
                (c.pk, c.due_at, c.next_due_at, c.next_warn_at, str(c.next_stage), c.last_seq) for c in cases
            ]
            cursor.execute(_CASES, [at, *_columns(held)])


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _locked(case_ids: Sequence[int]) -> Iterable[Case]:
    """The orders with their clocks; the lock has a statement of its own (see `engine.lock_case`)."""
    rows = Case.objects.filter(pk__in=case_ids).order_by("pk")
    list(rows.select_for_update().values_list("pk"))
    return rows.defer("search_terms").prefetch_related("clocks")


def _move(case: Case, found: Sequence[tuple[Clock, Instants]], at: datetime) -> CaseEvent | None:
    """Move the order's clocks in memory; the event that tells of it, or None where only rungs move."""
    told = {"from_due_at": case.due_at, "from_next_due_at": case.next_due_at}
    stages = sorted(clock.stage for clock, new in found if new[:2] != (clock.due_at, clock.warn_at))
    for clock, instants in found:
        clock.due_at, clock.warn_at, clock.next_rung_at = instants
    if not stages:
        return None
    clocks.refresh(case)
    told |= {"due_at": case.due_at, "next_due_at": case.next_due_at}
    case.last_seq += 1
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
        | {"stages": ",".join(stages)},
    )
