"""Distances and the shift of GCJ-02."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grids.coordinates import PositionError, check_position, distance_m, gcj02_to_wgs84, wgs84_to_gcj02

lngs, lats = st.floats(74, 134), st.floats(18, 53)


def test_distances():
    assert distance_m(118.3, 32.3, 118.3, 32.3) == 0
    assert distance_m(0, 0, 0, 1) == pytest.approx(111_195, abs=1)
    assert distance_m(0, 60, 1, 60) == pytest.approx(55_597, abs=5)
    assert distance_m(0, 0, 180, 0) == pytest.approx(math.pi * 6_371_008.8)


def test_the_shift_at_known_positions():
    # The pair that the published transform's own tests use, Shanghai.
    lng, lat = wgs84_to_gcj02(121.4737, 31.2304)
    assert (lng, lat) == (pytest.approx(121.47822, abs=2e-5), pytest.approx(31.22845, abs=2e-5))


def test_nothing_is_shifted_abroad():
    assert wgs84_to_gcj02(2.35, 48.85) == (2.35, 48.85)
    assert gcj02_to_wgs84(2.35, 48.85) == (2.35, 48.85)


@given(lngs, lats)
def test_the_inverse_brings_every_position_back(lng: float, lat: float):
    back = gcj02_to_wgs84(*wgs84_to_gcj02(lng, lat))
    assert distance_m(lng, lat, *back) < 0.001


@given(lngs, lats)
def test_the_shift_is_between_ten_metres_and_a_kilometre(lng: float, lat: float):
    assert 10 < distance_m(lng, lat, *wgs84_to_gcj02(lng, lat)) < 1000


@given(lngs, lats, lngs, lats)
def test_distance_is_symmetric(lng1: float, lat1: float, lng2: float, lat2: float):
    there, back = distance_m(lng1, lat1, lng2, lat2), distance_m(lng2, lat2, lng1, lat1)
    assert there == pytest.approx(back)


@pytest.mark.parametrize(
    ("lng", "lat"), [(181, 0), (-181, 0), (0, 91), (0, -91), (math.nan, 0), (0, math.inf)]
)
def test_positions_off_the_earth_are_refused(lng: float, lat: float):
    with pytest.raises(PositionError):
        check_position(lng, lat)
