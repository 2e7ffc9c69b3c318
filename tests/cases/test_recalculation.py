"""Open orders follow a change of the work calendar; reckoned by hand around the holidays of 2026.

Friday 25 September 2026 is the Mid-Autumn holiday, and 20 September a Sunday that is worked. Orders are
reported on Thursday the 17th or 24th while the calendar knows neither, unless a test says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.utils import translation

from cases.actions import desk, handling
from cases.actions.catalogue import import_calendar_year, remove_configuration, save_configuration
from cases.actions.recalculating import follow_calendar
from cases.calendars import forget_calendar
from cases.deadlines import CHINA, TimerType
from cases.escalation import sweep_ladder
from cases.events import payload_problems
from cases.models import CalendarChange, CalendarDay, Case, CaseEvent, Clock, TakenRung, Urgency, WorkHours
from cases.recalculation import recalculate
from cases.timeline import lines_of
from cases.workflow import Stage, State
from tests.factories.cases import World, bring_to, make_world, report
from tests.factories.catalogue import make_matter


def on(text: str) -> datetime:
    """An instant of 2026 in the city."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=CHINA)


@pytest.fixture
def world(db: None) -> Iterator[World]:
    CalendarDay.objects.all().delete()
    WorkHours.objects.all().delete()
    forget_calendar()
    yield make_world()
    forget_calendar()


def local(at: datetime | None) -> str | None:
    return f"{at.astimezone(CHINA):%m-%d %H:%M}" if at else None


def dues(case: Case) -> dict[str, str | None]:
    clocks = Clock.objects.filter(case=case, stopped_at=None).order_by("stage")
    return {clock.stage: local(clock.due_at) for clock in clocks}


def change_day(world: World, day: date, *, is_workday: bool, at: datetime) -> CalendarDay:
    row = CalendarDay(date=day, is_workday=is_workday, name="改")
    return save_configuration(row, actor=world.system_officer, at=at)


def follow(at: datetime) -> int:
    """What the worker does a minute after the change."""
    return recalculate(at=at + timedelta(minutes=1))


def test_friday_becomes_a_holiday_and_sunday_a_workday_as_the_official_calendar_has_it(world: World) -> None:
    """From Thursday the 17th at 16:00: one work day is 2 hours, 6 on Friday; the whole is 14 hours longer.

    Whole: 0:30 + 0:30 + 1 h on Thursday, a work day on Friday, 4 h of checking on Monday morning; with the
    make-up Sunday the 20th it is that Sunday's morning.
    """
    first, second = report(world, at=on("09-17 16:00")), report(world, at=on("09-24 16:00"))
    assert dues(first) == {"accept": "09-17 16:30", "whole": "09-21 12:00"}
    assert dues(second) == {"accept": "09-24 16:30", "whole": "09-28 12:00"}
    at = on("09-17 16:10")

    import_calendar_year(year=2026, actor=world.system_officer, at=at)
    assert follow(at) == 2

    assert dues(first) == {"accept": "09-17 16:30", "whole": "09-20 12:00"}
    assert dues(second) == {"accept": "09-24 16:30", "whole": "09-29 12:00"}
    first.refresh_from_db()
    assert local(first.due_at) == "09-20 12:00"


def test_each_moved_order_gets_one_event_that_says_what_moved(world: World) -> None:
    case = bring_to(world, State.HANDLING, at=on("09-24 16:00"))
    assert dues(case) == {"handle": "09-25 16:03", "whole": "09-28 12:00"}
    before = Case.objects.get(pk=case.pk)
    at = on("09-24 17:00")
    change_day(world, date(2026, 9, 25), is_workday=False, at=at)
    assert (follow(at), follow(at)) == (1, 0)

    assert dues(case) == {"handle": "09-28 16:03", "whole": "09-29 12:00"}
    after = Case.objects.get(pk=case.pk)
    assert [local(after.due_at), local(after.next_due_at)] == ["09-29 12:00", "09-28 16:03"]
    event = CaseEvent.objects.get(kind="calendar_changed")
    assert (event.case_id, event.seq, event.at) == (case.pk, after.last_seq, at + timedelta(minutes=1))
    assert (event.from_state, event.to_state, event.actor_kind) == ("handling", "handling", "system")
    told = {
        name: local(datetime.fromisoformat(value)) for name, value in event.data.items() if name != "stages"
    }
    assert told == {
        "from_due_at": "09-28 12:00",
        "due_at": "09-29 12:00",
        "from_next_due_at": "09-25 16:03",
        "next_due_at": "09-28 16:03",
    }
    assert event.data["stages"] == "handle,whole"
    assert payload_problems(event.kind, event.data) == []
    assert before.last_seq + 1 == after.last_seq
    with translation.override("en"), time_machine.travel(at):
        line = lines_of([event], [])[0]
    assert line.what == "Due times follow the work calendar: due 09-29 12:00 instead of 09-28 12:00"


def test_the_next_rung_and_the_warning_move_along_and_rungs_taken_stay_taken(world: World) -> None:
    """The handling clock: 80 % on Friday at 14:27 is past when Friday becomes a holiday after all."""
    case = bring_to(world, State.HANDLING, at=on("09-24 16:00"))
    sweep_ladder(at=on("09-25 14:30"))
    taken = list(TakenRung.objects.values_list("clock__stage", "percent", "deed").order_by("pk"))
    assert ("handle", 80, "remind") in taken
    at = on("09-25 14:40")
    change_day(world, date(2026, 9, 25), is_workday=False, at=at)
    assert follow(at) == 1

    clock = Clock.objects.get(case=case, stage=Stage.HANDLE)
    assert [local(clock.warn_at), local(clock.next_rung_at)] == ["09-28 14:27", "09-28 16:03"]
    assert clock.next_rung_percent == 100
    sweep_ladder(at=on("09-28 16:00"))
    assert list(TakenRung.objects.values_list("clock__stage", "percent", "deed").order_by("pk")) == taken


def test_of_a_late_order_only_the_next_rung_moves_and_its_history_tells_nothing(world: World) -> None:
    """Accepting was due on Thursday at 18:00; 150 % of its half hour comes on the next working day."""
    case = report(world, at=on("09-24 17:30"))
    sweep_ladder(at=on("09-24 18:00"))
    at = on("09-24 18:05")
    clock = Clock.objects.get(case=case, stage=Stage.ACCEPT)
    assert [local(clock.due_at), local(clock.next_rung_at)] == ["09-24 18:00", "09-25 08:15"]
    change_day(world, date(2026, 9, 25), is_workday=False, at=at)
    Clock.objects.filter(case=case, stage=Stage.WHOLE).update(stopped_at=at)

    assert follow(at) == 0
    clock.refresh_from_db()
    assert [local(clock.due_at), local(clock.next_rung_at)] == ["09-24 18:00", "09-28 08:15"]
    assert not CaseEvent.objects.filter(kind="calendar_changed").exists()
    assert follow(at) == 0


def test_where_only_the_warning_moves_the_lists_know_it(world: World) -> None:
    """Friday off for Sunday worked leaves Monday's times as they were; the warning had stood elsewhere."""
    two_days = make_matter(name="积存渣土", amount=2, timer=TimerType.WORK_DAY)
    case = bring_to(world, State.HANDLING, at=on("09-24 16:00"), matter=two_days)
    clock = Clock.objects.get(case=case, stage=Stage.HANDLE)
    assert [local(clock.warn_at), local(clock.due_at)] == ["09-28 10:51", "09-28 16:03"]
    at = on("09-24 17:00")
    change_day(world, date(2026, 9, 25), is_workday=False, at=at)
    change_day(world, date(2026, 9, 27), is_workday=True, at=at)
    Clock.objects.filter(pk=clock.pk).update(warn_at=on("09-27 10:51"))

    assert follow(at) == 1
    case.refresh_from_db()
    clock.refresh_from_db()
    assert [local(clock.warn_at), local(clock.due_at)] == ["09-28 10:51", "09-28 16:03"]
    assert local(case.next_warn_at) == "09-28 10:51"


def test_a_limit_that_runs_day_and_night_gains_no_minute(world: World) -> None:
    urgent = make_matter(name="燃气泄漏", amount=48, timer=TimerType.URGENT_HOUR, urgency=Urgency.URGENT)
    natural = make_matter(name="积存渣土", amount=2, timer=TimerType.NATURAL_DAY)
    night = report(world, at=on("09-24 16:00"), matter=urgent)
    days = bring_to(world, State.HANDLING, at=on("09-24 16:00"), matter=natural)
    before = [dues(night), dues(days)]
    at = on("09-24 17:00")
    import_calendar_year(year=2026, actor=world.system_officer, at=at)

    assert follow(at) == 0
    assert [dues(night), dues(days)] == before
    assert not CaseEvent.objects.filter(kind="calendar_changed").exists()


def test_what_is_suspended_stands_until_it_is_resumed_and_then_knows_the_calendar(world: World) -> None:
    case = bring_to(world, State.HANDLING, at=on("09-24 16:00"))
    handling.ask_suspension(case_id=case.pk, actor=world.handler, at=on("09-24 16:30"), note="等法院裁定")
    desk.grant_suspension(case_id=case.pk, actor=world.desk, at=on("09-24 17:00"))
    before = Clock.objects.filter(case=case, stopped_at=None).values("stage", "due_at", "next_rung_at")
    stood = list(before)
    at = on("09-24 17:30")
    change_day(world, date(2026, 9, 25), is_workday=False, at=at)

    assert follow(at) == 0
    assert list(before) == stood
    case.refresh_from_db()
    assert (case.due_at, case.state) == (None, State.SUSPENDED)
    desk.resume_case(case_id=case.pk, actor=world.desk, at=on("09-28 08:00"))
    # An hour of Thursday was pause: both move by it, the whole from noon into the afternoon.
    assert dues(case) == {"handle": "09-28 17:03", "whole": "09-29 15:00"}


def test_an_order_that_has_ended_keeps_its_due_time(world: World) -> None:
    case = bring_to(world, State.CLOSED, at=on("09-24 16:00"))
    case.refresh_from_db()
    before = case.due_at
    at = on("09-24 17:00")
    change_day(world, date(2026, 9, 25), is_workday=False, at=at)

    assert follow(at) == 0
    case.refresh_from_db()
    assert case.due_at == before


def test_other_working_hours_move_what_is_open(world: World) -> None:
    case = report(world, at=on("09-24 16:00"))
    at = on("09-24 16:05")
    for starts, ends in (("09:00", "12:00"), ("14:00", "16:10")):
        row = WorkHours(starts=starts, ends=ends)
        save_configuration(row, actor=world.system_officer, at=at)
    assert follow(at) == 1
    assert dues(case)["accept"] == "09-25 09:20"


def test_taking_a_day_back_takes_its_effect_back(world: World) -> None:
    case = report(world, at=on("09-24 16:00"))
    before = dues(case)
    at = on("09-24 16:05")
    day = change_day(world, date(2026, 9, 25), is_workday=False, at=at)
    assert follow(at) == 1
    later = on("09-24 16:10")
    remove_configuration(day, actor=world.system_officer, at=later)
    assert follow(later) == 1
    assert dues(case) == before


def test_the_walk_waits_until_every_process_knows_the_new_calendar(world: World) -> None:
    report(world, at=on("09-24 16:00"))
    at = on("09-24 16:05")
    change_day(world, date(2026, 9, 25), is_workday=False, at=at)

    assert recalculate(at=at + timedelta(seconds=30)) == 0
    assert CalendarChange.objects.get().finished_at is None
    assert recalculate(at=at + timedelta(seconds=35)) == 1


def test_the_walk_goes_on_where_it_was_and_one_newest_change_stands_for_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [report(world, at=on("09-24 16:00")) for _ in range(5)]
    at = on("09-24 16:05")
    change_day(world, date(2026, 9, 25), is_workday=False, at=at)
    change_day(world, date(2026, 9, 28), is_workday=False, at=at)
    monkeypatch.setattr("cases.recalculation.BATCH", 2)
    later = at + timedelta(minutes=1)

    assert recalculate(at=later, seconds=0) == 0
    monkeypatch.setattr("cases.recalculation.time.monotonic", iter([0.0, 0.0, 2.0]).__next__)
    assert recalculate(at=later, seconds=1) == 2  # one piece, and the time was up
    monkeypatch.undo()
    change = CalendarChange.objects.order_by("-pk")[0]
    assert (change.position, change.looked_at, change.moved, change.finished_at) == (cases[1].pk, 2, 2, None)

    assert recalculate(at=later) == 3
    assert [dues(case)["whole"] for case in cases] == ["09-30 12:00"] * 5
    rows = CalendarChange.objects.order_by("pk").values_list("looked_at", "moved", "finished_at")
    assert list(rows) == [(0, 0, later), (5, 5, later)]
    assert CaseEvent.objects.filter(kind="calendar_changed").count() == 5


def test_an_order_that_fails_holds_up_no_other(world: World, caplog: pytest.LogCaptureFixture) -> None:
    cases = [report(world, at=on("09-24 16:00")) for _ in range(3)]
    # Its next event's number is taken: the database refuses the order's own event, and the whole batch first.
    CaseEvent.objects.create(
        case=cases[1], seq=cases[1].last_seq + 1, kind="comment", at=on("09-24 16:01"), actor_kind="system"
    )
    at = on("09-24 16:05")
    change_day(world, date(2026, 9, 25), is_workday=False, at=at)

    assert follow(at) == 2
    assert [dues(case)["whole"] for case in cases] == ["09-29 12:00", "09-28 12:00", "09-29 12:00"]
    told = [record.__dict__["case"] for record in caplog.records if record.msg == "calendar_not_followed"]
    assert told == [cases[1].pk]
    assert CalendarChange.objects.get().finished_at is not None


def test_the_command_has_open_orders_follow_too(world: World) -> None:
    call_command("import_calendar", "2026", verbosity=0)
    assert CalendarChange.objects.count() == 1


def test_moving_orders_costs_the_same_queries_for_one_and_for_many(
    world: World, django_assert_num_queries
) -> None:
    cases = [bring_to(world, State.HANDLING, at=on("09-24 16:00")) for _ in range(3)]
    at = on("09-24 17:00")
    change_day(world, date(2026, 9, 25), is_workday=False, at=at)
    forget_calendar()
    queries = 8  # calendar; savepoint, lock, orders, clocks; three writes; savepoint's release
    with django_assert_num_queries(queries + 1):
        assert follow_calendar(case_ids=[cases[0].pk], at=at) == 1
    forget_calendar()
    with django_assert_num_queries(queries + 1):
        assert follow_calendar(case_ids=[case.pk for case in cases[1:]], at=at) == 2
