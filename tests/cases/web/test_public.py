from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from cases import pace
from cases.actions.routing import route_case
from cases.models import Attachment, Case, CaseEvent, Channel, CoReporter
from cases.pace import Limit
from cases.workflow import State
from grids import actions as places
from tests.factories.cases import bring_to, make_world
from tests.factories.catalogue import make_matter
from tests.factories.pictures import picture_bytes

pytestmark = pytest.mark.django_db
PHONE = "13912345678"


@pytest.fixture
def world():
    return make_world()


@pytest.fixture
def code(world):
    return world.city.qr_code()


def visitor() -> Client:
    client = Client()
    client.cookies["django_language"] = "en"
    return client


def photo() -> SimpleUploadedFile:
    return SimpleUploadedFile("IMG_1.jpg", picture_bytes(), "image/jpeg")


def filled(world, **fields):
    return {
        "matter": str(world.matter.pk),
        "description": "楼下井盖松动",
        "phone": PHONE,
        "name": "李大姐",
        "client_id": str(uuid.uuid4()),
    } | fields


def send(world, code, client=None, **fields):
    return (client or visitor()).post(f"/r/{code.token}/", filled(world, **fields))


def test_a_resident_reports_by_the_code_and_gets_a_link_to_follow(world, code):
    client = visitor()
    page = client.get(f"/r/{code.token}/").content.decode()
    assert "清流花园 1幢" in page
    answer = send(world, code, client, photos=photo())
    case = Case.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/f/{case.follow_token}/?new=1")
    assert (case.channel, case.reporter, case.reporter_phone) == (Channel.RESIDENT, None, PHONE)
    assert case.reporter_verified is False
    assert (case.place, case.building_id) == (world.city.west_1, world.city.building.pk)
    assert (case.lng, case.lat) == (118.314, 32.304)
    followed = client.get(answer["Location"]).content.decode()
    assert case.number in followed
    assert Attachment.objects.get().token in followed
    assert PHONE not in followed
    assert "李大姐" not in followed


def test_a_position_that_the_browser_sends_moves_nothing(world, code):
    send(world, code, lng="0", lat="0")
    assert Case.objects.get().lng == 118.314


@pytest.mark.parametrize("kind", ["unknown", "revoked", "retired"])
def test_a_code_that_is_not_in_use_says_so(world, code, kind):
    if kind == "revoked":
        places.revoke_qr_code(qr_code=code, at=timezone.now())
    if kind == "retired":
        type(code.place).objects.filter(pk=code.place_id).update(retired_on="2026-11-01")
    token = "x" * 43 if kind == "unknown" else code.token
    for url in (f"/r/{token}/", f"/r/{token}/similar/", f"/r/{token}/matters/"):
        answer = visitor().get(url)
        assert answer.status_code == 404
        assert "not in use" in answer.content.decode()
    assert visitor().post(f"/r/{token}/", filled(world)).status_code == 404
    assert Case.objects.count() == 0


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"phone": "138000000"}, "9 digits"),
        ({"phone": "98765432101"}, "No mobile number begins like this"),
        ({"matter": "x"}, "not in the list any more"),
        ({"description": "好" * 2001}, "At most 2000"),
        ({"name": "长" * 51}, "At most 50 characters; these are 51."),
        ({"client_id": "a\x00b"}, "The page sent something"),
        ({"description": "楼下井\x00盖松动"}, "unreadable character"),
    ],
)
def test_wrong_input_is_told_and_everything_typed_stays(world, code, wrong, told):
    answer = send(world, code, **({"description": "楼下井盖松动"} | wrong))
    page = answer.content.decode()
    assert answer.status_code == 400
    assert told in page
    assert wrong.get("description", "楼下井盖松动") in page
    assert wrong.get("phone", PHONE) in page
    assert Case.objects.count() == 0


def test_ten_megabytes_of_description_come_back_as_a_form_with_the_error_and_the_text(world, code):
    text = "x" * 10_000_000
    answer = Client().post(f"/r/{code.token}/", filled(world, description=text))
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "最多 2000 字，现在是 10000000 字" in page
    assert text in page
    assert Case.objects.count() == 0


def test_sent_twice_is_one_report(world, code):
    client = visitor()
    client.get(f"/r/{code.token}/")
    sent = filled(world)
    first = client.post(f"/r/{code.token}/", sent)
    second = client.post(f"/r/{code.token}/", sent)
    assert first["Location"] == second["Location"]
    assert Case.objects.count() == 1
    send(world, code, client_id=sent["client_id"])  # the same id of another browser is another report
    assert Case.objects.count() == 2


def test_direct_dispatch_never_fires_on_an_unverified_public_report(world, code):
    direct = make_matter(name="井盖缺失", direct=True, unit=world.unit, place=world.city.city)
    send(world, code, matter=str(direct.pk))
    case = route_case(case_id=Case.objects.get().pk, at=timezone.now())
    assert (case.state, case.suggested_unit) == (State.REPORTED, world.unit)
    reported = bring_to(world, State.REPORTED, matter=direct)
    assert route_case(case_id=reported.pk, at=timezone.now()).state == State.DISPATCHED


def answer_of(page: str) -> str:
    a, b = re.search(r"How much is (\d+) plus (\d+)\?", page).groups()
    return str(int(a) + int(b))


def test_who_goes_fast_answers_a_question_and_loses_nothing(world, code):
    client = visitor()
    for _each in range(pace.BY_PHONE.free):
        assert send(world, code, client).status_code == 302
    refused = send(world, code, client, description="第四件")
    page = refused.content.decode()
    assert refused.status_code == 400
    assert "第四件" in page
    assert send(world, code, client, description="第四件", answer="0").status_code == 400
    page = send(world, code, client, description="第四件").content.decode()
    assert send(world, code, client, description="第四件", answer=answer_of(page)).status_code == 302
    assert Case.objects.filter(description="第四件").count() == 1
    assert send(world, code, client, answer=answer_of(page)).status_code == 400  # an answer serves once


@pytest.mark.parametrize("which", ["BY_ADDRESS", "BY_CODE"])
def test_addresses_and_codes_have_limits_too(world, code, monkeypatch, which):
    monkeypatch.setattr(pace, which, Limit(1, 3))
    assert send(world, code, phone="").status_code == 302
    client = visitor()
    asked = send(world, code, client, phone="")
    assert asked.status_code == 400
    assert send(world, code, client, phone="", answer=answer_of(asked.content.decode())).status_code == 302


def test_far_beyond_every_limit_nothing_is_taken_and_nothing_lost(world, code, monkeypatch):
    monkeypatch.setattr(pace, "BY_CODE", Limit(1, 2))
    for _each in range(2):
        client = visitor()
        page = send(world, code, client).content.decode()
        if "How much" in page:
            send(world, code, client, answer=answer_of(page))
    answer = send(world, code, description="还有一件")
    assert (answer.status_code, answer["Retry-After"]) == (429, "600")
    assert "还有一件" in answer.content.decode()


def test_an_hour_later_the_limit_is_free_again(world, code):
    for _each in range(pace.BY_PHONE.free):
        send(world, code)
    Case.objects.update(reported_at=timezone.now() - timedelta(minutes=61))
    assert send(world, code).status_code == 302


def test_what_fills_the_trap_is_asked_and_not_refused(world, code):
    client = visitor()
    asked = send(world, code, client, website="http://spam")
    assert asked.status_code == 400
    answer = answer_of(asked.content.decode())
    assert send(world, code, client, website="http://spam", answer=answer).status_code == 302


def test_the_same_one_is_offered_without_anybodys_data_and_joined(world, code):
    case = bring_to(world, State.HANDLING, lng=118.3141, lat=32.3041)
    client = visitor()
    offered = client.get(f"/r/{code.token}/similar/", {"matter": world.matter.pk}).content.decode()
    assert world.matter.name in offered
    for secret in (case.number, case.description, world.worker.name, world.worker.phone):
        assert secret not in offered
    url = re.search(r'formaction="([^"]+)"', offered).group(1)
    answer = client.post(url, filled(world, photos=photo()))
    joined = CoReporter.objects.get()
    assert answer["Location"] == f"/f/{joined.follow_token}/?new=1"
    assert (joined.case, joined.phone, joined.note) == (case, PHONE, "楼下井盖松动")
    assert Attachment.objects.get(role="evidence").case == case
    assert client.post(url, filled(world))["Location"] == answer["Location"]
    assert Case.objects.count() == 1
    assert CoReporter.objects.count() == 1


def test_too_long_a_note_of_somebody_who_joins_comes_back_in_the_form(world, code):
    case = bring_to(world, State.HANDLING, lng=118.3141, lat=32.3041)
    client = visitor()
    offered = client.get(f"/r/{code.token}/similar/", {"matter": world.matter.pk}).content.decode()
    url = re.search(r'formaction="([^"]+)"', offered).group(1)
    answer = client.post(url, filled(world, description="也看到了" * 501))
    assert answer.status_code == 400
    assert "也看到了" * 501 in answer.content.decode()
    assert Case.objects.get(pk=case.pk).co_reports == 0


def offer_of(client, world, code):
    bring_to(world, State.HANDLING, lng=118.3141, lat=32.3041)
    offered = client.get(f"/r/{code.token}/similar/", {"matter": world.matter.pk}).content.decode()
    return re.search(r'formaction="([^"]+)"', offered).group(1)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"phone": "138000000"}, "9 digits"),
        ({"name": "长" * 51}, "At most 50 characters; these are 51."),
        (
            {"photos": SimpleUploadedFile("IMG_2.jpg", b"no picture", "image/jpeg")},
            "This is not a picture that can be read",
        ),
        ({"photos": "expired"}, "A picture is no longer there"),
        ({"website": "http://spam"}, "Please answer the question"),
        ({"client_id": "a\x00b"}, "The page sent something"),
    ],
)
def test_what_is_wrong_with_joining_is_told_and_nothing_is_written(world, code, wrong, told):
    client = visitor()
    url = offer_of(client, world, code)
    events = CaseEvent.objects.count()
    answer = client.post(url, filled(world) | wrong)
    page = answer.content.decode()
    assert answer.status_code in (400, 415)
    assert told in page
    for typed in ("楼下井盖松动", wrong.get("phone", PHONE), wrong.get("name", "李大姐")):
        assert typed in page
    assert CoReporter.objects.count() == 0
    assert CaseEvent.objects.count() == events


def test_the_photos_of_a_refused_joining_are_kept_once_and_come_with_the_next(world, code):
    client = visitor()
    url = offer_of(client, world, code)
    page = client.post(url, filled(world, phone="138", photos=photo())).content.decode()
    picture = Attachment.objects.get()
    assert f'value="{picture.token}"' in page
    assert client.post(url, filled(world, photos=[picture.token])).status_code == 302
    picture.refresh_from_db()
    assert picture.event.kind == "join"


def test_joining_sent_again_adds_only_what_is_new(world, code):
    client = visitor()
    url = offer_of(client, world, code)
    client.post(url, filled(world, photos=photo()))
    first = Attachment.objects.get()
    assert client.post(url, filled(world, photos=[first.token])).status_code == 302
    assert client.post(url, filled(world, photos=photo())).status_code == 302
    case = CoReporter.objects.get().case
    added = case.events.get(kind="add_information")
    assert (case.events.filter(kind="join").count(), added.attachments.count()) == (1, 1)


def test_joining_what_has_ended_meanwhile_keeps_the_form(world, code):
    client = visitor()
    url = offer_of(client, world, code)
    Case.objects.update(state=State.VOIDED)
    answer = client.post(url, filled(world))
    assert answer.status_code == 409
    assert "楼下井盖松动" in answer.content.decode()


def test_only_what_this_code_offered_can_be_joined(world, code):
    bring_to(world, State.HANDLING, lng=118.3141, lat=32.3041)
    client = visitor()
    offered = client.get(f"/r/{code.token}/similar/", {"matter": world.matter.pk}).content.decode()
    url = re.search(r'formaction="([^"]+)"', offered).group(1)
    other = world.city.qr_code(world.city.buildings[3].place)
    assert client.post(url.replace(code.token, other.token)).status_code == 404
    assert client.post(f"/r/{code.token}/join/forged/").status_code == 404
    assert CoReporter.objects.count() == 0


def test_orders_of_another_community_are_never_offered(world):
    bring_to(world, State.HANDLING, lng=118.3199, lat=32.305)
    code = world.city.qr_code(world.city.buildings[3].place)
    offered = visitor().get(f"/r/{code.token}/similar/", {"matter": world.matter.pk})
    assert offered.content.strip() == b""


def test_a_code_without_a_position_offers_what_its_own_building_has(world):
    third = world.city.buildings[2].place
    code = world.city.qr_code(third)
    bring_to(world, State.REPORTED, lng=None, lat=None, place=third)
    offered = visitor().get(f"/r/{code.token}/similar/", {"matter": world.matter.pk}).content.decode()
    assert "in this building" in offered


def test_pictures_can_only_be_sent_from_a_session_that_opened_the_form(world, code):
    client = visitor()
    assert client.post("/attachments/", {"photo": photo()}).status_code == 403
    client.get(f"/r/{code.token}/")
    assert client.post("/attachments/", {"photo": photo()}).status_code == 201


def test_matters_are_found_by_everyday_words(world, code):
    leak = make_matter(name="给水管道破裂", keywords="漏水")
    page = visitor().get(f"/r/{code.token}/matters/", {"q": "漏水"}).content.decode()
    assert f'data-choose="{leak.pk}"' in page


def test_the_few_matters_of_the_form_are_those_that_the_community_is_told_of(world, code):
    rare = make_matter(name="路灯不亮")
    for _each in range(2):
        bring_to(world, State.REPORTED, matter=rare)
    bring_to(world, State.REPORTED)
    answer = visitor().get(f"/r/{code.token}/")
    assert [choice.name for choice in answer.context["recent"]] == ["路灯不亮", "雨水箅子"]


def test_who_is_signed_in_and_scans_a_code_sends_photos_too(world, code):
    """Their pictures are stored as theirs, and the report goes in nobody's name."""
    client = Client()
    client.force_login(world.worker)
    url = f"/r/{code.token}/"
    client.get(url)
    stored = client.post("/attachments/", {"photo": photo()}).json()["id"]
    answer = client.post(url, {**filled(world), "photos": stored})
    case = Case.objects.get()
    assert answer["Location"] == f"/f/{case.follow_token}/?new=1"
    assert (case.reporter, case.attachments.count()) == (None, 1)
    more = {"note": "又漏了", "photos": photo()}
    assert client.post(f"/f/{case.follow_token}/add_information/", more).status_code == 302
    assert case.attachments.count() == 2
