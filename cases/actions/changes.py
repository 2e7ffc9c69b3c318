"""What happens to open orders when a person, a unit or a place ends; the portal itself acts.

Each action looks again under the order's lock whether there is anything to do, so that a repeat, or somebody
who was faster, changes nothing. Rules: "Place, desk and scope" of DECISIONS.md; the places of an order that
has ended, and those at report time, stay for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.actions.desk import forget_route, is_member
from cases.actions.engine import lock_case, record
from cases.actions.handling import return_case
from cases.actors import SYSTEM
from cases.models import Case
from cases.placing import Territory, put_at, territory_of
from cases.terms import search_terms
from cases.workflow import State
from grids.boundaries import locate
from grids.levels import Level
from grids.models import Place, PlaceChange
from partymembers.access import users_in
from partymembers.models import Unit

#: States in which a handler is expected to act, now or once the order is resumed.
_HANDLED_BY = (State.DISPATCHED, State.HANDLING, State.SUSPENDED)
#: Changes of one place followed in a row: a guard against a circle in wrongly imported data.
_MOST_CHANGES = 50


@transaction.atomic
def return_to_desk(*, case_id: int, at: datetime) -> bool:
    """Take an order from a lead unit that is disabled, or in which nobody is left; whether it was taken.

    Only while the unit would have to act; what waits for a check or is suspended stays until it comes back
    to the unit.
    """
    case = lock_case(case_id)
    cause = _why_unit_cannot_act(case.unit, at) if case.unit else ""
    if not cause or case.state not in (State.DISPATCHED, State.HANDLING):
        return False
    note = _("%(unit)s can no longer act.") % {"unit": case.unit}
    return_case(case_id=case.pk, actor=SYSTEM, at=at, note=note, cause=cause)
    return True


def _why_unit_cannot_act(unit: Unit, at: datetime) -> str:
    """The cause as the event tells it; empty while the unit can act."""
    if unit.disabled_at is not None:
        return "unit_disabled"
    return "" if users_in(unit.pk, on=_day(at)).exists() else "nobody_left"


@transaction.atomic
def clear_handler(*, case_id: int, at: datetime) -> bool:
    """Take an order from a handler who can no longer act for the unit; whether it was taken.

    The unit keeps the order and is told; no clock moves. With nobody left in it, it goes back to the desk.
    """
    case = lock_case(case_id)
    handler = case.handler
    if handler is None or case.unit is None or case.state not in _HANDLED_BY:
        return False
    if is_member(handler, case.unit, at):
        return False
    cause = "post_ended" if handler.is_active else "user_disabled"
    case.handler = None
    record(case, "handler_cleared", actor=SYSTEM, at=at, from_handler_id=handler.pk, cause=cause)
    return_to_desk(case_id=case.pk, at=at)
    return True


@transaction.atomic
def move_case_to_successor(*, case_id: int, at: datetime, by_point: bool = False) -> bool:
    """Let an open order follow its place to what succeeded it; whether it moved.

    Its building decides where that is known, then its position, else the first successor. `by_point`: the
    boundary was redrawn and the position alone decides. The desk changes only where the new line of places
    does not lead to it, and then stays on its level. No clock moves.
    """
    case = lock_case(case_id)
    if not case.is_open:
        return False
    home = _by_point(case) if by_point else _current_home(case, at)
    if home is None:
        return False
    former_place, former_desk, former_building_id = case.place, case.desk, case.building_id
    put_at(case, home)
    case.desk = _desk_after(former_desk, home)
    if (case.place_id, case.desk_id, case.building_id) == (
        former_place.pk,
        former_desk.pk,
        former_building_id,
    ):
        return False
    case.outside_grid = case.outside_grid and case.grid is None
    case.search_terms = search_terms(case)
    forget_route(case)  # another unit may be responsible there
    record(
        case,
        "place_changed",
        actor=SYSTEM,
        at=at,
        place_id=case.place_id,
        from_place_id=former_place.pk,
        to_desk_id=case.desk_id,
        from_desk_id=former_desk.pk,
    )
    return True


def _desk_after(desk: Place, home: Territory) -> Place:
    if desk.retired_on is None and home.place.path.startswith(desk.path):
        return desk
    return home.line.get(Level(desk.level), home.desk)


def _by_point(case: Case) -> Territory | None:
    """The grid that now holds the order's position; none where no grid does."""
    if case.lng is None or case.lat is None:
        return None
    found = locate(case.lng, case.lat)
    if found is None or found.outside or found.place.pk == case.place_id:
        return None
    return territory_of(found.place)


def _current_home(case: Case, at: datetime) -> Territory | None:
    """What follows the order's building, else its place; none where that still stands or has no successor."""
    building = Place.objects.filter(pk=case.building_id).first() if case.building_id else None
    for start in (building, case.place):
        if start is None:
            continue
        place = _follow(start, case, at)
        if place is not None and place.retired_on is None:
            return territory_of(place)
    return None


def _follow(place: Place, case: Case, at: datetime) -> Place | None:
    """The place itself, or what it has become over any number of changes; None for one without successor."""
    for _change in range(_MOST_CHANGES):
        if place.retired_on is None:
            return place
        ended_by = PlaceChange.objects.filter(predecessors=place, effective_at__lte=at)
        change = ended_by.exclude(kind=PlaceChange.Kind.BOUNDARY).last()
        successors = list(change.successors.order_by("code")) if change else []
        if not successors:
            return None
        place = _chosen(successors, case)
    return None


def _chosen(successors: Sequence[Place], case: Case) -> Place:
    """The successor, or what lies below it, that holds the order's position; else the first."""
    if case.lng is not None and case.lat is not None:
        found = locate(case.lng, case.lat)
        for successor in successors if found else ():
            if found and found.place.path.startswith(successor.path):
                return found.place
    return successors[0]


def _day(at: datetime) -> date:
    return timezone.localdate(at)
