"""The map: shades, labels, shared borders, and boundaries that are none."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from governance.dashboard.choropleth import HEIGHT, WIDTH, AreaValue, choropleth, shade, shade_bounds
from tests.factories.grids import square


def area(key: int, boundary: Any, value: str | None = "90", **fields: Any) -> AreaValue:
    number = None if value is None else Decimal(value)
    return AreaValue(key, f"区{key}", boundary, number, "90.00%", "#", **fields)


def corners(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path)]


def test_nothing_to_draw_draws_nothing() -> None:
    assert choropleth([]) is None
    assert choropleth([area(1, None), area(2, {}), area(3, {"type": "Point", "coordinates": [1, 2]})]) is None


@pytest.mark.parametrize(
    "boundary",
    [
        {"type": "Polygon"},
        {"type": "Polygon", "coordinates": "x"},
        {"type": "Polygon", "coordinates": [[[0, 0]]]},
        {"type": "Nonsense", "coordinates": []},
        "text",
        [1],
    ],
)
def test_a_broken_boundary_leaves_the_others(boundary: Any) -> None:
    drawn = choropleth([area(1, boundary), area(2, square(118.3, 32.3))])
    assert drawn is not None
    assert [each.key for each in drawn.areas] == [2]


def test_north_is_up_east_is_right_and_everything_lies_in_the_picture() -> None:
    drawn = choropleth(
        [area(1, square(118.3, 32.3)), area(2, square(118.31, 32.3)), area(3, square(118.3, 32.31))]
    )
    assert drawn is not None
    south_west, south_east, north = drawn.areas
    assert south_west.x < south_east.x
    assert north.y < south_west.y
    for each in drawn.areas:
        assert all(0 <= x <= WIDTH and 0 <= y <= drawn.height <= HEIGHT for x, y in corners(each.path))


def test_neighbours_keep_sharing_their_border_when_they_are_simplified() -> None:
    """A border with a hundred wiggles between two areas: afterwards there is neither gap nor overlap."""
    border = [(118.31 + (0.0002 if i % 2 else 0), 32.30 + i / 10_000) for i in range(101)]
    west = [(118.30, 32.31), (118.30, 32.30), *border, (118.30, 32.31)]
    east = [*border, (118.32, 32.31), (118.32, 32.30), border[0]]
    drawn = choropleth(
        [area(n, {"type": "Polygon", "coordinates": [ring]}) for n, ring in enumerate((west, east))]
    )
    assert drawn is not None
    left, right = (shapely.Polygon(corners(each.path)) for each in drawn.areas)
    assert left.intersection(right).area == pytest.approx(0, abs=1)
    assert shapely.union(left, right).area == pytest.approx(left.area + right.area, rel=1e-3)


def test_a_label_lies_in_its_area_and_a_sliver_has_none() -> None:
    horseshoe = [(0, 0), (4, 0), (4, 4), (3, 4), (3, 1), (1, 1), (1, 4), (0, 4), (0, 0)]
    sliver = [(5, 0), (5.1, 0), (5.1, 4), (5, 4), (5, 0)]
    drawn = choropleth(
        [area(n, {"type": "Polygon", "coordinates": [ring]}) for n, ring in enumerate((horseshoe, sliver))]
    )
    assert drawn is not None
    first, second = drawn.areas
    assert shapely.Polygon(corners(first.path)).contains(shapely.Point(first.x, first.y))
    assert (first.is_labelled, second.is_labelled) == (True, False)


def test_holes_and_islands_are_rings_of_their_own() -> None:
    island = square(118.5, 32.3)["coordinates"]
    holed = [square(118.3, 32.3, 0.1)["coordinates"][0], square(118.33, 32.33, 0.02)["coordinates"][0]]
    drawn = choropleth([area(1, {"type": "MultiPolygon", "coordinates": [holed, island]})])
    assert drawn is not None
    assert drawn.areas[0].path.count("M") == drawn.areas[0].path.count("Z") == 3


@pytest.mark.parametrize(
    ("values", "bounds"),
    [
        ([], []),
        (["90"], []),
        (["84.17", "95.09"], ["85.0", "87.5", "90.0", "92.5"]),
        (["0", "100"], ["20", "40", "60", "80"]),
        (["99.1", "99.2"], ["99.12", "99.14", "99.16", "99.18"]),
        (["3", "700"], ["200", "400", "600"]),
    ],
)
def test_shades_part_at_round_numbers(values: list[str], bounds: list[str]) -> None:
    assert shade_bounds([Decimal(value) for value in values]) == [Decimal(bound) for bound in bounds]


@given(st.lists(st.decimals(0, 100, places=2), min_size=1, max_size=40))
def test_a_higher_value_is_never_lighter(values: list[Decimal]) -> None:
    bounds = shade_bounds(values)
    assert len(bounds) <= 4
    shades = [shade(value, bounds) for value in sorted(values)]
    assert shades == sorted(shades)
    assert set(shades) <= {1, 2, 3, 4, 5}
    assert shade(None, bounds) == 0
