"""The place that a page is about, what lies above it within the reader's posts, and what lies below."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from django.db.models import Q

from governance.common.errors import NotVisible
from governance.figures.queries import FigureSet, fold
from governance.figures.subjects import Area
from grids.models import ORDER_LEVELS, Level, Place
from partymembers.access import Access, PlaceGrant
from partymembers.models import Role

Key = TypeVar("Key")


@dataclass(frozen=True)
class Territory:
    """A place, its line upward (from the reader's post down), and the places right below it in code order."""

    place: Place
    line: tuple[Place, ...] = ()
    children: tuple[Place, ...] = ()
    #: Small grids by the large grid that holds them; streets of a city by their own id.
    _deeper: Mapping[int, Place] = field(default_factory=dict)

    @property
    def area(self) -> Area:
        """The place as orders know it; a grid with the small grids that it holds."""
        inner = {p.pk for p in self._deeper.values()} | {p.pk for p in self.children}
        level = Level(self.place.level)
        ids = {self.place.pk} | (inner if level is Level.GRID else set())
        return Area(self.place.pk, level, self.place.path, tuple(sorted(ids)))

    @property
    def rank(self) -> Level | None:
        """The level that is ranked beside the children: the streets of a city that has districts."""
        has_streets = any(child.level == Level.STREET for child in self.children)
        return Level.STREET if self.place.level == Level.CITY and not has_streets else None

    def find(self, pk: int | None) -> Place | None:
        """A place below by id, children or deeper ones that were read."""
        return next((child for child in self.children if child.pk == pk), self._deeper.get(pk or 0))

    def folded(self, counted: Mapping[int | None, FigureSet]) -> dict[int | None, FigureSet]:
        """Counts by child place: what was counted for a small grid belongs to the large one around it."""
        return fold((self._child_of(pk), each) for pk, each in counted.items())

    def _child_of(self, pk: int | None) -> int | None:
        deeper = self._deeper.get(pk or 0)
        if deeper is None:
            return pk
        around = next((child for child in self.children if deeper.path.startswith(child.path)), None)
        return around.pk if around else pk


def default_grant(access: Access) -> PlaceGrant | None:
    """Where a reader begins: as an official if they are one, at the highest place, the first of these."""
    grants = [grant for grant in access.grants if grant.level in ORDER_LEVELS and not grant.inherited]
    return min(grants, key=lambda g: (Role.OFFICIAL not in g.roles, g.level.rank, g.path), default=None)


def territory_of(code: str, access: Access) -> Territory:
    """Read the place of a code, or the reader's own without one; two queries.

    Raises NotVisible for a place that does not exist, that lies outside the reader's posts, or is a building.
    """
    grant = default_grant(access)
    lookup = {"code": code} if code else {"pk": grant.place_id if grant else None}
    place = Place.objects.filter(**lookup).defer("boundary").first()
    if place is None or place.level not in ORDER_LEVELS or not access.covers(place.path):
        raise NotVisible
    steps = range(Place.steplen, len(place.path), Place.steplen)
    above = [place.path[:end] for end in steps if access.covers(place.path[:end])]
    rows = Place.objects.filter(Q(path__in=above) | _below(place)).order_by("path")
    line = [row for row in rows if row.path in above]
    below = [row for row in rows if row.path not in above]
    children = [row for row in below if row.depth == place.depth + 1]
    deeper = {row.pk: row for row in below if row.depth > place.depth + 1}
    return Territory(place, (*line, place), tuple(children), deeper)


def _below(place: Place) -> Q:
    """Children, and what is counted apart from them: a city's streets, small grids in large ones."""
    wanted = Q(depth=place.depth + 1)
    if place.level == Level.CITY:
        wanted |= Q(level=Level.STREET)
    if place.level in (Level.COMMUNITY, Level.GRID):
        wanted |= Q(level=Level.GRID)
    return Q(path__startswith=place.path, depth__gt=place.depth) & wanted & ~Q(level=Level.BUILDING)
