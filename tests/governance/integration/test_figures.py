"""Figures by the API: the pages' numbers, the orders behind each, and nothing of the neighbour."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from cases.models import Case
from cases.workflow import State
from governance.common.formats import two_decimals
from governance.figures.formulas import FIGURES, PARTS, Kind
from governance.figures.party.formulas import PARTY_FIGURES
from governance.figures.periods import midnight
from partymembers.models import BranchLevel, Role
from tests.factories.catalogue import make_matter
from tests.factories.grids import City, make_city
from tests.factories.keys import Caller
from tests.factories.party import make_branch, make_member
from tests.factories.people import make_unit, make_user
from tests.governance.figures.histories import closed_order, order, random_orders

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
FIGURES_URL, ORDERS_URL = "/api/v1/figures/", "/api/v1/figures/orders/"
MONTH = {"period": "2026-10"}


@pytest.fixture
def city() -> City:
    return make_city()


def asked(client: APIClient, **query: Any) -> dict[str, Any]:
    answer = client.get(FIGURES_URL, MONTH | query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def numbers(client: APIClient, address: str) -> list[str]:
    """Every order of a list, page by page."""
    found: list[str] = []
    while address:
        page = client.get(address).json()
        found += [row["number"] for row in page["results"]]
        address = page["next"]
    return found


def by_formula(member: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["formula"]: each for each in member["figures"]}


def counts(members: Iterable[dict[str, Any]]) -> dict[str | None, dict[str, int]]:
    """By code of the member: the count of each part."""
    return {
        member["code"]: {p["part"]: p["count"] for each in member["figures"] for p in each["parts"]}
        for member in members
    }


def test_the_example_of_the_specification(city: City) -> None:
    """1,054 reported, 996 accepted, 972 due, 911 closed, 737 on time."""
    matter, start = make_matter(), midnight(dt.date(2026, 10, 1))
    at, late, grid = start + DAY / 2, start + timedelta(days=30), city.west_1
    due = [closed_order(grid, matter, at, took=DAY, limit=2 * DAY) for _ in range(737)]
    due += [closed_order(grid, matter, at, took=3 * DAY, limit=2 * DAY) for _ in range(911 - 737)]
    due += [
        order(grid, matter, at, state=State.HANDLING, accepted_at=at, due_at=at + DAY)
        for _ in range(972 - 911)
    ]
    others = [
        order(grid, matter, late, state=State.ACCEPTED, accepted_at=late, due_at=late + 5 * DAY)
        for _ in range(996 - 972)
    ]
    others += [order(grid, matter, late, state=State.DECLINED) for _ in range(1054 - 996)]
    Case.objects.bulk_create(due + others)

    told = asked(Caller("figures:read", place=city.city), compare="previous,year")
    figures = by_formula(told["results"][0])

    assert {
        name: (figures[name]["numerator"], figures[name]["denominator"], figures[name]["value"])
        for name in ("registration", "resolution", "on_time")
    } == {
        "registration": (996, 1054, 94.5),
        "resolution": (911, 972, 93.72),
        "on_time": (737, 972, 75.82),
    }
    assert figures["satisfaction"]["value"] is None  # nobody was asked
    assert figures["satisfaction"]["is_small_sample"] is True
    assert figures["on_time"]["is_small_sample"] is False
    assert figures["reported"]["previous"] == {
        "value": 0.0, "numerator": 0.0, "denominator": None, "change": None
    }  # fmt: skip
    assert told["period"] == {
        "start": "2026-10-01T00:00:00+08:00",
        "end": "2026-11-01T00:00:00+08:00",
        "until": "2026-11-01T00:00:00+08:00",
        "is_running": False,
    }


@pytest.fixture
def full(city: City) -> City:
    """Orders of every state and time there may be, all over the city."""
    dice = random.Random(7)
    rows = random_orders(
        dice,
        400,
        places=[city.west_1, city.west_2, city.east_1, city.street, city.west],
        matters=[make_matter(name="暴露垃圾"), make_matter(name="路灯")],
        units=[make_unit(), make_unit()],
        people=[make_user(), make_user()],
        around=midnight(dt.date(2026, 10, 15)),
    )
    Case.objects.bulk_create(rows)
    return city


def test_the_numbers_are_those_of_the_pages(full: City) -> None:
    official = Client()
    official.force_login(make_user(role=Role.OFFICIAL, place=full.city))
    page = official.get(
        reverse("dashboard:overview"), {"period": "custom", "since": "2026-10-01", "until": "2026-10-31"}
    ).context
    caller = Caller("figures:read", place=full.city)

    whole = by_formula(asked(caller, compare="previous,year")["results"][0])
    tiles = {tile.key: tile for tile in (*page["tiles"], *page["others"])}
    assert set(tiles) == set(whole) == set(FIGURES)
    for key, tile in tiles.items():
        told = whole[key]
        assert {p["part"]: p["count"] for p in told["parts"]} == {
            part: door.count for part, door in zip(dict.fromkeys(FIGURES[key].parts), tile.parts, strict=True)
        }
        if FIGURES[key].kind is Kind.RATE:
            assert tile.number == two_decimals(told["value"])
        for theirs, ours in ((tile.delta, told["previous"]), (tile.yearly_delta, told["year"])):
            assert two_decimals(theirs or 0) == two_decimals(ours["change"] or 0)

    rows = {row.place.code if row.place else None: row.figures.current for row in page["rows"]}
    places = counts(asked(caller, dimension="place")["results"])
    assert places == {code: {part: each[part] for part in places[code]} for code, each in rows.items()}


def test_every_number_opens_exactly_its_orders(full: City) -> None:
    caller = Caller("figures:read", place=full.city)
    (whole,) = asked(caller)["results"]
    doors = {part["part"]: part for each in whole["figures"] for part in each["parts"]}
    assert set(doors) == set(PARTS) - {"missed", "dissatisfied"}  # no figure is made of these
    opened = {name: numbers(caller, f"{part['orders']}&limit=200") for name, part in doors.items()}
    assert {name: len(found) for name, found in opened.items()} == {
        name: part["count"] for name, part in doors.items()
    }
    assert min(len(found) for found in opened.values()) > 0

    # Each breakdown parts the same orders among its members, each in one.
    for dimension in ("place", "unit", "matter", "channel", "week"):
        members = asked(caller, dimension=dimension, formula="reported,on_time")["results"]
        for part in ("reported", "due"):
            lists = []
            for member in members:
                (door,) = [p for each in member["figures"] for p in each["parts"] if p["part"] == part]
                lists += numbers(caller, f"{door['orders']}&limit=200") if door["count"] else []
            assert sorted(lists) == sorted(opened[part]), (dimension, part)


def fill(city: City) -> dict[str, set[str]]:
    """Three orders in the west, two in the east, by their numbers."""
    at, matter, unit = midnight(dt.date(2026, 10, 5)), make_matter(), make_unit("养护所")
    made = {
        "west": [closed_order(city.west_1, matter, at, took=DAY, limit=2 * DAY) for _ in range(3)],
        "east": [closed_order(city.east_1, matter, at, took=DAY, limit=2 * DAY, unit=unit) for _ in range(2)],
    }
    Case.objects.bulk_create(made["west"] + made["east"])
    return {side: {row.number for row in rows} for side, rows in made.items()}


def test_a_key_of_the_west_never_meets_the_east(city: City) -> None:
    made = fill(city)
    west, unit = Caller(place=city.west), Caller(unit=Case.objects.get(number=min(made["east"])).unit)

    for caller, side, total in ((west, "west", 3), (unit, "east", 2)):
        for dimension in ("none", "unit", "matter", "channel", "day"):
            members = asked(caller, dimension=dimension, formula="reported")["results"]
            assert sum(each["figures"][0]["value"] for each in members) == total, (side, dimension)
        for part in ("reported", "due", "on_time"):
            assert set(numbers(caller, f"{ORDERS_URL}?part={part}&period=2026-10")) == made[side]
    assert {row["code"] for row in asked(west, dimension="place")["results"]} == {
        city.west_1.code,
        city.west_2.code,
    }
    assert {row["code"] for row in asked(west, dimension="unit")["results"]} == {None}
    for place in (city.east.code, city.east_1.code, city.street.code, "999999", "x"):
        for url in (FIGURES_URL, ORDERS_URL, "/api/v1/party-figures/"):
            more = {"part": "due"} if url == ORDERS_URL else {}
            assert west.get(url, MONTH | {"place": place} | more).status_code == 404, (url, place)
    for name in ("place", "unit", "matter"):
        assert unit.get(FIGURES_URL, {name: "nowhere"}).status_code == 404
    assert unit.get(ORDERS_URL).json()["errors"][0]["field"] == "part"
    assert unit.get(FIGURES_URL, {"place": city.east.code}).status_code == 404
    assert unit.get("/api/v1/party-figures/").status_code == 404
    assert Caller("orders:read", place=city.west).get(FIGURES_URL).status_code == 403


def test_the_partys_figures_are_those_of_the_pages_and_of_ones_own_place(city: City) -> None:
    home = make_branch(unit=make_unit("机关"))
    west, east = (make_branch(level=BranchLevel.COMMUNITY, place=side) for side in city.communities)
    for checkin in (west, west, east):
        make_member(home=home, checkin=checkin)
    official = Client()
    official.force_login(make_user(role=Role.OFFICIAL, place=city.street))
    page = official.get(reverse("dashboard:party"), {"place": city.street.code}).context
    url = "/api/v1/party-figures/"
    caller = Caller("figures:read", place=city.street)
    told = caller.get(url, {"dimension": "place", "formula": "check_in"}).json()
    rows = {row.place.code: row.figures.current["members_in"] for row in page["places"].rows if row.place}
    assert rows == {city.west.code: 2, city.east.code: 1}
    assert {each["code"]: each["figures"][0]["numerator"] for each in told["results"]} == rows
    for dimension, codes in (
        ("unit", [home.unit.code]),
        ("branch", [west.code, east.code]),
        ("none", [None]),
    ):
        query = {"dimension": dimension, "formula": "check_in,wishes_asked"}
        results = caller.get(url, query).json()["results"]
        assert [each["code"] for each in results] == codes, dimension
        assert sum(each["figures"][0]["denominator"] for each in results) == 3
        # What nobody has taken is of no work unit: left out.
        assert len(results[0]["figures"]) == (1 if dimension == "unit" else 2)

    west_key = Caller("figures:read", place=city.west)
    (own,) = west_key.get(url, {"formula": "check_in"}).json()["results"]
    assert own["figures"][0]["denominator"] == 2
    assert west_key.get(url, {"branch": east.code}).status_code == 404
    assert west_key.get(url, {"branch": home.code}).status_code == 404
    reader = Caller("figures:read", place=city.west, duty="reader")
    assert reader.get(url).status_code == 404


WRONG: list[tuple[dict[str, str], str]] = [
    ({"period": "2026-13"}, "period"),
    ({"period": "2026-W60"}, "period"),
    ({"period": "2026-02-30"}, "period"),
    ({"period": "2026", "from": "2026-10-01"}, "period"),
    ({"from": "2026-10-02", "to": "2026-10-01"}, "to"),
    ({"from": "soon"}, "from"),
    ({"from": "2026-10-01T00:00:00", "to": "2026-10-02T00:00:00+08:00"}, "from"),
    ({"from": "2026-10-02T00:00:00Z", "to": "2026-10-01T00:00:00Z"}, "to"),
    ({"from": "2001-10-02T00:00:00Z", "to": "2026-10-01T00:00:00Z"}, "to"),
    ({"formula": "reported,profit"}, "formula"),
    ({"dimension": "person"}, "dimension"),
    ({"period": "2026-10", "dimension": "hour"}, "dimension"),
    ({"dimension": "day", "compare": "year"}, "compare"),
    ({"compare": "decade"}, "compare"),
    ({"channel": "pigeon"}, "channel"),
    ({"rest": "yes"}, "rest"),
]


def test_a_wrong_word_is_named() -> None:
    caller = Caller("figures:read", place=make_city().west)
    for query, field in WRONG:
        answer = caller.get(FIGURES_URL, query)
        assert answer.status_code == 400, query
        assert [each["field"] for each in answer.json()["errors"]] == [field], query


def test_a_period_by_its_name() -> None:
    caller = Caller("figures:read", place=make_city().west)
    for name, days in {
        "2026": ("2026-01-01", "2027-01-01"),
        "2026-Q4": ("2026-10-01", "2027-01-01"),
        "2026-W47": ("2026-11-16", "2026-11-23"),
        "2026-11-20": ("2026-11-20", "2026-11-21"),
    }.items():
        told = asked(caller, period=name, formula="reported")["period"]
        assert (told["start"][:10], told["end"][:10]) == days


def test_the_catalogue_says_each_formula_in_words() -> None:
    caller = Caller("figures:read", place=make_city().west)
    told = caller.get("/api/v1/figures/formulas/", headers={"Accept-Language": "en"}).json()
    formulas = {each["name"]: each for each in told["formulas"]}
    assert set(formulas) == set(FIGURES) | set(PARTY_FIGURES)
    assert formulas["satisfaction"]["formula"] == (
        "(Satisfied + 0.9 × Basically satisfied) ÷ Valid follow-ups"
    )
    assert formulas["registration"]["formula"] == "Accepted ÷ Reported"
    assert (formulas["mean_time"]["unit"], formulas["reported"]["unit"]) == ("hours", "rows")
    chinese = caller.get("/api/v1/figures/formulas/", headers={"Accept-Language": "zh-hans"}).json()
    assert chinese["formulas"][0]["label"] != formulas["reported"]["label"]
