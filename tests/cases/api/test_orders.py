"""Orders over the API: the list and its filters, one order, its history, how little is read for them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases.actions import desk, oversight
from cases.api.bodies import DETAIL, FIELDS
from cases.api.orders import ORDERS as ORDERS_BY
from cases.api.serializers import OrderDetail, OrderRow
from cases.models import Case
from cases.workflow import State
from grids.coordinates import wgs84_to_gcj02
from tests.cases.api.scenes import ORDERS, Sides, fields_of, make_sides, numbers, resident_reports
from tests.factories.cases import NOON, bring_to, make_attachment, report
from tests.factories.keys import Caller

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_calendar")]
INDEXES = {
    "reported_at": "case_newest",
    "due_at": "case_due",
    "next_due_at": "case_next_due",
    "updated_at": "case_changed",
    "number": "cases_case_number",
    "wish": "case_wishes",
    "box": "case_position",
}
EVERYTHING = {"expand": "clocks,parts,attachments,events", "total": "true"}


@pytest.fixture
def sides() -> Sides:
    return make_sides()


def queries(caller: Caller, url: str, **asked: Any) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert caller.get(url, asked).status_code == 200
    return [query["sql"] for query in captured]


def test_what_is_declared_is_what_is_given(sides: Sides):
    caller = sides.caller()

    row = caller.get(ORDERS, EVERYTHING).json()["results"][0]
    detail = caller.get(f"{ORDERS}{sides.west.number}/", {"expand": "events"}).json()

    assert set(row) == set(OrderRow._declared_fields)
    assert set(detail) == set(OrderDetail._declared_fields) == set(FIELDS)
    assert OrderDetail._declared_fields.keys() - OrderDetail.expandable == DETAIL
    for name, field in OrderDetail._declared_fields.items():
        given = detail[name][:1] if isinstance(detail[name], list) else [detail[name]]
        inner = getattr(field, "child", field)
        for each in given:
            assert not isinstance(each, dict) or set(each) == set(inner.fields), name


def test_an_unknown_coordinate_system_is_refused_where_no_row_has_a_position(sides: Sides):
    Case.objects.update(lng=None, lat=None)
    for url in (ORDERS, f"{ORDERS}{sides.west.number}/"):
        assert fields_of(sides.caller().get(url, {"crs": "bd09"})) == ["crs"]


def test_a_list_takes_as_many_queries_for_thirty_rows_as_for_one(sides: Sides):
    world = sides.world
    bring_to(world, State.HANDLED)
    for minute in range(30):
        report(world, at=NOON + timedelta(minutes=minute))
    desk_key, unit_key = sides.caller(), Caller("orders:read", unit=world.unit)
    for caller in (desk_key, unit_key):
        caller.get(ORDERS)  # the day's first call notes when the key was used

    for caller in (desk_key, unit_key):
        one = queries(caller, ORDERS, limit=1, **EVERYTHING)
        thirty = queries(caller, ORDERS, limit=30, **EVERYTHING)
        assert len(one) == len(thirty) <= 14
    assert len(queries(desk_key, ORDERS, limit=30)) <= 8


def test_what_is_not_asked_for_is_not_read(sides: Sides):
    caller = sides.caller()
    caller.get(ORDERS)

    asked = queries(caller, ORDERS, fields="number,state")
    answer = caller.get(ORDERS, {"fields": "number,state"})

    assert answer.json()["results"] == [{"number": sides.west.number, "state": "reported"}]
    assert len(asked) <= 6
    assert not any("description" in sql or "reporter_phone" in sql for sql in asked)


def test_an_order_as_its_desk_reads_it(sides: Sides):
    world = sides.world
    case = bring_to(world, State.HANDLING)
    oversight.urge_case(case_id=case.pk, actor=world.street_desk, at=NOON + timedelta(hours=1), note="快")
    caller = sides.caller("orders:read", "orders:write")

    with time_machine.travel(NOON + timedelta(hours=2), tick=False):
        answer = caller.get(f"{ORDERS}{case.number}/", {"expand": "events"})

    told = answer.json()
    city = world.city
    assert told["place"] == {"code": city.west_1.code, "name": city.west_1.name, "level": "grid"}
    assert told["desk"]["code"] == city.west.code
    assert told["matter"] == {"code": world.matter.full_code, "name": "雨水箅子"}
    assert told["unit"]["code"] == world.unit.code
    assert (told["state"], told["next_stage"], told["light"]) == ("handling", "handle", "green")
    assert told["reported_at"] == "2026-11-20T10:00:00+08:00"
    assert told["counters"]["urges"] == 1
    assert [clock["stage"] for clock in told["clocks"] if clock["state"] == "running"] == ["whole", "handle"]
    assert {part["part"] for part in told["parts"]} == {"lead", "assist"}
    assert [event["seq"] for event in told["events"]] == list(range(1, told["version"] + 1))
    assert told["events"][-1]["note"] == "快"
    (sent,) = (event["data"] for event in told["events"] if event["kind"] == "dispatch")
    assert (sent["unit_code"], "unit_id" in sent) == (world.unit.code, False)
    history = caller.get(f"{ORDERS}{case.number}/events/").json()["results"]
    assert history == told["events"]
    assert "urge" in told["allowed_actions"]
    reader = sides.caller().get(f"{ORDERS}{case.number}/").json()
    assert reader["allowed_actions"] == []  # its key cannot write


def test_history_comes_by_cursor(sides: Sides):
    case = bring_to(sides.world, State.CLOSED)
    caller, url, seen = sides.caller(), f"{ORDERS}{case.number}/events/?limit=3", []
    while url:
        page = caller.get(url).json()
        seen += [event["seq"] for event in page["results"]]
        url = page["next"]

    assert seen == list(range(1, case.last_seq + 1))


def _asked(sides: Sides, handled: Case) -> dict[str, tuple[dict[str, Any], list[Case]]]:
    """Filters, and what each leaves of the orders of the west."""
    city, west = sides.world.city, sides.west
    at = (NOON + timedelta(minutes=1)).isoformat()
    lng, lat = city.inside(city.west_1)
    shifted = wgs84_to_gcj02(lng - 0.002, lat - 0.002) + wgs84_to_gcj02(lng + 0.002, lat + 0.002)
    return {
        "state": ({"state": ["handled", "closed"]}, [handled]),
        "channel": ({"channel": "resident"}, [west]),
        "urgency": ({"urgency": "normal"}, [handled, west]),
        "matter": ({"matter": sides.world.matter.full_code}, [handled, west]),
        "class": ({"matter_class": "-".join(sides.world.matter.full_code.split("-")[:2])}, [handled, west]),
        "grid": ({"place": city.west_2.code}, []),
        "street": ({"place": city.street.code}, [handled, west]),
        "east": ({"place": city.east.code}, []),
        "desk": ({"desk": city.west.code}, [handled, west]),
        "desk above": ({"desk": city.street.code}, []),
        "unit": ({"unit": sides.world.unit.code}, [handled]),
        "since": ({"reported_from": at}, [handled]),
        "before": ({"reported_until": at}, [west]),
        "due": ({"due_from": "2026-11-21T00:00:00+08:00", "due_until": "2027-01-01"}, [handled, west]),
        "closed": ({"closed_from": "2026-01-01T00:00:00Z"}, []),
        "changed": ({"updated_after": at}, [handled]),
        "late": ({"late": "true"}, [west]),
        "in time": ({"late": "false"}, [handled]),
        "open": ({"open": "true"}, [handled, west]),
        "ended": ({"open": "false"}, []),
        "box": ({"bbox": f"{lng - 0.002},{lat - 0.002},{lng + 0.002},{lat + 0.002}"}, [handled, west]),
        "shifted box": ({"bbox": ",".join(map(str, shifted)), "crs": "gcj02"}, [handled, west]),
        "other box": ({"bbox": "118,32,118.1,32.1"}, []),
        "number": ({"q": handled.number}, [handled]),
        "words": ({"q": "西涧路"}, [west]),
        "tail": ({"q": "6666"}, [west]),
        "source": ({"source": "nobody"}, []),
        "id": ({"client_id": "x"}, []),
    }


def test_each_filter_narrows_as_it_says(sides: Sides):
    handled = bring_to(sides.world, State.HANDLED, at=NOON + timedelta(minutes=2))
    caller, faults = sides.caller(), {}
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        for name, (asked, left) in _asked(sides, handled).items():
            found = numbers(caller.get(ORDERS, asked))
            if found != [case.number for case in left]:
                faults[name] = found

    assert faults == {}


NONSENSE: list[tuple[dict[str, Any], str]] = [
    ({"colour": "red"}, "colour"),
    ({"place": "999"}, "place"),
    ({"desk": "999"}, "desk"),
    ({"unit": "999"}, "unit"),
    ({"matter": "event-9-9"}, "matter"),
    ({"matter_class": "event"}, "matter_class"),
    ({"state": "sold"}, "state"),
    ({"late": "yes"}, "late"),
    ({"reported_from": "yesterday"}, "reported_from"),
    ({"bbox": "1,2,3"}, "bbox"),
    ({"bbox": "3,2,1,4"}, "bbox"),
    ({"bbox": "nan,2,1,4"}, "bbox"),
    ({"order_by": "description"}, "order_by"),
    ({"unit": ["a", "b"]}, "unit"),
    ({"limit": "1000"}, "limit"),
    ({"crs": "mars"}, "crs"),
    ({"expand": "people"}, "expand"),
    ({"fields": "number,secret"}, "fields"),
]


def test_a_question_that_makes_no_sense_is_refused_by_the_name_of_its_parameter(sides: Sides):
    caller = sides.caller()

    named = [fields_of(caller.get(ORDERS, asked)) for asked, _field in NONSENSE]

    assert named == [[field] for _asked, field in NONSENSE]


def test_pages_of_every_order_give_each_row_once(sides: Sides):
    world = sides.world
    suspended = bring_to(world, State.SUSPENDED)  # neither due nor next due
    closed = bring_to(world, State.CLOSED)
    later = resident_reports(world, address="", at_place=world.city.west_2, at=NOON + timedelta(days=1))
    everything = {sides.west.number, suspended.number, closed.number, later.number}
    caller = sides.caller()

    for name in ("reported_at", "due_at", "next_due_at", "updated_at", "number"):
        for sign in ("", "-"):
            rows = _walk(caller, f"{ORDERS}?limit=2&order_by={sign}{name}&total=true")
            assert len(rows) == 4
            assert {row["number"] for row in rows} == everything
            told = [row[name] for row in rows if row[name] is not None]
            assert told == sorted(told, reverse=sign == "-")
            assert all(row[name] is None for row in rows[len(told) :])


def _walk(caller: Caller, url: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while url:
        page = caller.get(url).json()
        assert (page["total"], page["total_is_capped"]) == (4, False)
        rows += page["results"]
        url = page["next"]
    return rows


def test_each_order_of_the_list_wishes_and_boxes_have_an_index():
    rows = Case.objects.all()
    asked = {name: rows.filter(**{f"{name}__isnull": False}).order_by(name, "pk") for name in ORDERS_BY}
    asked["wish"] = rows.filter(kind="wish").order_by("-reported_at", "-pk")
    asked["box"] = rows.filter(lng__range=(118.1, 118.2), lat__range=(32.1, 32.2)).order_by()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        plans = {name: each[:50].explain() for name, each in asked.items()}

    for name, index in INDEXES.items():
        assert index in plans[name], plans[name]


def test_positions_come_in_the_system_that_was_asked_for(sides: Sides):
    caller, url = sides.caller(), f"{ORDERS}{sides.west.number}/"
    picture = make_attachment(sides.world.worker, claimed_lng=118.31, claimed_lat=32.3, case=sides.west)
    lng, lat = sides.west.lng or 0.0, sides.west.lat or 0.0

    told = caller.get(url).json()
    shifted = caller.get(url, {"crs": "gcj02"}).json()

    assert (told["position"]["lng"], told["position"]["lat"], told["position"]["crs"]) == (lng, lat, "wgs84")
    there = wgs84_to_gcj02(lng, lat)
    assert (shifted["position"]["lng"], shifted["position"]["lat"]) == pytest.approx(there, abs=1e-6)
    assert shifted["attachments"][0]["token"] == picture
    claimed = shifted["attachments"][0]["claimed_position"]
    assert (claimed["lng"], claimed["lat"]) == pytest.approx(wgs84_to_gcj02(118.31, 32.3), abs=1e-6)


def test_an_etag_holds_until_these_very_bytes_change(sides: Sides):
    caller, url = sides.caller(), f"{ORDERS}{sides.west.number}/"
    with time_machine.travel(NOON + timedelta(minutes=1), tick=False) as clock:
        first = caller.get(url)
        etag = first.headers["ETag"]
        assert etag.startswith(f'"{sides.west.number}-{sides.west.last_seq}-')

        again = caller.get(url, headers={"If-None-Match": f'"x", W/{etag}'})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
        assert caller.get(url, {"fields": "number"}).headers["ETag"] != etag
        clock.shift(timedelta(hours=1))  # nobody did anything, but the light is red now
        assert caller.get(url, headers={"If-None-Match": etag}).json()["light"] == "red"

        at = datetime.fromisoformat("2026-11-20T11:05:00+08:00")
        desk.accept_case(case_id=sides.west.pk, actor=sides.world.desk, at=at)
        changed = caller.get(url, headers={"If-None-Match": etag})
        assert changed.status_code == 200
        assert changed.headers["ETag"].startswith(f'"{sides.west.number}-{changed.json()["version"]}-')
