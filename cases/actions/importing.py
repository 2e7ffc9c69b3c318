"""Orders of another system, taken in as history: one bulk action, without clocks, notices or routing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.events import EVENT_KINDS
from cases.models import Case, CaseEvent, Matter
from cases.numbers import take_numbers
from cases.placing import Territory, put_at, stamp_report
from cases.relay import nudge
from cases.terms import search_terms
from cases.workflow import ENDED_STATES, State
from governance.common.errors import Invalid
from partymembers.models import Unit, User

#: States in which an order can come in: at the desk, or ended. Between them lie clocks; history has none.
IMPORTABLE_STATES = (State.REPORTED, State.ACCEPTED, *ENDED_STATES)
#: Orders written in one statement.
BATCH = 1000


@dataclass(frozen=True)
class PastOrder:
    """One order as the other system knew it. Instants are aware; `due_at` is kept as it was there."""

    number: str
    state: State
    channel: str
    matter: Matter
    territory: Territory
    reported_at: datetime
    accepted_at: datetime | None = None
    handled_at: datetime | None = None
    closed_at: datetime | None = None
    due_at: datetime | None = None
    description: str = ""
    address: str = ""
    lng: float | None = None
    lat: float | None = None
    outside_grid: bool = False
    unit: Unit | None = None

    @property
    def ended_at(self) -> datetime | None:
        """When it ended; of one that ended without a time, when it was reported."""
        return (self.closed_at or self.reported_at) if self.state in ENDED_STATES else None


@transaction.atomic
def import_cases(
    orders: Sequence[PastOrder],
    *,
    source: str,
    at: datetime,
    actor: User | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> int:
    """Write past orders with their events, flagged as imported; how many were new.

    Known by source and number: what came before stays as it is. Numbers are given by the day of the report.
    Raises Invalid for a source without a name, a closed order without a time, or a state that needs clocks.
    """
    if not source.strip():
        raise Invalid(_("Please name the system that the orders come from."), field="source")
    for order in orders:
        _check(order)
    fresh = _unknown(orders, source)
    numbers = _numbers(fresh)
    for first in range(0, len(fresh), BATCH):
        part = fresh[first : first + BATCH]
        cases = [_case(order, numbers.pop(), source, at) for order in part]
        Case.objects.bulk_create(cases)
        events = [event for case in cases for event in _events(case, source, actor, at)]
        CaseEvent.objects.bulk_create(events, batch_size=BATCH)
        progress(first + len(part))
    transaction.on_commit(nudge)
    return len(fresh)


def _check(order: PastOrder) -> None:
    if order.state not in IMPORTABLE_STATES:
        raise Invalid(_("History has no order in the state “%s”.") % order.state.label, field="state")
    if order.state == State.CLOSED and order.closed_at is None:
        raise Invalid(_("A closed order needs the time at which it was closed."), field="closed")


def _unknown(orders: Sequence[PastOrder], source: str) -> list[PastOrder]:
    """Those that did not come before, each number once, by the time of their reports."""
    known = set(Case.objects.filter(source=source).values_list("source_number", flat=True))
    fresh: dict[str, PastOrder] = {}
    for order in orders:
        if order.number not in known:
            fresh.setdefault(order.number, order)
    return sorted(fresh.values(), key=lambda order: (order.reported_at, order.number))


def _numbers(orders: Sequence[PastOrder]) -> list[str]:
    """Order numbers by the day of the report, the last first, so that they are popped in order."""
    days: dict[date, int] = defaultdict(int)
    for order in orders:
        days[timezone.localdate(order.reported_at)] += 1
    given = [number for day in sorted(days) for number in take_numbers(day, days[day])]
    return given[::-1]


def _case(order: PastOrder, number: str, source: str, at: datetime) -> Case:
    ended = order.state == State.CLOSED
    case = Case(
        number=number,
        state=order.state,
        channel=order.channel,
        matter=order.matter,
        description=order.description,
        address=order.address,
        lng=order.lng,
        lat=order.lat,
        outside_grid=order.outside_grid,
        desk=order.territory.desk,
        unit=order.unit if ended else None,
        suggested_unit=order.unit,
        reported_at=order.reported_at,
        accepted_at=_accepted_at(order),
        handled_at=order.handled_at,
        closed_at=order.closed_at if ended else None,
        ended_at=order.ended_at,
        due_at=order.due_at,
        source=source,
        source_number=order.number,
        is_imported=True,
        last_seq=3 if ended else 2,  # `_events` appends as many
        updated_at=at,
    )
    put_at(case, order.territory)
    stamp_report(case)
    case.search_terms = search_terms(case)
    return case


def _accepted_at(order: PastOrder) -> datetime | None:
    """What was taken on without a time of its own counts as taken on with its report."""
    if order.accepted_at is not None or order.state not in (State.ACCEPTED, State.CLOSED):
        return order.accepted_at
    return order.reported_at


def _events(case: Case, source: str, actor: User | None, at: datetime) -> list[CaseEvent]:
    """Reported, closed where it was, and imported; nobody is told of any."""
    told = {
        "channel": case.channel,
        "matter_id": case.matter_id,
        "place_id": case.place_id,
        "desk_id": case.desk_id,
        "outside_grid": case.outside_grid,
    }
    events = [_event(case, "report", case.reported_at, State.REPORTED, told)]
    if case.state == State.CLOSED and case.closed_at is not None:
        events.append(_event(case, "check_pass", case.closed_at, State.CLOSED, {}))
    events.append(_event(case, "import", at, case.state, {"source": source}))
    events[-1].actor = actor
    if actor is not None:
        events[-1].actor_kind = CaseEvent.ActorKind.USER
    for seq, event in enumerate(events, start=1):
        event.seq = seq
    return events


def _event(case: Case, kind: str, at: datetime, to_state: str, data: dict[str, object]) -> CaseEvent:
    return CaseEvent(
        case=case,
        kind=kind,
        version=EVENT_KINDS[kind].version,
        at=at,
        actor_kind=CaseEvent.ActorKind.SYSTEM,
        to_state=to_state,
        note=case.description if kind == "report" else "",
        data=data,
        is_imported=True,
    )
