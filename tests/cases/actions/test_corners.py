"""Where two rules meet: the sequences that a plain walk through the loop does not take."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cases.actions import checking, desk, handling, oversight
from cases.actions.checking import Answer
from cases.actions.routing import route_case
from cases.calendars import current_calendar
from cases.deadlines import TimerType, elapsed
from cases.models import Case, CaseUnit, Satisfaction
from cases.permissions import RATING_TIME, allowed_actions
from cases.workflow import Stage, State
from governance.common.errors import Invalid, WrongState
from grids.models import Level, PlaceKind
from tests.factories.cases import MINUTE, NOON, World, bring_to, make_attachment, make_world, report
from tests.factories.catalogue import make_matter, make_standard
from tests.factories.grids import make_place

pytestmark = pytest.mark.django_db
HOUR = 60 * MINUTE


@pytest.fixture
def world() -> World:
    return make_world()


def again(case: Case) -> Case:
    return Case.objects.get(pk=case.pk)


def reopened(world: World) -> Case:
    case = bring_to(world, State.CLOSED)
    checking.reopen_case(case_id=case.pk, actor=world.desk, at=NOON + HOUR, note="回头看发现又缺失")
    return again(case)


def test_an_order_above_every_community_has_no_desk_to_be_given_back_to(world: World) -> None:
    case = report(world, lng=None, lat=None, place=world.city.street)
    assert "give_back" not in allowed_actions(world.street_desk, again(case), at=NOON)
    oversight.escalate_case(case_id=case.pk, actor=world.street_desk, at=NOON, note="超出街道能力")
    assert "give_back" in allowed_actions(world.district_desk, again(case), at=NOON)
    given = oversight.give_back_case(case_id=case.pk, actor=world.district_desk, at=NOON, note="请街道办理")
    assert given.desk == world.city.street


def test_the_desk_follows_a_place_corrected_from_one_street_to_another(world: World) -> None:
    other = make_place(world.city.district, Level.STREET, "清流街道", kind=PlaceKind.SUBDISTRICT)
    case = report(world, lng=None, lat=None, place=world.city.street)
    moved = desk.correct_place(case_id=case.pk, actor=world.street_desk, at=NOON, place=other)
    assert (moved.place, moved.desk) == (other, other)


def test_a_failed_check_of_what_was_resolved_on_the_spot_brings_it_to_a_unit(world: World) -> None:
    photos = [make_attachment(world.worker) for _ in range(2)]
    case = report(world, attachments=photos[:1], result="已清走", after_attachments=photos[1:])
    checking.fail_check(case_id=case.pk, actor=world.desk, at=NOON + HOUR, note="还有残留")
    given = {"unit": world.unit, "assisting": [world.assisting, world.assisting]}
    desk.reassign_case(case_id=case.pk, actor=world.desk, at=NOON + 2 * HOUR, **given)
    case = again(case)
    assert (case.state, case.unit, case.dispatched_at) == (State.HANDLING, world.unit, NOON + 2 * HOUR)
    parts = {part.unit: part.part for part in case.parts.all()}
    assert parts == {world.unit: CaseUnit.Part.LEAD, world.assisting: CaseUnit.Part.ASSIST}
    assert "part_done" in allowed_actions(world.assistant, case, at=NOON + 2 * HOUR)


def test_after_fifteen_days_no_button_offers_a_rating(world: World) -> None:
    case = bring_to(world, State.CLOSED)
    assert case.closed_at is not None
    last = case.closed_at + RATING_TIME
    assert "rate" in allowed_actions(world.worker, case, at=last)
    assert "rate" not in allowed_actions(world.worker, case, at=last + MINUTE)
    answer = Answer(solved=True, satisfaction=Satisfaction.SATISFIED)
    with pytest.raises(WrongState, match="15"):
        checking.rate_case(case_id=case.pk, actor=world.worker, at=last + MINUTE, answer=answer)


def test_an_extension_after_reopening_moves_both_due_times(world: World) -> None:
    case = reopened(world)
    handle, whole = case.clocks.get(stage=Stage.HANDLE, round=2).due_at, case.due_at
    handling.ask_extension(
        case_id=case.pk, actor=world.handler, at=NOON + HOUR, extra=2 * HOUR, note="配件未到"
    )
    case = desk.grant_extension(case_id=case.pk, actor=world.desk, at=NOON + HOUR)
    after = again(case).clocks.get(stage=Stage.HANDLE, round=2).due_at
    calendar = current_calendar()
    assert case.due_at is not None
    assert whole is not None
    assert elapsed(handle, after, TimerType.WORK_DAY, calendar) == 2 * HOUR
    assert elapsed(whole, case.due_at, TimerType.WORK_DAY, calendar) == 2 * HOUR


def test_a_suspension_after_reopening_moves_the_whole_due_by_the_pause(world: World) -> None:
    case = reopened(world)
    whole = case.due_at
    handling.ask_suspension(case_id=case.pk, actor=world.handler, at=NOON + HOUR, note="等法院裁定")
    desk.grant_suspension(case_id=case.pk, actor=world.desk, at=NOON + HOUR)
    assert again(case).due_at is None
    desk.resume_case(case_id=case.pk, actor=world.desk, at=NOON + 2 * HOUR)  # the midday break begins then
    case = again(case)
    assert case.due_at is not None
    assert whole is not None
    assert elapsed(whole, case.due_at, TimerType.WORK_DAY, current_calendar()) == HOUR


def test_a_suggestion_falls_with_the_matter_that_it_was_made_for(world: World) -> None:
    case = report(world)
    assert route_case(case_id=case.pk, at=NOON).suggested_unit == world.unit
    other = make_matter(name="井盖")
    case = desk.correct_matter(case_id=case.pk, matter=other, actor=world.desk, at=NOON)
    assert (case.suggested_unit, case.route_reason, case.routed_at) == (None, {}, None)


def test_no_more_time_is_granted_than_may_be_asked(world: World) -> None:
    case = bring_to(world, State.HANDLING)
    handling.ask_extension(case_id=case.pk, actor=world.handler, at=NOON + HOUR, extra=HOUR, note="配件未到")
    with pytest.raises(Invalid) as refused:
        desk.grant_extension(case_id=case.pk, actor=world.desk, at=NOON + HOUR, extra=timedelta(days=10**8))
    assert refused.value.field == "extra"
    assert again(case).extensions == 0


def test_a_standard_of_another_time_cannot_be_picked(world: World) -> None:
    later = make_standard(world.matter, "以后才生效", amount=9, valid_from=NOON + timedelta(days=1))
    case = report(world)
    with pytest.raises(Invalid) as refused:
        desk.accept_case(case_id=case.pk, actor=world.desk, at=NOON + timedelta(days=2), standard=later)
    assert refused.value.field == "standard"
    assert again(case).state == State.REPORTED
