"""The loop itself: what each action changes, what its clocks do, and that of two people one wins."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.db import connections

from cases.actions import checking, desk, handling, oversight
from cases.actions.checking import Answer
from cases.calendars import current_calendar
from cases.deadlines import TimerType, elapsed
from cases.models import Case, CaseUnit, Clock, Feedback, Satisfaction
from cases.permissions import RATING_TIME
from cases.workflow import Stage, State
from governance.common.errors import DomainError, Invalid, NotAllowed, NotVisible, WrongState
from tests.factories.cases import MINUTE, NOON, World, bring_to, make_attachment, make_world, report
from tests.factories.catalogue import make_matter, make_standard

pytestmark = pytest.mark.django_db
HOUR = 60 * MINUTE


@pytest.fixture
def world() -> World:
    return make_world()


def worked(start: datetime, end: datetime) -> timedelta:
    """Working time between two instants."""
    return elapsed(start, end, TimerType.WORK_DAY, current_calendar())


def clock(case: Case, stage: Stage) -> Clock:
    """The last round of a stage."""
    return case.clocks.filter(stage=stage).latest("round")


def test_the_whole_loop_keeps_one_event_a_step(world: World) -> None:
    case = bring_to(world, "handled")
    checking.fail_check(case_id=case.pk, actor=world.second_worker, at=NOON + HOUR, note="还有残留")
    picture = make_attachment(world.handler)
    handling.finish_case(
        case_id=case.pk, actor=world.handler, at=NOON + 2 * HOUR, note="再次清理", attachments=[picture]
    )
    checking.pass_check(case_id=case.pk, actor=world.second_worker, at=NOON + 2 * HOUR)
    answer = Answer(contacted=True, solved=True, satisfaction=Satisfaction.SATISFIED, comment="好")
    checking.rate_case(case_id=case.pk, actor=world.worker, at=NOON + 3 * HOUR, answer=answer)
    case.refresh_from_db()
    kinds = ["report", "accept", "dispatch", "acknowledge", "finish"]
    kinds += ["check_fail", "finish", "check_pass", "rate"]
    assert [(e.seq, e.kind) for e in case.events.all()] == list(enumerate(kinds, start=1))
    assert (case.state, case.reworks, case.satisfaction) == (State.CLOSED, 1, Satisfaction.SATISFIED)
    assert case.next_due_at is None
    assert not case.clocks.filter(stopped_at=None).exists()


def test_the_handling_clock_pauses_for_the_check_and_runs_on_after_a_failed_one(world: World) -> None:
    case = bring_to(world, "handled")  # acknowledged at +3, finished at +4 minutes
    checking.fail_check(case_id=case.pk, actor=world.desk, at=NOON + 34 * MINUTE, note="没清完")
    handle = clock(case, Stage.HANDLE)
    assert handle.round == 1
    assert handle.paused_total == 30 * MINUTE
    assert handle.used is None
    assert worked(NOON, handle.due_at) == 8 * HOUR + 33 * MINUTE  # started at +3, paused for 30


def test_after_a_return_the_next_unit_gets_a_fresh_clock_and_the_whole_runs_on(world: World) -> None:
    case = bring_to(world, "handling")
    due = case.due_at
    handling.return_case(case_id=case.pk, actor=world.handler, at=NOON + HOUR, note="不归我们管")
    desk.dispatch_case(case_id=case.pk, unit=world.other_unit, actor=world.desk, at=NOON + HOUR)
    handling.acknowledge_case(case_id=case.pk, actor=world.other_handler, at=NOON + HOUR + MINUTE)
    case.refresh_from_db()
    assert (case.returns, case.unit, case.due_at) == (1, world.other_unit, due)
    handle = clock(case, Stage.HANDLE)
    assert (handle.round, handle.started_at) == (2, NOON + HOUR + MINUTE)


def test_a_former_unit_reads_and_no_longer_acts(world: World) -> None:
    case = bring_to(world, "dispatched")
    handling.return_case(case_id=case.pk, actor=world.handler, at=NOON + HOUR, note="不归我们管")
    assert CaseUnit.objects.get(case=case, unit=world.unit).part == CaseUnit.Part.FORMER
    with pytest.raises(NotAllowed):
        handling.finish_case(case_id=case.pk, actor=world.handler, at=NOON + HOUR, note="好了")


def test_comment_reassignment_and_correction_of_the_place_leave_every_clock_as_it_was(world: World) -> None:
    case = bring_to(world, "handling")
    before = list(case.clocks.order_by("pk").values())
    oversight.comment_case(case_id=case.pk, actor=world.desk, at=NOON + HOUR, note="已联系")
    oversight.urge_case(case_id=case.pk, actor=world.desk, at=NOON + HOUR)
    desk.reassign_case(case_id=case.pk, unit=world.other_unit, actor=world.desk, at=NOON + HOUR)
    lng, lat = world.city.inside(world.city.west_2)
    desk.correct_place(case_id=case.pk, actor=world.desk, at=NOON + HOUR, lng=lng, lat=lat)
    assert list(case.clocks.order_by("pk").values()) == before
    case.refresh_from_db()
    assert (case.place, case.reported_place, case.desk) == (
        world.city.west_2,
        world.city.west_1,
        world.city.west,
    )


def test_correcting_the_place_into_another_community_moves_the_desk(world: World) -> None:
    case = bring_to(world, "accepted")
    lng, lat = world.city.inside(world.city.east_1)
    desk.correct_place(case_id=case.pk, actor=world.desk, at=NOON + HOUR, lng=lng, lat=lat)
    case.refresh_from_db()
    assert (case.desk, case.routed_at) == (world.city.east, None)


def test_correcting_the_matter_keeps_the_start_and_takes_the_standard_of_report_time(world: World) -> None:
    case = bring_to(world, "handling")
    later = make_matter(name="井盖", amount=2, valid_from=NOON - timedelta(days=9))
    make_standard(later, "以后才生效", amount=9, valid_from=NOON + timedelta(days=1))
    started = clock(case, Stage.HANDLE).started_at
    desk.correct_matter(case_id=case.pk, matter=later, actor=world.desk, at=NOON + timedelta(days=2))
    handle = clock(Case.objects.get(pk=case.pk), Stage.HANDLE)
    assert (handle.started_at, handle.limit) == (started, timedelta(hours=16))


def test_an_extension_moves_handling_and_whole_equally(world: World) -> None:
    case = bring_to(world, "handling")
    whole, handle = clock(case, Stage.WHOLE), clock(case, Stage.HANDLE)
    handling.ask_extension(
        case_id=case.pk, actor=world.handler, at=NOON + HOUR, extra=2 * HOUR, note="配件未到"
    )
    assert clock(case, Stage.DECIDE).stopped_at is None
    desk.grant_extension(case_id=case.pk, actor=world.desk, at=NOON + HOUR)
    assert worked(whole.due_at, clock(case, Stage.WHOLE).due_at) == 2 * HOUR
    assert worked(handle.due_at, clock(case, Stage.HANDLE).due_at) == 2 * HOUR
    assert clock(case, Stage.DECIDE).stopped_at == NOON + HOUR
    case.refresh_from_db()
    assert (case.extensions, case.due_at) == (1, clock(case, Stage.WHOLE).due_at)


def test_a_refused_request_changes_no_due_time(world: World) -> None:
    case = bring_to(world, "handling")
    due = clock(case, Stage.HANDLE).due_at
    handling.ask_extension(case_id=case.pk, actor=world.handler, at=NOON, extra=HOUR, note="忙")
    with pytest.raises(WrongState):
        handling.ask_suspension(case_id=case.pk, actor=world.handler, at=NOON, note="再问一次")
    desk.refuse_request(case_id=case.pk, actor=world.desk, at=NOON, note="不行")
    assert clock(case, Stage.HANDLE).due_at == due


def test_a_suspended_order_has_no_due_time_and_moves_by_its_pause(world: World) -> None:
    case = bring_to(world, "suspended")
    assert (case.due_at, case.next_due_at) == (None, None)
    whole = clock(case, Stage.WHOLE)
    desk.resume_case(case_id=case.pk, actor=world.desk, at=whole.paused_at + HOUR)
    case.refresh_from_db()
    assert case.state == State.HANDLING
    assert worked(whole.due_at, case.due_at) == HOUR
    assert clock(case, Stage.HANDLE).paused_total == HOUR


def test_a_merged_orders_reporter_follows_the_other_one(world: World) -> None:
    case, target = report(world), report(world, reporter=world.second_worker)
    desk.merge_case(case_id=case.pk, target_id=target.pk, actor=world.desk, at=NOON, note="同一处")
    target.refresh_from_db()
    case.refresh_from_db()
    assert (case.state, case.merged_into) == (State.MERGED, target)
    assert [c.user for c in target.co_reporters.all()] == [world.worker]
    assert target.co_reports == 1


@pytest.mark.parametrize("aim", ["itself", "ended", "unseen"])
def test_a_merger_into_what_cannot_be_is_refused(world: World, aim: str) -> None:
    case = report(world)
    lng, lat = world.city.inside(world.city.east_1)
    targets = {
        "itself": lambda: case.pk,
        "ended": lambda: bring_to(world, "closed").pk,
        "unseen": lambda: report(world, lng=lng, lat=lat).pk,
    }
    with pytest.raises((Invalid, WrongState, NotVisible)):
        desk.merge_case(case_id=case.pk, target_id=targets[aim](), actor=world.desk, at=NOON)
    case.refresh_from_db()
    assert case.state == State.REPORTED


def test_not_solved_reopens_and_the_original_due_stays(world: World) -> None:
    case = bring_to(world, "closed")
    due = case.due_at
    answer = Answer(contacted=True, solved=False, satisfaction=Satisfaction.DISSATISFIED)
    checking.rate_case(case_id=case.pk, actor=world.worker, at=NOON + HOUR, answer=answer)
    case.refresh_from_db()
    assert (case.state, case.reopenings, case.closed_at, case.due_at) == (State.HANDLING, 1, None, due)
    assert clock(case, Stage.HANDLE).round == 2
    assert Feedback.objects.get(case=case).solved is False


def test_rating_ends_after_fifteen_days(world: World) -> None:
    case = bring_to(world, "closed")
    answer = Answer(solved=True, satisfaction=Satisfaction.SATISFIED)
    checking.rate_case(case_id=case.pk, actor=world.worker, at=case.closed_at + RATING_TIME, answer=answer)
    with pytest.raises(WrongState):
        checking.rate_case(
            case_id=case.pk,
            actor=world.worker,
            at=case.closed_at + RATING_TIME + MINUTE,
            answer=answer,
        )


@pytest.mark.parametrize("face", ["", "ecstatic"])
def test_a_rating_needs_one_of_three_faces(world: World, face: str) -> None:
    case = bring_to(world, "closed")
    with pytest.raises(Invalid):
        checking.rate_case(
            case_id=case.pk, actor=world.worker, at=NOON + HOUR, answer=Answer(solved=True, satisfaction=face)
        )
    assert not Feedback.objects.exists()


def test_finishing_needs_a_picture_unless_the_matter_cannot_be_seen(world: World) -> None:
    case = bring_to(world, "handling")
    with pytest.raises(Invalid) as caught:
        handling.finish_case(case_id=case.pk, actor=world.handler, at=NOON + HOUR, note="好了")
    assert caught.value.field == "attachments"
    world.matter.needs_photo = False
    world.matter.save()
    handling.finish_case(case_id=case.pk, actor=world.handler, at=NOON + HOUR, note="好了")
    case.refresh_from_db()
    assert case.state == State.HANDLED


def test_escalation_moves_the_desk_and_nothing_else(world: World) -> None:
    case = bring_to(world, "accepted")
    place, due = case.place, case.due_at
    oversight.escalate_case(case_id=case.pk, actor=world.desk, at=NOON + HOUR, note="请街道协调")
    case.refresh_from_db()
    assert (case.desk, case.place, case.due_at, case.climbs) == (world.city.street, place, due, 1)
    with pytest.raises(NotAllowed):
        desk.dispatch_case(case_id=case.pk, unit=world.unit, actor=world.desk, at=NOON + HOUR)
    oversight.give_back_case(case_id=case.pk, actor=world.street_desk, at=NOON + HOUR, note="你们可以办")
    case.refresh_from_db()
    assert case.desk == world.city.west


def test_the_nearest_desk_above_takes_over_and_gives_back_level_by_level(world: World) -> None:
    case = bring_to(world, "reported")
    oversight.take_over_case(case_id=case.pk, actor=world.city_desk, at=NOON + HOUR)
    seen = []
    for actor in (world.city_desk, world.district_desk, world.street_desk):
        oversight.give_back_case(case_id=case.pk, actor=actor, at=NOON + HOUR, note="下交")
        case.refresh_from_db()
        seen.append(case.desk)
    assert seen == [world.city.district, world.city.street, world.city.west]


def test_a_disabled_unit_and_a_stranger_are_not_dispatched_to(world: World) -> None:
    case = bring_to(world, "accepted")
    with pytest.raises(Invalid) as caught:
        desk.dispatch_case(
            case_id=case.pk, unit=world.unit, handler=world.other_handler, actor=world.desk, at=NOON + HOUR
        )
    assert caught.value.field == "handler"
    world.unit.disabled_at = NOON
    world.unit.save()
    with pytest.raises(Invalid) as caught:
        desk.dispatch_case(case_id=case.pk, unit=world.unit, actor=world.desk, at=NOON + HOUR)
    assert caught.value.field == "unit"


@pytest.mark.parametrize("note", ["", "   ", "\x00"])
def test_a_reason_is_a_reason(world: World, note: str) -> None:
    case = bring_to(world, "reported")
    with pytest.raises(Invalid):
        desk.decline_case(case_id=case.pk, actor=world.desk, at=NOON + HOUR, note=note)
    case.refresh_from_db()
    assert (case.state, case.last_seq) == (State.REPORTED, 1)


@pytest.mark.django_db(transaction=True)
def test_of_two_dispatchers_at_once_one_wins_and_the_other_is_told() -> None:
    world = make_world()
    case = bring_to(world, "accepted")
    barrier, won, lost = Barrier(2), [], []

    def send(actor: object, unit: object) -> None:
        try:
            barrier.wait(timeout=60)
            won.append(desk.dispatch_case(case_id=case.pk, unit=unit, actor=actor, at=NOON + HOUR).unit)
        except DomainError as error:
            lost.append(error)
        finally:
            connections["default"].close()

    threads = [
        Thread(target=send, args=(world.desk, world.unit)),
        Thread(target=send, args=(world.second_desk, world.other_unit)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(won) == 1
    assert [type(error) for error in lost] == [WrongState]
    case.refresh_from_db()
    assert case.unit == won[0]
    assert case.events.filter(kind="dispatch").count() == 1
    winner = case.events.get(kind="dispatch").actor
    assert winner.name in str(lost[0].message)
