"""Writing many new places at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from django.db.models import F

from grids.models import Place

#: Rows of one INSERT or UPDATE.
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
