"""The way in, the page about oneself, switching posts."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import include, path
from django.utils import timezone

from partymembers.access import access_of
from partymembers.landing import landing_of
from partymembers.models import Role, TrustedDevice
from tests.factories.party import make_branch, make_member, make_volunteer
from tests.factories.people import PASSWORD, make_post, make_substitute, make_unit, make_user
from tests.partymembers.conftest import DAY, TODAY, City

pytestmark = pytest.mark.django_db

_cases = (
    [
        path("today/", lambda request: HttpResponse(), name="today"),
        path("desk/", lambda request: HttpResponse(), name="desk"),
    ],
    "cases",
)
urlpatterns = [path("", include("partymembers.web.urls")), path("cases/", include(_cases))]
with_two_landings = pytest.mark.urls("tests.partymembers.web.test_pages")


def test_every_role_has_a_landing_page() -> None:
    assert {role: landing_of(role) for role in Role} == {
        Role.GRID_WORKER: "cases:today",
        Role.GRID_LEADER: "cases:today",
        Role.GRID_GUIDE: "cases:today",
        Role.BUILDING_CAPTAIN: "cases:today",
        Role.SECRETARY: "cases:desk",
        Role.DESK: "cases:desk",
        Role.HANDLER: "cases:handling",
        Role.UNIT_HEAD: "cases:handling",
        Role.BRANCH_SECRETARY: "party:branches",
        Role.BRANCH_COMMITTEE: "party:branches",
        Role.OFFICIAL: "dashboard:overview",
        Role.SYSTEM_OFFICER: "admin:index",
        Role.SECURITY_OFFICER: "admin:index",
        Role.AUDIT_OFFICER: "admin:index",
    }


@with_two_landings
def test_home_leads_to_the_first_post_with_a_page(client: Client, town: City) -> None:
    worker = make_user(role=Role.GRID_WORKER, place=town.grid_here)
    client.force_login(worker)
    assert client.get("/")["Location"] == "/cases/today/"
    make_post(worker, role=Role.DESK, place=town.here)
    assert client.get("/")["Location"] == "/cases/desk/"


@with_two_landings
def test_home_passes_over_pages_that_do_not_exist(client: Client, town: City) -> None:
    official = make_user(role=Role.OFFICIAL, place=town.city)
    client.force_login(official)
    assert client.get("/")["Location"] == "/me/"
    make_post(official, role=Role.GRID_WORKER, place=town.grid_here)
    assert client.get("/")["Location"] == "/cases/today/"


def test_without_a_post_home_leads_to_one_s_own_reports(client: Client) -> None:
    client.force_login(make_user())
    assert client.get("/")["Location"] == "/mine/"


def test_members_and_volunteers_without_a_post_begin_at_the_wish_wall(client: Client, town: City) -> None:
    member = make_member(home=make_branch())
    volunteer = make_volunteer(community=town.here)
    for user in (member.user, volunteer.user):
        client.force_login(user)
        assert client.get("/")["Location"] == "/wishes/"
    member.left_on = TODAY
    member.save()
    client.force_login(member.user)
    assert client.get("/")["Location"] == "/mine/"


@with_two_landings
def test_switching_the_post_changes_the_landing_and_never_the_scope(client: Client, town: City) -> None:
    today = timezone.localdate()
    user = make_user(role=Role.DESK, place=town.here)
    ground = make_post(user, role=Role.GRID_WORKER, place=town.grid_there)
    client.force_login(user)
    before = access_of(user, on=today)
    assert client.post("/me/post/", {"post": ground.pk})["Location"] == "/"
    assert client.get("/")["Location"] == "/cases/today/"
    assert access_of(user, on=today) == before
    ground.ends_on = today - DAY
    ground.save()
    assert client.get("/")["Location"] == "/cases/desk/"  # a post that is over is not worked in


def test_nobody_works_in_anothers_post(client: Client, town: City) -> None:
    colleague = make_user(role=Role.SECRETARY, place=town.here)
    outsider = make_user(role=Role.SECRETARY, place=town.there)
    client.force_login(outsider)
    wrong = [str(colleague.posts.get().pk), "0", "", "x", "-1", "9" * 30, "１"]
    assert [client.post("/me/post/", {"post": typed}).status_code for typed in wrong] == [404] * len(wrong)
    assert client.get("/me/post/").status_code == 405
    assert "current_post" not in client.session


def test_my_page_shows_my_posts_and_hides_my_phone(client: Client, town: City) -> None:
    user = make_user("王小明", phone="13812345678", role=Role.GRID_WORKER, place=town.grid_here)
    absent = make_user("周书记", phone="13900009999", role=Role.GRID_LEADER, place=town.there)
    make_substitute(absent.posts.get(), user, since=timezone.localdate(), until=timezone.localdate())
    client.force_login(user)
    page = client.get("/me/").content.decode()
    for text in ("王小明", "138****5678", "第1网格", "桥头社区"):
        assert text in page
    for text in ("13812345678", "13900009999", "周书记"):
        assert text not in page


def test_a_resident_is_not_sent_to_the_security_officer(client: Client, town: City) -> None:
    """Who never held a post is a resident; staff between two posts keep the staff's words."""
    client.force_login(make_user("赵大妈", phone="13812345678"))
    page = client.get("/me/").content.decode()
    assert "安全管理员" not in page
    assert "请联系所在社区" in page
    assert "我的岗位" not in page
    between = make_user("钱干事", phone="13812345679", role=Role.GRID_WORKER, place=town.grid_here)
    day = timezone.localdate() - DAY
    between.posts.update(starts_on=day, ends_on=day)
    client.force_login(between)
    assert "如有误，请联系安全管理员" in client.get("/me/").content.decode()


def test_an_own_device_is_forgotten_anothers_is_not_found(client: Client, town: City) -> None:
    owner = make_user(username="W01", role=Role.GRID_WORKER, place=town.grid_here)
    phone, tablet, thief = Client(), Client(), Client()
    for device in (phone, tablet):
        device.post("/login/", {"username": "W01", "password": PASSWORD, "trust_device": "on"})
    thief.force_login(make_user(role=Role.GRID_WORKER, place=town.grid_here))
    first, second = TrustedDevice.objects.order_by("pk")
    assert thief.post(f"/me/devices/{second.pk}/forget/").status_code == 404
    assert tablet.get("/me/").status_code == 200

    assert phone.post(f"/me/devices/{second.pk}/forget/").status_code == 302
    assert tablet.get("/me/").status_code == 302
    assert phone.post(f"/me/devices/{first.pk}/forget/").status_code == 302
    assert phone.get("/me/").status_code == 200  # in hand: it merely may not idle for days any more
    assert owner.trusted_devices.count() == 0
    assert phone.session.get_expiry_age() <= 31 * 60


@pytest.mark.parametrize("posts", [1, 3])
def test_my_page_costs_the_same_for_one_post_and_for_three(
    client: Client, posts: int, town: City, django_assert_num_queries
) -> None:
    user = make_user(role=Role.HANDLER, unit=make_unit())
    for _ in range(posts):
        make_post(user, role=Role.HANDLER, unit=make_unit())
    client.force_login(user)
    client.get("/me/")
    with django_assert_num_queries(4):  # user, posts, devices, unread notices; the session is cached
        client.get("/me/")
