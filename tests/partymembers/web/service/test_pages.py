"""Pages of service: what they show to whom, what they refuse, and how many queries they take."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from grids.models import Compound
from partymembers.actions import activities, attendance, lists, points
from partymembers.models import (
    Activity,
    AuditEntry,
    PointsAccount,
    PointsTransaction,
    Project,
    Resource,
    SignUp,
    Station,
    StationItem,
    Team,
    User,
    Volunteer,
)
from partymembers.web.service.points import CODE_SALT
from partymembers.web.service.stations import SERVED_SALT
from tests.factories.cases import NOON
from tests.factories.party import Party, make_party, make_volunteer
from tests.factories.people import make_user
from tests.factories.service import (
    ENDS,
    HOUR,
    STARTS,
    make_activity,
    make_plan,
    make_station,
    make_team,
)

pytestmark = pytest.mark.django_db
ROWS = 30


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(NOON, tick=False) as coordinates:
        yield coordinates


@pytest.fixture
def party() -> Party:
    return make_party()


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text_of(client: Client, name: str, *args: Any, **query: str) -> str:
    answer = client.get(reverse(f"service:{name}", args=args), query)
    assert answer.status_code == 200, (name, answer.status_code)
    return str(answer.content.decode())


def award(party: Party, user: User, source_id: int, *, what: str = "修水龙头", stated: int = 10) -> None:
    points.award_points(
        user=user, rule_code="wish", source="wish", source_id=source_id, what=what, stated=stated,
        at=NOON + timedelta(days=source_id % 9), place=party.world.city.west,
    )  # fmt: skip


# ── constant query counts ──


def fill(party: Party) -> Callable[[], None]:
    """One more row on every list."""
    made = iter(range(1000))
    west = party.world.city.west

    def add() -> None:
        number = next(made)
        user = make_user(f"志愿者{number}")
        make_volunteer(community=west, user=user)
        activity = make_activity(party, title=f"活动{number}", capacity=50)
        activities.sign_up(activity_id=activity.pk, user=party.volunteer, at=NOON)
        if number == 0:
            fill.first = activity  # type: ignore[attr-defined]
        activities.sign_up(activity_id=fill.first.pk, user=user, at=NOON)  # type: ignore[attr-defined]
        make_team(party, f"队{number}")
        make_station(west, f"站{number}")
        award(party, user, number)
        award(party, party.volunteer, number)
        lists.offer_resource(offer=lists.Offer(f"供{number}", west), actor=user, at=NOON)
        undertaking = lists.Undertaking(f"项{number}", west, party.committee, party.member, STARTS.date())
        lists.start_project(undertaking=undertaking, actor=party.secretary, at=NOON)

    return add


def test_lists_take_as_many_queries_for_one_row_as_for_thirty(party: Party) -> None:
    add = fill(party)
    add()
    asked = {
        "hub": (party.volunteer, []),
        "activities": (party.volunteer, []),
        "activity": (party.world.desk, [Activity.objects.get().pk]),
        "teams": (party.volunteer, []),
        "team": (party.world.desk, [Team.objects.get().pk]),
        "volunteers": (party.world.desk, []),
        "points": (party.volunteer, []),
        "honours": (party.volunteer, []),
        "stations": (party.volunteer, []),
        "resources": (party.volunteer, []),
        "projects": (party.secretary, []),
    }
    clients = {user.pk: signed_in(user) for user, _args in asked.values()}
    one = {name: count(clients[user.pk], name, args) for name, (user, args) in asked.items()}
    for _ in range(ROWS - 1):
        add()
    thirty = {name: count(clients[user.pk], name, args) for name, (user, args) in asked.items()}
    assert thirty == one
    assert one == QUERIES


QUERIES = {
    "hub": 5,
    "activities": 7,
    "activity": 8,
    "teams": 5,
    "team": 7,
    "volunteers": 6,
    "points": 4,
    "honours": 7,
    "stations": 7,
    "resources": 8,
    "projects": 9,
}


def count(client: Client, name: str, args: list[Any]) -> int:
    """Queries of a page but for those about orders: the badges around it are counted by their own tests."""
    url = reverse(f"service:{name}", args=args)
    client.get(url)  # what a session or a content type costs once
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return sum('"cases_' not in query["sql"] for query in queries.captured_queries)


# ── volunteers ──


def test_volunteers_are_listed_for_their_own_keepers(party: Party) -> None:
    party.volunteer.phone = "13912340077"
    party.volunteer.save()
    for keeper in (party.world.desk, party.world.street_desk, party.secretary):
        text = text_of(signed_in(keeper), "volunteers")
        assert "139****0077" in text
        assert "13912340077" not in text
    assert "0077" not in text_of(signed_in(party.world.other_desk), "volunteers")
    for user in (party.member, party.world.worker, party.world.official, party.world.system_officer):
        assert signed_in(user).get(reverse("service:volunteers")).status_code == 404


def test_opening_a_phone_leaves_a_trace(party: Party) -> None:
    row = Volunteer.objects.get()
    url = reverse("service:volunteer_phone", args=[row.pk])
    shown = signed_in(party.world.desk).post(url).content.decode()
    assert (row.user.phone or "?") in shown
    entry = AuditEntry.objects.get(action="personal_data_opened")
    assert (entry.actor, entry.target) == (party.world.desk, f"user:{row.user.username}")
    assert signed_in(party.world.other_desk).post(url).status_code == 404


def test_registering_changing_and_leaving(party: Party) -> None:
    client, url = signed_in(party.outsider), reverse("service:volunteer")
    assert client.post(url, {"introduction": "x"}).status_code == 400
    assert client.post(url, {"community": party.world.city.west.pk}).status_code == 302
    assert client.post(url, {"community": party.world.city.east.pk}).status_code == 302
    assert Volunteer.objects.get(user=party.outsider).community == party.world.city.east
    client.post(reverse("service:volunteer_leave"))
    assert Volunteer.objects.get(user=party.outsider).left_at == NOON
    assert signed_in(party.world.system_officer).get(url).status_code == 403


# ── teams and activities ──


def test_a_team_shows_its_people_to_itself_and_its_keepers(party: Party) -> None:
    team = make_team(party)
    url = reverse("service:team_act", args=[team.pk, "join"])
    assert party.volunteer.name not in text_of(signed_in(party.member), "team", team.pk)
    signed_in(party.member).post(url)
    for user in (party.member, party.world.desk):
        assert party.volunteer.name in text_of(signed_in(user), "team", team.pk)
    assert (
        signed_in(party.member).post(reverse("service:team_act", args=[team.pk, "sing"])).status_code == 404
    )
    assert signed_in(party.outsider).post(url).status_code == 403


def test_founding_and_handing_over_a_team(party: Party) -> None:
    desk = signed_in(party.world.desk)
    typed = {"name": "夕阳红", "place": party.world.city.west.pk, "leader": party.volunteer.pk}
    assert desk.post(reverse("service:team_new"), typed).status_code == 302
    assert desk.post(reverse("service:team_new"), typed).status_code == 400  # the name is taken
    team = Team.objects.get()
    signed_in(party.member).post(reverse("service:team_act", args=[team.pk, "join"]))
    hand_over = reverse("service:team_hand_over", args=[team.pk])
    assert signed_in(party.volunteer).post(hand_over, {"leader": party.member.pk}).status_code == 302
    team.refresh_from_db()
    assert team.leader == party.member
    assert signed_in(party.volunteer).get(hand_over).status_code == 404
    assert signed_in(party.member).get(reverse("service:team_new")).status_code == 403
    desk.post(reverse("service:team_act", args=[team.pk, "dissolve"]))
    assert desk.get(reverse("service:team", args=[team.pk])).status_code == 404


def test_who_comes_is_for_the_organizer(party: Party) -> None:
    activity = make_activity(party)
    activities.sign_up(activity_id=activity.pk, user=party.member, at=NOON)
    assert party.member.name in text_of(signed_in(party.world.desk), "activity", activity.pk)
    text = text_of(signed_in(party.volunteer), "activity", activity.pk)
    assert party.member.name not in text
    assert activity.token not in text


def test_changing_and_cancelling_by_the_pages(party: Party) -> None:
    activity = make_activity(party)
    desk, edit = signed_in(party.world.desk), reverse("service:activity_edit", args=[activity.pk])
    assert 'value="2026-11-21T10:00"' in desk.get(edit).content.decode()
    typed = {
        "title": "扫雪", "place": party.world.city.west.pk, "where": "广场", "starts_at": "2026-11-22T09:00",
        "ends_at": "2026-11-22T08:00", "capacity": "5",
    }  # fmt: skip
    refused = desk.post(edit, typed)
    assert (refused.status_code, list(refused.context["form"].errors)) == (400, ["ends_at"])
    assert desk.post(edit, typed | {"ends_at": "2026-11-22T11:00"}).status_code == 302
    cancel = reverse("service:activity_cancel", args=[activity.pk])
    assert desk.post(cancel, {"reason": "冻雨"}).status_code == 302
    assert "冻雨" in text_of(signed_in(party.member), "activity", activity.pk)
    assert signed_in(party.member).get(edit).status_code == 404


def test_opening_the_code_does_nothing_and_a_press_sent_twice_counts_once(party: Party, clock: Any) -> None:
    activity = make_activity(party)
    client, url = signed_in(party.member), reverse("service:scan", args=[activity.token])
    assert "step" not in client.get(url).content.decode()  # too early
    clock.move_to(STARTS)
    client = signed_in(party.member)  # a night has passed
    client.get(url)
    assert not SignUp.objects.exists()
    for _ in range(2):
        client.post(url, {"step": "arrive"})
    assert SignUp.objects.get().left_at is None
    clock.move_to(STARTS + HOUR)
    client = signed_in(party.member)
    for _ in range(2):
        client.post(url, {"step": "leave"})
    assert PointsAccount.objects.get(user=party.member).balance == 10
    assert client.get(reverse("service:scan", args=["x" * 43])).status_code == 404
    visitor = Client().get(url)
    assert (visitor.status_code, visitor.headers["Location"]) == (302, f"/login/?next={url}")


def test_attendance_is_put_right_by_the_page(party: Party, clock: Any) -> None:
    activity = make_activity(party)
    mine = activities.sign_up(activity_id=activity.pk, user=party.member, at=NOON)
    clock.move_to(ENDS + HOUR)
    url = reverse("service:attendance", args=[activity.pk, mine.pk])
    desk = signed_in(party.world.desk)
    typed = {"arrived_at": "2026-11-21T10:00", "left_at": "2026-11-21T12:00"}
    assert desk.post(url, typed).status_code == 400  # no reason
    assert desk.post(url, typed | {"reason": "忘了扫码"}).status_code == 302
    assert PointsAccount.objects.get(user=party.member).balance == 20
    assert signed_in(party.member).post(url, typed | {"reason": "x"}).status_code == 404


# ── points ──


def test_the_statement_of_a_month_keeps_the_running_balance(party: Party) -> None:
    for number, day in enumerate((NOON - timedelta(days=40), NOON), start=1):
        points.award_points(
            user=party.member, rule_code="wish", source="wish", source_id=number, what=f"心愿{number}",
            stated=10, at=day,
        )  # fmt: skip
    client = signed_in(party.member)
    page = client.get(reverse("service:points"), {"month": "2026-11"}).context["page"]
    assert [(row.amount, row.running) for row in page.rows] == [(10, 20)]
    assert client.get(reverse("service:points"), {"month": "x"}).status_code == 400
    assert "心愿2" not in text_of(signed_in(party.second_member), "points")


def test_the_statement_goes_page_by_page(party: Party) -> None:
    for number in range(35):
        award(party, party.member, number, stated=1)
    client, url = signed_in(party.member), reverse("service:points")
    first = client.get(url).context["page"]
    second = client.get(url, {"cursor": first.next_cursor}).context["page"]
    assert [row.running for row in [*first.rows, *second.rows]] == list(range(35, 0, -1))


def test_the_export_is_inert(party: Party) -> None:
    award(party, party.member, 1, what='=HYPERLINK("http://x")')
    answer: Any = signed_in(party.member).get(reverse("service:points_export"))
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert rows[1][2] == '\'=HYPERLINK("http://x")'
    assert rows[1][5:] == ["10", "10"]
    assert "no-store" in answer.headers["Cache-Control"]


def test_honours_name_neighbours_and_mask_the_rest(party: Party) -> None:
    award(party, party.member, 1, stated=30)
    award(party, party.volunteer, 2, stated=30)
    award(party, party.second_member, 3, stated=10)
    neighbour = make_volunteer("邻居", community=party.world.city.west).user
    stranger = make_volunteer("远客", community=party.world.city.east).user
    west, street = party.world.city.west.code, party.world.city.street.code
    seen = signed_in(neighbour).get(reverse("service:honours"), {"in": west}).context["rows"]
    assert [(row.rank, row.name, row.points) for row in seen] == [
        (1, party.member.name, 30),
        (1, party.volunteer.name, 30),
        (3, party.second_member.name, 10),
    ]
    for reader in (neighbour, stranger):
        text = text_of(signed_in(reader), "honours", **{"in": street})
        assert party.volunteer.name not in text
        assert "志某某" in text
    own = signed_in(party.volunteer).get(reverse("service:honours"), {"in": street}).context["rows"]
    assert [row.name for row in own if row.is_own] == [party.volunteer.name]
    assert not signed_in(neighbour).get(reverse("service:honours"), {"month": "2026-10"}).context["rows"]
    by_branch = signed_in(party.member).get(reverse("service:honours"), {"by": "branch"}).context["rows"]
    assert [row.name for row in by_branch] == [party.member.name, party.second_member.name]


def test_what_was_taken_back_does_not_honour(party: Party) -> None:
    award(party, party.member, 1)
    moved = PointsTransaction.objects.get()
    url = reverse("service:points_correct", args=[moved.pk])
    assert signed_in(party.second_member).get(url).status_code == 404
    assert signed_in(party.member).get(url).status_code == 404
    assert signed_in(party.world.desk).post(url, {"reason": "未完成"}).status_code == 302
    assert not signed_in(party.world.desk).get(reverse("service:honours")).context["rows"]
    assert "未完成" in text_of(signed_in(party.member), "points")


# ── stations ──


def test_the_counter_by_a_persons_code(party: Party, clock: Any) -> None:
    item = make_station(party.world.city.west)
    award(party, party.member, 1, stated=50)
    code = signing.dumps(party.member.pk, salt=CODE_SALT)
    url = reverse("service:counter_code", args=[code])
    for user in (party.member, party.volunteer, party.secretary, party.world.other_desk):
        assert signed_in(user).get(url).status_code == 404
    desk = signed_in(party.world.desk)
    counter = desk.get(url)
    assert counter.headers["Location"].startswith(reverse("service:counter", args=[item.station_id]))
    assert AuditEntry.objects.filter(action="personal_data_opened", actor=party.world.desk).count() == 1
    assert party.member.name not in desk.get(counter.headers["Location"]).content.decode()
    make_station(party.world.city.west, "二站")
    assert "二站" in desk.get(url).content.decode()
    assert AuditEntry.objects.filter(action="personal_data_opened", actor=party.world.desk).count() == 2
    clock.shift(timedelta(minutes=11))
    assert desk.get(url).status_code == 400  # run out
    assert desk.get(reverse("service:counter_code", args=["forged"])).status_code == 400


def test_the_counter_by_name_and_tail(party: Party) -> None:
    item = make_station(party.world.city.west)
    desk, url = signed_in(party.world.desk), reverse("service:counter", args=[item.station_id])
    tail = (party.member.phone or "")[-4:]
    assert desk.post(url, {"name": party.member.name, "tail": "0000"}).status_code == 400
    assert desk.post(url, {"name": "没有", "tail": tail}).status_code == 400
    assert desk.post(url, {"name": party.member.name, "tail": "12"}).status_code == 400
    assert desk.post(url, {"name": party.member.name, "tail": tail}).status_code == 302
    twin = make_user(party.member.name, phone=f"1860000{tail}")
    assert desk.post(url, {"name": party.member.name, "tail": tail}).status_code == 400
    assert twin.name == party.member.name


def test_redeeming_and_taking_back(party: Party) -> None:
    item = make_station(party.world.city.west)
    desk = signed_in(party.world.desk)
    redeem = reverse("service:redeem", args=[item.station_id])
    typed = {"who": signing.dumps(party.member.pk, salt=SERVED_SALT), "receipt": "a", "item": item.pk}
    refused = desk.post(redeem, typed, follow=True).content.decode()
    assert "30" in refused
    assert StationItem.objects.get().stock == 5
    award(party, party.member, 1, stated=50)
    desk.post(redeem, typed)
    assert StationItem.objects.get().stock == 4
    assert desk.post(redeem, typed | {"who": "forged"}).status_code == 400
    assert desk.post(redeem, typed | {"item": "x"}).status_code == 404
    handed = PointsTransaction.objects.get(kind="redemption").redemption
    cancel = reverse("service:redemption_cancel", args=[handed.pk])
    assert signed_in(party.world.other_desk).get(cancel).status_code == 404
    assert desk.post(cancel, {"reason": "漏液"}).status_code == 302
    assert StationItem.objects.get().stock == 5


def test_stock_by_the_page(party: Party) -> None:
    item = make_station(party.world.city.west)
    url = reverse("service:stock", args=[item.pk])
    assert signed_in(party.world.desk).post(url, {"change": "-9", "reason": "盘点"}).status_code == 400
    assert signed_in(party.world.desk).post(url, {"change": "3", "reason": "进货"}).status_code == 302
    assert StationItem.objects.get().stock == 8
    assert signed_in(party.member).get(url).status_code == 404
    Station.objects.update(closed_on=NOON.date())
    assert signed_in(party.member).get(reverse("service:station", args=[item.station_id])).status_code == 404


# ── lists ──


def test_offers_by_the_page(party: Party) -> None:
    client = signed_in(party.volunteer)
    typed = {"title": "免费磨刀", "place": party.world.city.west.pk}
    assert client.post(reverse("service:resource_new"), typed | {"title": ""}).status_code == 400
    assert client.post(reverse("service:resource_new"), typed).status_code == 302
    made = Resource.objects.get()
    text = text_of(signed_in(party.member), "resources")
    assert "免费磨刀" in text
    assert party.volunteer.name not in text
    assert "免费磨刀" not in text_of(signed_in(party.member), "resources", skill="repair")
    edit = reverse("service:resource_edit", args=[made.pk])
    assert client.post(edit, typed | {"title": "磨剪刀"}).status_code == 302
    assert signed_in(party.member).get(edit).status_code == 404
    client.post(reverse("service:resource_withdraw", args=[made.pk]))
    assert "磨剪刀" not in text_of(signed_in(party.member), "resources")


def test_an_offer_to_the_street_reaches_its_communities(party: Party) -> None:
    city = party.world.city
    for place in (city.street, city.west, city.east):
        lists.offer_resource(
            offer=lists.Offer(f"给{place.name}", place), actor=party.world.street_desk, at=NOON
        )
    page = signed_in(party.volunteer).get(reverse("service:resources"))
    assert {row.place for row in page.context["page"].rows} == {city.street, city.west}


def test_a_list_for_one_grid_or_compound(party: Party) -> None:
    city, desk = party.world.city, party.world.desk
    for title, place, compound in (
        ("全社区", city.west, None),
        ("一网格", city.west_1, None),
        ("二网格", city.west_2, None),
        ("小区里", city.west, city.compound),
    ):
        offer = lists.Offer(title, place, compound=compound)
        lists.offer_resource(offer=offer, actor=desk, at=NOON)
    client = signed_in(party.volunteer)

    def shown(part: str) -> set[str]:
        page = client.get(reverse("service:resources"), {"part": part}).context["page"]
        return {row.title for row in page.rows}

    assert shown("") == shown("x") == {"全社区", "一网格", "二网格", "小区里"}
    assert shown(f"g{city.west_1.pk}") == {"全社区", "一网格", "小区里"}
    assert shown(f"c{city.compound.pk}") == {"全社区", "一网格", "二网格", "小区里"}
    other = Compound.objects.create(community=city.west, name="另一小区")
    assert shown(f"c{other.pk}") == {"全社区", "一网格", "二网格"}
    assert "另一小区" in client.get(reverse("service:projects")).content.decode()


def test_the_counter_takes_back_what_its_desk_keeps(party: Party) -> None:
    item, desk = make_station(party.world.city.west), signed_in(party.world.desk)
    award(party, party.member, 1)
    points.award_points(
        user=party.member, rule_code="wish", source="wish", source_id=2, what="在东门", stated=5,
        at=NOON, place=party.world.city.east,
    )  # fmt: skip
    who = signing.dumps(party.member.pk, salt=SERVED_SALT)
    text = text_of(desk, "counter", item.station_id, who=who)
    links = [
        reverse("service:points_correct", args=[m.pk]) in text
        for m in PointsTransaction.objects.order_by("pk")
    ]
    assert links == [True, False]


def test_projects_by_the_page(party: Party) -> None:
    client = signed_in(party.secretary)
    typed = {
        "title": "加装电梯", "branch": party.committee.pk, "place": party.world.city.west.pk,
        "lead": party.member.pk, "due_on": "2026-12-31",
    }  # fmt: skip
    assert client.post(reverse("service:project_new"), typed | {"due_on": "2026-01-01"}).status_code == 400
    assert client.post(reverse("service:project_new"), typed).status_code == 302
    made = Project.objects.get()
    progress = reverse("service:project_progress", args=[made.pk])
    said = {"state": "done", "progress": "已验收"}
    assert signed_in(party.volunteer).get(progress).status_code == 404
    assert signed_in(party.member).post(progress, said).status_code == 302
    assert "已验收" in text_of(signed_in(party.volunteer), "projects", state="done")
    assert signed_in(party.member).get(reverse("service:project_new")).status_code == 403


def test_empty_pages_say_so(party: Party) -> None:
    """Also to somebody who has no community at all."""
    for user in (party.volunteer, party.outsider, party.world.desk):
        client = signed_in(user)
        names = ("activities", "teams", "honours", "stations", "resources", "projects", "points")
        for name in names:
            assert 'class="empty"' in text_of(client, name), name


def test_an_activity_under_way_and_over(party: Party, clock: Any) -> None:
    activity = make_activity(party)
    clock.move_to(ENDS + HOUR)
    client = signed_in(party.volunteer)
    assert activity.title not in text_of(client, "activities")
    assert activity.title in text_of(client, "activities", view="past")
    assert activities.seats_taken(activity) == 0
    assert attendance.ended_with_people(at=ENDS) == []
    assert make_plan(party).title == activity.title


def test_who_finds_the_way_in(party: Party) -> None:
    """In the navigation of residents and committees; in the account menu of everybody but the officers."""
    hub = reverse("service:hub")
    found = {}
    people = {
        "resident": party.outsider,
        "member": party.member,
        "committee": party.secretary,
        "desk": party.world.desk,
        "worker": party.world.worker,
        "officer": party.world.system_officer,
    }
    for name, user in people.items():
        context = signed_in(user).get(reverse("profile")).context
        in_navigation = any(item.key == "service" for item in context["nav_items"])
        in_menu = any(link["url"] == hub for link in context["nav_account"]["links"])
        found[name] = (in_navigation, in_menu)
    assert found == {
        "resident": (True, True),
        "member": (True, True),
        "committee": (True, True),
        "desk": (False, True),
        "worker": (False, True),
        "officer": (False, False),
    }
