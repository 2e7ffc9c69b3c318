"""The community that takes a wish, found by its name, its street's or that of a compound in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import Q

from grids.models import Compound, Level, Place
from grids.querysets import PlaceQuerySet

#: So many are found at a time; whoever sees too many types more.
MOST_FOUND: Final = 8
MOST_WORDS: Final = 50


@dataclass(frozen=True)
class Found:
    """A community as the search offers it, with the street above and the compound that was asked for."""

    place: Place
    beside: str
    is_chosen: bool


def communities() -> PlaceQuerySet:
    """Every community in force, without its outline."""
    rows: PlaceQuerySet = Place.objects.at_level(Level.COMMUNITY).current().defer("boundary")
    return rows


def communities_found(words: str, *, chosen: str = "") -> list[Found]:
    """The chosen community first, then those found; at most four queries. Without words nothing is found."""
    words = words.replace("\x00", "").strip()[:MOST_WORDS]
    rows: list[Place] = []
    if chosen.isascii() and chosen.isdigit() and len(chosen) < 19:
        rows += communities().filter(pk=chosen)
    compounds: dict[int, str] = {}
    if words:
        named = Compound.objects.filter(name__icontains=words).order_by("name")
        compounds = dict(named.values_list("community", "name")[: MOST_FOUND * 4])
        streets = Place.objects.at_level(Level.STREET).current().filter(name__icontains=words)
        under = Q(pk__in=compounds) | Q(name__icontains=words)
        for path in streets.values_list("path", flat=True)[:MOST_FOUND]:
            under |= Q(path__startswith=path)
        others = communities().filter(under).exclude(pk__in=[row.pk for row in rows])
        rows += others.order_by("path")[:MOST_FOUND]
    above = {row.path[: -Place.steplen] for row in rows}
    streets_of = dict(Place.objects.filter(path__in=above).values_list("path", "name"))
    return [
        Found(
            row,
            _beside(streets_of.get(row.path[: -Place.steplen]), compounds.get(row.pk)),
            str(row.pk) == chosen,
        )
        for row in rows
    ]


def _beside(*names: str | None) -> str:
    return " · ".join(filter(None, names))
