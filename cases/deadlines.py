"""Due times and lights: pure clock arithmetic over a work calendar.

Nothing here reads a clock, a setting or a table: instants and the calendar are arguments, results are
values. Every instant must be aware (a naive one raises ValueError) and every instant handed back is in UTC.

How a clock counts:

- *natural_day* and *urgent_hour* run day and night; one natural day is 24 hours.
- *work_day* and *work_hour* run only in working time; one work day is 8 working hours, however long the
  calendar's own day is, so that 80 % of a limit is defined.
- A limit used up exactly when a working interval ends is due at that end (18:00), not at the next
  interval's start: nobody is given a night for nothing. Hence ``elapsed(s, due_after(s, L)) == L``.
- Working time is read off the wall clock of the calendar's zone, which is taken to keep one offset all
  year, as mainland China's does.

Working time is handled as a *position*: microseconds of working time between day one and an instant. The
workdays before a date follow from arithmetic on weeks plus a prefix sum over the exceptions, both ways, so
that no calculation walks through days and a limit of years costs what a limit of minutes costs.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from itertools import accumulate, pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")
DEFAULT_HOURS = ((time(8), time(12)), (time(14), time(18)))
WORK_DAY = timedelta(hours=8)
NATURAL_DAY = timedelta(hours=24)

_MICROSECOND = timedelta(microseconds=1)
_DAY_MICROSECONDS = NATURAL_DAY // _MICROSECOND


class TimerType(StrEnum):
    """In what time a clock runs."""

    URGENT_HOUR = "urgent_hour"
    WORK_HOUR = "work_hour"
    WORK_DAY = "work_day"
    NATURAL_DAY = "natural_day"

    @property
    def is_working_time(self) -> bool:
        """Whether the clock stands outside working time."""
        return self in (TimerType.WORK_HOUR, TimerType.WORK_DAY)

    @property
    def unit(self) -> timedelta:
        """What one of this timer's limit is, in the clock's own time."""
        return _UNITS[self]


_UNITS = {
    TimerType.URGENT_HOUR: timedelta(hours=1),
    TimerType.WORK_HOUR: timedelta(hours=1),
    TimerType.WORK_DAY: WORK_DAY,
    TimerType.NATURAL_DAY: NATURAL_DAY,
}


class Light(StrEnum):
    """How a clock stands, as the lists show it."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    PAUSED = "paused"
    ENDED = "ended"


class Parts(NamedTuple):
    """A duration for people: whole days, hours and minutes."""

    days: int
    hours: int
    minutes: int


@dataclass(frozen=True)
class WorkCalendar:
    """Which moments are working time.

    ``overrides`` names the days that differ from Monday to Friday (True a workday, False a day off; days
    that say what the week says anyway do no harm). ``hours`` are the working intervals of a workday in
    local time, in order and apart; an end of 00:00 means midnight at the end of the day. Raises ValueError
    for hours that are none, overlap, run backwards or cross midnight.
    """

    overrides: Mapping[date, bool] = field(default_factory=dict, hash=False)
    hours: tuple[tuple[time, time], ...] = DEFAULT_HOURS
    tz: ZoneInfo = CHINA

    def __post_init__(self) -> None:
        object.__setattr__(self, "overrides", dict(self.overrides))
        bounds = [moment for interval in self._intervals for moment in interval]
        if not bounds or any(later <= earlier for earlier, later in pairwise(bounds)):
            raise ValueError("Working hours must be intervals of one day, in order, that do not touch.")

    def is_workday(self, day: date) -> bool:
        """Whether people work on that date."""
        return self.overrides.get(day, day.weekday() < 5)

    def working_time(self) -> timedelta:
        """The working time of one full workday."""
        return self._day_length * _MICROSECOND

    @cached_property
    def _intervals(self) -> tuple[tuple[int, int], ...]:
        """The working intervals in microseconds since local midnight."""
        return tuple((_since_midnight(a), _since_midnight(b) or _DAY_MICROSECONDS) for a, b in self.hours)

    @cached_property
    def _worked(self) -> list[int]:
        """The working time done by the end of each interval of a day."""
        return list(accumulate(end - start for start, end in self._intervals))

    @cached_property
    def _day_length(self) -> int:
        return self._worked[-1]

    @cached_property
    def _exceptions(self) -> tuple[list[int], list[int], list[int]]:
        """Ordinals that differ from the week, the workdays before each, and what all before it added."""
        differing = sorted((d.toordinal(), w) for d, w in self.overrides.items() if w != (d.weekday() < 5))
        ordinals = [ordinal for ordinal, _ in differing]
        added = list(accumulate((1 if works else -1 for _, works in differing), initial=0))
        before = [_weekdays_before(o) + extra for o, extra in zip(ordinals, added, strict=False)]
        return ordinals, before, added

    def _workdays_before(self, ordinal: int) -> int:
        ordinals, _, added = self._exceptions
        return _weekdays_before(ordinal) + added[bisect_left(ordinals, ordinal)]

    def _workday(self, number: int) -> int:
        """The ordinal of the workday that has ``number`` workdays before it."""
        ordinals, before, added = self._exceptions
        last = bisect_right(before, number) - 1  # the last exception not after the day that is sought
        if last < 0:
            return _weekday(number)
        if _weekdays_before(ordinals[last] + 1) + added[last + 1] > number:
            return ordinals[last]
        return _weekday(number - added[last + 1])

    def _position(self, at: datetime) -> int:
        """Microseconds of working time from day one to ``at``."""
        local = at.astimezone(self.tz)
        position = self._workdays_before(local.toordinal()) * self._day_length
        if not self.is_workday(local.date()):
            return position
        moment = _since_midnight(local.time())
        return position + sum(min(moment, end) - start for start, end in self._intervals if moment > start)

    def _reached(self, position: int) -> datetime:
        """The earliest instant at that position: an interval's end rather than the next one's start."""
        number, rest = divmod(position - 1, self._day_length)
        return self._instant(number, bisect_left(self._worked, rest + 1), rest + 1)

    def _left(self, position: int) -> datetime:
        """The latest instant at that position: the next interval's start rather than an interval's end."""
        number, rest = divmod(position, self._day_length)
        return self._instant(number, bisect_right(self._worked, rest), rest)

    def _instant(self, number: int, interval: int, worked: int) -> datetime:
        """The instant in that workday's interval by which so much of the day's working time is done."""
        moment = self._intervals[interval][1] - self._worked[interval] + worked
        midnight = datetime.fromordinal(self._workday(number))
        return (midnight + timedelta(microseconds=moment)).replace(tzinfo=self.tz).astimezone(UTC)


def limit_of(amount: int | Decimal, timer: TimerType) -> timedelta:
    """A limit in the clock's own time: 2 work_day → 16 h, 2 natural_day → 48 h, 2 hours → 2 h.

    Fractions are kept to the microsecond. Raises ValueError for a negative or unbounded amount.
    """
    exact = Decimal(amount)
    if not exact.is_finite() or exact < 0:
        raise ValueError(f"A limit must be zero or more, not {amount}.")
    return int(exact * (timer.unit // _MICROSECOND)) * _MICROSECOND


def due_after(start: datetime, limit: timedelta, timer: TimerType, calendar: WorkCalendar) -> datetime:
    """The instant at which a clock started at ``start`` has used up ``limit``, in UTC.

    The earliest such instant; with a limit of nothing, ``start`` itself. Raises ValueError for a negative
    limit or a naive start.
    """
    if limit < timedelta(0):
        raise ValueError("A limit cannot be negative.")
    return shift(start, limit, timer, calendar)


def elapsed(start: datetime, end: datetime, timer: TimerType, calendar: WorkCalendar) -> timedelta:
    """The clock's own time between two instants.

    Nothing, rather than an error, when ``end`` lies before ``start``: an action that waited for an order's
    lock may carry an earlier instant than the one that started the clock. Raises ValueError for naive ones.
    """
    start, end = _utc(start), _utc(end)
    if end <= start:
        return timedelta(0)
    if not timer.is_working_time:
        return end - start
    return (calendar._position(end) - calendar._position(start)) * _MICROSECOND


def instant_at(
    start: datetime, limit: timedelta, percent: int, timer: TimerType, calendar: WorkCalendar
) -> datetime:
    """When ``percent`` of the limit is used up: 80 warns, 100 is due, 150 is half the limit late."""
    return due_after(start, limit * percent // 100, timer, calendar)


def shift(due: datetime, by: timedelta, timer: TimerType, calendar: WorkCalendar) -> datetime:
    """An instant moved by an amount of clock time: an extension, or the pause that a suspension took.

    ``shift(due_after(s, a), b) == due_after(s, a + b)``, and a negative ``by`` takes it back. Raises
    ValueError for a naive instant.
    """
    due = _utc(due)
    if not timer.is_working_time or not by:
        return due + by
    return calendar._reached(calendar._position(due) + by // _MICROSECOND)


def light(
    now: datetime,
    *,
    warn_at: datetime | None,
    due_at: datetime | None,
    paused: bool = False,
    ended_at: datetime | None = None,
) -> Light:
    """The light of a clock: yellow from ``warn_at``, red after ``due_at`` (at it, one is still on time).

    A clock without a due time is green. What has ended shows no colour, nor does what is paused.
    """
    if ended_at is not None:
        return Light.ENDED
    if paused:
        return Light.PAUSED
    if due_at is not None and now > due_at:
        return Light.RED
    if warn_at is not None and now >= warn_at:
        return Light.YELLOW
    return Light.GREEN


def is_working_moment(at: datetime, calendar: WorkCalendar) -> bool:
    """Whether people are at work: an interval's start counts, its end does not."""
    local = _utc(at).astimezone(calendar.tz)
    if not calendar.is_workday(local.date()):
        return False
    moment = _since_midnight(local.time())
    return any(start <= moment < end for start, end in calendar._intervals)


def next_working_moment(at: datetime, calendar: WorkCalendar) -> datetime:
    """``at`` itself in working time, else the start of the next working interval, in UTC."""
    at = _utc(at)
    return at if is_working_moment(at, calendar) else calendar._left(calendar._position(at))


def split(duration: timedelta, timer: TimerType) -> Parts:
    """A duration as days, hours and minutes, with days of 8 hours where the clock runs in working time.

    Whole minutes, rounded down; the sign is left to the caller, who knows whether it is left or late.
    """
    days, rest = divmod(abs(duration), WORK_DAY if timer.is_working_time else NATURAL_DAY)
    minutes = rest // timedelta(minutes=1)
    return Parts(days, minutes // 60, minutes % 60)


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None or at.utcoffset() is None:
        raise ValueError("An instant must carry its time zone.")
    return at.astimezone(UTC)


def _since_midnight(moment: time) -> int:
    seconds = (moment.hour * 60 + moment.minute) * 60 + moment.second
    return seconds * 1_000_000 + moment.microsecond


def _weekdays_before(ordinal: int) -> int:
    """The days from Monday to Friday before that date; ordinal 1 (0001-01-01) is a Monday."""
    weeks, days = divmod(ordinal - 1, 7)
    return weeks * 5 + min(days, 5)


def _weekday(number: int) -> int:
    """The ordinal of the day from Monday to Friday that has ``number`` such days before it."""
    return 1 + number // 5 * 7 + number % 5
