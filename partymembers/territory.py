"""What a post over a place reaches beyond the branch below it: retired predecessors, inner grids."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Concat
from django.utils import timezone

from grids.models import Level, Place, PlaceChange

#: Greater than every path of a descendant: its steps are of 0-9A-Z, under any collation.
_LAST = "ZZZZZ"

_REACH = """
WITH RECURSIVE
held(path) AS (SELECT unnest(%(paths)s::text[])),
links(follower, place_id, path, level) AS (
    SELECT follower.path, lost.id, lost.path, lost.level
    FROM {change} AS change
    JOIN {successors} AS s ON s.placechange_id = change.id
    JOIN {predecessors} AS p ON p.placechange_id = change.id
    JOIN {place} AS follower ON follower.id = s.place_id
    JOIN {place} AS lost ON lost.id = p.place_id
    WHERE change.effective_at < %(before)s AND change.kind <> 'boundary'
      AND lost.id <> follower.id AND lost.retired_on IS NOT NULL
),
lost(held_path, place_id, path, level, is_above) AS (
    SELECT held.path, links.place_id, links.path, links.level, links.follower <> held.path
    FROM held JOIN links ON links.follower LIKE held.path || '%%'
    UNION
    SELECT lost.held_path, links.place_id, links.path, links.level,
           lost.is_above OR links.follower <> lost.path
    FROM lost JOIN links ON links.follower LIKE lost.path || '%%'
),
grids(path) AS (
    SELECT path FROM held
    UNION SELECT path FROM lost WHERE level = 'grid'
)
SELECT 'lost', held_path, place_id, path, level, is_above
FROM lost WHERE path NOT LIKE held_path || '%%'
UNION ALL
SELECT 'inner', grids.path, inner_grid.id, inner_grid.path, inner_grid.level, false
FROM grids
JOIN {place} AS outer_grid ON outer_grid.path = grids.path AND outer_grid.level = 'grid'
JOIN {place} AS inner_grid ON inner_grid.path > grids.path AND inner_grid.path < grids.path || '{last}'
                          AND inner_grid.level = 'grid'
ORDER BY 1, 2, 4
"""


@dataclass(frozen=True, slots=True)
class Reached:
    """A place reached from the held one at `held_path`: `lost` is retired, `inner` is a grid in a grid."""

    kind: str
    held_path: str
    place_id: int
    path: str
    level: Level
    is_above: bool


def reach(paths: Sequence[str], *, on: dt.date) -> list[Reached]:
    """Places that a holder of `paths` reaches without their lying below; one query.

    Retired places whose successor (over any number of changes in force on the day `on`) lies at or
    below a held path, and grids inside a held or retired grid.
    """
    before = timezone.make_aware(dt.datetime.combine(on + dt.timedelta(days=1), dt.time.min))
    with connection.cursor() as cursor:
        cursor.execute(_sql(), {"paths": list(paths), "before": before})
        return [
            Reached(kind, held_path, place_id, path, Level(level), is_above)
            for kind, held_path, place_id, path, level, is_above in cursor.fetchall()
        ]


def may_reach_further(place: str) -> Q:
    """A condition on rows with a place (the name of their field): `reach` may find something for it.

    True for everybody once a place has been split, merged or handed over, and for who holds a grid that has
    a grid inside.
    """
    taken_over = PlaceChange.objects.exclude(kind=PlaceChange.Kind.BOUNDARY)
    path = OuterRef(f"{place}__path")
    inside = Place.objects.filter(level=Level.GRID, path__gt=path, path__lt=Concat(path, Value(_LAST)))
    return Q(Exists(taken_over)) | (Q(**{f"{place}__level": Level.GRID}) & Q(Exists(inside)))


def _sql() -> str:
    """Table names come from the models; values never enter the text."""
    return _REACH.format(
        place=Place._meta.db_table,
        change=PlaceChange._meta.db_table,
        successors=PlaceChange.successors.through._meta.db_table,
        predecessors=PlaceChange.predecessors.through._meta.db_table,
        last=_LAST,
    )
