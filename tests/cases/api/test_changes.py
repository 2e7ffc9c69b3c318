"""The feed of changes: whole and once while others write, each caller's own orders alone, codes for ids."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from cases import feed
from cases.actions import desk
from cases.api.payload_codes import LEFT_OUT, REFERS, documented
from cases.events import EVENT_KINDS
from cases.models import Case, CaseEvent
from cases.payloads import FieldType
from cases.relay import sequence_events
from tests.cases.api.scenes import fields_of
from tests.factories.cases import NOON, World, bring_to, make_world, report
from tests.factories.catalogue import make_matter
from tests.factories.grids import make_city
from tests.factories.keys import Caller
from tests.factories.log import append_event, make_order
from tests.factories.party import bring_wish_to, make_party
from tests.factories.sandbox import make_sandbox
from tests.factories.threads import in_thread

URL = "/api/v1/events/"
WRITERS, EACH = 4, 12


def ask(caller: APIClient, **query: Any) -> dict[str, Any]:
    answer = caller.get(URL, query)
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def read_all(caller: APIClient, **query: Any) -> list[dict[str, Any]]:
    """Everything, page by page; every page moves on."""
    found, after = [], str(query.pop("after", "0"))
    while True:
        page = ask(caller, after=after, **query)
        found += page["results"]
        assert int(page["next"]) > int(after) or not page["has_more"]
        after = page["next"]
        if not page["has_more"]:
            return found


@pytest.mark.django_db(transaction=True)
def test_a_reader_misses_nothing_and_repeats_nothing_while_others_commit_in_any_order() -> None:
    city, matter = make_city(), make_matter()
    mine = [make_order(city.west_1, matter=matter) for _each in range(WRITERS)]
    other = make_order(city.east_1, matter=matter)
    caller = Caller("events:read", place=city.west)
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            append_event(mine[0])
            begun.set()
            go_on.wait(30)

    late = in_thread(slow)
    begun.wait(30)
    append_event(mine[1])
    sequence_events()
    read = read_all(caller)
    assert [row["order"]["number"] for row in read] == [mine[1].number], "what is committed last comes last"
    go_on.set()
    late.join()

    def write(case: Case) -> Callable[[], None]:
        def work() -> None:
            for turn in range(EACH):
                with transaction.atomic():
                    append_event(case)
                if turn % 3 == 0:
                    append_event_of(other)
                sequence_events(limit=3)

        return work

    lock = threading.Lock()

    def append_event_of(case: Case) -> None:
        with lock:  # of one order events are given their numbers one after the other, as under its lock
            append_event(case)

    writers = [in_thread(write(case)) for case in mine]
    after = str(read[-1]["position"])
    while any(writer.is_alive() for writer in writers):
        page = ask(caller, after=after, limit=3)
        read, after = read + page["results"], page["next"]
    for writer in writers:
        writer.join()
    while sequence_events():
        pass
    read += read_all(caller, after=after, limit=3)

    told = [(row["order"]["number"], row["seq"]) for row in read]
    written = CaseEvent.objects.filter(case__in=mine).order_by("position")
    assert told == list(written.values_list("case__number", "seq"))
    assert len(told) == WRITERS * EACH + 2
    assert [row["position"] for row in read] == sorted({row["position"] for row in read})


def tell_by_codes(world: World) -> dict[str, dict[str, Any]]:
    """What the payloads of an order's life say outside."""
    city = world.city
    return {
        "report": {
            "channel": "grid_worker", "matter_code": world.matter.full_code, "place_code": city.west_1.code,
            "desk_code": city.west.code, "outside_grid": False,
        },
        "dispatch": {
            "unit": world.unit.name, "unit_code": world.unit.code, "handler_code": None,
            "assist_codes": [world.assisting.code],
        },
    }  # fmt: skip


@pytest.mark.django_db
def test_each_caller_reads_the_changes_of_its_own_orders_with_codes_for_ids() -> None:
    party = make_party()
    world = party.world
    case = bring_to(world, "dispatched")
    desk.correct_place(case_id=case.pk, place=world.city.west_2, actor=world.desk, at=NOON)
    away = report(world, place=world.city.east_1, lng=None, lat=None)
    wish = bring_wish_to(party, "claimed")
    sandboxed = report(make_sandbox(party).world)
    sequence_events()
    west, east = (Caller("events:read", place=p) for p in (world.city.west, world.city.east))
    rows = read_all(west)
    assert {row["order"]["number"] for row in rows} == {case.number}
    assert [row["kind"] for row in rows] == ["report", "accept", "dispatch", "correct_place"]
    data = {row["kind"]: row["data"] for row in rows}
    for kind, told in tell_by_codes(world).items():
        assert data[kind] == told
    assert data["correct_place"]["from_place_code"] == world.city.west_1.code
    assert rows[0]["order"]["state"] == "dispatched"
    assert (rows[0]["from_state"], rows[1]["from_state"], rows[1]["to_state"]) == (
        "reported",
        "reported",
        "accepted",
    )
    assert rows[1]["actor"] == {"code": world.desk.username, "name": world.desk.name}
    assert rows[0]["at"].endswith("+08:00")
    assert {row["order"]["number"] for row in read_all(east)} == {away.number}

    wider = Caller("events:read", "wishes:read", place=world.city.west)
    assert {row["order"]["number"] for row in read_all(wider)} == {case.number, wish.number}
    assert [row["kind"] for row in read_all(wider, kind="wish", kinds="ask,claim,accept")] == ["ask", "claim"]
    tests = Caller("events:read", "wishes:read", place=world.city.city, is_sandbox=True)
    assert {row["order"]["number"] for row in read_all(tests)} == {sandboxed.number}
    assert Caller("orders:read", place=world.city.west).get(URL).status_code == 403
    assert APIClient().get(URL).status_code == 401


@pytest.mark.django_db
def test_a_feed_begins_where_its_reader_says_and_an_empty_page_moves_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feed, "SPAN", 5)
    world = make_world()
    for _each in range(3):
        bring_to(world, "handling")
    caller = Caller("events:read", place=world.city.east)
    own = report(
        world,
        reporter=caller.user,
        place=world.city.east_1,
        lng=None,
        lat=None,
        source="12345",
        source_number="A-7",
    )
    sequence_events()
    page = ask(caller)
    assert page == {"results": [], "next": "5", "has_more": True}
    (row,) = read_all(caller)
    assert (row["order"]["source"], row["order"]["source_number"]) == ("12345", "A-7")
    assert read_all(caller, own="true") == [row]
    (seen,) = read_all(Caller("events:read", place=world.city.east))
    assert seen["order"]["number"] == own.number
    assert seen["order"]["source_number"] is None
    assert read_all(Caller("events:read", place=world.city.east), own="true") == []

    latest = ask(caller, after="latest")
    assert latest == {"results": [], "next": str(row["position"]), "has_more": False}
    desk.accept_case(case_id=own.pk, actor=world.other_desk, at=NOON)
    assert ask(caller, after=latest["next"])["results"] == [], "without a position it has not come yet"
    sequence_events()
    assert [row["kind"] for row in ask(caller, after=latest["next"])["results"]] == ["accept"]
    for wrong in ({"after": "-1"}, {"after": "9" * 30}, {"after": "9999"}, {"kinds": "boo"}, {"kind": "x"},
                  {"limit": "0"}, {"own": "1"}):  # fmt: skip
        assert fields_of(caller.get(URL, wrong)) == list(wrong)


@pytest.mark.django_db
def test_a_page_costs_the_same_queries_however_many_rows_it_has() -> None:
    world = make_world()
    for _each in range(4):
        bring_to(world, "handled")
    sequence_events()
    caller = Caller("events:read", place=world.city.west)
    ask(caller)
    costs = []
    for limit in (4, 20):
        with CaptureQueriesContext(connection) as queries:
            assert len(ask(caller, limit=limit)["results"]) == limit
        costs.append(len(queries))
    assert costs[0] == costs[1] <= 20


def test_every_id_in_a_payload_has_a_code_or_stays_inside() -> None:
    ids = {
        name
        for row in EVENT_KINDS.values()
        for name, field in row.payload.items()
        if field.type in (FieldType.ID, FieldType.IDS)
    }
    assert ids == REFERS.keys() | LEFT_OUT
    assert not REFERS.keys() & LEFT_OUT
    for row in EVENT_KINDS.values():
        assert len(documented(row.payload)) == len(row.payload.keys() - LEFT_OUT), "two fields of one name"
