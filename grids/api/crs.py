"""`crs=`: the coordinate system in which a caller gives and gets positions. Stored is always WGS-84."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from governance.common.errors import Invalid
from grids.boundaries import DECIMALS, SYSTEMS
from grids.coordinates import degrees_of, point_in, wgs84_to_gcj02

WGS84 = "wgs84"

#: For `@extend_schema(parameters=[CRS])` of every operation that takes or gives positions.
CRS = OpenApiParameter(
    "crs",
    str,
    enum=list(SYSTEMS),
    default=WGS84,
    description="Coordinate system of every position given and got: wgs84 (which is CGCS2000 to the "
    "centimetre), or gcj02, the shifted system of Chinese online maps.",
)


def system_of(request: Request) -> str:
    """The system that the caller speaks: "wgs84" or "gcj02". Raises Invalid for another."""
    system = request.query_params.get("crs", WGS84)
    if system not in SYSTEMS:
        raise Invalid(_("The coordinate system must be one of: %s.") % ", ".join(SYSTEMS), field="crs")
    return system


def point_out(lng: float, lat: float, system: str) -> tuple[float, float]:
    """A stored position as the caller reads it, to about 1 cm."""
    if system != WGS84:
        lng, lat = wgs84_to_gcj02(lng, lat)
    return round(lng, DECIMALS), round(lat, DECIMALS)


def geometry_out(geometry: Mapping[str, Any], system: str) -> dict[str, Any]:
    """A stored GeoJSON geometry as the caller reads it."""
    return {"type": geometry["type"], "coordinates": _moved(geometry["coordinates"], system)}


def _moved(coordinates: Sequence[Any], system: str) -> list[Any]:
    if isinstance(coordinates[0], int | float):
        return list(point_out(coordinates[0], coordinates[1], system))
    return [_moved(inner, system) for inner in coordinates]


def asked_point(request: Request) -> tuple[float, float] | None:
    """The position in the query (`lng`, `lat`, `crs`) as WGS-84; None without both. Raises Invalid."""
    system = system_of(request)
    lng, lat = (_degrees(request, name) for name in ("lng", "lat"))
    if lng is None and lat is None:
        return None
    if lng is None or lat is None:
        missing = "lng" if lng is None else "lat"
        raise Invalid(_("Longitude and latitude belong together."), field=missing)
    return point_in(lng, lat, system, field="lng")


def _degrees(request: Request, name: str) -> float | None:
    given = request.query_params.get(name, "")
    return degrees_of(given, field=name) if given else None
