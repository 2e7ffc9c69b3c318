"""Addresses of this room's endpoints, below `/api/v1/`."""

from __future__ import annotations

from django.urls import URLPattern, path

from grids.api.urls import routes as place_routes
from partymembers.api.me import Me
from partymembers.api.reach import reach_of_caller

urlpatterns: list[URLPattern] = [
    path("me/", Me.as_view(), name="me"),
    *place_routes(reach_of_caller),
]
