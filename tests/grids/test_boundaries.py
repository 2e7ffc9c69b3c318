"""Boundaries as people send them, and the grid that holds a point, against a search through everything."""

import json
import math

import pytest
import shapely
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from grids import actions, boundaries
from grids.boundaries import Area, BoundaryError, PointIndex, clean_boundary, locate, metres_to, simplified
from grids.coordinates import PositionError, distance_m, wgs84_to_gcj02
from grids.levels import Level
from grids.models import BoundaryVersion, Place
from tests.factories.grids import BEGAN, City, located, make_city, make_place, square

SQUARE = square(118.31, 32.30)
RING = SQUARE["coordinates"][0]


def test_a_square_is_measured():
    boundary = clean_boundary(SQUARE)
    assert boundary.geojson == SQUARE
    assert (boundary.west, boundary.south, boundary.east, boundary.north) == (118.31, 32.30, 118.32, 32.31)
    assert (boundary.lng, boundary.lat) == (pytest.approx(118.315), pytest.approx(32.305))


@pytest.mark.parametrize(
    "value",
    [
        json.dumps(SQUARE),
        json.dumps(SQUARE).encode(),
        {"type": "Feature", "properties": {}, "geometry": SQUARE},
        {"type": "Polygon", "coordinates": [[[*position, 12.5] for position in RING]]},
        {"type": "Polygon", "coordinates": [[[lng + 1e-9, lat - 1e-9] for lng, lat in RING]]},
        {"type": "Polygon", "coordinates": (tuple(tuple(position) for position in RING),)},
    ],
)
def test_what_means_the_same_square_is_stored_the_same(value: object):
    assert clean_boundary(value).geojson == SQUARE


def test_several_parts_and_holes_are_kept():
    hole = square(118.312, 32.302, 0.002)["coordinates"][0]
    island = square(118.33, 32.30)["coordinates"]
    value = {"type": "MultiPolygon", "coordinates": [[RING, hole], island]}
    assert clean_boundary(value).geojson == value


def test_a_shifted_boundary_comes_back_to_where_it_was():
    shifted = [[*wgs84_to_gcj02(lng, lat)] for lng, lat in RING]
    cleaned = clean_boundary({"type": "Polygon", "coordinates": [shifted]}, system="gcj02")
    for (lng, lat), (true_lng, true_lat) in zip(cleaned.geojson["coordinates"][0], RING, strict=True):
        assert distance_m(lng, lat, true_lng, true_lat) < 0.02


HOSTILE: dict[str, object] = {
    "nothing": None,
    "a number": 7,
    "a list": [SQUARE],
    "no JSON": "{",
    "deep JSON": "[" * 100_000,
    "a point": {"type": "Point", "coordinates": [118, 32]},
    "a line": {"type": "LineString", "coordinates": RING},
    "a feature of nothing": {"type": "Feature", "geometry": None},
    "no coordinates": {"type": "Polygon"},
    "no polygons": {"type": "MultiPolygon", "coordinates": []},
    "no rings": {"type": "Polygon", "coordinates": []},
    "empty part": {"type": "MultiPolygon", "coordinates": [[RING], []]},
    "a ring of text": {"type": "Polygon", "coordinates": ["118,32"]},
    "coordinates of text": {"type": "Polygon", "coordinates": "118,32"},
    "an object": {"type": "Polygon", "coordinates": {"0": RING}},
    "a type that is a list": {"type": [], "coordinates": [RING]},
    "short ring": {"type": "Polygon", "coordinates": [RING[:3]]},
    "open ring": {"type": "Polygon", "coordinates": [RING[:4]]},
    "text positions": {"type": "Polygon", "coordinates": [[["118", "32"]] * 5]},
    "true positions": {"type": "Polygon", "coordinates": [[[True, False]] * 5]},
    "one number": {"type": "Polygon", "coordinates": [[[118.0]] * 5]},
    "four numbers": {"type": "Polygon", "coordinates": [[[1, 2, 3, 4]] * 5]},
    "NaN": '{"type":"Polygon","coordinates":[[[NaN,1],[2,1],[2,2],[NaN,1]]]}',
    "infinity": {"type": "Polygon", "coordinates": [[[0, 0], [math.inf, 0], [1, 1], [0, 0]]]},
    "a huge integer": {"type": "Polygon", "coordinates": [[[0, 0], [10**400, 0], [1, 1], [0, 0]]]},
    "latitude first": {"type": "Polygon", "coordinates": [[[lat, lng] for lng, lat in RING]]},
    "off the earth": square(179.995, 10),
    "bow tie": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]},
    "no area": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [2, 2], [0, 0]]]},
    "one spot": {"type": "Polygon", "coordinates": [[[1, 1]] * 5]},
    "hole outside": {"type": "Polygon", "coordinates": [RING, square(10, 10)["coordinates"][0]]},
    "overlapping parts": {"type": "MultiPolygon", "coordinates": [[RING], [RING]]},
    "too many positions": {"type": "Polygon", "coordinates": [[[0, 0]] * 20_001]},
    "too many rings": {"type": "Polygon", "coordinates": [[]] * 20_001},
    "too long a text": " " * 2_000_001,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_boundary_is_refused(name: str):
    with pytest.raises(BoundaryError) as caught:
        clean_boundary(HOSTILE[name])
    assert str(caught.value)


def test_an_unknown_coordinate_system_is_refused():
    with pytest.raises(BoundaryError):
        clean_boundary(SQUARE, system="bd09")


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=20,
)


@given(st.sampled_from(["Polygon", "MultiPolygon"]), json_values)
def test_no_coordinates_whatever_raise_anything_else(kind: str, coordinates: object):
    with pytest.raises(BoundaryError):
        clean_boundary({"type": kind, "coordinates": coordinates})


def test_simplifying_keeps_the_shape():
    circle = shapely.Point(118.31, 32.3).buffer(0.01, quad_segs=64)
    thin = simplified(shapely.geometry.mapping(circle), 50)
    assert len(thin["coordinates"][0]) < 40
    assert shapely.geometry.shape(thin).symmetric_difference(circle).area / circle.area < 0.05


# --- the index against a search through everything ---------------------------------------------------------

cells = st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(1, 4), st.integers(1, 4))
grids = st.lists(st.tuples(cells, st.integers(5, 7), st.booleans()), max_size=12)
# Halves of a cell, so that many points fall on borders and corners.
points = st.lists(st.tuples(st.integers(-6, 26), st.integers(-6, 26)), min_size=1, max_size=12)


def areas_of(drawn: list) -> list[Area]:
    areas = []
    for number, ((x, y, width, height), depth, is_grid) in enumerate(drawn):
        box = shapely.box(118 + x / 100, 32 + y / 100, 118 + (x + width) / 100, 32 + (y + height) / 100)
        areas.append(Area(number, f"{number:03d}", depth, is_grid, number, box))
    return areas


@settings(max_examples=200)
@given(grids, points)
def test_the_index_finds_what_a_search_through_everything_finds(drawn: list, at: list):
    areas = areas_of(drawn)
    index = PointIndex(reversed(areas))
    for x, y in at:
        lng, lat = 118 + x / 200, 32 + y / 200
        point = shapely.Point(lng, lat)
        holding = [area for area in areas if area.is_grid and area.geometry.intersects(point)]
        best = min(
            holding, key=lambda area: (-area.depth, round(area.geometry.area, 9), area.code), default=None
        )
        assert index.holding(lng, lat) == best
        near = [(round(metres_to(area.geometry, lng, lat), 3), area.code) for area in areas]
        found = index.nearest(lng, lat)
        assert (found and (found[1], found[0].code)) == min(near, default=None)


@given(st.floats(-30, 30), st.floats(-30, 30))
def test_the_nearest_is_the_nearest_in_metres_from_far_away_too(east: float, north: float):
    areas = areas_of([((0, 0, 1, 1), 5, True), ((8, 0, 1, 1), 5, True), ((0, 8, 1, 1), 5, True)])
    lng, lat = 118 + east, 32 + north
    found = PointIndex(areas).nearest(lng, lat)
    assert found is not None
    distances = [(round(metres_to(area.geometry, lng, lat), 3), area.code) for area in areas]
    assert (found[1], found[0].code) == min(distances)


def test_metres_to_a_square():
    box = shapely.box(118.31, 32.30, 118.32, 32.31)
    assert metres_to(box, 118.315, 32.305) == 0
    assert metres_to(box, 118.315, 32.29) == pytest.approx(
        distance_m(118.315, 32.29, 118.315, 32.30), rel=1e-9
    )
    assert metres_to(box, 118.30, 32.305) == pytest.approx(
        distance_m(118.30, 32.305, 118.31, 32.305), rel=1e-3
    )


# --- locating on the real database -------------------------------------------------------------------------


@pytest.fixture
def city(db) -> City:
    return make_city()


@pytest.mark.django_db
def test_an_empty_map_locates_nothing():
    assert locate(118.31, 32.30) is None
    make_place(None, Level.CITY, code="341100000000")
    assert locate(118.31, 32.30) is None


def test_a_point_finds_its_grid(city: City):
    for grid in city.grids:
        found = located(*city.inside(grid))
        assert (found.place, found.outside, found.distance_m) == (grid, False, 0)


def test_a_point_on_a_border_belongs_to_the_lower_code(city: City):
    assert located(118.32, 32.305).place == city.west_1
    assert located(118.315, 32.31).place == city.west_1
    assert located(118.32, 32.31).place == city.west_1
    assert located(118.33, 32.32).place == city.east_2


def test_a_point_outside_goes_to_the_nearest_community_marked(city: City):
    found = located(118.345, 32.305)
    assert (found.place, found.outside) == (city.east, True)
    assert found.distance_m == pytest.approx(1410, abs=5)
    assert located(2.35, 48.85).place == city.west


def test_a_gap_between_grids_belongs_to_the_community_around_it(city: City):
    community = make_place(city.street, Level.COMMUNITY, "北门社区", boundary=square(118.4, 32.3))
    found = located(118.405, 32.305)
    assert (found.place, found.outside, found.distance_m) == (community, True, 0)


def test_a_small_grid_wins_over_the_large_one_around_it(city: City):
    small = make_place(city.west_1, Level.GRID, "微网格", boundary=square(118.312, 32.302, 0.002))
    assert located(118.313, 32.303).place == small
    assert located(118.3155, 32.3055).place == city.west_1


def test_a_community_known_by_its_middle_only_is_found_too(city: City):
    community = make_place(city.street, Level.COMMUNITY, "远村", lng=118.9, lat=32.9)
    found = located(118.9, 32.9)
    assert (found.place, found.outside, found.distance_m) == (community, True, 0)
    make_place(community, Level.GRID, "只有中点", lng=118.95, lat=32.9)
    assert located(118.95, 32.9).outside


@pytest.mark.django_db
@pytest.mark.parametrize(("lng", "lat"), [(181, 0), (0, 91), (math.nan, 0), (0, math.inf)])
def test_positions_off_the_earth_are_refused(lng: float, lat: float):
    with pytest.raises(PositionError):
        located(lng, lat)


def test_locating_costs_one_query_while_boundaries_stand_still(city: City, django_assert_num_queries):
    located(118.315, 32.305)
    with django_assert_num_queries(1):
        located(118.325, 32.305)
    with django_assert_num_queries(1):
        located(118.345, 32.305)


def test_an_index_of_places_that_are_gone_is_read_again(city: City):
    located(118.315, 32.305)
    # As another process's committed change would look from here: the row moved, our index did not.
    Place.objects.filter(pk=city.west_1.pk).update(retired_on=BEGAN.date())
    BoundaryVersion.objects.update(version=1)
    assert located(118.315, 32.305).place == city.west


def test_versions_never_repeat_even_after_a_rollback(db):
    boundaries.raise_version()
    first = boundaries.current_version()
    with transaction.atomic():
        boundaries.raise_version()
        undone = boundaries.current_version()
        transaction.set_rollback(True)
    assert boundaries.current_version() == first
    boundaries.raise_version()
    assert len({first, undone, boundaries.current_version()}) == 3


def test_the_nearest_of_two_neighbours_changes_with_the_map(city: City):
    assert located(118.345, 32.305).place == city.east
    nearer = make_place(city.street, Level.COMMUNITY, "新区", boundary=square(118.35, 32.30))
    assert located(118.345, 32.305).place == nearer
    actions.retire_place(place=nearer, at=BEGAN)
    assert located(118.345, 32.305).place == city.east
