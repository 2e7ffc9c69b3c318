"""Two communities with an order each, callers who know the one or the other, and what they send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rest_framework.test import APIClient

from cases.actions import reporting
from cases.actions.reporting import Contact, Report
from cases.models import Case, Channel
from tests.factories.cases import NOON, World, make_world
from tests.factories.keys import Caller

ORDERS = "/api/v1/orders/"
NAME, PHONE = "欧阳秀英", "13955556666"


@dataclass
class Sides:
    """An order in the west and one in the east, both reported by a resident with a phone."""

    world: World
    west: Case
    east: Case

    def caller(self, *scopes: str, **seat: Any) -> Caller:
        """A desk of the west unless told otherwise."""
        return Caller(*(scopes or ("orders:read",)), **(seat or {"place": self.world.city.west}))


def make_sides() -> Sides:
    """Both orders are told apart by their addresses and by where they are."""
    world = make_world()
    city = world.city
    west = resident_reports(world, address="西涧路 1 号", at_place=city.west_1)
    east = resident_reports(world, address="东门路 2 号", at_place=city.east_1)
    return Sides(world, west, east)


def resident_reports(world: World, *, address: str, at_place: Any, at: Any = NOON, **fields: Any) -> Case:
    """A report by a resident without an account; the words hold the phone, as people's words do."""
    lng, lat = world.city.inside(at_place)
    report = Report(
        matter=world.matter,
        channel=Channel.RESIDENT,
        description=f"箅子坏了，请打 {PHONE}",
        address=address,
        lng=lng,
        lat=lat,
        **fields,
    )
    return reporting.report_case(report=report, reporter=None, contact=Contact(NAME, PHONE), at=at)


def numbers(answer: Any) -> list[str]:
    """Of a list that was answered."""
    assert answer.status_code == 200, answer.content
    return [row["number"] for row in answer.json()["results"]]


def fields_of(answer: Any, status: int = 400) -> list[str]:
    """What a refusal names, in its order."""
    assert answer.status_code == status, answer.content
    return [error["field"] for error in answer.json()["errors"]]


def act(client: APIClient, number: str, action: str, body: Any = None, **headers: str) -> Any:
    """The answer to an action."""
    return client.post(f"{ORDERS}{number}/actions/{action}/", body or {}, format="json", headers=headers)


def given(world: World, **fields: Any) -> dict[str, Any]:
    """A report as the hotline sends it."""
    lng, lat = world.city.inside(world.city.west_1)
    return {
        "matter": world.matter.full_code,
        "description": "雨水箅子缺失",
        "address": "映月路 86 号",
        "position": {"lng": lng, "lat": lat, "accuracy_m": 12},
        "contact": {"name": "王女士", "phone": "138 1234 5678"},
        "channel": "hotline",
        "source": "12345",
        "source_number": "12345-2026-1",
    } | fields
