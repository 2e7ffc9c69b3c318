"""Whom an event concerns, and the messages that reach them in the portal.

`cases.events` says which circles around an order learn of each kind of event; this module finds the people
in them (`Roster`, a few queries for a whole batch), decides (`audience`, pure) and writes one row for each
person and event (`in_app`, a consumer of the relay). Outside working time only urgent orders disturb people:
other messages show from the next working moment. What a message says: `cases.wording`.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from django.db.models import Q
from django.utils import timezone

from cases.calendars import current_calendar
from cases.deadlines import next_working_moment
from cases.events import EVENT_KINDS, Circle
from cases.models import (
    Case,
    CaseEvent,
    CaseUnit,
    Claim,
    CoReporter,
    Notification,
    Urgency,
    WhistleCall,
    Wish,
)
from cases.relay import Consumer
from cases.workflow import Kind, Stage, State
from grids.models import Place
from partymembers.access import in_force
from partymembers.models import (
    BRANCH_ROLES,
    DESK_ROLES,
    GROUND_ROLES,
    UNIT_ROLES,
    Post,
    Role,
    Substitution,
    User,
)

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
    """Who learns of the event, each once, with the first circle that they stand in.

    Never the actor, nobody who is disabled, nobody of what was imported or of a kind that the table lacks.
    `case` needs its place.
    """
    row = EVENT_KINDS.get(event.kind)
    if row is None or event.is_imported or _is_overtaken(event, case):
        return []
    told: dict[int, Circle] = {}
    for circle in row.audience:
        for user in _CIRCLES[circle](event, case, roster):
            told.setdefault(user, circle)
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


def load_roster(events: Sequence[CaseEvent], cases: Iterable[Case], *, on: dt.date) -> Roster:
    """Everybody who could be told of these events, by the posts in force on a day; six queries."""
    cases = list(cases)
    roster = Roster()
    ids = [case.pk for case in cases]
    for case_id, unit_id in CaseUnit.objects.filter(case__in=ids, part=CaseUnit.Part.ASSIST).values_list(
        "case_id", "unit_id"
    ):
        roster.assisting.setdefault(case_id, []).append(unit_id)
    joined = CoReporter.objects.filter(case__in=ids, user__isnull=False).order_by("pk")
    for case_id, user_id in joined.values_list("case_id", "user_id"):
        roster.reporters.setdefault(case_id, []).append(user_id)
    watching = ("supervise", "instruct", "whistle")
    watched = CaseEvent.objects.filter(case__in=ids, kind__in=watching).order_by("pk")
    for case_id, user_id in watched.exclude(actor=None).values_list("case_id", "actor_id"):
        roster.supervisors.setdefault(case_id, []).append(user_id)
    _load_posts(roster, events, cases, on=on)
    _load_wishes(roster, [case.pk for case in cases if case.kind == Kind.WISH], on=on)
    _load_called(roster, [case.pk for case in cases if case.whistles_sent], on=on)
    candidates = _everybody(roster, events, cases)
    gone = User.objects.filter(pk__in=candidates, disabled_at__isnull=False).values_list("pk", flat=True)
    roster.disabled = frozenset(gone)
    return roster


def _load_posts(roster: Roster, events: Sequence[CaseEvent], cases: Sequence[Case], *, on: dt.date) -> None:
    """Who holds, or substitutes in, a post at a desk, on the ground or in a unit of these orders."""
    desks, units, paths = _places_and_units(roster, events, cases)
    held = Post.objects.filter(
        Q(role__in=DESK_ROLES, place__in=desks)
        | Q(role__in=GROUND_ROLES, place__path__in=paths)
        | Q(role__in=UNIT_ROLES, unit__in=units),
        in_force(on),
    ).order_by("pk")
    columns = ("pk", "user_id", "user__disabled_at", "role", "place_id", "place__path", "unit_id")
    posts = list(held.values_list(*columns))
    acting = Substitution.objects.filter(
        in_force(on), post__in=[post[0] for post in posts], substitute__disabled_at=None
    )
    substitutes: dict[int, IDS] = defaultdict(list)
    for post_id, user_id in acting.values_list("post_id", "substitute_id"):
        substitutes[post_id].append(user_id)
    for pk, holder, disabled_at, role, place_id, path, unit_id in posts:
        people = [*([] if disabled_at else [holder]), *substitutes[pk]]
        if role in DESK_ROLES:
            roster.desks.setdefault(place_id, []).extend(people)
        elif role in GROUND_ROLES:
            roster.ground.setdefault(path, []).extend(people)
        else:
            roster.units.setdefault(unit_id, []).extend(people)
            if role == Role.UNIT_HEAD:
                roster.heads.setdefault(unit_id, []).extend(people)


def _load_wishes(roster: Roster, ids: IDS, *, on: dt.date) -> None:
    """Who has claimed these wishes, and who sits in the committees that they fall to; none, no query."""
    if not ids:
        return
    kept = Claim.objects.filter(case__in=ids).exclude(
        ending__in=[Claim.Ending.REFUSED, Claim.Ending.HANDED_BACK, Claim.Ending.LAPSED]
    )
    for case_id, user_id in kept.order_by("pk").values_list("case_id", "user_id"):
        roster.claimers[case_id] = [user_id]
    branches = dict(
        Wish.objects.filter(case__in=ids, branch__isnull=False).values_list("case_id", "branch_id")
    )
    seats: dict[int, IDS] = defaultdict(list)
    held = Post.objects.filter(
        in_force(on), role__in=BRANCH_ROLES, branch__in=set(branches.values()), user__disabled_at=None
    )
    for branch_id, user_id in held.order_by("pk").values_list("branch_id", "user_id"):
        seats[branch_id].append(user_id)
    roster.branches = {case_id: seats[branch_id] for case_id, branch_id in branches.items()}


def _load_called(roster: Roster, ids: IDS, *, on: dt.date) -> None:
    """Whom the last whistle of these orders calls: members, people of units, committees; none, no query."""
    if not ids:
        return
    rows = WhistleCall.objects.filter(whistle__case__in=ids).order_by("whistle_id", "pk")
    latest: dict[int, list[WhistleCall]] = {}
    for call in rows.select_related("whistle"):
        known = latest.get(call.whistle.case_id)
        if not known or known[0].whistle_id != call.whistle_id:
            latest[call.whistle.case_id] = known = []
        known.append(call)
    calls = [call for each in latest.values() for call in each]
    seats = _seats({call.unit_id for call in calls}, {call.branch_id for call in calls}, on)
    for call in calls:
        unit, branch = seats.get(("unit", call.unit_id), []), seats.get(("branch", call.branch_id), [])
        people = [call.user_id] if call.user_id else unit + branch
        roster.called.setdefault(call.whistle.case_id, []).extend(people)
        if call.answered_at is None:
            roster.silent.setdefault(call.whistle.case_id, []).extend(people)


def _seats(
    units: set[int | None], branches: set[int | None], on: dt.date
) -> dict[tuple[str, int | None], IDS]:
    """Who holds a post in these units and branches."""
    found: dict[tuple[str, int | None], IDS] = defaultdict(list)
    held = Post.objects.filter(
        Q(role__in=UNIT_ROLES, unit__in=units - {None})
        | Q(role__in=BRANCH_ROLES, branch__in=branches - {None}),
        in_force(on),
        user__disabled_at=None,
    ).order_by("pk")
    for user, unit, branch in held.values_list("user_id", "unit_id", "branch_id"):
        found["unit" if unit else "branch", unit or branch].append(user)
    return found


def _places_and_units(
    roster: Roster, events: Sequence[CaseEvent], cases: Sequence[Case]
) -> tuple[set[int], set[int], set[str]]:
    """Desks by id, units by id, and the paths of every place at and above an order's."""
    desks = {case.desk_id for case in cases}
    units = {case.unit_id for case in cases if case.unit_id}
    for event in events:
        desks |= {event.data.get(key) or 0 for key in ("desk_id", "to_desk_id", "from_desk_id")}
        units |= {event.data.get(key) or 0 for key in ("unit_id", "from_unit_id")}
    for assisting in roster.assisting.values():
        units |= set(assisting)
    paths = {
        case.place.path[:end]
        for case in cases
        for end in range(Place.steplen, len(case.place.path) + 1, Place.steplen)
    }
    return desks - {0}, units - {0}, paths


def _everybody(roster: Roster, events: Sequence[CaseEvent], cases: Sequence[Case]) -> set[int]:
    found = {case.handler_id for case in cases} | {case.reporter_id for case in cases}
    for event in events:
        found |= {event.data.get(key) for key in ("handler_id", "from_handler_id", "claimer_id")}
    by_place = (roster.desks, roster.ground, roster.units)
    by_order = (roster.reporters, roster.supervisors, roster.claimers, roster.branches, roster.called)
    for group in (*by_place, *by_order):
        for people in group.values():
            found |= set(people)
    return {user for user in found if user}


def in_app(events: Sequence[CaseEvent]) -> None:
    """Write a message for each person and event; a repeat changes nothing."""
    told = [event for event in events if event.kind in EVENT_KINDS and not event.is_imported]
    told = [event for event in told if EVENT_KINDS[event.kind].audience]
    if not told:
        return
    found = Case.objects.select_related("place").in_bulk({event.case_id for event in told})
    # The orders as they are now: an event names whom it concerns wherever that could have changed since.
    roster = load_roster(told, found.values(), on=timezone.localdate(max(event.at for event in told)))
    calendar = current_calendar()
    rows = []
    for event in told:
        case = found[event.case_id]
        urgent = case.urgency == Urgency.URGENT
        due_at = event.at if urgent else next_working_moment(event.at, calendar)
        rows += [
            Notification(
                recipient_id=user,
                event=event,
                case=case,
                kind=event.kind,
                is_urgent=urgent,
                due_at=due_at,
            )
            for user, _circle in audience(event, case, roster)
        ]
    Notification.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)


IN_APP = Consumer("in_app", in_app)
