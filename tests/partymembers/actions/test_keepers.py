"""Who may do what on the volunteers' side of a place, by a matrix written by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import transaction

from governance.common.errors import Invalid, NotAllowed, NotVisible
from partymembers.actions import activities, attendance, lists, stations, teams
from partymembers.models import (
    AuditEntry,
    User,
)
from tests.factories.cases import NOON
from tests.factories.party import Party, make_branch, make_branch_post
from tests.factories.people import make_user
from tests.factories.service import (
    ENDS,
    STARTS,
    make_activity,
    make_plan,
    make_station,
    make_team,
)

pytestmark = pytest.mark.django_db


def cast_of(party: Party) -> dict[str, User]:
    """Everybody who may or may not: the team's leader is the volunteer."""
    world = party.world
    far_committee = make_branch(party.city_branch, "东门社区党委", place=world.city.east)
    far_secretary = make_user("东书记")
    make_branch_post(far_secretary, far_committee)
    return {
        "leader": party.volunteer,
        "desk": world.desk,
        "street desk": world.street_desk,
        "committee": party.secretary,
        "member": party.member,
        "desk next door": world.other_desk,
        "committee next door": far_secretary,
        "grid worker": world.worker,
        "handler": world.handler,
        "official": world.official,
        "outsider": party.outsider,
        "officer": world.system_officer,
    }


KEEPERS = {"desk", "street desk", "committee"}


SERVES = {"leader", "member"}


MATRIX = {
    "create": KEEPERS,
    "create for the team": KEEPERS | {"leader"},
    "change": KEEPERS | {"leader"},
    "cancel": KEEPERS | {"leader"},
    "sign up": SERVES,
    "correct": KEEPERS | {"leader"},
    "found a team": KEEPERS,
    "join": SERVES,
    "hand over": KEEPERS | {"leader"},
    "dissolve": KEEPERS,
    "change stock": {"desk", "street desk"},
    "offer": SERVES
    | KEEPERS
    | {"desk next door", "committee next door", "grid worker", "handler", "official"},
    "change an offer": {"member"},
    "withdraw": KEEPERS | {"member"},
    "start a project": {"committee"},
    "report progress": {"committee", "leader"},
}


def acts_of(party: Party) -> dict[str, Callable[[User], object]]:
    """Each action on things of the community `west`, to be tried by anybody."""
    west = party.world.city.west
    team = make_team(party)
    activity = make_activity(party, team=team, actor=party.world.desk)
    coming = activities.sign_up(activity_id=activity.pk, user=party.second_member, at=NOON)
    teams.join_team(team_id=team.pk, user=party.second_member, at=NOON)
    other_team = make_team(party, "二队", leader=party.second_member)
    item = make_station(west)
    offer = lists.Offer(title="义诊", place=west)
    resource = lists.offer_resource(offer=offer, actor=party.member, at=NOON)
    undertaking = lists.Undertaking("加装电梯", west, party.committee, party.volunteer, NOON.date())
    project = lists.start_project(undertaking=undertaking, actor=party.secretary, at=NOON)
    plan, team_plan = make_plan(party), make_plan(party, team=team)
    return {
        "create": lambda u: activities.create_activity(plan=plan, actor=u, at=NOON),
        "create for the team": lambda u: activities.create_activity(plan=team_plan, actor=u, at=NOON),
        "change": lambda u: activities.change_activity(
            activity_id=activity.pk, plan=team_plan, actor=u, at=NOON
        ),
        "cancel": lambda u: activities.cancel_activity(
            activity_id=activity.pk, reason="雨", actor=u, at=NOON
        ),
        "sign up": lambda u: activities.sign_up(activity_id=activity.pk, user=u, at=NOON),
        "correct": lambda u: attendance.correct_attendance(
            sign_up_id=coming.pk, arrived_at=STARTS, left_at=ENDS, reason="忘", actor=u, at=ENDS
        ),
        "found a team": lambda u: teams.found_team(
            name="三队", place=west, leader=party.member, purpose="", actor=u, at=NOON
        ),
        "join": lambda u: teams.join_team(team_id=other_team.pk, user=u, at=NOON),
        "hand over": lambda u: teams.hand_over_team(
            team_id=team.pk, leader=party.second_member, actor=u, at=NOON
        ),
        "dissolve": lambda u: teams.dissolve_team(team_id=team.pk, actor=u, at=ENDS),
        "change stock": lambda u: stations.change_stock(
            item_id=item.pk, change=1, reason="进货", actor=u, at=NOON
        ),
        "offer": lambda u: lists.offer_resource(offer=offer, actor=u, at=NOON),
        "change an offer": lambda u: lists.change_resource(
            resource_id=resource.pk, offer=offer, actor=u, at=NOON
        ),
        "withdraw": lambda u: lists.withdraw_resource(resource_id=resource.pk, actor=u, at=NOON),
        "start a project": lambda u: lists.start_project(undertaking=undertaking, actor=u, at=NOON),
        "report progress": lambda u: lists.report_progress(
            project_id=project.pk, state="running", progress="已开工", actor=u, at=NOON
        ),
    }


def test_who_may_do_what(party: Party) -> None:
    cast = cast_of(party)
    found: dict[str, set[str]] = {}
    for action, act in acts_of(party).items():
        found[action] = {name for name, user in cast.items() if is_allowed(act, user)}
    assert found == MATRIX


def is_allowed(act: Callable[[User], object], user: User) -> bool:
    allowed = True
    with transaction.atomic():
        try:
            act(user)
        except NotAllowed:
            allowed = False
        transaction.set_rollback(True)
    return allowed


def test_a_leader_works_inside_the_places_of_the_team(party: Party) -> None:
    team = make_team(party)
    with pytest.raises(NotAllowed):
        make_activity(party, team=team, actor=party.volunteer, place=party.world.city.east)


def test_stock_changes_are_audited(party: Party) -> None:
    item = make_station(party.world.city.west)
    for change in (0, -6, 100_000):
        with pytest.raises(Invalid):
            stations.change_stock(
                item_id=item.pk, change=change, reason="盘点", actor=party.world.desk, at=NOON
            )
    with pytest.raises(Invalid):
        stations.change_stock(item_id=item.pk, change=1, reason="", actor=party.world.desk, at=NOON)
    with pytest.raises(NotVisible):
        stations.change_stock(item_id=0, change=1, reason="盘点", actor=party.world.desk, at=NOON)
    changed = stations.change_stock(
        item_id=item.pk, change=-5, reason="过期", actor=party.world.desk, at=NOON
    )
    entry = AuditEntry.objects.get(action="stock_changed")
    assert (changed.stock, entry.data["changes"], entry.data["reason"]) == (0, {"stock": [5, 0]}, "过期")
