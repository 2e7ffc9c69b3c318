"""Positions on the earth: ranges, distances, and the shifted GCJ-02 positions of Chinese maps. Pure."""

from __future__ import annotations

import math

from django.utils.translation import gettext as _

from governance.common.errors import Invalid

#: Mean radius of the earth in metres (IUGG).
EARTH_RADIUS = 6_371_008.8

# GCJ-02 has no published definition. These are the constants and series of the widely reproduced
# reverse-engineered transform (first published with "eviltransform"): an ellipsoid of Krasovsky 1940 and a
# sum of sines around 105° E, 35° N. Outside mainland China's frame the shift is zero.
_SEMI_MAJOR = 6_378_245.0
_ECCENTRICITY_SQUARED = 0.006_693_421_622_965_943_23
_FRAME = (72.004, 0.8293, 137.8347, 55.8271)
#: The inverse is found by iteration until a step is below this, in degrees (about 0.1 mm).
_PRECISION = 1e-9


class PositionError(Invalid):
    """The pair of numbers is not a position on the earth."""


def check_position(lng: float, lat: float) -> None:
    """Raise PositionError unless the pair is finite and within ±180° and ±90°."""
    if not (math.isfinite(lng) and math.isfinite(lat) and abs(lng) <= 180 and abs(lat) <= 90):
        raise PositionError(_("This is not a position on the earth."))


def distance_m(lng1: float, lat1: float, lng2: float, lat2: float) -> float:
    """Great-circle distance in metres (haversine formula)."""
    phi1, phi2 = math.radians(lat1), math.radians(lat2)
    half_lat, half_lng = (phi2 - phi1) / 2, math.radians(lng2 - lng1) / 2
    haversine = math.sin(half_lat) ** 2 + math.cos(phi1) * math.cos(phi2) * math.sin(half_lng) ** 2
    return 2 * EARTH_RADIUS * math.asin(min(1.0, math.sqrt(haversine)))


def wgs84_to_gcj02(lng: float, lat: float) -> tuple[float, float]:
    """Shift a WGS-84 position the way GCJ-02 does (up to about 700 m); the same outside China's frame."""
    west, south, east, north = _FRAME
    if not (west <= lng <= east and south <= lat <= north):
        return lng, lat
    x, y = lng - 105.0, lat - 35.0
    radians = math.radians(lat)
    magic = 1 - _ECCENTRICITY_SQUARED * math.sin(radians) ** 2
    north_shift = (
        _north_shift(x, y)
        * 180
        / (_SEMI_MAJOR * (1 - _ECCENTRICITY_SQUARED) / (magic * math.sqrt(magic)) * math.pi)
    )
    east_shift = _east_shift(x, y) * 180 / (_SEMI_MAJOR / math.sqrt(magic) * math.cos(radians) * math.pi)
    return lng + east_shift, lat + north_shift


def gcj02_to_wgs84(lng: float, lat: float) -> tuple[float, float]:
    """Undo `wgs84_to_gcj02` by fixed-point iteration, to about 0.1 mm within the frame."""
    guess_lng, guess_lat = lng, lat
    for _step in range(30):
        shifted_lng, shifted_lat = wgs84_to_gcj02(guess_lng, guess_lat)
        step_lng, step_lat = shifted_lng - lng, shifted_lat - lat
        guess_lng, guess_lat = guess_lng - step_lng, guess_lat - step_lat
        if abs(step_lng) < _PRECISION and abs(step_lat) < _PRECISION:
            break
    return guess_lng, guess_lat


def _ripples(value: float) -> float:
    """The two short waves that both axes share."""
    return (20.0 * math.sin(6.0 * value * math.pi) + 20.0 * math.sin(2.0 * value * math.pi)) * 2.0 / 3.0


def _north_shift(x: float, y: float) -> float:
    shift = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x))
    shift += _ripples(x)
    shift += (20.0 * math.sin(y * math.pi) + 40.0 * math.sin(y / 3.0 * math.pi)) * 2.0 / 3.0
    return shift + (160.0 * math.sin(y / 12.0 * math.pi) + 320.0 * math.sin(y * math.pi / 30.0)) * 2.0 / 3.0


def _east_shift(x: float, y: float) -> float:
    shift = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x))
    shift += _ripples(x)
    shift += (20.0 * math.sin(x * math.pi) + 40.0 * math.sin(x / 3.0 * math.pi)) * 2.0 / 3.0
    return shift + (150.0 * math.sin(x / 12.0 * math.pi) + 300.0 * math.sin(x / 30.0 * math.pi)) * 2.0 / 3.0


def degrees_of(text: str, *, field: str = "") -> float:
    """A longitude or latitude that came as text. Raises Invalid that names `field`."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise Invalid(_("A number of degrees, like 118.7674."), field=field)
    return number


def point_in(lng: float, lat: float, system: str, *, field: str = "") -> tuple[float, float]:
    """A position given in "wgs84" or "gcj02", as WGS-84. Raises PositionError that names `field`."""
    try:
        check_position(lng, lat)
    except PositionError as error:
        raise PositionError(error.message, field=field) from error
    return gcj02_to_wgs84(lng, lat) if system == "gcj02" else (lng, lat)
