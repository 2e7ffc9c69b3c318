"""Pages by cursor that miss and repeat nothing while rows come, and the fields that a caller chose."""

from __future__ import annotations

from typing import Any

import pytest

from cases.models import Case
from tests.factories.cases import NOON, World, make_world, report
from tests.factories.keys import Caller

pytestmark = pytest.mark.django_db
ORDERS = "/api/v1/orders/"


@pytest.fixture
def world() -> World:
    made = make_world()
    for _each in range(7):
        report(made, at=NOON)  # all at one instant: only the id tells them apart
    return made


def numbers(page: dict[str, Any]) -> list[str]:
    return [row["number"] for row in page["results"]]


def test_forward_and_back_every_row_comes_once_while_others_are_added(world: World) -> None:
    caller = Caller("orders:read", place=world.city.west)
    wanted = [*Case.objects.order_by("-reported_at", "-pk").values_list("number", flat=True)]
    pages = [caller.get(ORDERS, {"limit": 3, "fields": "number", "total": "true"}).json()]
    assert (pages[0]["total"], pages[0]["total_is_capped"], pages[0]["previous"]) == (7, False, None)
    while pages[-1]["next"]:
        report(world, at=NOON)  # comes before all that was read
        pages.append(caller.get(pages[-1]["next"]).json())
    assert [number for page in pages for number in numbers(page)] == wanted
    assert all(set(row) == {"number"} for page in pages for row in page["results"]), "the choice stays"
    back = caller.get(pages[-1]["previous"]).json()
    assert numbers(back) == numbers(pages[-2])


def test_what_is_not_known_is_named(world: World) -> None:
    caller = Caller("orders:read", place=world.city.west)
    wrong = [
        ("limit", "0"),
        ("limit", "201"),
        ("limit", "0000000019999"),
        ("limit", "٣"),
        ("total", "yes"),
        ("cursor", "x"),
        ("cursor", "é" * 300),
        ("fields", "number,password"),
        ("expand", "reporter.password"),
    ]
    for field, given in wrong:
        answer = caller.get(ORDERS, {field: given})
        told = answer.status_code, [error["field"] for error in answer.json()["errors"]]
        assert told == (400, [field]), (field, given)
