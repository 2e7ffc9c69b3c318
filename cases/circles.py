"""Whom an event concerns: the circles of people around an order, and who stands in each.

`cases.events` says which circles learn of each kind of event; `cases.roster` finds the people around a batch
of orders; `audience` decides, without a query.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cases.events import EVENT_KINDS, Circle
from cases.models import Case, CaseEvent
from cases.workflow import Stage, State
from grids.models import Place

IDS = list[int]

#: Events after which lead unit and handler are those that the event names.
_NAMES_LEAD = frozenset({"dispatch", "reassign", "assign"})
#: Who holds the ball while a stage's clock runs; the whole order's clock asks the state.
_HOLDER_OF_STAGE: dict[str | None, Circle] = {
    Stage.ACCEPT: Circle.DESK,
    Stage.DISPATCH: Circle.DESK,
    Stage.DECIDE: Circle.DESK,
    Stage.ACKNOWLEDGE: Circle.LEAD,
    Stage.HANDLE: Circle.LEAD,
    Stage.CHECK: Circle.GROUND,
    Stage.VET: Circle.DESK,
    Stage.CONFIRM: Circle.DESK,
    Stage.BEGIN: Circle.CLAIMER,
    Stage.DELIVER: Circle.CLAIMER,
    Stage.RATE: Circle.REPORTERS,
    Stage.ANSWER: Circle.CALLED,
}
_HOLDER_OF_STATE: dict[str, Circle] = {
    State.REPORTED: Circle.DESK,
    State.ACCEPTED: Circle.DESK,
    State.SUSPENDED: Circle.DESK,
    State.DISPATCHED: Circle.LEAD,
    State.HANDLING: Circle.LEAD,
    State.HANDLED: Circle.GROUND,
    State.ASKED: Circle.DESK,
    State.PUBLISHED: Circle.DESK,
    State.CLAIMED: Circle.DESK,
    State.CONFIRMED: Circle.CLAIMER,
    State.BEGUN: Circle.CLAIMER,
    State.DELIVERED: Circle.REPORTERS,
}


@dataclass
class Roster:
    """The people around a batch of orders, by where they stand; user ids in order of their posts."""

    desks: dict[int, IDS] = field(default_factory=dict)  # by id of the desk's place
    ground: dict[str, IDS] = field(default_factory=dict)  # by tree path of the place that they work on
    units: dict[int, IDS] = field(default_factory=dict)
    heads: dict[int, IDS] = field(default_factory=dict)
    assisting: dict[int, IDS] = field(default_factory=dict)  # units, by order
    reporters: dict[int, IDS] = field(default_factory=dict)  # by order
    supervisors: dict[int, IDS] = field(default_factory=dict)  # by order
    claimers: dict[int, IDS] = field(default_factory=dict)  # by order: who has claimed the wish
    branches: dict[int, IDS] = field(default_factory=dict)  # by order: committee of the wish's branch
    called: dict[int, IDS] = field(default_factory=dict)  # by order: whom its last whistle calls
    silent: dict[int, IDS] = field(default_factory=dict)  # of these, who has not answered yet
    disabled: frozenset[int] = frozenset()

    def ground_of(self, path: str) -> IDS:
        """Who works on the ground of a place, in it or in one that holds it."""
        steps = range(Place.steplen, len(path) + 1, Place.steplen)
        return [user for end in steps for user in self.ground.get(path[:end], [])]


def audience(event: CaseEvent, case: Case, roster: Roster) -> list[tuple[int, Circle]]:
    """Who learns of the event, each once, with the first circle that they stand in; of a test nobody.

    Never the actor, nobody who is disabled, nobody of what was imported or of a kind that the table lacks.
    `case` needs its place.
    """
    row = EVENT_KINDS.get(event.kind)
    if row is None or event.is_imported or case.is_test or _is_overtaken(event, case):
        return []
    told: dict[int, Circle] = {}
    for circle in row.audience:
        for user in _CIRCLES[circle](event, case, roster):
            told.setdefault(user, circle)
    # Nobody was there: the nearest desk above in which somebody is (`actions.escalating`).
    for user in roster.desks.get(event.data.get("told_desk_id") or 0, []):
        told.setdefault(user, Circle.DESK)
    told.pop(event.actor_id or 0, None)
    return [(user, circle) for user, circle in told.items() if user not in roster.disabled]


def _is_overtaken(event: CaseEvent, case: Case) -> bool:
    """A report that was resolved on the spot is news when it waits for its check, not before."""
    return event.kind == "report" and case.resolved_on_spot


def _holder(event: CaseEvent, case: Case, roster: Roster) -> IDS:
    by_stage = _HOLDER_OF_STAGE.get(event.data.get("stage"))
    circle = by_stage or _HOLDER_OF_STATE.get(event.to_state or case.state)
    if circle is None:
        return []
    people = _CIRCLES[circle](event, case, roster)
    # Nobody on the ground who may check, no unit that leads: then it is the desk's turn.
    return people or _desk(event, case, roster)


def _desk(event: CaseEvent, case: Case, roster: Roster) -> IDS:
    return roster.desks.get(_desk_id(event, case), [])


def _desk_id(event: CaseEvent, case: Case) -> int:
    return event.data.get("to_desk_id") or event.data.get("desk_id") or case.desk_id


def _former_desk(event: CaseEvent, case: Case, roster: Roster) -> IDS:
    return roster.desks.get(event.data.get("from_desk_id") or 0, [])


def _lead(event: CaseEvent, case: Case, roster: Roster) -> IDS:
    handler = event.data.get("handler_id") if event.kind in _NAMES_LEAD else case.handler_id
    if handler and handler not in roster.disabled:
        return [handler]
    return roster.units.get(_unit_id(event, case) or 0, [])


def _unit_id(event: CaseEvent, case: Case) -> int | None:
    named = event.data.get("unit_id") if event.kind in _NAMES_LEAD else None
    return named or case.unit_id


def _head(event: CaseEvent, case: Case, roster: Roster) -> IDS:
    return roster.heads.get(_unit_id(event, case) or 0, [])


def _assist(event: CaseEvent, case: Case, roster: Roster) -> IDS:
    return [user for unit in roster.assisting.get(case.pk, []) for user in roster.units.get(unit, [])]


def _reporters(event: CaseEvent, case: Case, roster: Roster) -> IDS:
    return [*([case.reporter_id] if case.reporter_id else []), *roster.reporters.get(case.pk, [])]


def _ground(event: CaseEvent, case: Case, roster: Roster) -> IDS:
    return [user for user in roster.ground_of(case.place.path) if user != case.finisher_id]


def _supervisors(event: CaseEvent, case: Case, roster: Roster) -> IDS:
    return roster.supervisors.get(case.pk, [])


def _former_lead(event: CaseEvent, case: Case, roster: Roster) -> IDS:
    handler = event.data.get("from_handler_id")
    return [handler] if handler else roster.units.get(event.data.get("from_unit_id") or 0, [])


def _claimer(event: CaseEvent, case: Case, roster: Roster) -> IDS:
    named = event.data.get("claimer_id")
    return [named] if named else roster.claimers.get(case.pk, [])


def _former_claimer(event: CaseEvent, case: Case, roster: Roster) -> IDS:
    named = event.data.get("claimer_id")
    return [named] if named else []


def _branch(event: CaseEvent, case: Case, roster: Roster) -> IDS:
    return roster.branches.get(case.pk, [])


def _called(event: CaseEvent, case: Case, roster: Roster) -> IDS:
    if event.data.get("stage") == Stage.ANSWER:  # who has answered is not hurried
        return roster.silent.get(case.pk, [])
    return roster.called.get(case.pk, [])


_CIRCLES: dict[Circle, Callable[[CaseEvent, Case, Roster], IDS]] = {
    Circle.HOLDER: _holder,
    Circle.DESK: _desk,
    Circle.LEAD: _lead,
    Circle.HEAD: _head,
    Circle.ASSIST: _assist,
    Circle.REPORTERS: _reporters,
    Circle.GROUND: _ground,
    Circle.SUPERVISORS: _supervisors,
    Circle.FORMER_DESK: _former_desk,
    Circle.FORMER_LEAD: _former_lead,
    Circle.CLAIMER: _claimer,
    Circle.FORMER_CLAIMER: _former_claimer,
    Circle.BRANCH: _branch,
    Circle.CALLED: _called,
}
