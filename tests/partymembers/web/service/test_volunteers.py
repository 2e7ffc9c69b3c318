"""Pages of volunteers, teams and activities."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from partymembers.actions import activities, attendance
from partymembers.models import (
    AuditEntry,
    PointsAccount,
    SignUp,
    Team,
    Volunteer,
)
from tests.factories.cases import NOON
from tests.factories.party import Party
from tests.factories.scene import signed_in
from tests.factories.service import (
    ENDS,
    HOUR,
    STARTS,
    make_activity,
    make_plan,
    make_team,
    text_of,
)

pytestmark = pytest.mark.django_db


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


def test_an_activity_under_way_and_over(party: Party, clock: Any) -> None:
    activity = make_activity(party)
    clock.move_to(ENDS + HOUR)
    client = signed_in(party.volunteer)
    assert activity.title not in text_of(client, "activities")
    assert activity.title in text_of(client, "activities", view="past")
    assert activities.seats_taken(activity) == 0
    assert attendance.ended_with_people(at=ENDS) == []
    assert make_plan(party).title == activity.title
