"""Addresses of this room's endpoints, below `/api/v1/`; the room that knows who calls puts them in."""

from __future__ import annotations

from collections.abc import Callable

from django.urls import URLPattern, path
from rest_framework.request import Request

from grids.api.places import Places, PlaceView
from grids.api.reach import Reach
from grids.api.territory import Boundaries, Boundary, Locate, PlaceTree


def routes(reach_of: Callable[[Request], Reach]) -> list[URLPattern]:
    """The endpoints, each reading as far as `reach_of` says of its caller."""
    return [
        path("places/", Places.as_view(reach_of=reach_of), name="places"),
        path("places/tree/", PlaceTree.as_view(reach_of=reach_of), name="place_tree"),
        path("places/locate/", Locate.as_view(reach_of=reach_of), name="locate"),
        path("places/boundaries/", Boundaries.as_view(reach_of=reach_of), name="boundaries"),
        path("places/<str:code>/", PlaceView.as_view(reach_of=reach_of), name="place"),
        path("places/<str:code>/boundary/", Boundary.as_view(reach_of=reach_of), name="boundary"),
    ]
