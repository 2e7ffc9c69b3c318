"""Places as GeoJSON for maps (RFC 7946)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from grids.boundaries import simplified
from grids.levels import Level
from grids.models import Place

#: How far a drawn line may lie beside the true one, in metres: less than a pixel at the level's usual zoom.
TOLERANCES: dict[Level, float] = {
    Level.CITY: 100,
    Level.DISTRICT: 50,
    Level.STREET: 15,
    Level.COMMUNITY: 5,
    Level.GRID: 1,
    Level.BUILDING: 0,
}


def feature_collection(
    places: Iterable[Place],
    *,
    properties: Callable[[Place], Mapping[str, Any]] | None = None,
    is_simplified: bool = True,
) -> dict[str, Any]:
    """A FeatureCollection of the places that have a boundary or at least a position.

    The caller brings places that its reader may see. Each feature has id (the place's), code, name, level,
    kind and is_schematic, and what `properties` adds. Lines are thinned by level unless told otherwise.
    """
    features = []
    for place in places:
        geometry = geometry_of(place, is_simplified=is_simplified)
        if geometry is not None:
            extra = properties(place) if properties else {}
            known = {name: getattr(place, name) for name in ("code", "name", "level", "kind", "is_schematic")}
            features.append(
                {"type": "Feature", "id": place.pk, "geometry": geometry, "properties": {**known, **extra}}
            )
    return {"type": "FeatureCollection", "features": features}


def geometry_of(place: Place, *, is_simplified: bool) -> dict[str, Any] | None:
    """Its boundary, thinned by its level or whole; its middle where it is not drawn; None without either."""
    if place.boundary:
        tolerance = TOLERANCES[Level(place.level)]
        return simplified(place.boundary, tolerance) if is_simplified and tolerance else place.boundary
    if place.lng is None or place.lat is None:
        return None
    return {"type": "Point", "coordinates": [place.lng, place.lat]}
