"""Who has left, is disabled or holds another post now no longer does what they did: seats, teams, offers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from governance.common.errors import Invalid, NotAllowed
from grids.models import Place
from partymembers.actions import activities, lists, members, teams
from partymembers.models import Member, Notice, Post, SignUp, TeamMember
from partymembers.web.service.forms import HandOverForm, ProjectForm
from tests.factories.cases import NOON
from tests.factories.party import Party, make_branch, make_branch_post, make_member, make_volunteer
from tests.factories.service import make_activity, make_plan, make_team

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def leave_party(party: Party) -> None:
    member = Member.objects.get(user=party.member)
    members.leave(member_id=member.pk, on=NOON.date(), reason="调离", actor=None, at=NOON)


def places_of(party: Party) -> tuple[bool, bool]:
    """Whether the member still has a seat, and a place in the team."""
    seat = SignUp.objects.filter(user=party.member, cancelled_at=None).exists()
    return seat, TeamMember.objects.filter(user=party.member, left_at=None).exists()


def test_who_leaves_the_party_gives_back_seats_and_teams(party: Party) -> None:
    activities.sign_up(activity_id=make_activity(party).pk, user=party.member, at=NOON)
    teams.join_team(team_id=make_team(party).pk, user=party.member, at=NOON)
    leave_party(party)
    assert places_of(party) == (False, False)


def test_a_volunteer_keeps_them(party: Party) -> None:
    make_volunteer(community=party.world.city.west, user=party.member)
    activities.sign_up(activity_id=make_activity(party).pk, user=party.member, at=NOON)
    teams.join_team(team_id=make_team(party).pk, user=party.member, at=NOON)
    leave_party(party)
    assert places_of(party) == (True, True)


def test_a_leader_who_has_left_no_longer_leads(party: Party) -> None:
    team = make_team(party, leader=party.member)
    teams.join_team(team_id=team.pk, user=party.volunteer, at=NOON)
    activity = make_activity(party, actor=party.member, team=team)
    leave_party(party)
    with pytest.raises(NotAllowed):
        teams.hand_over_team(team_id=team.pk, leader=party.volunteer, actor=party.member, at=NOON)
    plan = make_plan(party, team=team, title="改名")
    with pytest.raises(NotAllowed):
        activities.change_activity(activity_id=activity.pk, plan=plan, actor=party.member, at=NOON)
    handed = teams.hand_over_team(team_id=team.pk, leader=party.volunteer, actor=party.world.desk, at=NOON)
    assert handed.leader == party.volunteer


def test_nobody_hands_over_to_who_cannot_sign_in(party: Party) -> None:
    team = make_team(party)
    for user in (party.member, party.second_member):
        teams.join_team(team_id=team.pk, user=user, at=NOON)
    party.member.disabled_at = NOON
    party.member.save()
    assert list(HandOverForm(team=team).fields["leader"].queryset) == [party.second_member]  # type: ignore[attr-defined]
    with pytest.raises(Invalid) as refused:
        teams.hand_over_team(team_id=team.pk, leader=party.member, actor=party.world.desk, at=NOON)
    assert refused.value.field == "leader"


def test_an_officer_joins_no_team(party: Party) -> None:
    officer = party.world.system_officer
    make_member(home=party.home, user=officer)
    with pytest.raises(NotAllowed):
        teams.join_team(team_id=make_team(party).pk, user=officer, at=NOON)


def test_what_a_unit_offers_stays_with_the_unit(party: Party) -> None:
    world = party.world
    offer = lists.Offer(title="电工", place=world.city.west, unit=world.unit)
    made = lists.offer_resource(offer=offer, actor=world.handler, at=NOON)
    Post.objects.filter(user=world.handler).update(ends_on=NOON.date())
    mine = lists.Offer(title="我的电工", place=world.city.west)
    for act in (
        lambda: lists.change_resource(resource_id=made.pk, offer=mine, actor=world.handler, at=NOON + DAY),
        lambda: lists.withdraw_resource(resource_id=made.pk, actor=world.handler, at=NOON + DAY),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert lists.withdraw_resource(
        resource_id=made.pk, actor=world.second_handler, at=NOON + DAY
    ).withdrawn_at


def test_only_a_seat_in_force_lets_somebody_lead_a_project(party: Party) -> None:
    post = make_branch_post(party.outsider, party.committee)
    branches = type(party.committee).objects.filter(pk=party.committee.pk)

    def offered() -> bool:
        form = ProjectForm(branches=branches, places=Place.objects.none())
        return party.outsider in form.fields["lead"].queryset  # type: ignore[attr-defined]

    assert offered()
    Post.objects.filter(pk=post.pk).update(ends_on=timezone.localdate() - DAY)
    assert not offered()


def test_the_branch_that_loses_a_member_is_told(party: Party) -> None:
    make_branch_post(party.outsider, party.home)
    member, other = Member.objects.get(user=party.member), make_branch(party.committee, "第二支部")
    members.transfer_member(member_id=member.pk, to_branch_id=other.pk, actor=party.secretary, at=NOON)
    told = Notice.objects.get(kind="transferred_out")
    assert (told.recipient, told.data["branch"]) == (party.outsider, "第二支部")
    assert party.member.name not in str(told.data)
