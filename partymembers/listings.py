"""Reads of what a place has to offer: stations with their shelves, resources, projects."""

from __future__ import annotations

import datetime as dt

from django.db.models import Prefetch, Q, QuerySet

from grids.models import Place
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


def resources_for(place: Place, *, on: dt.date, skill: Skill | None = None) -> QuerySet[Resource]:
    """What stands on the list of a place: offered to it, to a place above it, or to one below."""
    rows = Resource.objects.filter(_about(place), withdrawn_at=None).filter(
        Q(ends_on__isnull=True) | Q(ends_on__gte=on)
    )
    if skill is not None:
        rows = rows.filter(skill=skill)
    return rows.select_related("place", "compound", "skill", "unit", "branch", "offered_by")


def projects_for(place: Place, *, state: str = "") -> QuerySet[Project]:
    """Projects of a place, of those below and of those that hold it."""
    rows = Project.objects.filter(_about(place))
    if state:
        rows = rows.filter(state=state)
    return rows.select_related("place", "compound", "branch", "lead")


def _about(place: Place) -> Q:
    steps = range(Place.steplen, len(place.path), Place.steplen)
    above = [place.path[:end] for end in steps]
    return Q(place__path__startswith=place.path) | Q(place__path__in=above)


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
