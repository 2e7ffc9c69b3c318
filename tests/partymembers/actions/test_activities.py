"""Activities: seats, coming and going, hours and points."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from governance.common.errors import Invalid, NotAllowed, NotVisible, WrongState
from partymembers.actions import activities, attendance, lists, points, stations, teams
from partymembers.models import (
    Activity,
    AuditEntry,
    Notice,
    PointsAccount,
    PointsTransaction,
    Project,
    Resource,
    ServiceRecord,
    SignUp,
    User,
)
from partymembers.tasks import end_activities
from tests.factories.cases import NOON
from tests.factories.party import Party, make_branch, make_branch_post, make_party
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
from tests.partymembers.actions.test_points import at_once

pytestmark = pytest.mark.django_db
HALF = timedelta(minutes=30)


@pytest.fixture
def party() -> Party:
    return make_party()


def balance(user: User) -> int:
    account = PointsAccount.objects.filter(user=user).first()
    return account.balance if account else 0


def minutes_of(user: User) -> int:
    return sum(ServiceRecord.objects.filter(user=user, cancelled_at=None).values_list("minutes", flat=True))


def serve(activity: Activity, user: User, arrived: datetime, left: datetime | None) -> SignUp:
    mine = attendance.arrive(token=activity.token, user=user, at=arrived)
    if left is not None:
        mine = attendance.leave(token=activity.token, user=user, at=left)
    return mine


def test_what_an_activity_must_have(party: Party) -> None:
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("title", {"title": " "}),
        ("title", {"title": "长" * 101}),
        ("where", {"where": ""}),
        ("starts_at", {"starts_at": NOON - HOUR}),
        ("starts_at", {"starts_at": NOON + 400 * 24 * HOUR, "ends_at": NOON + 401 * 24 * HOUR}),
        ("ends_at", {"ends_at": STARTS}),
        ("ends_at", {"ends_at": STARTS + 25 * HOUR}),
        ("capacity", {"capacity": 0}),
        ("place", {"place": party.world.city.west_1}),
    ]
    for field, change in wrong:
        with pytest.raises(Invalid) as refused:
            make_activity(party, actor=party.world.street_desk, **change)
        assert refused.value.field == field
    made = make_activity(party)
    assert (len(made.token), made.created_by) == (43, party.world.desk)


def test_seats_are_given_once_and_come_back(party: Party) -> None:
    activity = make_activity(party, capacity=1)
    first = activities.sign_up(activity_id=activity.pk, user=party.member, at=NOON)
    assert activities.sign_up(activity_id=activity.pk, user=party.member, at=NOON) == first
    with pytest.raises(WrongState):
        activities.sign_up(activity_id=activity.pk, user=party.volunteer, at=NOON)
    activities.cancel_sign_up(activity_id=activity.pk, user=party.member, at=NOON)
    activities.sign_up(activity_id=activity.pk, user=party.volunteer, at=NOON)
    with pytest.raises(WrongState):
        activities.sign_up(activity_id=activity.pk, user=party.member, at=NOON)
    with pytest.raises(NotVisible):
        activities.cancel_sign_up(activity_id=activity.pk, user=party.second_member, at=NOON)
    with pytest.raises(NotAllowed):
        activities.sign_up(activity_id=activity.pk, user=party.outsider, at=NOON)
    with pytest.raises(WrongState):
        activities.sign_up(activity_id=activity.pk, user=party.member, at=ENDS)
    with pytest.raises(NotVisible):
        activities.sign_up(activity_id=0, user=party.member, at=NOON)


@pytest.mark.django_db(transaction=True)
def test_the_last_seat_is_given_once() -> None:
    party = make_party()
    activity = make_activity(party, capacity=1)
    people = [party.member, party.second_member, party.volunteer]
    found = at_once(
        *[lambda u=user: activities.sign_up(activity_id=activity.pk, user=u, at=NOON) for user in people]
    )
    assert sorted(type(each).__name__ for each in found) == ["SignUp", "WrongState", "WrongState"]
    assert SignUp.objects.filter(cancelled_at=None).count() == 1


@pytest.mark.django_db(transaction=True)
def test_leaving_many_times_at_once_counts_once() -> None:
    party = make_party()
    activity = make_activity(party)
    serve(activity, party.member, STARTS, None)
    at_once(
        *[lambda: attendance.leave(token=activity.token, user=party.member, at=STARTS + HOUR)] * 3,
        lambda: attendance.check_out_all(activity_id=activity.pk, at=ENDS),
    )
    mine = SignUp.objects.get(user=party.member)
    assert mine.left_at in (STARTS + HOUR, ENDS)
    assert balance(party.member) == (10 if mine.left_at == STARTS + HOUR else 30)
    assert PointsTransaction.objects.count() == 1


def test_hours_are_those_inside_the_span(party: Party) -> None:
    activity = make_activity(party)
    serve(activity, party.member, STARTS - HALF, STARTS + HOUR + HALF)
    assert (minutes_of(party.member), balance(party.member)) == (90, 15)
    serve(activity, party.volunteer, STARTS + HALF, ENDS + 2 * HOUR)
    assert (minutes_of(party.volunteer), balance(party.volunteer)) == (150, 25)
    serve(activity, party.second_member, STARTS - HALF, STARTS - HALF / 2)
    assert (minutes_of(party.second_member), balance(party.second_member)) == (0, 0)
    record = ServiceRecord.objects.get(user=party.member)
    assert (record.kind, record.branch, record.unit) == ("activity", party.committee, party.home.unit)
    award = PointsTransaction.objects.get(user=party.member)
    assert (award.by, award.rule.code if award.rule else "", award.day) == (
        party.world.desk,
        "activity",
        STARTS.date(),
    )


def test_each_scan_counts_once(party: Party) -> None:
    activity = make_activity(party)
    first = serve(activity, party.member, STARTS, None)
    again = attendance.arrive(token=activity.token, user=party.member, at=STARTS + HALF)
    assert again.arrived_at == first.arrived_at == STARTS
    for later in (HOUR, 2 * HOUR):
        mine = attendance.leave(token=activity.token, user=party.member, at=STARTS + later)
    assert (mine.left_at, balance(party.member)) == (STARTS + HOUR, 10)
    with pytest.raises(WrongState):
        activities.cancel_sign_up(activity_id=activity.pk, user=party.member, at=ENDS)


def test_when_the_door_is_open(party: Party) -> None:
    activity = make_activity(party, capacity=1)
    for moment in (STARTS - HOUR - HALF, ENDS):
        with pytest.raises(WrongState):
            attendance.arrive(token=activity.token, user=party.member, at=moment)
    with pytest.raises(WrongState):
        attendance.leave(token=activity.token, user=party.member, at=STARTS)
    attendance.arrive(token=activity.token, user=party.member, at=STARTS - HOUR)
    with pytest.raises(WrongState):  # at the door, too, only a free seat
        attendance.arrive(token=activity.token, user=party.volunteer, at=STARTS)
    with pytest.raises(NotVisible):
        attendance.arrive(token="x" * 43, user=party.volunteer, at=STARTS)


def test_the_organizer_gets_the_record_and_no_points(party: Party) -> None:
    team = make_team(party)
    activity = make_activity(party, team=team, actor=party.volunteer)
    serve(activity, party.volunteer, STARTS, ENDS)
    assert (minutes_of(party.volunteer), balance(party.volunteer)) == (180, 0)
    with pytest.raises(NotAllowed):
        correct(activity, party.volunteer, party.volunteer, STARTS, ENDS)


def test_the_sweep_checks_out_who_is_still_in(party: Party) -> None:
    activity = make_activity(party)
    serve(activity, party.member, STARTS, None)
    activities.sign_up(activity_id=activity.pk, user=party.volunteer, at=NOON)
    assert attendance.ended_with_people(at=ENDS - HALF) == []
    assert attendance.check_out_all(activity_id=activity.pk, at=ENDS - HALF) == 0
    assert attendance.ended_with_people(at=ENDS) == [activity.pk]
    assert [attendance.check_out_all(activity_id=activity.pk, at=ENDS + HOUR) for _ in range(2)] == [1, 0]
    assert (SignUp.objects.get(user=party.member).left_at, balance(party.member)) == (ENDS, 30)
    assert (minutes_of(party.volunteer), balance(party.volunteer)) == (0, 0)
    assert attendance.ended_with_people(at=ENDS) == []


def test_the_task_sweeps_what_has_ended(party: Party) -> None:
    activity = make_activity(party)
    serve(activity, party.member, STARTS, None)
    Activity.objects.update(starts_at=STARTS - 99 * 24 * HOUR, ends_at=ENDS - 99 * 24 * HOUR)
    SignUp.objects.update(arrived_at=STARTS - 99 * 24 * HOUR)
    end_activities()
    end_activities()
    assert (minutes_of(party.member), balance(party.member)) == (180, 30)


def correct(
    activity: Activity, user: User, actor: User, arrived: datetime | None, left: datetime | None, **more: Any
) -> SignUp:
    mine = SignUp.objects.get(activity=activity, user=user)
    values: dict[str, Any] = {"reason": "手机没电", "at": ENDS + HOUR}
    return attendance.correct_attendance(
        sign_up_id=mine.pk, arrived_at=arrived, left_at=left, actor=actor, **(values | more)
    )


def test_a_forgotten_check_in_is_put_right(party: Party) -> None:
    desk = party.world.desk
    activity = make_activity(party)
    activities.sign_up(activity_id=activity.pk, user=party.member, at=NOON)
    correct(activity, party.member, desk, STARTS, STARTS + HOUR)
    assert (minutes_of(party.member), balance(party.member)) == (60, 10)
    correct(activity, party.member, desk, STARTS, ENDS)
    assert (minutes_of(party.member), balance(party.member)) == (180, 30)
    transactions = PointsTransaction.objects.count()
    correct(activity, party.member, desk, STARTS, ENDS)  # the same again moves nothing
    assert PointsTransaction.objects.count() == transactions == 3
    correct(activity, party.member, desk, None, None)
    assert (minutes_of(party.member), balance(party.member)) == (0, 0)
    entries = AuditEntry.objects.filter(action="attendance_corrected", actor=desk)
    assert (entries.count(), entries.order_by("pk")[0].data["reason"]) == (4, "手机没电")


def test_what_was_spent_is_not_given_twice(party: Party) -> None:
    desk, member = party.world.desk, party.member
    activity = make_activity(party)
    serve(activity, member, STARTS, ENDS)
    item = make_station(party.world.city.west, points=28)
    points.redeem_item(user=member, item_id=item.pk, by=desk, at=ENDS)
    correct(activity, member, desk, STARTS, STARTS + HOUR)
    assert balance(member) == 0  # 30 earned, 28 spent, 2 taken back: more than the 10 due are kept
    correct(activity, member, desk, STARTS, ENDS)
    assert balance(member) == 2


def test_what_cannot_be_put_right(party: Party) -> None:
    desk, member = party.world.desk, party.member
    activity = make_activity(party)
    activities.sign_up(activity_id=activity.pk, user=member, at=NOON)
    wrong: list[tuple[type[Exception], dict[str, Any]]] = [
        (Invalid, {"reason": " "}),
        (Invalid, {"left": None}),
        (Invalid, {"arrived": STARTS - 2 * HOUR}),
        (Invalid, {"left": ENDS + HALF}),
        (Invalid, {"arrived": STARTS + HOUR, "left": STARTS}),
        (WrongState, {"at": STARTS - HALF}),
        (WrongState, {"at": ENDS + timedelta(days=31)}),
    ]
    for error, change in wrong:
        with pytest.raises(error):
            correct(activity, member, desk, **({"arrived": STARTS, "left": ENDS} | change))
    with pytest.raises(NotVisible):
        attendance.correct_attendance(
            sign_up_id=0, arrived_at=None, left_at=None, reason="x", actor=desk, at=ENDS
        )


def test_changing_and_cancelling_tell_those_who_come(party: Party) -> None:
    desk = party.world.desk
    activity = make_activity(party)
    activities.sign_up(activity_id=activity.pk, user=party.member, at=NOON)
    same = make_plan(party, description="带手套")
    activities.change_activity(activity_id=activity.pk, plan=same, actor=desk, at=NOON)
    assert not Notice.objects.exists()
    moved = make_plan(party, starts_at=STARTS + HOUR)
    activities.change_activity(activity_id=activity.pk, plan=moved, actor=desk, at=NOON)
    with pytest.raises(Invalid):
        activities.cancel_activity(activity_id=activity.pk, reason="", actor=desk, at=NOON)
    activities.cancel_activity(activity_id=activity.pk, reason="下雨", actor=desk, at=NOON)
    told = Notice.objects.filter(recipient=party.member).order_by("pk").values_list("kind", flat=True)
    assert list(told) == ["activity_moved", "activity_cancelled"]
    refused: list[Callable[[], object]] = [
        lambda: activities.cancel_activity(activity_id=activity.pk, reason="又", actor=desk, at=NOON),
        lambda: activities.change_activity(activity_id=activity.pk, plan=moved, actor=desk, at=NOON),
        lambda: activities.sign_up(activity_id=activity.pk, user=party.volunteer, at=NOON),
        lambda: attendance.arrive(token=activity.token, user=party.volunteer, at=STARTS + HOUR),
    ]
    for act in refused:
        with pytest.raises(WrongState):
            act()


def test_what_has_begun_stays_as_it_is(party: Party) -> None:
    desk = party.world.desk
    activity = make_activity(party)
    for user in (party.member, party.volunteer):
        activities.sign_up(activity_id=activity.pk, user=user, at=NOON)
    with pytest.raises(Invalid):
        activities.change_activity(
            activity_id=activity.pk, plan=make_plan(party, capacity=1), actor=desk, at=NOON
        )
    with pytest.raises(WrongState):
        activities.change_activity(activity_id=activity.pk, plan=make_plan(party), actor=desk, at=STARTS)
    attendance.arrive(token=activity.token, user=party.member, at=STARTS)
    with pytest.raises(WrongState):
        activities.cancel_activity(activity_id=activity.pk, reason="散了", actor=desk, at=STARTS)


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


def test_what_an_offer_must_have(party: Party) -> None:
    west, member = party.world.city.west, party.member
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("title", {"title": " "}),
        ("unit", {"unit": party.world.other_unit}),
        ("branch", {"branch": party.committee}),
        ("compound", {"compound": party.world.city.compound, "place": party.world.city.east}),
        ("ends_on", {"ends_on": NOON.date() - timedelta(days=1)}),
    ]
    for field, change in wrong:
        values: dict[str, Any] = {"title": "义诊", "place": west}
        with pytest.raises(Invalid) as refused:
            lists.offer_resource(offer=lists.Offer(**(values | change)), actor=member, at=NOON)
        assert refused.value.field == field
    for number in range(lists.MOST_OFFERS):
        lists.offer_resource(offer=lists.Offer(title=f"义诊{number}", place=west), actor=member, at=NOON)
    with pytest.raises(WrongState):
        lists.offer_resource(offer=lists.Offer(title="再来", place=west), actor=member, at=NOON)
    first = Resource.objects.order_by("pk")[0]
    lists.withdraw_resource(resource_id=first.pk, actor=member, at=NOON)
    with pytest.raises(WrongState):
        lists.withdraw_resource(resource_id=first.pk, actor=member, at=NOON)


def test_colleagues_change_what_their_unit_offers(party: Party) -> None:
    world = party.world
    offer = lists.Offer(title="电工", place=world.city.west, unit=world.unit)
    made = lists.offer_resource(offer=offer, actor=world.handler, at=NOON)
    better = lists.Offer(title="电工两名", place=world.city.west, unit=world.unit)
    changed = lists.change_resource(resource_id=made.pk, offer=better, actor=world.second_handler, at=NOON)
    assert (changed.title, changed.offered_by) == ("电工两名", world.handler)


def test_a_project_from_plan_to_end(party: Party) -> None:
    city = party.world.city
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("title", {"title": ""}),
        ("place", {"place": city.east}),
        ("due_on", {"due_on": NOON.date() - timedelta(days=1)}),
    ]
    values: dict[str, Any] = {
        "title": "加装电梯",
        "place": city.west,
        "branch": party.committee,
        "lead": party.member,
        "due_on": NOON.date() + timedelta(days=60),
    }
    for field, change in wrong:
        with pytest.raises(Invalid) as refused:
            lists.start_project(
                undertaking=lists.Undertaking(**(values | change)), actor=party.secretary, at=NOON
            )
        assert refused.value.field == field
    made = lists.start_project(undertaking=lists.Undertaking(**values), actor=party.secretary, at=NOON)
    with pytest.raises(Invalid):
        lists.report_progress(project_id=made.pk, state="done", progress=" ", actor=party.member, at=NOON)
    with pytest.raises(Invalid):
        lists.report_progress(project_id=made.pk, state="x", progress="好", actor=party.member, at=NOON)
    done = lists.report_progress(
        project_id=made.pk, state="done", progress="已验收", actor=party.member, at=NOON
    )
    assert (done.state, done.ended_at) == (Project.State.DONE, NOON)
    with pytest.raises(WrongState):
        lists.report_progress(
            project_id=made.pk, state="running", progress="返工", actor=party.member, at=NOON
        )
