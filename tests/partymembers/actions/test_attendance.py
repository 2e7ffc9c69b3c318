"""Coming and going at an activity: hours, points, and attendance put right."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from governance.common.errors import Invalid, NotAllowed, NotVisible, WrongState
from partymembers.actions import activities, attendance, points
from partymembers.models import (
    Activity,
    AuditEntry,
    PointsTransaction,
    ServiceRecord,
    SignUp,
    User,
)
from partymembers.tasks import end_activities
from tests.factories.cases import NOON
from tests.factories.party import Party, make_party
from tests.factories.service import (
    ENDS,
    HOUR,
    STARTS,
    make_activity,
    make_station,
    make_team,
)
from tests.factories.shop import balance
from tests.factories.threads import at_once

pytestmark = pytest.mark.django_db
HALF = timedelta(minutes=30)


def minutes_of(user: User) -> int:
    return sum(ServiceRecord.objects.filter(user=user, cancelled_at=None).values_list("minutes", flat=True))


def serve(activity: Activity, user: User, arrived: datetime, left: datetime | None) -> SignUp:
    mine = attendance.arrive(token=activity.token, user=user, at=arrived)
    if left is not None:
        mine = attendance.leave(token=activity.token, user=user, at=left)
    return mine


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
