"""The hotline's door: an outside payload becomes an order by its mapping, and nothing that came is lost."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from cases.actions.intake import retry_payload, save_mapping
from cases.intake import FIELDS, rules_of
from cases.models import Case, IntakeMapping, IntakePayload
from cases.relay import sequence_events
from governance.common.errors import Invalid, NotAllowed, WrongState
from partymembers.models import AuditEntry
from tests.factories.cases import NOON, World, make_world
from tests.factories.intake import hotline_mapping, hotline_payload
from tests.factories.keys import Caller
from tests.factories.threads import at_once

URL = "/api/v1/intake/"


def hand_in(caller: Caller, payload: Any, status: int) -> dict[str, Any]:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    answer = caller.post(URL, body, content_type="application/json")
    assert answer.status_code == status, answer.content
    told: dict[str, Any] = answer.json()
    return told


def hotline(world: World, **seat: Any) -> Caller:
    caller = Caller("intake:write", "events:read", place=world.city.district, **seat)
    hotline_mapping(caller.account, world, source="12345-test" if seat else "12345")
    return caller


@pytest.mark.django_db
def test_a_payload_becomes_an_order_and_sent_again_the_same_one() -> None:
    world = make_world()
    caller = hotline(world)
    told = hand_in(caller, hotline_payload(world), 201)
    case = Case.objects.get(source_number="WX-1")
    assert told == {"code": 0, "data": {"id": case.number, "what": "created", "state": "reported"}}
    assert (case.source, case.channel, case.reporter) == ("12345", "hotline", caller.user)
    assert (case.matter, case.place, case.description) == (
        world.matter,
        world.city.west_1,
        "路灯不亮\n三天了",
    )
    lng, lat = world.city.inside(world.city.west_1)
    assert (case.lng, case.lat) == (pytest.approx(lng, abs=1e-6), pytest.approx(lat, abs=1e-6))
    assert (case.reporter_name, case.reporter_phone) == ("李秀英", "13812345678")
    assert case.device_time == datetime(2026, 11, 20, 1, 58, tzinfo=UTC)
    assert not case.is_test

    assert hand_in(caller, hotline_payload(world), 200)["data"]["what"] == "repeated"
    more = hotline_payload(world, content="整条路都不亮", extra="来电催办：晚上看不见路")
    for outcome in ("updated", "repeated"):
        told = hand_in(caller, more, 200)
        assert told["data"] == {"id": case.number, "what": outcome, "state": "reported"}
    added = case.events.filter(kind="add_information").order_by("seq").values_list("note", flat=True)
    assert list(added) == ["来电催办：晚上看不见路", "路灯不亮\n整条路都不亮"]

    sequence_events()
    rows = caller.get("/api/v1/events/", {"own": "true"}).json()["results"]
    assert [row["kind"] for row in rows] == ["report", "add_information", "add_information"]
    assert rows[0]["order"]["source_number"] == "WX-1"
    assert [p.outcome for p in IntakePayload.objects.order_by("pk")] == [
        "created",
        "repeated",
        "updated",
        "repeated",
    ]
    assert set(IntakePayload.objects.values_list("case", flat=True)) == {case.pk}


@pytest.mark.django_db
def test_what_is_wrong_is_told_by_their_own_fields_kept_and_tried_again_when_the_mapping_is_mended() -> None:
    world = make_world()
    caller = hotline(world)
    wrong = hotline_payload(world, type="0999", time="gestern", title={"a": 1})
    told = hand_in(caller, wrong, 400)
    assert told["code"] == "invalid"
    assert {e["field"] for e in told["errors"]} == {"order.type", "order.time", "order.title"}
    (kept,) = IntakePayload.objects.all()
    assert json.loads(bytes(kept.body)) == wrong
    assert (kept.outcome, kept.source_number, kept.errors) == ("refused", "WX-1", told["errors"])
    for body, code in (
        (b"", "malformed"),
        (b"{not json", "malformed"),
        (b"[1]", "malformed"),
        (b"\xff\x00", "malformed"),
        (b"[" * 9999, "malformed"),
    ):
        assert hand_in(caller, body, 400)["code"] == code
    mapping = IntakeMapping.objects.get()
    mapping.time_format = ""
    save_mapping(mapping, actor=None, at=NOON)
    for time in ("0001-01-01T00:00:00+14:00", "0001-01-01", "9999-12-31T23:59:59Z"):
        told = hand_in(caller, hotline_payload(world, time=time), 400)
        assert [e["field"] for e in told["errors"]] == ["order.time"], time  # kept, it could never be read
    far = hand_in(caller, hotline_payload(world, "WX-2", where={"xy": [10, 10]}), 400)
    assert far["errors"][0]["field"] == "order.where.xy.0"
    assert IntakePayload.objects.count() == 10
    assert not Case.objects.exists()

    with pytest.raises(NotAllowed):
        retry_payload(payload_id=kept.pk, actor=world.desk, at=NOON)
    assert retry_payload(payload_id=kept.pk, actor=world.system_officer, at=NOON).outcome == "refused"
    mapping = IntakeMapping.objects.get()
    mapping.rules["matter"]["values"]["0999"] = world.matter.full_code
    del mapping.rules["seen_at"]
    mapping.rules["description"] = "order.content"
    save_mapping(mapping, actor=world.system_officer, at=NOON)
    done = retry_payload(payload_id=kept.pk, actor=world.system_officer, at=NOON)
    assert (done.outcome, done.tries, done.errors) == ("created", 3, [])
    assert done.case == Case.objects.get()
    with pytest.raises(WrongState):
        retry_payload(payload_id=kept.pk, actor=world.system_officer, at=NOON)
    assert AuditEntry.objects.filter(action="intake_tried_again").count() == 2


@pytest.mark.django_db
def test_a_default_place_stands_in_a_landline_is_left_out_and_a_number_belongs_to_one_account() -> None:
    """A default place stands in where no position is; a landline is left out; each source has one account."""
    world = make_world()
    caller = hotline(world)
    hand_in(caller, hotline_payload(world, "A", where={}), 201)
    hand_in(caller, hotline_payload(world, "B", where={"area": "西涧"}), 201)
    landline = hotline_payload(world, "C")
    landline["caller"]["phone"] = "0550-3021234"
    hand_in(caller, landline, 201)
    found = {c.source_number: c for c in Case.objects.all()}
    assert [found[n].place for n in "ABC"] == [world.city.street, world.city.west, world.city.west_1]
    assert found["C"].reporter_phone == ""
    assert IntakePayload.objects.get(case=found["C"]).errors[0]["code"] == "left_out"
    halves = hotline_payload(world, "E\ud800", content="半\ud800\x00")  # as JSON may escape them
    hand_in(caller, halves, 201)
    assert Case.objects.get(source_number="E?").description == "路灯不亮\n半?"

    sandbox = hotline(world, is_sandbox=True)
    hand_in(sandbox, hotline_payload(world, "A"), 201)
    assert Case.objects.get(source="12345-test", source_number="A").is_test
    stranger = Caller("intake:write", place=world.city.east)
    assert hand_in(stranger, hotline_payload(world), 400)["code"] == "no_mapping"
    hotline_mapping(stranger.account, world, source="other")
    outside = hand_in(stranger, hotline_payload(world, "D"), 400)
    assert outside["errors"][0]["field"] == "order.where.xy.0"
    assert Caller("orders:write", place=world.city.west).post(URL, {}, format="json").status_code == 403
    with pytest.raises(Invalid):
        hotline_mapping(Caller("intake:write", place=world.city.east).account, world, source="12345")


@pytest.mark.django_db(transaction=True)
def test_the_same_number_at_the_same_moment_makes_one_order() -> None:
    world = make_world()
    callers = [hotline(world)]
    callers += [Caller("intake:write", account=callers[0].account) for _each in range(3)]
    payload = hotline_payload(world)

    def call(caller: Caller) -> tuple[int, str]:
        answer = caller.post(URL, json.dumps(payload), content_type="application/json")
        return answer.status_code, answer.json()["data"]["id"]

    answers = at_once(*((lambda c=c: call(c)) for c in callers))
    number = Case.objects.get().number
    assert sorted(answers, key=str) == [(200, number)] * 3 + [(201, number)]
    assert IntakePayload.objects.count() == 4


WRONG: list[tuple[str, Any]] = [
    ("rules", {"matter": "m"}),
    ("rules", {"source_number": {"default": "1"}, "matter": "m"}),
    ("rules", {"source_number": "n", "matter": {"path": 1}}),
    ("rules", {"source_number": "n", "matter": "m", "boo": "x"}),
    ("rules", {"source_number": "n", "matter": "m", "lng": "x"}),
    ("rules", {"source_number": "n", "matter": "m", "channel": {"default": "pigeon"}}),
    ("rules", {"source_number": "n", "matter": {"path": "m", "values": {"1": 2}}}),
    ("rules", []),
    ("time_zone", "Mars/Olympus"),
    ("answer", {"x": ["$reporter"]}),
    ("crs", "bd09"),
]


@pytest.mark.django_db
def test_a_mapping_that_cannot_work_is_refused() -> None:
    world = make_world()
    account = Caller("intake:write", place=world.city.district).account
    for field, wrong in WRONG:
        with pytest.raises(Invalid) as refused:
            hotline_mapping(account, world, **{field: wrong})
        assert refused.value.field == field, wrong


def test_the_mapping_that_the_documentation_shows_is_one() -> None:
    page = (Path(settings.BASE_DIR) / "docs" / "intake.md").read_text(encoding="utf-8")
    shown = page.partition("```json\n")[2].partition("```")[0]
    rules = rules_of(json.loads(shown))
    assert rules.keys() == {*FIELDS}
