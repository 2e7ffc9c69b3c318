"""Positions in and out of the API, in either coordinate system."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from governance.common.errors import Invalid
from grids.api.crs import asked_point, geometry_out, point_out, system_of
from grids.coordinates import gcj02_to_wgs84, wgs84_to_gcj02

NANJING = (118.7674, 32.0415)


def asking(**query: Any) -> Request:
    return Request(APIRequestFactory().get("/", query))


def test_a_shifted_point_comes_in_as_wgs84_and_goes_out_as_it_came():
    lng, lat = asked_point(asking(lng=118.7674, lat=32.0415, crs="gcj02"))

    assert (lng, lat) == gcj02_to_wgs84(*NANJING)
    assert point_out(lng, lat, "gcj02") == NANJING
    assert asked_point(asking(lng=118.7674, lat=32.0415)) == NANJING == point_out(*NANJING, "wgs84")
    assert asked_point(asking()) is None
    assert system_of(asking()) == "wgs84"


def test_every_position_of_a_geometry_is_moved():
    ring = ((118.0, 32.0), (118.1, 32.0), (118.1, 32.1), (118.0, 32.0))
    moved = [[round(number, 7) for number in wgs84_to_gcj02(*position)] for position in ring]

    polygon = {"type": "MultiPolygon", "coordinates": ((ring,), (ring,))}
    point = {"type": "Point", "coordinates": ring[0]}

    assert geometry_out(polygon, "gcj02")["coordinates"] == [[moved], [moved]]
    assert geometry_out(point, "gcj02") == {"type": "Point", "coordinates": moved[0]}
    assert geometry_out(point, "wgs84") == {"type": "Point", "coordinates": [118.0, 32.0]}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"lng": "1", "lat": "1", "crs": "bd09"}, "crs"),
        ({"lng": "1"}, "lat"),
        ({"lat": "1"}, "lng"),
        ({"lng": "181", "lat": "1"}, "lng"),
        ({"lng": "1", "lat": "nan"}, "lat"),
        ({"lng": "1e400", "lat": "1"}, "lng"),
        ({"lng": "east", "lat": "1"}, "lng"),
    ],
)
def test_what_is_no_point_is_refused_by_its_name(query, field):
    with pytest.raises(Invalid) as refused:
        asked_point(asking(**query))

    assert refused.value.field == field
