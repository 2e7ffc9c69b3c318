"""The small picture of a boundary."""

import re

import pytest

from grids.boundaries import clean_boundary
from grids.drawing import SIZE, outline
from tests.factories.grids import square


def corners(svg: str) -> list[tuple[float, float]]:
    path = re.search(r'<path d="([^"]*)"', svg)
    assert path is not None
    return [(float(x), float(y)) for x, y in re.findall(r"([-\d.]+),([-\d.]+)", path.group(1))]


def test_a_square_of_degrees_is_drawn_as_narrow_as_it_is_on_the_ground():
    found = corners(outline(square(118.31, 60, 0.01), label="边界"))
    xs, ys = [x for x, _ in found], [y for _, y in found]
    assert max(ys) - min(ys) == SIZE - 16
    assert (max(xs) - min(xs)) / (max(ys) - min(ys)) == pytest.approx(0.5, abs=0.01)


def test_all_rings_are_drawn_and_the_label_is_escaped():
    hole = square(118.312, 32.302, 0.002)["coordinates"][0]
    several = {
        "type": "MultiPolygon",
        "coordinates": [
            [square(118.31, 32.30)["coordinates"][0], hole],
            square(118.33, 32.30)["coordinates"],
        ],
    }
    svg = outline(clean_boundary(several).geojson, label='"><script>')
    assert svg.count("M") == 3
    assert "<script>" not in svg
