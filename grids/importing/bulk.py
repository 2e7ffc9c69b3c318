"""Writing many new places at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from django.db.models import F, Model

from grids.models import Place

#: Rows of one statement.
BATCH = 1000


def create_places(places: Sequence[Place]) -> None:
    """Save new places whose paths are set, and count them among their parents' children.

    Parents may be among the new places. To be called inside a transaction.
    """
    by_path = {place.path: place for place in places}
    children = Counter(place.path[: -Place.steplen] for place in places if place.depth > 1)
    for path, count in children.items():
        if path in by_path:
            by_path[path].numchild = count
    Place.objects.bulk_create(places, batch_size=BATCH)
    by_count: dict[int, list[str]] = {}
    for path, count in children.items():
        if path not in by_path:
            by_count.setdefault(count, []).append(path)
    for count, paths in by_count.items():
        Place.objects.filter(path__in=paths).update(numchild=F("numchild") + count)


def update_rows(rows: Sequence[Model], fields: Sequence[str]) -> None:
    """Save these fields of many rows that exist and were read whole.

    An INSERT that meets the row and updates it: `bulk_update` names every row once for each field, which is
    eight times slower for 10,000 boundaries.
    """
    if rows:
        model = type(rows[0])
        model._default_manager.bulk_create(
            rows,
            batch_size=BATCH,
            update_conflicts=True,
            unique_fields=[model._meta.pk.name],
            update_fields=fields,
        )
