"""Bringing orders: where a system may report, what comes again, hostile input, five hundred at once."""

from __future__ import annotations

import json
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from cases import pace
from cases.models import Case, Channel
from cases.pace import Limit
from partymembers.models import IdempotentRequest
from tests.cases.api.scenes import ORDERS, fields_of, given
from tests.factories.cases import World, make_attachment, make_world
from tests.factories.intake import hotline_mapping
from tests.factories.keys import Caller, service_account, session
from tests.factories.party import make_party
from tests.factories.people import make_user

pytestmark = pytest.mark.django_db
BULK = f"{ORDERS}bulk/"


@pytest.fixture
def world() -> World:
    return make_world()


def test_what_comes_again_is_the_first_order_by_either_of_its_ids(world: World) -> None:
    hotline, other = Caller(place=world.city.west), Caller(place=world.city.street)
    by_id, by_number = given(world, client_id="a-1", source_number=""), given(world)

    with time_machine.travel(timezone.now(), tick=False):  # also where the clock does not tell them apart
        first = hotline.post(ORDERS, by_id), hotline.post(ORDERS, by_number)
        again = hotline.post(ORDERS, by_id | {"description": "别的"}), hotline.post(ORDERS, by_number)

    assert [answer.status_code for answer in (*first, *again)] == [201, 201, 200, 200]
    assert [a.json()["number"] for a in again] == [a.json()["number"] for a in first]
    assert Case.objects.count() == 2
    theirs = other.post(ORDERS, by_number)
    assert fields_of(theirs, 409) == ["source_number"]
    own = {**by_number, "source": other.user.username}
    assert other.post(ORDERS, own).status_code == 201

    hotline_mapping(hotline.account, world, source="callcentre")
    for name in (hotline.user.username, "callcentre"):  # or its next number would be refused
        squatting = {**by_number, "source": name, "source_number": "next"}
        assert fields_of(other.post(ORDERS, squatting)) == ["source"]
        assert hotline.post(ORDERS, squatting).status_code == 201


def test_a_system_of_a_place_reports_there_alone_and_one_of_a_unit_anywhere(world: World) -> None:
    city, body = world.city, given(world, source_number="")
    lng, lat = city.inside(city.east_1)
    east = {"lng": lng, "lat": lat}
    for duty in ("desk", "reader"):
        caller = Caller(place=city.west, duty=duty)
        assert fields_of(caller.post(ORDERS, body | {"position": east})) == ["position"]
        assert fields_of(caller.post(ORDERS, body | {"position": None, "place": city.east_1.code})) == [
            "place"
        ]
        assert caller.post(ORDERS, body).status_code == 201
    unit = Caller(unit=world.unit)
    del body["channel"]
    made = unit.post(ORDERS, body | {"position": None, "place": city.building.code})
    assert (made.status_code, made.json()["channel"]) == (201, "patrol"), made.json()
    assert unit.post(ORDERS, body | {"position": east}).status_code == 201
    assert Case.objects.get(number=made.json()["number"]).building == city.building


def test_positions_come_in_either_system_and_are_kept_in_one(world: World) -> None:
    caller, body = Caller(place=world.city.city), given(world, source_number="")
    lng, lat = body["position"]["lng"], body["position"]["lat"]
    shifted = {"lng": lng + 0.0055, "lat": lat - 0.002, "crs": "gcj02"}

    plain = caller.post(f"{ORDERS}?crs=gcj02", body | {"position": shifted | {"crs": "wgs84"}}).json()
    moved = caller.post(
        f"{ORDERS}?crs=gcj02", body | {"position": {k: shifted[k] for k in ("lng", "lat")}}
    ).json()

    kept = {case.number: case for case in Case.objects.all()}
    assert kept[plain["number"]].lng == shifted["lng"]
    assert 0.003 < shifted["lng"] - kept[moved["number"]].lng < 0.008
    assert moved["position"]["crs"] == "gcj02"
    assert moved["position"]["lng"] == pytest.approx(shifted["lng"], abs=1e-6)


def test_people_call_by_their_session_and_choose_no_channel(world: World) -> None:
    client = session(world.worker)
    body = given(world, source_number="")
    assert fields_of(client.post(ORDERS, body)) == ["channel"]
    del body["channel"]
    assert fields_of(client.post(ORDERS, body | {"source_number": "1"})) == ["source_number"]
    made = client.post(ORDERS, body)
    assert (made.status_code, Case.objects.get().channel) == (201, Channel.GRID_WORKER)
    assert session(world.system_officer).post(ORDERS, body).status_code == 403


def test_residents_report_themselves_and_no_faster_than_at_a_code_on_a_wall(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "BY_PHONE", Limit(free=1, most=2))
    client = session(make_user())
    body = given(world, source_number="")
    del body["channel"]
    assert client.post(f"{ORDERS}bulk/", {"orders": [body]}).status_code == 403
    assert fields_of(client.post(ORDERS, body | {"contact": {"phone": "13900001111"}})) == ["contact"]
    body["contact"] = None
    answers = [client.post(ORDERS, body) for _each in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert answers[-1].headers["Retry-After"] == "600"


def test_a_wish_is_an_order_of_its_kind() -> None:
    party = make_party()
    caller = Caller("wishes:write", "wishes:read", place=party.world.city.west)
    body = {
        "kind": "wish", "matter": party.kind.full_code, "description": "换个水龙头", "address": "2单元501",
        "place": party.world.city.west_1.code, "contact": {"name": "李秀英", "phone": "13812345678"},
        "client_id": "w-1",
    }  # fmt: skip
    made = caller.post(ORDERS, body)
    assert (made.status_code, made.json()["state"]) == (201, "asked"), made.json()
    assert caller.post(ORDERS, body).status_code == 200
    assert caller.post(ORDERS, given(party.world)).status_code == 403
    assert fields_of(caller.post(ORDERS, body | {"source_number": "1", "standard": 1})) == [
        "standard",
        "source_number",
    ]
    assert fields_of(caller.post(ORDERS, body | {"matter": party.world.matter.full_code})) == ["matter"]
    assert fields_of(caller.post(ORDERS, body | {"client_id": "w-2", "description": ""})) == ["description"]
    assert Case.objects.get().reporter_name == "李秀英"


HOSTILE: dict[str, tuple[Any, list[str]]] = {
    "unknown fields": ({"colour": 1, "id": 7}, ["colour", "id"]),
    "wrong types": (
        {"matter": 1, "position": "here", "contact": [], "attachments": "x", "device_time": 5, "channel": {}},
        ["matter", "position", "channel", "contact", "attachments", "device_time"],
    ),
    "nul": ({"description": "a\x00b", "client_id": "\x00"}, ["description", "client_id"]),
    "surrogates": ({"description": "\ud800"}, ["description"]),
    "surrogates that the answer would repeat": ({"\ud800": 1, "kind": "\ud800"}, ["?", "kind"]),
    "too long": ({"description": "长" * 2001, "address": "长" * 201}, ["description", "address"]),
    "off the earth": ({"position": {"lng": 1e300, "lat": 91}}, ["position.lng", "position.lat"]),
    "half a position": ({"position": {"lng": 118, "alt": 1}}, ["position.alt", "position.lat"]),
    "a time without zone": ({"device_time": "2026-11-20T10:00:00"}, ["device_time"]),
    "a time that is none": ({"device_time": "0001-01-01T00:00:00+23:00"}, ["device_time"]),
    "no such matter": ({"matter": "event-99-99"}, ["matter"]),
    "a wish's kind of matter": ({"kind": "riddle"}, ["kind"]),
    "no such standard": ({"standard": 99}, ["standard"]),
    "a phone that is none": ({"contact": {"phone": "12"}}, ["contact.phone"]),
    "somebody else's picture": ({"attachments": ["forged"]}, ["attachments"]),
    "too many pictures": ({"attachments": ["x"] * 10}, ["attachments"]),
    "nowhere": ({"position": None}, ["position"]),
}


def test_hostile_input_is_refused_by_name_and_writes_nothing(world: World) -> None:
    caller = Caller(place=world.city.city)
    for what, (change, fields) in HOSTILE.items():
        text = json.dumps(given(world) | change)
        answer = caller.post(ORDERS, text, content_type="application/json")
        assert fields_of(answer) == fields, what
    bodies = {b"[" * 100_000: 400, b"{": 400, b'"x"': 400, b"[]": 400, b"\xff": 400, b'{"a": NaN}': 400}
    bodies[b'{"description": "' + b"x" * 13_000_000 + b'"}'] = 413
    for body, status in bodies.items():
        answer = caller.post(ORDERS, body, content_type="application/json")
        assert answer.status_code == status, body[:20]
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert caller.post(ORDERS, "a=1", content_type="text/plain").status_code == 415
    assert not Case.objects.exists()
    told = caller.post(ORDERS, {"colour": 1}, headers={"Accept-Language": "zh-hans"}).json()
    assert told["errors"][0]["detail"] == "这里没有这个字段。"


def test_five_hundred_at_once_each_with_a_verdict_of_its_own(world: World) -> None:
    """Bad rows spoil no other; sent again, what was made comes back, and what was mended is made."""
    caller = Caller(place=world.city.west)
    mine, gone = make_attachment(caller.user), make_attachment(world.worker)
    rows: list[Any] = [given(world, client_id=f"r-{n}", source_number="") for n in range(60)]
    rows[3] = "no order"
    rows[7] |= {"matter": "event-99-99"}
    rows[11] |= {"position": {"lng": 0, "lat": 0}}
    rows[13] |= {"attachments": [mine]}
    rows[17] |= {"attachments": [gone]}
    rows[19] |= {"contact": {"phone": "12"}}
    rows[23] = rows[22]

    answer = caller.post(BULK, {"orders": rows}).json()

    results = answer["results"]
    assert [verdict["row"] for verdict in results] == list(range(60))
    bad = {3: "orders.3", 7: "orders.7.matter", 11: "orders.11.position", 17: "orders.17.attachments",
           19: "orders.19.contact.phone"}  # fmt: skip
    assert {v["row"]: v["problem"]["errors"][0]["field"] for v in results if v["problem"]} == bad
    assert {v["row"]: v["status"] for v in results if v["status"] != 201} == dict.fromkeys(bad, 400) | {
        23: 200
    }
    assert (answer["created"], answer["repeated"], answer["refused"]) == (54, 1, 5)
    assert results[23]["number"] == results[22]["number"]
    assert Case.objects.count() == 54
    numbers = [v["number"] for v in results if v["status"] == 201]
    assert numbers == sorted(numbers)
    again = caller.post(BULK, {"orders": rows}).json()
    assert (again["created"], again["repeated"], again["refused"]) == (0, 55, 5)
    odd: list[Any] = [{"orders": []}, {"orders": [{}] * 501}, {"rows": []}, [], {"orders": rows[:1], "x": 1}]
    for body in odd:
        assert fields_of(caller.post(BULK, body)) == ["orders"]


def test_many_under_one_idempotency_key_are_kept_together(world: World) -> None:
    caller, key = Caller(place=world.city.west), {"Idempotency-Key": "night-of-the-20th"}
    rows = [given(world, source_number=f"n-{n}") for n in range(5)] + [{}]

    first = caller.post(BULK, {"orders": rows}, headers=key)
    again = caller.post(BULK, {"orders": rows}, headers=key)

    assert first.json()["created"] == 5
    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (Case.objects.count(), IdempotentRequest.objects.count()) == (5, 1)


def test_a_key_that_may_read_less_gets_no_answer_that_was_meant_for_another(world: World) -> None:
    account = service_account(place=world.city.west)
    trusted, plain = Caller(account=account), Caller("orders:write", "orders:read", account=account)
    key, body = {"Idempotency-Key": "call-1"}, given(world)

    first = trusted.post(ORDERS, body, headers=key)
    other = plain.post(ORDERS, body, headers=key)

    assert "13812345678" in first.content.decode()
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert "13812345678" not in other.content.decode()


def test_a_test_takes_no_number_from_a_real_order(world: World) -> None:
    sandbox = Caller(account=service_account(place=world.city.west, is_sandbox=True))
    hotline = Caller(place=world.city.west)
    body = given(world, source="12345", source_number="n-1")

    answers = [caller.post(ORDERS, body).status_code for caller in (sandbox, hotline, hotline, sandbox)]

    assert answers == [201, 201, 200, 200]
