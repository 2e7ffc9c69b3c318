"""Addresses of this room's endpoints, below `/api/v1/`."""

from __future__ import annotations

from django.urls import URLPattern, path

from grids.api.urls import routes as place_routes
from partymembers.api.me import Me
from partymembers.api.members import CheckIns, CheckInsOfMember, Members, MemberView
from partymembers.api.points import Balances, Entries
from partymembers.api.reach import reach_of_caller
from partymembers.api.units import Units, UnitView

urlpatterns: list[URLPattern] = [
    path("me/", Me.as_view(), name="me"),
    *place_routes(reach_of_caller),
    path("units/", Units.as_view(), name="units"),
    path("units/<str:code>/", UnitView.as_view(), name="unit"),
    path("members/", Members.as_view(), name="members"),
    path("members/<str:code>/", MemberView.as_view(), name="member"),
    path("members/<str:code>/check-ins/", CheckInsOfMember.as_view(), name="member_check_ins"),
    path("check-ins/", CheckIns.as_view(), name="check_ins"),
    path("points/", Balances.as_view(), name="points"),
    path("points/entries/", Entries.as_view(), name="points_entries"),
]
