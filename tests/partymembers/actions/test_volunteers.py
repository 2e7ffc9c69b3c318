"""Volunteers register themselves; teams are founded for a place, and led by one of their own."""

from __future__ import annotations

import pytest

from governance.common.errors import Invalid, NotAllowed, NotVisible, WrongState
from grids.models import Place
from partymembers.actions import teams, volunteers
from partymembers.models import Skill, Team, TeamMember, User, Volunteer
from tests.factories.cases import NOON
from tests.factories.party import Party, make_party
from tests.factories.service import HOUR, make_activity, make_team

pytestmark = pytest.mark.django_db


@pytest.fixture
def party() -> Party:
    return make_party()


def register(user: User, community: Place, introduction: str = "会修水管") -> Volunteer:
    skills = Skill.objects.filter(code__in=("repair", "company"))
    return volunteers.register_volunteer(
        user=user, community=community, skills=skills, introduction=introduction, at=NOON
    )


def test_somebody_registers_changes_leaves_and_returns(party: Party) -> None:
    city = party.world.city
    first = register(party.outsider, city.west)
    again = register(party.outsider, city.west, "会开锁")
    assert (again.pk, again.introduction) == (first.pk, "会开锁")
    assert sorted(again.skills.values_list("code", flat=True)) == ["company", "repair"]
    Skill.objects.filter(code="repair").update(is_active=False)
    changed = volunteers.change_volunteer(
        user=party.outsider, community=city.east, skills=Skill.objects.all(), introduction="", at=NOON
    )
    assert changed.community == city.east
    assert not changed.skills.filter(code="repair").exists()
    left = volunteers.leave_volunteers(user=party.outsider, at=NOON + HOUR)
    assert left.left_at == NOON + HOUR
    with pytest.raises(WrongState):
        volunteers.leave_volunteers(user=party.outsider, at=NOON + HOUR)
    assert register(party.outsider, city.west).left_at is None


def test_registration_wants_a_community_and_no_officer(party: Party) -> None:
    world = party.world
    with pytest.raises(Invalid) as refused:
        register(party.outsider, world.city.street)
    assert refused.value.field == "community"
    with pytest.raises(Invalid):
        register(party.outsider, world.city.west, "长" * 501)
    with pytest.raises(NotAllowed):
        register(world.system_officer, world.city.west)
    assert not Volunteer.objects.exclude(user=party.volunteer).exists()


def test_whoever_leads_a_team_hands_it_over_before_leaving(party: Party) -> None:
    team = make_team(party)
    teams.join_team(team_id=team.pk, user=party.member, at=NOON)
    with pytest.raises(WrongState):
        volunteers.leave_volunteers(user=party.volunteer, at=NOON)
    with pytest.raises(WrongState):
        teams.leave_team(team_id=team.pk, user=party.volunteer, at=NOON)
    teams.hand_over_team(team_id=team.pk, leader=party.member, actor=party.volunteer, at=NOON)
    volunteers.leave_volunteers(user=party.volunteer, at=NOON)
    team.refresh_from_db()
    assert team.leader == party.member
    assert list(TeamMember.objects.filter(left_at=None).values_list("user", flat=True)) == [party.member.pk]


def test_joining_twice_is_joining_once(party: Party) -> None:
    team = make_team(party)
    first = teams.join_team(team_id=team.pk, user=party.member, at=NOON)
    assert teams.join_team(team_id=team.pk, user=party.member, at=NOON) == first
    teams.leave_team(team_id=team.pk, user=party.member, at=NOON)
    assert teams.join_team(team_id=team.pk, user=party.member, at=NOON) != first
    with pytest.raises(NotAllowed):
        teams.join_team(team_id=team.pk, user=party.outsider, at=NOON)
    with pytest.raises(NotVisible):
        teams.join_team(team_id=0, user=party.member, at=NOON)


def test_a_team_has_a_name_of_its_own_and_a_leader_who_serves(party: Party) -> None:
    make_team(party)
    with pytest.raises(Invalid) as refused:
        make_team(party)
    assert refused.value.field == "name"
    with pytest.raises(Invalid) as refused:
        make_team(party, "二队", leader=party.outsider)
    assert refused.value.field == "leader"
    with pytest.raises(Invalid):
        make_team(party, "  ")
    team = Team.objects.get()
    with pytest.raises(Invalid):
        teams.hand_over_team(team_id=team.pk, leader=party.member, actor=party.world.desk, at=NOON)


def test_a_team_ends_when_nothing_of_it_is_to_come(party: Party) -> None:
    team = make_team(party)
    activity = make_activity(party, team=team, actor=party.volunteer)
    with pytest.raises(WrongState):
        teams.dissolve_team(team_id=team.pk, actor=party.world.desk, at=NOON)
    teams.dissolve_team(team_id=team.pk, actor=party.world.desk, at=activity.ends_at)
    with pytest.raises(WrongState):
        teams.join_team(team_id=team.pk, user=party.member, at=NOON)
    assert not TeamMember.objects.filter(left_at=None).exists()
