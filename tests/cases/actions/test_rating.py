"""A reporter rates each closing once, whatever door they come by and however quickly they press."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection

from cases.actions import checking, desk, handling
from cases.actions.checking import Answer
from cases.actions.reporting import Report, join_case, report_case
from cases.actors import Actor, PublicReporter
from cases.models import Case, Feedback, Satisfaction
from cases.permissions import allowed_actions
from cases.workflow import State
from governance.common.errors import WrongState
from tests.factories.cases import MINUTE, NOON, World, bring_to, make_attachment, make_world

pytestmark = pytest.mark.django_db
LATER = NOON + 30 * MINUTE
GOOD = Answer(solved=True, satisfaction=Satisfaction.SATISFIED)
BAD = Answer(solved=False, satisfaction=Satisfaction.DISSATISFIED)


@pytest.fixture
def world() -> World:
    return make_world()


def rate(case: Case, actor: Actor, answer: Answer = GOOD, *, minutes: int = 0) -> None:
    checking.rate_case(case_id=case.pk, actor=actor, at=LATER + minutes * MINUTE, answer=answer)


def may_rate(case: Case, actor: Actor) -> bool:
    return "rate" in allowed_actions(actor, Case.objects.get(pk=case.pk), at=LATER)


def test_a_second_rating_of_one_closing_is_refused_in_words_of_its_own(world: World) -> None:
    case = bring_to(world, State.CLOSED, reporter=world.resident)
    rate(case, world.resident)
    assert not may_rate(case, world.resident)
    with pytest.raises(WrongState, match="已评价") as refused:
        rate(case, world.resident, BAD, minutes=1)
    assert refused.value.extra["action"] == "rate"
    case.refresh_from_db()
    assert (case.state, case.satisfaction, Feedback.objects.count()) == (State.CLOSED, "satisfied", 1)


def test_after_a_reopening_the_next_closing_is_rated_anew(world: World) -> None:
    case = bring_to(world, State.CLOSED, reporter=world.resident)
    rate(case, world.resident, BAD)
    picture = make_attachment(world.handler, at=LATER)
    again = {"case_id": case.pk, "at": LATER + 5 * MINUTE}
    handling.finish_case(**again, actor=world.handler, note="重新安装", attachments=[picture])
    checking.pass_check(**again, actor=world.desk)
    assert may_rate(case, world.resident)
    rate(case, world.resident, minutes=6)
    with pytest.raises(WrongState):
        rate(case, world.resident, minutes=7)
    assert list(Feedback.objects.order_by("pk").values_list("satisfaction", flat=True)) == [
        "dissatisfied",
        "satisfied",
    ]


def test_every_reporter_of_an_order_has_a_rating_of_their_own(world: World) -> None:
    lng, lat = world.city.inside(world.city.west_1)
    told = Report(matter=world.matter, channel="resident", lng=lng, lat=lat)
    case = report_case(report=told, reporter=None, at=NOON)
    links = [PublicReporter(case.pk)]
    links += [
        PublicReporter(case.pk, join_case(case_id=case.pk, user=None, at=NOON, client_id=str(n)).pk)
        for n in (1, 2)
    ]
    join_case(case_id=case.pk, user=world.resident, at=NOON)
    _close(world, case)
    raters: list[Actor] = [*links, world.resident]
    for rater in raters:
        rate(case, rater)
    for rater in raters:
        assert not may_rate(case, rater)
        with pytest.raises(WrongState):
            rate(case, rater)
    assert Feedback.objects.filter(case=case).count() == 4


def test_what_the_desk_asked_on_the_phone_is_no_rating(world: World) -> None:
    case = bring_to(world, State.CLOSED, reporter=world.desk)
    checking.follow_up_case(case_id=case.pk, actor=world.desk, at=LATER, answer=GOOD)
    rate(case, world.desk)
    with pytest.raises(WrongState):
        rate(case, world.desk)


def test_a_door_s_earlier_instant_rates_the_closing_all_the_same(world: World) -> None:
    case = bring_to(world, State.CLOSED, reporter=world.resident)
    early = case.closed_at - timedelta(seconds=3)
    checking.rate_case(case_id=case.pk, actor=world.resident, at=early, answer=GOOD)
    with pytest.raises(WrongState):
        checking.rate_case(case_id=case.pk, actor=world.resident, at=early, answer=GOOD)
    assert Feedback.objects.get().at == case.closed_at


def _close(world: World, case: Case) -> None:
    order = {"case_id": case.pk, "at": NOON + MINUTE}
    desk.accept_case(**order, actor=world.desk)
    desk.dispatch_case(**order, actor=world.desk, unit=world.unit)
    handling.acknowledge_case(**order, actor=world.handler)
    picture = make_attachment(world.handler)
    handling.finish_case(**order, actor=world.handler, note="已补装", attachments=[picture])
    checking.pass_check(**order, actor=world.desk)


@pytest.mark.django_db(transaction=True)
def test_of_ratings_at_once_one_counts() -> None:
    world = make_world()
    case = bring_to(world, State.CLOSED, reporter=world.resident)
    start, refused = Barrier(4), list[WrongState]()

    def press() -> None:
        try:
            start.wait(timeout=10)
            rate(case, world.resident)
        except WrongState as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert (Feedback.objects.filter(case=case).count(), len(refused)) == (1, 3)
    assert case.events.filter(kind="rate").count() == 1
