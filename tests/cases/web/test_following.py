from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from cases import pace
from cases.actions import checking, desk, handling, oversight
from cases.actions.reporting import Contact, Report, join_case, report_case
from cases.models import Case, Channel, CoReporter, Feedback
from cases.pace import Limit
from cases.workflow import State
from tests.factories.cases import MINUTE, make_attachment, make_world
from tests.factories.pictures import picture_bytes

pytestmark = pytest.mark.django_db
PHONE = "13912345678"


@pytest.fixture
def world():
    return make_world()


def visitor() -> Client:
    client = Client()
    client.cookies["django_language"] = "en"
    return client


def reported(world, at=None, phone=PHONE) -> Case:
    values = Report(
        matter=world.matter,
        channel=Channel.RESIDENT,
        description="楼下井盖松动",
        place=world.city.building,
        lng=118.314,
        lat=32.304,
    )
    contact = Contact(name="李大姐", phone=phone)
    return report_case(report=values, reporter=None, at=at or timezone.now(), contact=contact)


def closed(world, at=None) -> Case:
    at = at or timezone.now() - timedelta(hours=2)
    case = reported(world, at)
    desk.accept_case(case_id=case.pk, actor=world.desk, at=at)
    desk.dispatch_case(case_id=case.pk, unit=world.unit, actor=world.desk, at=at, note="找老王 13800138000")
    handling.acknowledge_case(case_id=case.pk, actor=world.handler, at=at + MINUTE)
    oversight.comment_case(case_id=case.pk, actor=world.handler, at=at + MINUTE, note="内部说明")
    picture = make_attachment(world.handler, at=at)
    handling.finish_case(
        case_id=case.pk, actor=world.handler, at=at + MINUTE, note="孙修已补装", attachments=[picture]
    )
    checking.pass_check(case_id=case.pk, actor=world.worker, at=at + 2 * MINUTE)
    return Case.objects.get(pk=case.pk)


def follow(case, client=None, **kwargs):
    return (client or visitor()).get(f"/f/{case.follow_token}/", **kwargs)


def act(case, action, client=None, token=None, **fields):
    return (client or visitor()).post(f"/f/{token or case.follow_token}/{action}/", fields)


def test_the_link_tells_what_happened_and_no_names_remarks_or_phones(world):
    case = closed(world)
    answer = follow(case)
    page = answer.content.decode()
    assert answer.status_code == 200
    for told in (case.number, "Checked and closed", f"Sent to {world.unit.name}", "Being handled"):
        assert told in page
    staff = [world.desk, world.handler, world.worker]
    secrets = ["13800138000", "内部说明", "孙修已补装", PHONE, "李大姐", *[p.name for p in staff]]
    for secret in secrets:
        assert secret not in page
    assert case.attachments.get().token in page


def test_the_sessions_that_follow_see_the_pictures_and_others_do_not(world):
    case, client = closed(world), visitor()
    url = f"/attachments/{case.attachments.get().token}/"
    assert client.get(url).status_code == 404
    follow(case, client)
    assert client.get(url).status_code in (200, 404)  # visible now; the factory's picture has no file
    assert follow(case, client).context["after"][0].token in url


def test_a_declined_report_says_why_without_anybodys_number(world):
    case = reported(world)
    why = "属物业维修范围，请联系物业 13800138000"
    desk.decline_case(case_id=case.pk, actor=world.desk, at=timezone.now(), note=why)
    page = follow(case).content.decode()
    assert "属物业维修范围" in page
    assert "13800138000" not in page
    assert "138****8000" in page


@pytest.mark.parametrize("token", ["x", "x" * 32, "x" * 44, "a%20b", "%00" * 10])
def test_unknown_links_look_all_the_same(world, token):
    assert visitor().get(f"/f/{token}/").status_code == 404


def test_rating_with_a_face_within_fifteen_days_and_once(world):
    case = closed(world)
    assert "Send the rating" in follow(case).content.decode()
    refused = act(case, "rate", solved="yes", note="谢谢你们")
    assert refused.status_code == 400
    assert "谢谢你们" in refused.content.decode()
    assert act(case, "rate", solved="yes", satisfaction="satisfied").status_code == 302
    case.refresh_from_db()
    assert (case.satisfaction, case.solved, case.state) == ("satisfied", True, State.CLOSED)
    assert act(case, "rate", solved="yes", satisfaction="dissatisfied").status_code == 409
    assert Feedback.objects.count() == 1


def test_not_solved_opens_it_again(world):
    case = closed(world)
    act(case, "rate", solved="no", satisfaction="dissatisfied")
    case.refresh_from_db()
    assert case.state == State.HANDLING
    assert "Opened again" in follow(case).content.decode()


def test_after_fifteen_days_nobody_rates(world):
    case = closed(world, at=timezone.now() - timedelta(days=16))
    assert "Send the rating" not in follow(case).content.decode()
    answer = act(case, "rate", solved="yes", satisfaction="satisfied")
    assert answer.status_code == 409
    assert "15 days" in answer.content.decode()
    assert Feedback.objects.count() == 0


def test_information_with_a_photo_reaches_the_order(world):
    case, client = reported(world), visitor()
    picture = SimpleUploadedFile("more.jpg", picture_bytes(), "image/jpeg")
    assert act(case, "add_information", client, note="在东侧", photos=picture).status_code == 302
    event = case.events.get(kind="add_information")
    assert (event.note, event.actor, event.attachments.count()) == ("在东侧", None, 1)
    assert act(case, "add_information", client, note="").status_code == 400


def test_urging_once_an_hour(world):
    case = reported(world)
    assert act(case, "urge").status_code == 302
    again = act(case, "urge")
    assert again.status_code == 409
    assert "within the last hour" in again.content.decode()
    case.refresh_from_db()
    assert case.urges == 1


def test_one_who_urged_does_not_speak_for_the_others(world):
    case = reported(world, timezone.now() - timedelta(hours=2))
    joined = joined_to(world, case)
    assert act(case, "urge").status_code == 302
    assert act(case, "urge", token=joined.follow_token).status_code == 302
    again = act(case, "urge", token=joined.follow_token)
    assert (again.status_code, "within the last hour" in again.content.decode()) == (409, True)
    assert [event.data for event in case.events.filter(kind="urge")] == [{}, {"co_reporter_id": joined.pk}]


def test_withdrawing_before_dispatch_only(world):
    case = reported(world)
    assert "Withdraw" in follow(case).content.decode()
    assert act(case, "withdraw").status_code == 302
    case.refresh_from_db()
    assert case.state == State.VOIDED
    assert act(closed(world), "withdraw").status_code == 409


@pytest.mark.parametrize("action", ["accept", "check_pass", "void", "comment", "nonsense"])
def test_a_link_opens_no_other_action(world, action):
    assert act(reported(world), action, note="x").status_code == 404


def test_a_link_acts_on_nothing_but_its_own_order(world):
    mine, other = reported(world), reported(world)
    act(mine, "withdraw")
    other.refresh_from_db()
    assert other.state == State.REPORTED


def joined_to(world, case) -> CoReporter:
    return join_case(
        case_id=case.pk,
        user=None,
        at=timezone.now() - timedelta(minutes=90),
        contact=Contact(phone="13700137000"),
        note="我家也是",
        client_id="another",
    )


def test_a_co_reporter_has_a_link_and_a_rating_of_their_own(world):
    case = reported(world, timezone.now() - timedelta(hours=2))
    joined = joined_to(world, case)
    page = visitor().get(f"/f/{joined.follow_token}/").content.decode()
    assert case.number in page
    assert "Withdraw" not in page
    assert act(case, "withdraw", token=joined.follow_token).status_code == 404
    done = closed(world)
    other = CoReporter.objects.create(
        case=done, phone="13700137000", follow_token="t" * 32, joined_at=timezone.now()
    )
    act(done, "rate", token=other.follow_token, solved="yes", satisfaction="basically")
    feedback = Feedback.objects.get()
    assert (feedback.co_reporter, feedback.source) == (other, Feedback.Source.CO_REPORTER)
    assert "Send the rating" in follow(done).content.decode()
    assert "Send the rating" not in visitor().get(f"/f/{other.follow_token}/").content.decode()


def test_a_merged_report_follows_its_master(world):
    master, merged = reported(world, phone="13700137000"), reported(world)
    desk.merge_case(case_id=merged.pk, target_id=master.pk, actor=world.desk, at=timezone.now())
    desk.accept_case(case_id=master.pk, actor=world.desk, at=timezone.now())
    desk.dispatch_case(case_id=master.pk, unit=world.unit, actor=world.desk, at=timezone.now())
    answer = follow(merged)
    page = answer.content.decode()
    assert answer.status_code == 200
    for told in (merged.number, master.number, f"Sent to {world.unit.name}", "Joined with another report"):
        assert told in page
    assert "Dispatched" in page
    assert act(merged, "urge").status_code == 302
    master.refresh_from_db()
    assert master.urges == 1


def look_up(number, phone=PHONE, client=None, **fields):
    return (client or visitor()).post("/follow/", {"number": number, "phone": phone} | fields)


def test_number_and_phone_lead_to_the_report(world):
    case = reported(world)
    assert look_up(case.number)["Location"] == f"/f/{case.follow_token}/"
    assert look_up(f" {case.number} ", "+86 139-1234-5678")["Location"] == f"/f/{case.follow_token}/"
    joined = joined_to(world, case)
    assert look_up(case.number, "13700137000")["Location"] == f"/f/{joined.follow_token}/"


def test_every_wrong_pair_gets_the_same_answer(world, monkeypatch):
    monkeypatch.setattr(pace, "FAILURES", Limit(100, 200))
    case = reported(world)
    without_phone = reported(world, phone="")
    wrong = [
        look_up(case.number, "13800138000"),
        look_up("261122-999999"),
        look_up(without_phone.number),
        look_up("x"),
    ]
    assert {answer.status_code for answer in wrong} == {404}
    told = [answer.context["form"].errors["__all__"] for answer in wrong]
    assert told == [["There is no report with this number and phone. Please check both."]] * 4
    assert look_up(case.number, "").status_code == 400


def test_guessing_is_slowed_by_a_question_and_then_stopped(world, monkeypatch):
    monkeypatch.setattr(pace, "FAILURES", Limit(2, 4))
    case, client = reported(world), visitor()
    for phone in ("13800138000", "13800138001"):
        assert look_up(case.number, phone, client).status_code == 404
    assert look_up(case.number, PHONE, client).status_code == 400  # even the right one, without an answer
    for _each in range(2):
        asked = look_up(case.number, "13800138002", client)
        total = sum(client.session["challenge"])
        assert asked.status_code == 400
        look_up(case.number, "13800138002", client, answer=str(total))
    assert look_up(case.number, PHONE, client).status_code == 429


def test_links_follow_and_report_pages_are_never_cached_or_indexed(world):
    answer = follow(reported(world))
    assert "no-store" in answer["Cache-Control"]
    assert 'name="robots" content="noindex"' in answer.content.decode()
