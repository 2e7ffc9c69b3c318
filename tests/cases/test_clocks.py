"""Due times of a whole order, reckoned by hand across the National Day holiday of 2026.

Unless said otherwise an order is reported on Tuesday 29 September at 16:00 and each step follows a minute
later; Thursday 1 to Wednesday 7 October is off, Saturday 10 October is worked. Limits: accept 30 minutes,
dispatch 30, acknowledge 60, handle one work day (8 hours), check 240, decide 120, all in working time.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from cases.actions import checking, desk, handling, oversight
from cases.calendars import forget_calendar, seed_calendar
from cases.deadlines import CHINA, TimerType
from cases.models import Case, Clock, Urgency
from cases.workflow import Stage, State
from tests.factories.cases import World, bring_to, make_attachment, make_world, report
from tests.factories.catalogue import make_matter

HOUR = timedelta(hours=1)


def on(text: str) -> datetime:
    """An instant of 2026 in the city."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=CHINA)


BEGAN = on("09-29 16:00")


@pytest.fixture
def world(db: None) -> Iterator[World]:
    seed_calendar(2026)
    forget_calendar()
    yield make_world()
    forget_calendar()


def local(at: datetime | None) -> str | None:
    return f"{at.astimezone(CHINA):%m-%d %H:%M}" if at else None


def running(case: Case) -> dict[str, str | None]:
    """When each running clock is due, by stage and, from the second on, its round."""
    clocks = Clock.objects.filter(case=case, stopped_at=None, paused_at=None)
    return {c.stage if c.round == 1 else f"{c.stage} {c.round}": local(c.due_at) for c in clocks}


def dues(case: Case) -> tuple[str | None, str | None]:
    """The whole due time, and the earliest of the running ones, as the order carries them."""
    case.refresh_from_db()
    return local(case.due_at), local(case.next_due_at)


def test_the_whole_due_chains_the_stages_over_the_holiday(world: World) -> None:
    """16:30, 17:00, 18:00, a work day to the 30th at 18:00, and four hours on the first day after."""
    case = report(world, at=BEGAN)

    assert running(case) == {"accept": "09-29 16:30", "whole": "10-08 12:00"}
    assert dues(case) == ("10-08 12:00", "09-29 16:30")


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (State.ACCEPTED, {"dispatch": "09-29 16:31"}),
        (State.DISPATCHED, {"acknowledge": "09-29 17:02"}),
        (State.HANDLING, {"handle": "09-30 16:03"}),
        (State.HANDLED, {"check": "09-30 10:04"}),
    ],
)
def test_each_stage_has_its_own_clock_and_the_whole_one_runs_beside_it(
    world: World, state: State, expected: dict[str, str]
) -> None:
    case = bring_to(world, state, at=BEGAN)

    assert running(case) == expected | {"whole": "10-08 12:00"}
    assert dues(case) == ("10-08 12:00", *expected.values())


def test_when_it_ends_no_clock_runs_and_the_due_time_stays(world: World) -> None:
    case = bring_to(world, State.CLOSED, at=BEGAN)

    assert running(case) == {}
    assert dues(case) == ("10-08 12:00", None)
    assert case.handling_time == timedelta(minutes=5)


def test_an_urgent_order_runs_through_the_night(world: World) -> None:
    """10, 10 and 15 minutes, two hours, 60 minutes: 3:35 in all, day and night."""
    matter = make_matter(name="燃气泄漏", amount=2, timer=TimerType.URGENT_HOUR, urgency=Urgency.URGENT)
    case = report(world, at=on("10-01 23:30"), matter=matter)

    assert running(case) == {"accept": "10-01 23:40", "whole": "10-02 03:05"}


def test_natural_days_run_through_the_holiday_and_its_other_stages_do_not(world: World) -> None:
    """Acknowledged by 18:00, two days to 1 October at 18:00, checked in four hours of the 8th."""
    matter = make_matter(name="积存渣土", amount=2, timer=TimerType.NATURAL_DAY)
    case = bring_to(world, State.HANDLING, at=BEGAN, matter=matter)

    assert running(case) == {"handle": "10-01 16:03", "whole": "10-08 12:00"}


def test_a_request_waits_against_a_clock_of_the_desk(world: World) -> None:
    """Two hours from 10:00 end with the morning: the due time stays there."""
    case = bring_to(world, State.HANDLING, at=BEGAN)
    handling.ask_extension(
        case_id=case.pk, actor=world.handler, at=on("09-30 10:00"), extra=HOUR, note="等材料"
    )

    assert running(case)["decide"] == "09-30 12:00"
    assert dues(case) == ("10-08 12:00", "09-30 12:00")


def test_an_extension_moves_the_handling_and_the_whole_due_equally(world: World) -> None:
    """Eight hours: from 30 September 16:03 to 8 October 16:03, from the 8th 12:00 to the 9th 12:00."""
    case = bring_to(world, State.HANDLING, at=BEGAN)
    handling.ask_extension(
        case_id=case.pk, actor=world.handler, at=on("09-30 10:00"), extra=8 * HOUR, note="等材料"
    )
    desk.grant_extension(case_id=case.pk, actor=world.desk, at=on("09-30 11:00"))

    assert running(case) == {"handle": "10-08 16:03", "whole": "10-09 12:00"}
    assert dues(case) == ("10-09 12:00", "10-08 16:03")


def test_a_second_extension_adds_to_the_first(world: World) -> None:
    case = bring_to(world, State.HANDLING, at=BEGAN)
    for hour in (9, 10):
        asked = on(f"09-30 {hour:02}:00")
        handling.ask_extension(case_id=case.pk, actor=world.handler, at=asked, extra=4 * HOUR, note="等材料")
        desk.grant_extension(case_id=case.pk, actor=world.desk, at=asked + HOUR / 2)

    assert running(case) == {"handle": "10-08 16:03", "whole": "10-09 12:00"}


def test_a_refused_extension_moves_nothing(world: World) -> None:
    case = bring_to(world, State.HANDLING, at=BEGAN)
    before = running(case)
    handling.ask_extension(
        case_id=case.pk, actor=world.handler, at=on("09-30 10:00"), extra=HOUR, note="等材料"
    )
    desk.refuse_request(case_id=case.pk, actor=world.desk, at=on("09-30 11:00"), note="材料已到")

    assert running(case) == before


def test_while_suspended_nothing_is_due_and_on_resuming_both_move_by_the_pause(world: World) -> None:
    """From 11:00 on the 30th to 9:00 on the 8th are six hours of work: 1 + 4 + 1."""
    case = bring_to(world, State.HANDLING, at=BEGAN)
    handling.ask_suspension(case_id=case.pk, actor=world.handler, at=on("09-30 10:30"), note="等法院裁定")
    desk.grant_suspension(case_id=case.pk, actor=world.desk, at=on("09-30 11:00"))

    assert running(case) == {}
    assert dues(case) == (None, None)

    desk.resume_case(case_id=case.pk, actor=world.desk, at=on("10-08 09:00"))
    assert running(case) == {"handle": "10-08 14:03", "whole": "10-09 10:00"}
    assert dues(case) == ("10-09 10:00", "10-08 14:03")


def test_a_suspension_during_the_holiday_alone_costs_a_working_clock_nothing(world: World) -> None:
    case = bring_to(world, State.HANDLING, at=BEGAN)
    before = running(case)
    handling.ask_suspension(case_id=case.pk, actor=world.handler, at=on("09-30 19:00"), note="等法院裁定")
    desk.grant_suspension(case_id=case.pk, actor=world.desk, at=on("09-30 20:00"))
    desk.resume_case(case_id=case.pk, actor=world.desk, at=on("10-08 07:00"))

    assert running(case) == before


def test_rework_lets_the_handlers_clock_run_on(world: World) -> None:
    """Handled at 16:04, failed at 17:04: one hour was the checker's, so it is due an hour later."""
    case = bring_to(world, State.HANDLED, at=BEGAN)
    checking.fail_check(case_id=case.pk, actor=world.second_worker, at=on("09-29 17:04"), note="没修好")

    assert running(case) == {"handle": "09-30 17:03", "whole": "10-08 12:00"}

    picture = make_attachment(world.handler, at=BEGAN)
    handling.finish_case(
        case_id=case.pk, actor=world.handler, at=on("09-29 17:30"), note="重新补装", attachments=[picture]
    )
    assert running(case) == {"check 2": "09-30 11:30", "whole": "10-08 12:00"}


def test_after_a_return_the_next_unit_gets_a_fresh_clock_and_the_whole_one_runs_on(world: World) -> None:
    case = bring_to(world, State.HANDLING, at=BEGAN)
    handling.return_case(case_id=case.pk, actor=world.handler, at=on("09-30 09:00"), note="不归我们管")
    assert running(case) == {"dispatch 2": "09-30 09:30", "whole": "10-08 12:00"}

    desk.dispatch_case(case_id=case.pk, unit=world.other_unit, actor=world.desk, at=on("09-30 09:10"))
    assert running(case) == {"acknowledge 2": "09-30 10:10", "whole": "10-08 12:00"}

    handling.acknowledge_case(case_id=case.pk, actor=world.other_handler, at=on("09-30 09:20"))
    assert running(case) == {"handle 2": "10-08 09:20", "whole": "10-08 12:00"}
    first = Clock.objects.get(case=case, stage=Stage.HANDLE, round=1)
    assert (first.used, first.stopped_at) == (timedelta(hours=2, minutes=57), on("09-30 09:00"))


def test_what_is_only_said_or_handed_on_resets_no_clock(world: World) -> None:
    case = bring_to(world, State.HANDLING, at=BEGAN)
    before, later = running(case), on("09-30 09:00")

    oversight.comment_case(case_id=case.pk, actor=world.desk, at=later, note="请抓紧")
    oversight.urge_case(case_id=case.pk, actor=world.desk, at=later)
    oversight.supervise_case(case_id=case.pk, actor=world.street_desk, at=later, note="盯紧")
    oversight.escalate_case(case_id=case.pk, actor=world.desk, at=later, note="请街道协调")
    handling.assign_case(case_id=case.pk, actor=world.handler, handler=world.second_handler, at=later)
    desk.reassign_case(case_id=case.pk, unit=world.other_unit, actor=world.street_desk, at=later)

    assert running(case) == before


def test_another_matter_keeps_the_start_and_brings_its_own_limit(world: World) -> None:
    """Ten days from 29 September 16:03; the whole: 9 October 18:00 and four hours of Saturday the 10th."""
    case = bring_to(world, State.HANDLING, at=BEGAN)
    other = make_matter(name="积存渣土", amount=10, timer=TimerType.NATURAL_DAY, unit=world.unit)
    desk.correct_matter(case_id=case.pk, matter=other, actor=world.desk, at=on("09-30 09:00"))

    assert running(case) == {"handle": "10-09 16:03", "whole": "10-10 12:00"}


def test_reopening_opens_a_fresh_round_and_the_original_due_stays(world: World) -> None:
    case = bring_to(world, State.CLOSED, at=BEGAN)
    checking.reopen_case(case_id=case.pk, actor=world.desk, at=on("10-08 08:00"), note="回头看发现又缺失")

    assert running(case) == {"handle 2": "10-08 18:00", "whole": "10-08 12:00"}
    assert dues(case) == ("10-08 12:00", "10-08 12:00")
