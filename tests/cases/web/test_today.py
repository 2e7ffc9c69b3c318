from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.actions import checking, handling
from cases.actions.checking import Answer
from cases.actions.reporting import join_case
from cases.models import Case
from cases.workflow import State
from partymembers.models import Role
from tests.factories.cases import bring_to, make_attachment, make_world, report
from tests.factories.people import make_user
from tests.factories.pictures import picture_bytes

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world()


def signed_in(user) -> Client:
    client = Client()
    client.cookies["django_language"] = "en"
    client.force_login(user)
    return client


def page_of(user, url="/today/") -> str:
    answer = signed_in(user).get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def numbers_on(page: str) -> list[str]:
    return [line.split("</a>")[0] for line in page.split('<a class="num tiny muted push hit" href="')[1:]]


def shown(page: str, case: Case) -> bool:
    return f"/orders/{case.number}/" in page


def test_a_worker_sees_the_checks_of_their_grid_in_the_order_of_time_left(world):
    later = bring_to(world, State.HANDLED, at=timezone.now() - timedelta(minutes=30))
    sooner = bring_to(world, State.HANDLED, at=timezone.now() - timedelta(days=3))
    waiting = bring_to(world, State.REPORTED)
    page = page_of(world.worker)
    assert page.index(sooner.number) < page.index(later.number)
    assert not shown(page, waiting)
    assert not shown(page_of(world.other_worker), sooner)


def test_whoever_finished_an_order_does_not_check_it(world):
    lng, lat = world.city.inside(world.city.west_1)
    case = report(
        world,
        result="已扶正",
        attachments=[make_attachment(world.worker)],
        after_attachments=[make_attachment(world.worker)],
        lng=lng,
        lat=lat,
    )
    assert not shown(page_of(world.worker), case)
    assert shown(page_of(world.second_worker), case)
    assert signed_in(world.worker).get(f"/orders/{case.number}/verify/").status_code == 403


def test_the_handler_sees_what_was_assigned_to_them_alone(world):
    case = bring_to(world, State.HANDLING)
    handling.assign_case(case_id=case.pk, actor=world.head, handler=world.second_handler, at=timezone.now())
    assert shown(page_of(world.second_handler), case)
    assert not shown(page_of(world.handler), case)
    assert shown(page_of(world.second_handler, "/today/?tab=handle"), case)
    assert not shown(page_of(world.second_handler, "/today/?tab=check"), case)


def test_a_building_captain_and_a_large_grid_count_as_ground(world):
    case = bring_to(world, State.HANDLED, lng=None, lat=None, place=world.city.building)
    captain = make_user("楼长", role=Role.BUILDING_CAPTAIN, place=world.city.building)
    neighbour = make_user("邻楼长", role=Role.BUILDING_CAPTAIN, place=world.city.buildings[1].place)
    community_leader = make_user("指导员", role=Role.GRID_GUIDE, place=world.city.west)
    assert shown(page_of(captain), case)
    assert shown(page_of(community_leader), case)
    assert not shown(page_of(neighbour), case)


def test_the_numbers_of_the_header_the_tabs_and_the_navigation_agree(world):
    bring_to(world, State.HANDLED, at=timezone.now() - timedelta(days=3))
    bring_to(world, State.HANDLED, at=timezone.now() - timedelta(minutes=30))
    answer = signed_in(world.worker).get("/today/")
    assert answer.context["counts"] == {"all": 2, "check": 2, "handle": 0, "late": 1, "nearly": 0}
    assert '<span class="count" data-tone="red" data-badge="today">2</span>' in answer.content.decode()


def test_no_work_says_so(world):
    assert "All done" in page_of(world.worker)
    assert "Nothing done yet" in page_of(world.worker, "/today/?tab=done")


def test_a_tab_that_does_not_exist_is_all_and_a_forged_cursor_is_refused(world):
    assert "All done" in page_of(world.worker, "/today/?tab=x")
    assert signed_in(world.worker).get("/today/?cursor=x").status_code == 400


def test_the_list_takes_the_same_queries_with_one_and_thirty_rows(world):
    bring_to(world, State.HANDLED)
    client = signed_in(world.worker)
    client.get("/today/")
    with CaptureQueriesContext(connection) as one:
        client.get("/today/")
    for _each in range(29):
        bring_to(world, State.HANDLED)
    with CaptureQueriesContext(connection) as thirty:
        answer = client.get("/today/")
    assert len(answer.context["tasks"]) == 30
    assert len(thirty) == len(one) <= 12


def test_passing_on_the_spot_closes_with_the_photo(world):
    case = bring_to(world, State.HANDLED)
    client = signed_in(world.worker)
    url = f"/orders/{case.number}/verify/"
    assert "修复" in client.get(url).content.decode()
    picture = SimpleUploadedFile("now.jpg", picture_bytes(), "image/jpeg")
    answer = client.post(url, {"verdict": "check_pass", "photos": picture})
    assert (answer.status_code, answer["Location"]) == (302, "/today/")
    case.refresh_from_db()
    assert case.state == State.CLOSED
    assert case.attachments.filter(role="check").count() == 1
    assert shown(client.get("/today/?tab=done").content.decode(), case)


def test_rework_needs_a_sentence_and_keeps_the_photo(world):
    case = bring_to(world, State.HANDLED)
    client = signed_in(world.worker)
    url = f"/orders/{case.number}/verify/"
    picture = SimpleUploadedFile("now.jpg", picture_bytes(), "image/jpeg")
    answer = client.post(url, {"verdict": "check_fail", "photos": picture})
    assert answer.status_code == 400
    token = case.__class__.objects.get(pk=case.pk) and answer.context["kept"][0]["id"]
    answer = client.post(url, {"verdict": "check_fail", "note": "箅子松动", "photos": token})
    assert answer.status_code == 302
    case.refresh_from_db()
    assert (case.state, case.reworks) == (State.HANDLING, 1)


def test_a_check_is_for_those_of_the_ground_and_only_once(world):
    case = bring_to(world, State.HANDLED)
    url = f"/orders/{case.number}/verify/"
    assert signed_in(world.other_worker).get(url).status_code == 404
    assert signed_in(world.handler).get(url).status_code == 403
    assert signed_in(world.worker).post(url, {"verdict": "close"}).status_code == 404
    checking.pass_check(case_id=case.pk, actor=world.second_worker, at=timezone.now())
    answer = signed_in(world.worker).post(url, {"verdict": "check_pass", "note": "现场已冲净"})
    assert answer.status_code == 409
    assert world.second_worker.name in answer.content.decode()
    assert "现场已冲净" in answer.content.decode()


def test_the_sheet_is_a_part_and_the_outbox_gets_json(world):
    case = bring_to(world, State.HANDLED)
    client, url = signed_in(world.worker), f"/orders/{case.number}/verify/"
    part = client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    headers = {"Accept": "application/json"}
    refused = client.post(url, {"verdict": "check_fail"}, headers=headers)
    assert (refused.status_code, len(refused.json()["errors"])) == (400, 1)
    assert client.post(url, {"verdict": "check_pass"}, headers=headers).json()["number"] == case.number


def test_mine_shows_what_i_reported_and_joined_and_nothing_else(world):
    own = bring_to(world, State.HANDLING, reporter=world.resident)
    joined = bring_to(world, State.REPORTED, reporter=world.worker)
    join_case(case_id=joined.pk, user=world.resident, at=timezone.now())
    foreign = bring_to(world, State.REPORTED, reporter=world.worker)
    page = page_of(world.resident, "/mine/")
    assert shown(page, own)
    assert shown(page, joined)
    assert not shown(page, foreign)
    assert not shown(page_of(world.second_worker, "/mine/"), own)
    assert "No reports yet" in page_of(world.other_worker, "/mine/")


def test_a_closed_report_asks_for_a_rating_once_and_within_fifteen_days(world):
    now = timezone.now()
    case = bring_to(world, State.CLOSED, reporter=world.resident, at=now - timedelta(days=1))
    bring_to(world, State.CLOSED, reporter=world.resident, at=now - timedelta(days=20))
    page = page_of(world.resident, "/mine/")
    assert page.count("Rate it") == 1
    assert f"/orders/{case.number}/act/rate/" in page
    checking.rate_case(
        case_id=case.pk, actor=world.resident, at=now, answer=Answer(solved=True, satisfaction="satisfied")
    )
    assert "Rate it" not in page_of(world.resident, "/mine/")


def test_a_merged_report_shows_its_master(world):
    case = bring_to(world, State.MERGED, reporter=world.resident)
    assert f"Merged into {case.merged_into.number}" in page_of(world.resident, "/mine/")


def test_mine_takes_the_same_queries_with_one_and_thirty_rows(world):
    bring_to(world, State.CLOSED, reporter=world.worker)
    client = signed_in(world.worker)
    client.get("/mine/")
    with CaptureQueriesContext(connection) as one:
        client.get("/mine/")
    for _each in range(29):
        bring_to(world, State.CLOSED, reporter=world.worker)
    with CaptureQueriesContext(connection) as thirty:
        answer = client.get("/mine/")
    assert len(answer.context["rows"]) == 30
    assert len(thirty) == len(one)


@pytest.mark.parametrize(
    ("person", "keys"),
    [
        ("worker", ["today", "report", "mine", "profile"]),
        ("desk", ["desk", "report", "mine"]),
        ("handler", ["handling", "report", "mine"]),
        ("resident", ["report", "mine"]),
        ("system_officer", []),
    ],
)
def test_each_persons_navigation(world, person, keys):
    answer = signed_in(getattr(world, person)).get("/mine/")
    assert [item.key for item in answer.context["nav_items"] if item.key in _OURS] == keys


_OURS = {"today", "desk", "handling", "report", "mine", "profile"}
