"""The people around a batch of orders, found in a few queries whatever its size."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db.models import Q

from cases.circles import IDS, Roster
from cases.models import Case, CaseEvent, CaseUnit, Claim, CoReporter, WhistleCall, Wish
from cases.workflow import Kind
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

#: The keys of payloads that name a desk.
_DESK_KEYS = ("desk_id", "to_desk_id", "from_desk_id", "told_desk_id")


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
    never = Q(disabled_at__isnull=False) | Q(is_service=True)  # a system asks the feed of changes instead
    roster.disabled = frozenset(User.objects.filter(never, pk__in=candidates).values_list("pk", flat=True))
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
        desks |= {event.data.get(key) or 0 for key in _DESK_KEYS}
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
