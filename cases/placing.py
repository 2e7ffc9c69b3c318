"""Where an order belongs: the ids of every level, and the desk that takes it first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Case
from governance.common.errors import Invalid
from governance.common.remembering import remembered
from grids.models import ORDER_LEVELS, Building, Level, Place
from grids.querysets import above_without_outlines
from partymembers.access import access_of
from partymembers.models import User

#: Levels below the city whose places have a desk, from the top down.
_DESK_LEVELS = (Level.DISTRICT, Level.STREET, Level.COMMUNITY)


@dataclass(frozen=True)
class Territory:
    """A place, down to the grid, with the line above it; and the building, where that is known."""

    place: Place
    line: dict[Level, Place]
    building: Building | None = None

    @property
    def desk(self) -> Place:
        """The community's desk; a place above every community is its own."""
        return self.line.get(Level.COMMUNITY, self.place)


def territory_of(place: Place) -> Territory:
    """Everything above a place; a building is kept beside its grid. At most two queries."""
    above = remembered(("above", place.path), lambda: above_without_outlines(place))
    nodes = [*above, place]
    building = None
    if place.level == Level.BUILDING:
        building = Building.objects.filter(pk=place.pk).first()
        nodes = nodes[:-1]
    # A small grid inside a large one comes later in the line and so wins its level.
    return Territory(nodes[-1], {Level(node.level): node for node in nodes}, building)


def put_at(case: Case, territory: Territory) -> None:
    """Write the current place of an order; the desk is not touched."""
    case.place = territory.place
    for level in ORDER_LEVELS:
        setattr(case, level.value, territory.line.get(level))
    building = territory.building
    case.building_id = building.pk if building else None
    case.compound_id = building.compound_id if building else None


def level_below(case: Case) -> Level | None:
    """The level to which the order's desk can hand it down, towards where it happened; none at the lowest."""
    rank = Level(case.desk.level).rank
    known = (level for level in _DESK_LEVELS if getattr(case, f"{level.value}_id") is not None)
    return next((level for level in known if level.rank > rank), None)


def stamp_report(case: Case) -> None:
    """Keep the place at report time, for ever."""
    case.reported_place = case.place
    for level in ORDER_LEVELS:
        setattr(case, f"reported_{level.value}_id", getattr(case, f"{level.value}_id"))


def require_reach(reporter: User | None, territory: Territory, at: datetime, *, field: str) -> None:
    """Let a connected system of a place report there only, one of a unit anywhere, and so people.

    Raises Invalid that names the field.
    """
    if reporter is None or not reporter.is_service:
        return
    access = access_of(reporter, on=timezone.localdate(at))
    if access.grants and not access.covers(territory.place.path):
        raise Invalid(_("This is outside the place of your system."), field=field)
