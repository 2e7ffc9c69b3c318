"""A boundary as a small picture, for where no map is at hand."""

from __future__ import annotations

import math
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from shapely.geometry import shape

#: Width and height of the picture in pixels.
SIZE = 240
_MARGIN = 8


def outline(geojson: dict[str, Any], *, label: str) -> SafeString:
    """An SVG of a checked boundary, in its proportions on the ground, with `label` for screen readers."""
    west, south, east, north = shape(geojson).bounds
    # A degree of longitude is shorter than one of latitude, by the cosine of the latitude.
    squeeze = math.cos(math.radians((south + north) / 2))
    scale = (SIZE - 2 * _MARGIN) / max((east - west) * squeeze, north - south)
    polygons = [geojson["coordinates"]] if geojson["type"] == "Polygon" else geojson["coordinates"]
    rings = [
        " ".join(
            f"{_MARGIN + (lng - west) * squeeze * scale:.1f},{_MARGIN + (north - lat) * scale:.1f}"
            for lng, lat in ring
        )
        for polygon in polygons
        for ring in polygon
    ]
    return format_html(
        '<svg role="img" aria-label="{}" width="{}" height="{}" viewBox="0 0 {} {}">'
        '<path d="{}" fill="none" stroke="currentColor" stroke-width="1.5"/></svg>',
        label,
        SIZE,
        SIZE,
        SIZE,
        SIZE,
        " ".join(f"M{ring}Z" for ring in rings),
    )
