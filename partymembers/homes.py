"""Where a member lives, in words: as everybody of a committee may read it, and whole."""

from __future__ import annotations

from grids.models import Level, Place
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
    return " ".join(rows.order_by("depth").values_list("name", flat=True))
