"""Where a member lives: in words, as everybody of a committee may read it and whole; and how it is found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import Q

from grids.models import Compound, Level, Place
from grids.querysets import PlaceQuerySet
from partymembers.models import Member


def shown_home(member: Member) -> str:
    """The community, with the grid where one is known; never the building. One query."""
    place = member.lives_at
    return _named(place, deepest=Level.GRID) if place else ""


def whole_home(member: Member) -> str:
    """Community, building and door. Opening it to others is for `audit.read_personal`. One query."""
    place = member.lives_at
    return f"{_named(place, deepest=Level.BUILDING) if place else ''} {member.door}".strip()


def is_masked(member: Member) -> bool:
    """Whether there is more to open than `shown_home` says."""
    return bool(member.door) or (member.lives_at is not None and member.lives_at.level == Level.BUILDING)


def _named(place: Place, *, deepest: Level) -> str:
    """The names from the community down to `deepest`."""
    steps = range(Place.steplen, len(place.path) + 1, Place.steplen)
    levels = [Level.COMMUNITY, Level.GRID] + ([Level.BUILDING] if deepest == Level.BUILDING else [])
    rows = Place.objects.filter(path__in=[place.path[:end] for end in steps], level__in=levels)
    names = list(rows.order_by("depth").values_list("name", flat=True))
    inner = [*names[1:], ""]  # many a grid repeats the name of its community
    return " ".join(
        name for name, next_name in zip(names, inner, strict=True) if not next_name.startswith(name)
    )


#: Where somebody may live, from wide to narrow.
HOME_LEVELS: Final = (Level.COMMUNITY, Level.GRID, Level.BUILDING)
#: So many communities are found at a time; whoever sees too many types more.
MOST_FOUND: Final = 8
#: So many grids or buildings of one place are offered; no place of ours has more.
MOST_INSIDE: Final = 300


@dataclass(frozen=True)
class Choice:
    """A place as it is offered: indented by `depth`, with the street or compound that tells it apart."""

    place: Place
    depth: int
    beside: str = ""
    is_chosen: bool = False


def homes() -> PlaceQuerySet:
    """Every place in force where somebody may live, without its outline."""
    rows: PlaceQuerySet = Place.objects.at_level(*HOME_LEVELS).current().defer("boundary")
    return rows


def homes_offered(words: str, *, chosen: int | None) -> list[Choice]:
    """The chosen place with those that hold it and those inside it; below, the communities of that name.

    At most six queries; without words and choice nothing is offered.
    """
    place = homes().filter(pk=chosen).first()
    offered = _around(place) if place is not None else []
    known = {choice.place.pk for choice in offered}
    return offered + [each for each in _communities(words) if each.place.pk not in known]


def _around(chosen: Place) -> list[Choice]:
    steps = range(Place.steplen, len(chosen.path) + 1, Place.steplen)
    chain = list(homes().filter(path__in=[chosen.path[:end] for end in steps]).order_by("path"))
    inside = homes().filter(path__startswith=chosen.path, depth=chosen.depth + 1).order_by("code")
    rows = chain + list(inside[:MOST_INSIDE])
    top = rows[0].depth
    return [Choice(row, row.depth - top, is_chosen=row.pk == chosen.pk) for row in rows]


def _communities(words: str) -> list[Choice]:
    """Found by their own name, their street's, or that of a compound in them."""
    if not words:
        return []
    named = Compound.objects.filter(name__icontains=words).order_by("name")
    compounds = dict(named.values_list("community", "name")[: MOST_FOUND * 4])
    streets = dict(Place.objects.at_level(Level.STREET).current().values_list("path", "name"))
    wanted = Q(pk__in=compounds) | Q(name__icontains=words)
    for path in [path for path, name in streets.items() if words in name][:MOST_FOUND]:
        wanted |= Q(path__startswith=path)
    found = homes().at_level(Level.COMMUNITY).filter(wanted).order_by("path")[:MOST_FOUND]
    return [
        Choice(
            row, 0, " · ".join(filter(None, (streets.get(row.path[: -Place.steplen]), compounds.get(row.pk))))
        )
        for row in found
    ]
