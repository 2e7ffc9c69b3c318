"""Who finds which order over the API, and how much of it: places, units, people, names and phones."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
import time_machine
from rest_framework.test import APIClient

from cases.actions import handling, reporting
from cases.actions.reporting import Contact
from cases.attachments import store_picture
from cases.models import Attachment, Case
from cases.workflow import State
from governance.common.formats import masked_name
from partymembers.models import AuditEntry
from tests.cases.api.scenes import NAME, ORDERS, PHONE, Sides, make_sides, numbers
from tests.factories.cases import NOON, bring_to
from tests.factories.keys import Caller, service_account, session
from tests.factories.party import make_party
from tests.factories.people import make_user
from tests.factories.pictures import picture_bytes
from tests.factories.whistles import whistle

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_calendar")]
PERSONAL = ("orders:read", "personal:read")


@pytest.fixture
def sides() -> Sides:
    return make_sides()


@pytest.fixture
def media(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def picture_of(case: Case, **fields: Any) -> str:
    """A stored picture of the order, with its files."""
    row = store_picture(BytesIO(picture_bytes()), at=NOON, upload_key="somebody")
    Attachment.objects.filter(pk=row.pk).update(case=case, event=case.events.get(seq=1), **fields)
    return row.token


def test_a_key_of_one_community_never_meets_anothers_order(sides: Sides, media: None):
    caller, east, city = sides.caller(), sides.east, sides.world.city
    theirs, ours = picture_of(east), picture_of(sides.west)
    at = "2026-01-01T00:00:00Z"
    for asked in (
        {},
        {"expand": "clocks,parts,attachments,events"},
        {"q": east.number},
        {"q": "6666"},
        {"q": "东门路"},
        {"place": city.east.code},
        {"place": city.street.code},
        {"desk": city.east.code},
        {"matter": sides.world.matter.full_code},
        {"state": "reported"},
        {"open": "true"},
        {"reported_from": at},
        {"updated_after": at},
        {"bbox": "118,32,119,33"},
        {"order_by": "number", "fields": "number"},
        {"kind": "incident"},
    ):
        answer = caller.get(ORDERS, {"total": "true", **asked})
        assert set(numbers(answer)) <= {sides.west.number}, asked
        assert answer.json()["total"] == len(numbers(answer))
        assert "东门路" not in answer.content.decode()
    url = f"{ORDERS}{east.number}/"
    for path in (url, f"{url}events/", f"/api/v1/attachments/{theirs}/"):
        missing = caller.get(path)
        assert (missing.status_code, missing.json()["code"]) == (404, "not_found"), path
    absent = caller.get(f"{ORDERS}261120-999999/").json()
    assert absent | {"request_id": ""} == caller.get(url).json() | {"request_id": ""}
    assert caller.get(f"/api/v1/attachments/{ours}/").status_code == 200


def test_pictures_come_whole_and_small_with_headers_that_keep_them_private(sides: Sides, media: None):
    caller, url = sides.caller(), f"/api/v1/attachments/{picture_of(sides.west)}/"

    full, small = caller.get(url), caller.get(url, {"size": "thumbnail"})

    assert (full.headers["Content-Type"], full.headers["X-Content-Type-Options"]) == ("image/jpeg", "nosniff")
    assert full.headers["Cache-Control"].startswith("private")
    assert full.getvalue()[:3] == b"\xff\xd8\xff"
    assert full.headers["ETag"] != small.headers["ETag"]
    again = caller.get(url, headers={"If-None-Match": full.headers["ETag"], "Accept": "image/webp"})
    assert again.status_code == 304
    assert caller.get(url, {"size": "huge"}).status_code == 400
    only_wishes = sides.caller("wishes:read")
    assert only_wishes.get(url).status_code == 404
    row = caller.get(ORDERS, {"expand": "attachments"}).json()["results"][0]["attachments"][0]
    assert row["url"].endswith(url)
    assert row["event"] == 1


def test_scopes_open_what_they_name_and_officers_have_no_orders(sides: Sides):
    url = f"{ORDERS}{sides.west.number}/"

    assert sides.caller("places:read").get(ORDERS).json()["code"] == "scope_missing"
    assert sides.caller("orders:read").get(ORDERS, {"kind": "wish"}).status_code == 403
    assert sides.caller("wishes:read").get(ORDERS).status_code == 403
    assert sides.caller("wishes:read").get(url).status_code == 404
    assert sides.caller(duty="reader", place=sides.world.city.city).get(url).status_code == 200
    assert APIClient().get(ORDERS).status_code == 401
    assert numbers(session(sides.world.system_officer).get(ORDERS)) == []
    sandbox = Caller("orders:read", place=sides.world.city.west, is_sandbox=True)
    assert numbers(sandbox.get(ORDERS)) == []


def test_a_unit_reads_its_orders_and_after_giving_one_back_nothing_of_who_reported(sides: Sides):
    world = sides.world
    contact = Contact(NAME, PHONE)
    case = bring_to(world, State.HANDLING)
    Case.objects.filter(pk=case.pk).update(
        reporter=None, reporter_name=contact.name, reporter_phone=contact.phone, description=f"请打 {PHONE}"
    )
    unit = Caller(*PERSONAL, unit=world.unit)
    assisting = Caller(*PERSONAL, unit=world.assisting)
    url = f"{ORDERS}{case.number}/"

    assert numbers(unit.get(ORDERS)) == numbers(assisting.get(ORDERS)) == [case.number]
    assert unit.get(url).json()["reporter"]["phone"] == PHONE
    assert assisting.get(url).json()["reporter"]["phone"] == "139****6666"
    assert unit.get(f"{ORDERS}{sides.west.number}/").status_code == 404

    handling.return_case(case_id=case.pk, actor=world.handler, at=NOON + timedelta(hours=1), note="不归我们")
    for answer in (unit.get(url), unit.get(ORDERS, {"expand": "events"})):
        told = answer.json()
        told = told["results"][0] if "results" in told else told
        assert told["reporter"] is None
        assert told["description"] == "请打 139****6666"
        assert PHONE not in answer.content.decode()
    assert numbers(unit.get(ORDERS, {"q": "6666"})) == []


def test_names_and_phones_open_to_a_key_with_the_scope_and_each_reading_is_written_down(sides: Sides):
    plain, full = sides.caller(), sides.caller(*PERSONAL)
    reader = sides.caller(*PERSONAL, place=sides.world.city.city, duty="reader")

    for answer in (plain.get(ORDERS, {"expand": "events"}), plain.get(f"{ORDERS}{sides.west.number}/")):
        assert PHONE not in answer.content.decode()
        assert NAME not in answer.content.decode()
    assert not AuditEntry.objects.filter(action="personal_data_opened").exists()

    told = full.get(f"{ORDERS}{sides.west.number}/").json()
    assert told["reporter"] == {"name": NAME, "phone": PHONE, "is_verified": False, "is_masked": False}
    assert PHONE in told["description"]
    entry = AuditEntry.objects.get(action="personal_data_opened")
    assert (entry.actor, entry.target) == (full.user, f"case:{sides.west.number}")
    assert PHONE not in str(entry.data)

    assert PHONE in reader.get(ORDERS).content.decode()
    opened = AuditEntry.objects.filter(action="personal_data_opened", actor=reader.user)
    assert {entry.target for entry in opened} == {f"case:{c.number}" for c in (sides.west, sides.east)}
    full.get(ORDERS, {"fields": "number,state"})
    written = AuditEntry.objects.filter(actor=full.user, action="personal_data_opened")
    assert written.count() == 1
    # Also where it stands in the words of the order and its history, once an answer.
    for number, params in enumerate(({"fields": "description"}, {"fields": "number", "expand": "events"}), 2):
        assert PHONE in full.get(f"{ORDERS}{sides.west.number}/", params).content.decode()
        assert written.count() == number
    assert PHONE in full.get(f"{ORDERS}{sides.west.number}/events/").content.decode()
    assert written.count() == 4


def test_to_call_a_member_opens_no_name():
    """Else a desk could ask for the name of every member of the city, one whistle after the other."""
    party = make_party()
    world, place = party.world, party.world.city.west
    case = whistle(world, units=[world.other_unit], members=[party.member])
    url = f"{ORDERS}{case.number}/"

    for scopes, name in ((("orders:read",), masked_name(party.member.name)), (PERSONAL, party.member.name)):
        unit, called = Caller(*scopes, place=place).get(url).json()["whistles"][0]["calls"]
        assert (unit["name"], called["code"]) == (world.other_unit.name, party.member.username)
        assert called["name"] == name
    entries = AuditEntry.objects.filter(action="personal_data_opened", target=f"case:{case.number}")
    assert "member_name" in {entry.data["what"] for entry in entries}


def test_somebody_who_is_signed_in_reads_what_the_pages_show(sides: Sides):
    world = sides.world
    resident = make_user("顾居民", phone="13922223333")
    case = bring_to(world, State.HANDLING, reporter=resident)
    url = f"{ORDERS}{case.number}/?expand=events"
    with time_machine.travel(NOON + timedelta(minutes=30), tick=False):
        desk = session(world.desk).get(url).json()
        own = session(resident).get(url)
        elsewhere = session(world.other_desk).get(url)

    assert desk["reporter"] == {
        "name": "顾某某", "phone": "139****3333", "is_verified": case.reporter_verified, "is_masked": True,
    }  # fmt: skip
    assert "check_pass" not in desk["allowed_actions"]
    assert "urge" in desk["allowed_actions"]
    assert numbers(session(resident).get(ORDERS)) == [case.number]
    told = own.json()
    assert told["description"] == case.description
    assert (told["clocks"], told["parts"], told["handler"]) == ([], [], None)
    assert {event["actor"] and event["actor"]["name"] for event in told["events"]} == {None}
    assert "route" not in {event["kind"] for event in told["events"]}
    assert world.handler.name not in own.content.decode()
    assert elsewhere.status_code == 404
    west = session(world.desk).get(f"{ORDERS}{sides.west.number}/").json()
    assert west["reporter"]["phone"] == "139****6666"


def test_who_joined_a_report_reads_neither_its_words_nor_who_came_first(sides: Sides):
    joiner = make_user("邻居")
    reporting.join_case(case_id=sides.west.pk, user=joiner, at=NOON)

    answer = session(joiner).get(f"{ORDERS}{sides.west.number}/?expand=events")

    assert answer.json()["reporter"] is None
    assert answer.json()["description"] == ""
    for secret in (NAME, "欧阳某某", PHONE, "139****6666"):
        assert secret not in answer.content.decode()


def test_a_system_knows_what_it_reported_by_its_own_id(sides: Sides):
    account = service_account(place=sides.world.city.west, duty="reader")
    mine = Caller(*PERSONAL, account=account)
    Case.objects.filter(pk=sides.west.pk).update(reporter=mine.user, client_id="H-1")

    assert numbers(mine.get(ORDERS, {"client_id": "H-1"})) == [sides.west.number]
    assert mine.get(ORDERS).json()["results"][0]["client_id"] == "H-1"
    other = sides.caller()
    assert numbers(other.get(ORDERS, {"client_id": "H-1"})) == []
    assert other.get(ORDERS).json()["results"][0]["client_id"] is None
