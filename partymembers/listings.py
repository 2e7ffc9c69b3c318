"""Reads of what a place has to offer: stations with their shelves, resources, projects."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from django.db.models import Prefetch, Q, QuerySet

from grids.models import Compound, Level, Place
from partymembers.models import (
    PointsEntry,
    PointsTransaction,
    Project,
    Resource,
    Skill,
    Station,
    StationItem,
    User,
)


def stations_in(place: Place) -> QuerySet[Station]:
    """Open stations of a place and below, with what is offered."""
    offered = Prefetch("items", StationItem.objects.filter(is_offered=True), to_attr="shelf")
    rows = Station.objects.filter(place__path__startswith=place.path, closed_on=None)
    return rows.select_related("place").prefetch_related(offered).order_by("name", "pk")


@dataclass(frozen=True)
class Part:
    """What a list is about: a place, perhaps one compound in it; `offered` are the parts to choose from."""

    place: Place
    compound: Compound | None = None
    chosen: str = ""
    offered: list[tuple[str, str]] = field(default_factory=list)

    @property
    def rows(self) -> Q:
        """A condition: the row is about this part, about something inside it, or about what holds it."""
        steps = range(Place.steplen, len(self.place.path), Place.steplen)
        above = [self.place.path[:end] for end in steps]
        about = Q(place__path__startswith=self.place.path) | Q(place__path__in=above)
        return about & (Q(compound=self.compound) | Q(compound=None)) if self.compound else about


def part_of(place: Place, asked: str) -> Part:
    """The grid (`g12`) or compound (`c3`) of a community that is asked for, else all of it; two queries."""
    if place.level != Level.COMMUNITY:
        return Part(place)
    inside = Place.objects.current().filter(path__startswith=place.path, level=Level.GRID).order_by("code")
    grids = {f"g{grid.pk}": grid for grid in inside}
    compounds = {f"c{each.pk}": each for each in Compound.objects.filter(community=place).order_by("name")}
    offered = [(key, str(row)) for rows in (grids, compounds) for key, row in rows.items()]
    if asked in grids:
        return Part(grids[asked], None, asked, offered)
    chosen = compounds.get(asked)
    return Part(place, chosen, asked if chosen else "", offered)


def resources_for(part: Part, *, on: dt.date, skill: Skill | None = None) -> QuerySet[Resource]:
    """What stands on the list of a place: offered to it, to a place above it, or to one below."""
    rows = Resource.objects.filter(part.rows, withdrawn_at=None).filter(
        Q(ends_on__isnull=True) | Q(ends_on__gte=on)
    )
    if skill is not None:
        rows = rows.filter(skill=skill)
    return rows.select_related("place", "compound", "skill", "unit", "branch", "offered_by")


def projects_for(part: Part, *, state: str = "") -> QuerySet[Project]:
    """Projects of a place, of those below and of those that hold it."""
    rows = Project.objects.filter(part.rows)
    if state:
        rows = rows.filter(state=state)
    return rows.select_related("place", "compound", "branch", "lead")


def moves_of(user: User, *, most: int = 12) -> list[PointsTransaction]:
    """The latest transactions of somebody as a counter shows them, with their amounts."""
    rows = PointsTransaction.objects.filter(user=user).select_related(
        "redemption__item", "reversed_by", "place", "rule"
    )
    entries = Prefetch(
        "entries",
        PointsEntry.objects.filter(account__user=user),
        to_attr="own_entries",
    )
    return list(rows.prefetch_related(entries).order_by("-pk")[:most])
