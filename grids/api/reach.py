"""How much of the territory a caller reads. Grids know no people: a room above says who reaches what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from rest_framework.request import Request

from governance.common.api.views import Endpoint
from governance.common.errors import Invalid, NotVisible
from governance.common.typed import words
from grids.models import Place, PlaceChange
from grids.querysets import PlaceQuerySet

#: Longer than any division code.
_LONGEST_CODE = 20


@dataclass(frozen=True)
class Reach:
    """Branches of the tree, by their paths, with the line of places above each; or the whole territory."""

    paths: tuple[str, ...] = ()
    is_everywhere: bool = False

    def within(self, prefix: str = "") -> Q:
        """A condition: the place (of a relation, with `prefix` like `place__`) is one that is reached."""
        if self.is_everywhere:
            return Q(**{f"{prefix}pk__isnull": False})
        condition = Q(**{f"{prefix}path__in": self._above()})
        for path in self.paths:
            condition |= Q(**{f"{prefix}path__startswith": path})
        return condition

    def places(self) -> PlaceQuerySet:
        """Every place that is reached, retired ones too."""
        rows: PlaceQuerySet = Place.objects.filter(self.within())
        return rows

    def holds(self, place: Place) -> bool:
        """Whether this place is reached."""
        below = any(place.path.startswith(path) for path in self.paths)
        return self.is_everywhere or below or place.path in self._above()

    def _above(self) -> list[str]:
        step = Place.steplen
        return sorted({path[:end] for path in self.paths for end in range(step, len(path), step)})


NOWHERE = Reach()
EVERYWHERE = Reach(is_everywhere=True)


def nowhere(_request: Request) -> Reach:
    """Until a room above says otherwise."""
    return NOWHERE


class PlaceEndpoint(Endpoint):
    """An endpoint about places. Its route says how far a caller reaches: `as_view(reach_of=…)`."""

    resource = "places"
    reach_of: Callable[[Request], Reach] = staticmethod(nowhere)

    def reached(self) -> PlaceQuerySet:
        """Every place that the caller may read, without outlines."""
        rows: PlaceQuerySet = self.reach_of(self.request).places().defer("boundary")
        return rows

    def place(self, code: str, rows: PlaceQuerySet | None = None) -> Any:
        """The place with this code, retired or not. Raises NotVisible."""
        known = self.reached() if rows is None else rows
        found = known.filter(code=words(code, most=_LONGEST_CODE)).first()
        if found is None:
            raise NotVisible
        return found

    def asked_place(self, name: str) -> Place | None:
        """The place that a query parameter names by its code. Raises Invalid for none that may be read."""
        return place_asked(self.request, name, self.reach_of(self.request))

    def successors_of(self, places: Iterable[Place]) -> dict[int, list[str]]:
        """Codes of what took over the retired ones among these, by their ids; one query if there are any."""
        retired = [place.pk for place in places if place.retired_on is not None]
        found: dict[int, list[str]] = defaultdict(list)
        if not retired:
            return found
        reached = self.reach_of(self.request).within("successors__")
        changes = PlaceChange.objects.exclude(kind=PlaceChange.Kind.BOUNDARY).filter(reached)
        rows = changes.filter(predecessors__in=retired).order_by("successors__code")
        for predecessor, code in rows.values_list("predecessors", "successors__code").distinct():
            found[predecessor].append(code)
        return found


def place_asked(request: Request, name: str, reach: Reach) -> Place | None:
    """The place whose code stands in a query parameter; None without it. Raises Invalid for an unknown one.

    One that the caller may not read sounds as one that does not exist.
    """
    code = words(request.query_params.get(name, ""), most=_LONGEST_CODE)
    if not code:
        return None
    found = reach.places().defer("boundary").filter(code=code).first()
    if found is None:
        raise Invalid(_("No place that you may read has this code."), field=name)
    return found
