"""The desks above an order's, and in which of them somebody is: where a rung goes when nobody is there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from governance.common.remembering import remembered
from grids.models import Place
from partymembers.access import desks_with_people


@dataclass(frozen=True)
class Desks:
    """Some desks with all above them, by tree path, and the ids of those in which somebody can act."""

    by_path: Mapping[str, Place]
    staffed: frozenset[int]

    def above(self, desk: Place) -> Place | None:
        """The next level above; None at the top."""
        return self.by_path.get(desk.path[: -Place.steplen])

    def first_with_people(self, desk: Place) -> Place | None:
        """The nearest level above in which somebody can act."""
        above = self.above(desk)
        while above is not None and above.pk not in self.staffed:
            above = self.above(above)
        return above


def load_desks(desks: Iterable[Place], *, on: dt.date) -> Desks:
    """These desks and all above them, as they are staffed on a day; three queries."""
    paths = {
        desk.path[:end] for desk in desks for end in range(Place.steplen, len(desk.path) + 1, Place.steplen)
    }
    return remembered(("desks", frozenset(paths)), lambda: _load(paths, on))


def _load(paths: set[str], on: dt.date) -> Desks:
    places = list(Place.objects.filter(path__in=paths).defer("boundary"))
    return Desks(
        {place.path: place for place in places}, desks_with_people([place.pk for place in places], on=on)
    )
