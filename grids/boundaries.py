"""Boundaries: checking the polygons that people send, and finding the grid that holds a point.

A boundary is a GeoJSON Polygon or MultiPolygon (RFC 7946) in WGS-84, which differs from CGCS2000 by
centimetres. `PointIndex` keeps the current ones in memory, one per process.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import shapely
from django.db import connection
from django.db.models import Q, Subquery
from django.utils.translation import gettext as _
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

from governance.common.errors import Invalid
from governance.common.kept import Kept, Slot
from grids.coordinates import check_position, distance_m, gcj02_to_wgs84
from grids.levels import Level
from grids.models import BoundaryVersion, Place

#: Most positions in one boundary: a city's outline at 10 m needs fewer.
MAX_POSITIONS = 20_000
#: Longest boundary as text, in characters.
MAX_TEXT = 2_000_000
#: Decimals kept of a degree: about 1 cm.
DECIMALS = 7
#: The coordinate systems that a boundary may arrive in; both are stored as WGS-84.
SYSTEMS = ("wgs84", "gcj02")


class BoundaryError(Invalid):
    """The boundary is not a polygon that can be used; the message says why."""


@dataclass(frozen=True)
class Boundary:
    """A checked boundary with its frame in degrees and its middle (the centroid)."""

    geojson: dict[str, Any]
    west: float
    south: float
    east: float
    north: float
    lng: float
    lat: float

    def as_fields(self) -> dict[str, Any]:
        """What `Place` stores of it."""
        frame = {side: getattr(self, side) for side in ("west", "south", "east", "north", "lng", "lat")}
        return {"boundary": self.geojson, **frame}


def clean_boundary(value: object, *, system: str = "wgs84") -> Boundary:
    """Check a GeoJSON Polygon or MultiPolygon (a dict, its text, or a Feature around it).

    `system` is "wgs84" or "gcj02"; the latter is converted. Heights are dropped, positions rounded to
    1 cm. Raises BoundaryError for anything else: another type, open or short rings, positions off the earth
    or not finite, self-intersections, no area, too many positions.
    """
    if system not in SYSTEMS:
        raise BoundaryError(_("The coordinate system must be one of: %s.") % ", ".join(SYSTEMS))
    geometry = _geometry(value)
    kind = geometry.get("type")
    polygons = geometry.get("coordinates")
    if kind not in ("Polygon", "MultiPolygon"):  # a tuple: what came may not be hashable
        raise BoundaryError(_("A boundary is a GeoJSON Polygon or MultiPolygon."))
    if kind == "Polygon":
        polygons = [polygons]
    if not _is_list(polygons) or not polygons:
        raise BoundaryError(_("The boundary has no coordinates."))
    _check_size(polygons)
    cleaned = [[_ring(ring, system) for ring in _rings(polygon)] for polygon in polygons]
    return _measured({"type": kind, "coordinates": cleaned[0] if kind == "Polygon" else cleaned})


def _geometry(value: object) -> dict[str, Any]:
    if isinstance(value, (str, bytes)):
        if len(value) > MAX_TEXT:
            raise BoundaryError(_("The boundary is longer than %d characters.") % MAX_TEXT)
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise BoundaryError(_("The boundary is not valid JSON.")) from error
    if isinstance(value, dict) and value.get("type") == "Feature":
        value = value.get("geometry")
    if not isinstance(value, dict):
        raise BoundaryError(_("A boundary is a GeoJSON Polygon or MultiPolygon."))
    return value


def _is_list(value: object) -> bool:
    return isinstance(value, (list, tuple))


def _rings(polygon: object) -> Sequence[object]:
    if not _is_list(polygon) or not polygon:
        raise BoundaryError(_("A polygon of the boundary has no rings."))
    return polygon  # type: ignore[return-value]  # _is_list has checked it


def _check_size(polygons: Sequence[object]) -> None:
    rings = [ring for polygon in polygons for ring in _rings(polygon)]
    if (
        sum(len(ring) if isinstance(ring, (list, tuple)) else 0 for ring in rings) + len(rings)
        > MAX_POSITIONS
    ):
        raise BoundaryError(_("The boundary has more than %d positions.") % MAX_POSITIONS)


def _ring(ring: object, system: str) -> list[list[float]]:
    if not isinstance(ring, (list, tuple)) or len(ring) < 4:
        raise BoundaryError(_("Each ring of a boundary needs at least four positions."))
    positions = [_position(position, system) for position in ring]
    if positions[0] != positions[-1]:
        raise BoundaryError(_("A ring is not closed: its last position must repeat its first."))
    return positions


def _position(position: object, system: str) -> list[float]:
    numbers = position if isinstance(position, (list, tuple)) else ()
    if len(numbers) not in {2, 3} or not all(type(number) in {int, float} for number in numbers):
        raise BoundaryError(_("A position is a pair of numbers: longitude, latitude."))
    lng, lat = numbers[0], numbers[1]
    # Compared before any arithmetic: an integer of 400 digits is valid JSON but no float.
    if not (-180 <= lng <= 180 and -90 <= lat <= 90):
        raise BoundaryError(
            _("A position lies off the earth: longitude comes first, then latitude, in degrees.")
        )
    if system == "gcj02":
        lng, lat = gcj02_to_wgs84(lng, lat)
    return [round(float(lng), DECIMALS), round(float(lat), DECIMALS)]


def _measured(geojson: dict[str, Any]) -> Boundary:
    geometry = shape(geojson)
    if not geometry.is_valid:
        reason = shapely.is_valid_reason(geometry)
        raise BoundaryError(_("The boundary crosses or overlaps itself: %s.") % reason)
    if not geometry.area > 0:
        raise BoundaryError(_("The boundary has no area."))
    west, south, east, north = geometry.bounds
    middle = geometry.centroid
    return Boundary(geojson, west, south, east, north, middle.x, middle.y)


def simplified(geojson: dict[str, Any], tolerance_m: float) -> dict[str, Any]:
    """The boundary with fewer positions, at most about `tolerance_m` metres beside the true line."""
    geometry = shape(geojson)
    degrees = tolerance_m / 111_195
    thinner = geometry.simplify(degrees, preserve_topology=True)
    return mapping(thinner) if thinner.is_valid and not thinner.is_empty else geojson


def raise_version() -> None:
    """Tell every process that its point index is out of date, once this transaction commits.

    The number comes from a sequence, so that a version seen in a transaction that was rolled back is never
    seen again with other boundaries; the row's lock puts concurrent changes one after the other.
    """
    table = BoundaryVersion._meta.db_table
    statement = (
        f"INSERT INTO {table} (id, version) VALUES (1, nextval(pg_get_serial_sequence('{table}', 'id'))) "  # noqa: S608
        f"ON CONFLICT (id) DO UPDATE SET version = nextval(pg_get_serial_sequence('{table}', 'id'))"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)


#: A position further than this from every grid and community is a mistake, and nobody's place.
MOST_OUTSIDE_M: Final = 50_000


@dataclass(frozen=True)
class Located:
    """Where a position lies.

    `place` is the grid that holds it; for a position outside every grid the nearest community, with
    `outside` true and `distance_m` the metres to the nearest area of it (0 inside the community itself).
    """

    place: Place
    outside: bool
    distance_m: float

    @property
    def is_far(self) -> bool:
        """Whether the position is too far off to be a place of this territory at all."""
        return self.distance_m > MOST_OUTSIDE_M


@dataclass(frozen=True)
class Area:
    """One grid or community as the index holds it; `owner` is the community that answers for it.

    `is_grid` is true of a grid with a boundary: one known by its middle only holds no point, but may be the
    nearest.
    """

    pk: int
    code: str
    depth: int
    is_grid: bool
    owner: int
    geometry: BaseGeometry


def preference(area: Area) -> tuple[int, float, str]:
    """Sorts the grids that hold one point: the deepest first, then the smallest, then the lowest code.

    Square degrees are rounded to about 0.01 m², so that equal squares are equal.
    """
    return -area.depth, round(area.geometry.area, 12), area.code


class PointIndex:
    """The areas of all current grids and communities, in memory; immutable once built."""

    def __init__(self, areas: Iterable[Area]) -> None:
        # Sorted by code, so that whatever else is equal the lowest code wins.
        self._areas = sorted(areas, key=lambda area: area.code)
        self._geometries = np.array([area.geometry for area in self._areas], dtype=object)
        shapely.prepare(self._geometries)
        self._tree = shapely.STRtree(self._geometries)

    def __len__(self) -> int:
        return len(self._areas)

    def holding(self, lng: float, lat: float) -> Area | None:
        """The grid that holds the point, border included: the deepest, then smallest, then lowest code."""
        hits = self._tree.query(shapely.Point(lng, lat), predicate="intersects")
        grids = [self._areas[hit] for hit in hits if self._areas[hit].is_grid]
        return min(grids, key=preference, default=None)

    def nearest(self, lng: float, lat: float) -> tuple[Area, float] | None:
        """The area nearest to the point and the metres to it; of equally near ones the lowest code."""
        if not self._areas:
            return None
        first = self._areas[int(self._tree.nearest(shapely.Point(lng, lat)))]
        reach = metres_to(first.geometry, lng, lat)
        # The nearest in degrees is not the nearest in metres: look at all that could be nearer.
        candidates = self._tree.query(_frame_around(lng, lat, reach))
        found = [(round(metres_to(self._areas[hit].geometry, lng, lat), 3), hit) for hit in candidates]
        metres, hit = min([*found, (round(reach, 3), self._areas.index(first))])
        return self._areas[hit], metres


def _frame_around(lng: float, lat: float, metres: float) -> BaseGeometry:
    """A box that holds every point within the distance, with a little to spare."""
    tall = metres / 111_000 + 1e-6
    edge = min(89.9, abs(lat) + tall)
    wide = min(360.0, tall / math.cos(math.radians(edge)))
    return shapely.box(lng - wide, lat - tall, lng + wide, lat + tall)


def metres_to(geometry: BaseGeometry, lng: float, lat: float) -> float:
    """Metres from a position to the nearest point of a geometry; 0 inside.

    The nearest point is sought on a plane whose east-west scale is true at the position's latitude, the
    distance to it is the great circle's.
    """
    scale = max(1e-6, math.cos(math.radians(lat)))
    origin = np.array([lng, lat])
    local = shapely.transform(geometry, lambda positions: (positions - origin) * (scale, 1.0))
    x, y = shapely.get_coordinates(shapely.shortest_line(shapely.Point(0, 0), local))[1]
    return distance_m(lng, lat, lng + x / scale, lat + y)


@dataclass(frozen=True)
class _Loaded:
    version: int
    index: PointIndex


_lock = threading.Lock()
_loaded: _Loaded | None = None


def locate(lng: float, lat: float) -> Located | None:
    """The grid that holds a WGS-84 position, else the nearest community; None while the map is empty.

    Costs one query while the boundaries stand still: the place is read together with their version.
    Raises PositionError for a position off the earth.
    """
    check_position(lng, lat)
    loaded = _loaded or _load(stale=None)
    while True:
        answer = _look_up(loaded.index, lng, lat)
        place = _place_with_version(answer[0]) if answer else None
        version = place.boundary_version or 0 if place is not None else current_version()
        if version == loaded.version:
            if answer is None:
                return None
            if place is not None:
                return Located(place, answer[1], answer[2])
        loaded = _load(stale=loaded)


def _look_up(index: PointIndex, lng: float, lat: float) -> tuple[int, bool, float] | None:
    """Id of the place, whether it is outside every grid, metres."""
    grid = index.holding(lng, lat)
    if grid is not None:
        return grid.pk, False, 0.0
    near = index.nearest(lng, lat)
    return (near[0].owner, True, near[1]) if near else None


def _place_with_version(pk: int) -> Any:
    return _versioned_place().first(pk=pk)


@lru_cache(maxsize=1)
def _versioned_place() -> Kept[Place]:
    version = BoundaryVersion.objects.filter(pk=1).values("version")
    place = Place.objects.filter(pk=Slot("pk")).annotate(boundary_version=Subquery(version))
    return Kept(place.defer("boundary").order_by())


def current_version() -> int:
    """The number that every change of a boundary raises; 0 before the first."""
    return BoundaryVersion.objects.filter(pk=1).values_list("version", flat=True).first() or 0


def _load(*, stale: _Loaded | None) -> _Loaded:
    """The index read anew, unless another thread has just replaced the stale one."""
    global _loaded  # noqa: PLW0603  # one index per process
    with _lock:
        if _loaded is None or _loaded is stale:
            # The version is read first: boundaries that change meanwhile raise it, and are loaded again.
            version = current_version()
            _loaded = _Loaded(version, PointIndex(read_areas()))
        return _loaded


def read_areas() -> list[Area]:
    """Every current grid and community that has a boundary or at least a position; two queries."""
    on_map = Q(boundary__isnull=False) | Q(lng__isnull=False, lat__isnull=False)
    places = Place.objects.current().filter(on_map).at_level(Level.COMMUNITY, Level.GRID).order_by()
    owners = dict(Place.objects.at_level(Level.COMMUNITY).order_by().values_list("code", "pk"))
    fields = ("pk", "code", "depth", "level", "boundary", "lng", "lat")
    areas = []
    for pk, code, depth, level, boundary, lng, lat in places.values_list(*fields):
        geometry = shape(boundary) if boundary else shapely.Point(lng, lat)
        holds = level == Level.GRID and bool(boundary)
        areas.append(Area(pk, code, depth, holds, owners[code[:12]], geometry))
    return areas
