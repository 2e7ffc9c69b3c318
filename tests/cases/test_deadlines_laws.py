"""Laws that hold for every clock, on random calendars, against a plain day-by-day count."""

from datetime import UTC, date, datetime, time, timedelta
from time import process_time

from hypothesis import given, settings
from hypothesis import strategies as st

from cases.deadlines import (
    CHINA,
    DEFAULT_HOURS,
    TimerType,
    WorkCalendar,
    due_after,
    elapsed,
    instant_at,
    is_working_moment,
    next_working_moment,
    shift,
)

DAYS = st.dates(date(2026, 1, 1), date(2026, 4, 30))
HOURS = st.sampled_from(
    [
        DEFAULT_HOURS,
        ((time(9), time(17)),),
        ((time(0), time(0)),),
        ((time(0), time(6)), (time(8, 30), time(11, 59, 59)), (time(13), time(0))),
    ]
)
CALENDARS = st.builds(WorkCalendar, overrides=st.dictionaries(DAYS, st.booleans(), max_size=60), hours=HOURS)
TIMERS = st.sampled_from(TimerType)
MICROSECONDS = st.integers(0, 100 * 24 * 3600 * 10**6)
# Whole half-hours as well as any microsecond, so that the ends of intervals are met often.
SPANS = st.one_of(
    st.integers(0, 400).map(lambda n: timedelta(minutes=30 * n)),
    MICROSECONDS.map(lambda n: timedelta(microseconds=n)),
)
MOMENTS = SPANS.map(lambda span: datetime(2026, 1, 1, tzinfo=CHINA) + span)

many = settings(max_examples=200, deadline=None)


def counted(start: datetime, end: datetime, timer: TimerType, calendar: WorkCalendar) -> timedelta:
    """Elapsed time counted the slow way: the overlap with every interval of every day."""
    if timer in (TimerType.URGENT_HOUR, TimerType.NATURAL_DAY):
        return max(end - start, timedelta(0))
    total, day = timedelta(0), start.astimezone(CHINA).date()
    while day <= end.astimezone(CHINA).date():
        works = calendar.overrides.get(day, day.isoweekday() <= 5)
        for opens, closes in calendar.hours if works else ():
            until = day if closes > opens else day + timedelta(days=1)
            first = max(start, datetime.combine(day, opens, CHINA))
            last = min(end, datetime.combine(until, closes, CHINA))
            total += max(last - first, timedelta(0))
        day += timedelta(days=1)
    return total


@many
@given(MOMENTS, MOMENTS, TIMERS, CALENDARS)
def test_elapsed_equals_the_slow_count(
    one: datetime, other: datetime, timer: TimerType, calendar: WorkCalendar
) -> None:
    start, end = sorted((one, other))

    assert elapsed(start, end, timer, calendar) == counted(start, end, timer, calendar)


@many
@given(MOMENTS, SPANS, TIMERS, CALENDARS)
def test_the_due_time_is_the_first_instant_at_which_the_limit_is_used_up(
    start: datetime, limit: timedelta, timer: TimerType, calendar: WorkCalendar
) -> None:
    due = due_after(start, limit, timer, calendar)

    assert due >= start
    assert due.tzinfo is UTC
    assert counted(start, due, timer, calendar) == limit
    before = due - timedelta(microseconds=1)
    assert not limit or counted(start, before, timer, calendar) < limit


@many
@given(MOMENTS, SPANS, SPANS, TIMERS, CALENDARS)
def test_parts_of_a_limit_add_up(
    start: datetime, first: timedelta, second: timedelta, timer: TimerType, calendar: WorkCalendar
) -> None:
    halfway = due_after(start, first, timer, calendar)
    whole = due_after(start, first + second, timer, calendar)

    assert due_after(halfway, second, timer, calendar) == whole
    assert shift(halfway, second, timer, calendar) == whole
    assert not first or shift(whole, -second, timer, calendar) == halfway


@many
@given(MOMENTS, MOMENTS, SPANS, SPANS, TIMERS, CALENDARS)
def test_later_starts_and_longer_limits_are_never_due_earlier(
    one: datetime,
    other: datetime,
    short: timedelta,
    more: timedelta,
    timer: TimerType,
    calendar: WorkCalendar,
) -> None:
    early, late = sorted((one, other))

    assert due_after(early, short, timer, calendar) <= due_after(late, short, timer, calendar)
    assert due_after(early, short, timer, calendar) <= due_after(early, short + more, timer, calendar)
    assert not more or due_after(early, short, timer, calendar) < due_after(
        early, short + more, timer, calendar
    )


@many
@given(st.tuples(MOMENTS, MOMENTS, MOMENTS).map(sorted), TIMERS, CALENDARS)
def test_elapsed_times_add_up(moments: list[datetime], timer: TimerType, calendar: WorkCalendar) -> None:
    start, middle, end = moments

    assert elapsed(start, middle, timer, calendar) + elapsed(middle, end, timer, calendar) == elapsed(
        start, end, timer, calendar
    )


@many
@given(MOMENTS, SPANS, MOMENTS, SPANS, TIMERS, CALENDARS)
def test_a_pause_moves_the_due_time_so_that_the_running_time_stays_the_limit(
    start: datetime,
    limit: timedelta,
    paused_at: datetime,
    length: timedelta,
    timer: TimerType,
    calendar: WorkCalendar,
) -> None:
    due = due_after(start, limit, timer, calendar)
    paused_at = min(max(start, paused_at), due)
    resumed_at = paused_at + length

    moved = shift(due, elapsed(paused_at, resumed_at, timer, calendar), timer, calendar)

    running = elapsed(start, paused_at, timer, calendar) + elapsed(resumed_at, moved, timer, calendar)
    assert running == limit


@many
@given(MOMENTS, SPANS, st.lists(st.integers(0, 400), min_size=2).map(sorted), TIMERS, CALENDARS)
def test_rungs_come_in_order_and_the_hundredth_is_the_due_time(
    start: datetime, limit: timedelta, percents: list[int], timer: TimerType, calendar: WorkCalendar
) -> None:
    instants = [instant_at(start, limit, percent, timer, calendar) for percent in percents]

    assert instants == sorted(instants)
    assert instant_at(start, limit, 100, timer, calendar) == due_after(start, limit, timer, calendar)


@many
@given(MOMENTS, CALENDARS)
def test_the_next_working_moment_works_and_nothing_works_before_it(
    moment: datetime, calendar: WorkCalendar
) -> None:
    following = next_working_moment(moment, calendar)

    assert is_working_moment(following, calendar)
    assert counted(moment, following, TimerType.WORK_HOUR, calendar) == timedelta(0)
    assert is_working_moment(moment, calendar) == (following == moment)


def test_a_hundred_thousand_common_due_times_are_quick() -> None:
    """No walk through days or minutes. Processor time, so that other work on the machine does not count."""
    calendar = WorkCalendar(overrides={date(2026, 10, d): False for d in range(1, 8)})
    start = datetime(2026, 9, 30, 17, tzinfo=CHINA)

    began = process_time()
    for n in range(100_000):
        due_after(start + timedelta(minutes=n), timedelta(hours=n % 2000), TimerType.WORK_DAY, calendar)

    assert process_time() - began < 10
