"""Activities: what they must have, their seats, and what is told when they change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from governance.common.errors import Invalid, NotAllowed, NotVisible, WrongState
from partymembers.actions import activities, attendance
from partymembers.models import (
    Notice,
    SignUp,
)
from tests.factories.cases import NOON
from tests.factories.party import Party, make_party
from tests.factories.service import (
    ENDS,
    HOUR,
    STARTS,
    make_activity,
    make_plan,
)
from tests.factories.threads import at_once

pytestmark = pytest.mark.django_db


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
