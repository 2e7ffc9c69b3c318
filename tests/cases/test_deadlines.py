"""Golden cases of the four timers over the holidays of 2026, computed by hand from the published calendar."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from cases.deadlines import (
    CHINA,
    DEFAULT_HOURS,
    Light,
    Parts,
    TimerType,
    WorkCalendar,
    due_after,
    elapsed,
    instant_at,
    is_working_moment,
    light,
    limit_of,
    next_working_moment,
    shift,
    split,
)

URGENT, HOUR, DAY, NATURAL = (
    TimerType.URGENT_HOUR,
    TimerType.WORK_HOUR,
    TimerType.WORK_DAY,
    TimerType.NATURAL_DAY,
)


def _days(first: str, last: str) -> list[date]:
    start, end = date.fromisoformat(f"2026-{first}"), date.fromisoformat(f"2026-{last}")
    return [start + timedelta(days=n) for n in range((end - start).days + 1)]


# The State Council's arrangement of 2026: seven breaks, and the six days at week-ends that make up for them.
BREAKS = [
    *_days("01-01", "01-03"),
    *_days("02-15", "02-23"),
    *_days("04-04", "04-06"),
    *_days("05-01", "05-05"),
    *_days("06-19", "06-21"),
    *_days("09-25", "09-27"),
    *_days("10-01", "10-07"),
]
MAKE_UP = [date(2026, *d) for d in [(1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10)]]
YEAR = WorkCalendar(overrides=dict.fromkeys(BREAKS, False) | dict.fromkeys(MAKE_UP, True))
PLAIN = WorkCalendar()


def at(text: str) -> datetime:
    """An instant of 2026 in Chinese time, e.g. ``09-30 17:00``."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=CHINA)


def hours(amount: float) -> timedelta:
    return timedelta(hours=amount)


@pytest.mark.parametrize(
    ("start", "amount", "timer", "due"),
    [
        # Within a morning, across lunch, at the very ends of an interval.
        ("03-11 09:00", 2, HOUR, "03-11 11:00"),
        ("03-11 11:00", 2, HOUR, "03-11 15:00"),
        ("03-11 10:00", 2, HOUR, "03-11 12:00"),
        ("03-11 12:00", 1, HOUR, "03-11 15:00"),
        ("03-11 13:10", 1, HOUR, "03-11 15:00"),
        ("03-11 14:00", 4, HOUR, "03-11 18:00"),
        ("03-11 17:30", 1, HOUR, "03-12 08:30"),
        ("03-11 08:00", 8, HOUR, "03-11 18:00"),
        # At midnight, before dawn, late in the evening.
        ("03-11 00:00", 1, HOUR, "03-11 09:00"),
        ("03-11 05:59", 8, HOUR, "03-11 18:00"),
        ("03-11 18:00", 1, HOUR, "03-12 09:00"),
        ("03-11 23:59", 1, HOUR, "03-12 09:00"),
        # Working days count from the hour on, and a day's end stays that day's end.
        ("03-11 10:00", 1, DAY, "03-12 10:00"),
        ("03-11 08:00", 1, DAY, "03-11 18:00"),
        ("03-11 18:00", 1, DAY, "03-12 18:00"),
        ("03-11 20:00", 2, DAY, "03-13 18:00"),
        ("03-11 14:00", 1, DAY, "03-12 12:00"),
        ("03-13 16:00", 1, DAY, "03-16 16:00"),
        ("03-14 10:00", 1, DAY, "03-16 18:00"),
        # New Year: Thursday to Saturday off, Sunday the 4th works.
        ("01-02 09:00", 1, DAY, "01-04 18:00"),
        ("01-03 23:00", 3, HOUR, "01-04 11:00"),
        # Spring Festival: Saturday 14 February works, the 15th to the 23rd do not, Saturday the 28th does.
        ("02-13 17:00", 2, HOUR, "02-14 09:00"),
        ("02-14 17:00", 2, HOUR, "02-24 09:00"),
        ("02-13 16:00", 2, DAY, "02-24 16:00"),
        ("02-27 16:00", 1, DAY, "02-28 16:00"),
        ("02-28 16:00", 1, DAY, "03-02 16:00"),
        # Qingming: Saturday 4 to Monday 6 April off.
        ("04-03 17:00", 2, HOUR, "04-07 09:00"),
        # Labour Day: Friday 1 to Tuesday 5 May off, Saturday the 9th works.
        ("04-30 10:00", 3, DAY, "05-08 10:00"),
        ("05-08 10:00", 2, DAY, "05-11 10:00"),
        # Dragon Boat: Friday 19 to Sunday 21 June off, nothing made up.
        ("06-18 17:00", 1, DAY, "06-22 17:00"),
        # Friday evening, a holiday, and before it a make-up Sunday.
        ("09-18 18:30", 1, DAY, "09-20 18:00"),
        ("09-18 17:00", 10, HOUR, "09-21 09:00"),
        ("09-24 15:00", 1, DAY, "09-28 15:00"),
        # National Day: 1 to 7 October off, Saturday the 10th works.
        ("09-30 17:00", 4, HOUR, "10-08 11:00"),
        ("09-30 17:00", 4, DAY, "10-12 17:00"),
        ("10-04 12:00", 3, DAY, "10-10 18:00"),
        # Clocks that run day and night know none of this.
        ("09-30 17:00", 2, URGENT, "09-30 19:00"),
        ("09-30 23:30", 1, URGENT, "10-01 00:30"),
        ("09-30 17:00", 3, NATURAL, "10-03 17:00"),
        ("02-14 00:00", 1, NATURAL, "02-15 00:00"),
        ("02-28 09:00", 1, NATURAL, "03-01 09:00"),
    ],
)
def test_due_after(start: str, amount: int, timer: TimerType, due: str) -> None:
    limit = limit_of(amount, timer)

    reached = due_after(at(start), limit, timer, YEAR)

    assert reached == at(due)
    assert reached.tzinfo is UTC
    assert elapsed(at(start), reached, timer, YEAR) == limit


def test_a_limit_of_nothing_is_due_at_once_even_at_night() -> None:
    assert due_after(at("03-11 23:00"), timedelta(0), HOUR, YEAR) == at("03-11 23:00")


def test_the_whole_of_2026_has_248_workdays() -> None:
    assert sum(YEAR.is_workday(date(2026, 1, 1) + timedelta(days=n)) for n in range(365)) == 248
    assert elapsed(at("01-01 00:00"), at("12-31 23:59"), DAY, YEAR) == 248 * hours(8)
    assert due_after(at("01-01 00:00"), limit_of(248, DAY), DAY, YEAR) == at("12-31 18:00")


@pytest.mark.parametrize(
    ("amount", "timer", "limit"),
    [
        (2, DAY, hours(16)),
        (2, NATURAL, hours(48)),
        (2, HOUR, hours(2)),
        (2, URGENT, hours(2)),
        (Decimal("0.5"), DAY, hours(4)),
        (Decimal("0.25"), URGENT, timedelta(minutes=15)),
        (0, DAY, timedelta(0)),
    ],
)
def test_limit_of(amount: int | Decimal, timer: TimerType, limit: timedelta) -> None:
    assert limit_of(amount, timer) == limit


@pytest.mark.parametrize("amount", [-1, Decimal("-0.1"), Decimal("NaN"), Decimal("Infinity")])
def test_limit_of_refuses_what_is_no_limit(amount: int | Decimal) -> None:
    with pytest.raises(ValueError, match="must be zero or more"):
        limit_of(amount, DAY)


def test_a_work_day_is_eight_hours_whatever_the_calendars_own_day_is() -> None:
    short = WorkCalendar(hours=((time(9), time(12)), (time(13), time(16))))

    assert short.working_time() == hours(6)
    assert due_after(at("03-11 09:00"), limit_of(1, DAY), DAY, short) == at("03-12 11:00")


def test_a_day_may_end_at_midnight() -> None:
    late = WorkCalendar(hours=((time(20), time(0)),))

    assert late.working_time() == hours(4)
    assert due_after(at("03-11 22:00"), hours(2), HOUR, late) == at("03-12 00:00")
    assert due_after(at("03-11 22:00"), hours(3), HOUR, late) == at("03-12 21:00")
    assert is_working_moment(at("03-11 23:59"), late)
    assert not is_working_moment(at("03-12 00:00"), late)


@pytest.mark.parametrize(
    "intervals",
    [
        (),
        ((time(8), time(8)),),
        ((time(12), time(8)),),
        ((time(22), time(6)),),
        ((time(8), time(12)), (time(11), time(18))),
        ((time(14), time(18)), (time(8), time(12))),
        ((time(8), time(12)), (time(12), time(18))),
        ((time(20), time(0)), (time(21), time(22))),
    ],
)
def test_hours_that_make_no_day_are_refused(intervals: tuple[tuple[time, time], ...]) -> None:
    with pytest.raises(ValueError, match="Working hours"):
        WorkCalendar(hours=intervals)


def test_the_calendars_zone_decides_what_a_day_is() -> None:
    utc = WorkCalendar(tz=ZoneInfo("UTC"))

    start = datetime(2026, 3, 11, 1, 0, tzinfo=UTC)
    assert due_after(start, hours(1), HOUR, PLAIN) == datetime(2026, 3, 11, 2, 0, tzinfo=UTC)
    assert due_after(start, hours(1), HOUR, utc) == datetime(2026, 3, 11, 9, 0, tzinfo=UTC)


def test_elapsed_counts_working_time_only() -> None:
    assert elapsed(at("03-11 11:00"), at("03-11 15:00"), HOUR, YEAR) == hours(2)
    assert elapsed(at("03-11 12:00"), at("03-11 14:00"), DAY, YEAR) == timedelta(0)
    assert elapsed(at("09-30 17:00"), at("10-08 09:00"), DAY, YEAR) == hours(2)
    assert elapsed(at("09-30 17:00"), at("10-08 09:00"), NATURAL, YEAR) == hours(184)


@pytest.mark.parametrize("timer", list(TimerType))
def test_elapsed_is_nothing_when_the_end_lies_before_the_start(timer: TimerType) -> None:
    assert elapsed(at("03-11 11:00"), at("03-11 10:00"), timer, YEAR) == timedelta(0)


def test_instant_at() -> None:
    start, limit = at("03-11 10:00"), limit_of(1, DAY)

    reached = [instant_at(start, limit, percent, DAY, YEAR) for percent in (80, 100, 150, 200)]

    assert reached == [
        at("03-11 18:00") + hours(14.4),
        at("03-12 10:00"),
        at("03-12 16:00"),
        at("03-13 10:00"),
    ]


def test_a_suspension_moves_the_due_time_by_working_time_only() -> None:
    """Wednesday 17:00 to Monday 9:00 is 18 hours of work; seven were left of eight: Monday 18:00."""
    due = due_after(at("03-11 16:00"), limit_of(1, DAY), DAY, YEAR)
    pause = elapsed(at("03-11 17:00"), at("03-16 09:00"), DAY, YEAR)

    assert pause == hours(18)
    assert shift(due, pause, DAY, YEAR) == at("03-16 18:00")


def test_a_pause_at_night_costs_a_working_clock_nothing() -> None:
    pause = elapsed(at("03-11 19:00"), at("03-12 07:00"), DAY, YEAR)

    assert shift(at("03-12 10:00"), pause, DAY, YEAR) == at("03-12 10:00")
    assert shift(at("03-11 18:00"), pause, DAY, YEAR) == at("03-11 18:00")


def test_an_extension_over_a_holiday() -> None:
    assert shift(at("09-30 16:00"), limit_of(1, DAY), DAY, YEAR) == at("10-08 16:00")
    assert shift(at("09-30 16:00"), limit_of(1, NATURAL), NATURAL, YEAR) == at("10-01 16:00")
    assert shift(at("10-08 16:00"), -limit_of(1, DAY), DAY, YEAR) == at("09-30 16:00")


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("03-11 07:59:59", Light.GREEN),
        ("03-11 08:00:00", Light.YELLOW),
        ("03-11 12:00:00", Light.YELLOW),
        ("03-11 12:00:01", Light.RED),
    ],
)
def test_lights(moment: str, expected: Light) -> None:
    warn_at, due_at = at("03-11 08:00"), at("03-11 12:00")

    assert light(at(moment), warn_at=warn_at, due_at=due_at) is expected
    assert light(at(moment), warn_at=warn_at, due_at=due_at, paused=True) is Light.PAUSED
    assert light(at(moment), warn_at=warn_at, due_at=due_at, paused=True, ended_at=warn_at) is Light.ENDED
    assert light(at(moment), warn_at=None, due_at=None) is Light.GREEN


@pytest.mark.parametrize(
    ("moment", "working", "following"),
    [
        ("03-11 08:00", True, "03-11 08:00"),
        ("03-11 11:59", True, "03-11 11:59"),
        ("03-11 12:00", False, "03-11 14:00"),
        ("03-11 18:00", False, "03-12 08:00"),
        ("03-11 03:00", False, "03-11 08:00"),
        ("03-13 22:00", False, "03-16 08:00"),
        ("09-18 22:00", False, "09-20 08:00"),
        ("09-20 09:00", True, "09-20 09:00"),
        ("09-30 18:00", False, "10-08 08:00"),
        ("10-01 09:00", False, "10-08 08:00"),
    ],
)
def test_working_moments(moment: str, working: bool, following: str) -> None:
    assert is_working_moment(at(moment), YEAR) is working
    assert next_working_moment(at(moment), YEAR) == at(following)


def test_split_knows_how_long_a_day_is() -> None:
    assert split(hours(17.5), DAY) == Parts(days=2, hours=1, minutes=30)
    assert split(hours(17.5), NATURAL) == Parts(days=0, hours=17, minutes=30)
    assert split(-hours(49), URGENT) == Parts(days=2, hours=1, minutes=0)
    assert split(timedelta(seconds=59), HOUR) == Parts(days=0, hours=0, minutes=0)


@pytest.mark.parametrize("timer", list(TimerType))
def test_naive_instants_are_refused(timer: TimerType) -> None:
    naive, aware = datetime(2026, 3, 11, 9, 0), at("03-11 10:00")

    for refused in (
        lambda: due_after(naive, hours(1), timer, YEAR),
        lambda: elapsed(naive, aware, timer, YEAR),
        lambda: elapsed(aware, naive, timer, YEAR),
        lambda: instant_at(naive, hours(1), 80, timer, YEAR),
        lambda: shift(naive, hours(1), timer, YEAR),
        lambda: shift(naive, timedelta(0), timer, YEAR),
        lambda: is_working_moment(naive, YEAR),
        lambda: next_working_moment(naive, YEAR),
    ):
        with pytest.raises(ValueError, match="must carry its time zone"):
            refused()


@pytest.mark.parametrize("timer", list(TimerType))
def test_a_negative_limit_is_refused(timer: TimerType) -> None:
    with pytest.raises(ValueError, match="cannot be negative"):
        due_after(at("03-11 09:00"), -hours(1), timer, YEAR)


def test_a_calendar_keeps_its_own_copy_and_the_default_hours() -> None:
    days = {date(2026, 3, 11): False}
    calendar = WorkCalendar(overrides=days)
    days.clear()

    assert not calendar.is_workday(date(2026, 3, 11))
    assert calendar.hours == DEFAULT_HOURS
    assert calendar.working_time() == hours(8)
