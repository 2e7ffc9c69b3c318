"""A map of areas coloured by a number, as plain SVG: it needs no script, prints, and every area is a link.

Pure: boundaries and values in, paths and classes out. Boundaries that touch are simplified together, so
that no gaps open between neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import shapely
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

WIDTH, HEIGHT, MARGIN = 640, 500, 10
#: Simplification, in units of the picture: half a pixel is not seen.
TOLERANCE = 0.8
#: An area narrower than this (in units of the picture) gets no label inside; the table has it.
NARROW, LOW = 52, 32
_STEPS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))


@dataclass(frozen=True)
class AreaValue:
    """One area to be drawn. `boundary` is GeoJSON in degrees; `value` is None where it is unknown."""

    key: int
    name: str
    boundary: Any
    value: Decimal | None
    text: str
    url: str
    is_worst: bool = False


@dataclass(frozen=True)
class Drawn:
    """An area as the template writes it: `shade` 1 (lowest) to 5, 0 where the value is unknown."""

    key: int
    name: str
    text: str
    url: str
    path: str
    shade: int
    is_worst: bool
    x: float
    y: float
    is_labelled: bool


@dataclass(frozen=True)
class Choropleth:
    """A finished map: its box, its areas, and the bounds of its five shades."""

    areas: Sequence[Drawn]
    bounds: Sequence[Decimal]
    height: int = HEIGHT
    width: int = WIDTH


def choropleth(values: Sequence[AreaValue]) -> Choropleth | None:
    """Draw the areas that have a boundary; None when there is none to draw."""
    shapes = [(each, found) for each in values if (found := _geometry(each.boundary)) is not None]
    if not shapes:
        return None
    bounds = shade_bounds([each.value for each in values if each.value is not None])
    plane, height = _projected([found for _each, found in shapes])
    areas = [
        _drawn(each, geometry, bounds)
        for (each, _found), geometry in zip(shapes, _simplified(plane), strict=True)
    ]
    return Choropleth(areas, bounds, height)


def shade_bounds(values: Sequence[Decimal]) -> list[Decimal]:
    """Four round numbers that part the values into five shades; fewer where the values lie close together."""
    if not values:
        return []
    low, high = min(values), max(values)
    if low == high:
        return []
    step = _round_step((high - low) / 5)
    first = (low / step).to_integral_value(rounding="ROUND_FLOOR") * step + step
    return [first + step * i for i in range(4) if first + step * i <= high]


def shade(value: Decimal | None, bounds: Sequence[Decimal]) -> int:
    """1 to 5 by how many bounds the value reaches, the highest always the darkest; 0 for unknown."""
    if value is None:
        return 0
    return 5 - len(bounds) + sum(value >= bound for bound in bounds) if bounds else 3


def _round_step(rough: Decimal) -> Decimal:
    """The smallest of 1, 2, 2.5, 5, 10 times a power of ten that is not below `rough`."""
    power = Decimal(10) ** math.floor(rough.log10())
    return next((step * power for step in _STEPS if step * power >= rough), 10 * power)


def _geometry(boundary: Any) -> BaseGeometry | None:
    """The boundary as a valid area; None for what is none."""
    if not boundary:
        return None
    try:
        geometry = shapely.make_valid(shape(boundary))
    except (ShapelyError, ValueError, TypeError, KeyError, AttributeError, IndexError):
        return None
    return geometry if geometry.area > 0 else None


def _projected(shapes: Sequence[BaseGeometry]) -> tuple[list[BaseGeometry], int]:
    """Degrees into the picture: equirectangular around the middle, north up, as large as fits."""
    west, south, east, north = shapely.total_bounds(shapes)
    narrowing = math.cos(math.radians((south + north) / 2))
    wide, high = max((east - west) * narrowing, 1e-9), max(north - south, 1e-9)
    scale = min((WIDTH - 2 * MARGIN) / wide, (HEIGHT - 2 * MARGIN) / high)
    left = (WIDTH - wide * scale) / 2

    def place(points: Any) -> Any:
        points = points.copy()
        points[:, 0] = left + (points[:, 0] - west) * narrowing * scale
        points[:, 1] = MARGIN + (north - points[:, 1]) * scale
        return points

    return [shapely.transform(each, place) for each in shapes], math.ceil(high * scale + 2 * MARGIN)


def _simplified(shapes: Sequence[BaseGeometry]) -> list[BaseGeometry]:
    """Fewer corners; neighbours keep sharing their border. A shape that would vanish stays as it was."""
    try:
        fewer = list(shapely.coverage_simplify(list(shapes), TOLERANCE))
    except (ShapelyError, TypeError):  # a point or line among the parts that make_valid left
        fewer = [shapely.simplify(each, TOLERANCE) for each in shapes]
    return [few if few.area > 0 else full for few, full in zip(fewer, shapes, strict=True)]


def _drawn(value: AreaValue, geometry: BaseGeometry, bounds: Sequence[Decimal]) -> Drawn:
    largest = max(_polygons(geometry), key=lambda polygon: polygon.area)
    middle = largest.centroid if largest.contains(largest.centroid) else largest.representative_point()
    west, south, east, north = largest.bounds
    return Drawn(
        key=value.key,
        name=value.name,
        text=value.text,
        url=value.url,
        path=path_of(geometry),
        shade=shade(value.value, bounds),
        is_worst=value.is_worst,
        x=round(middle.x, 1),
        y=round(middle.y, 1),
        is_labelled=east - west >= NARROW and north - south >= LOW,
    )


def path_of(geometry: BaseGeometry) -> str:
    """The `d` of an SVG path, to a tenth of a unit; holes are rings of their own (fill-rule evenodd)."""
    rings = [ring for polygon in _polygons(geometry) for ring in (polygon.exterior, *polygon.interiors)]
    return "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in ring.coords[:-1]) + "Z" for ring in rings)


def _polygons(geometry: BaseGeometry) -> list[Any]:
    parts = shapely.get_parts(shapely.get_parts(geometry))
    return [part for part in parts if part.geom_type == "Polygon"]
