"""The stretch of time that figures are about, and the two that it is compared with.

Every period is half-open: an instant at `start` belongs to it, one at `end` to the next. Boundaries lie at
local midnight of the portal's time zone, whoever looks.
"""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Span(StrEnum):
    """The named periods, and any two days."""

    TODAY = "today"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    CUSTOM = "custom"

    @property
    def label(self) -> str | Promise:
        """What the button says."""
        return _LABELS[self]


_LABELS: dict[Span, str | Promise] = {
    Span.TODAY: _("Today"),
    Span.WEEK: _("This week"),
    Span.MONTH: _("This month"),
    Span.QUARTER: _("This quarter"),
    Span.YEAR: _("This year"),
    Span.CUSTOM: _("Custom"),
}
_MONTHS = {Span.MONTH: 1, Span.QUARTER: 3, Span.YEAR: 12}
_DAYS = {Span.TODAY: 1, Span.WEEK: 7}


class Step(StrEnum):
    """How finely a trend is cut; the words are those of PostgreSQL's date_trunc."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    def after(self, start: dt.datetime) -> dt.datetime:
        """Where the step that starts at `start` ends."""
        if self is Step.MONTH:
            return add_months(start, 1)
        return start + {Step.HOUR: dt.timedelta(hours=1), Step.DAY: dt.timedelta(days=1)}.get(
            self, dt.timedelta(weeks=1)
        )

    def floor(self, at: dt.datetime) -> dt.datetime:
        """The start of the step that holds the local instant `at`."""
        if self is Step.HOUR:
            return at.replace(minute=0, second=0, microsecond=0)
        day = at.replace(hour=0, minute=0, second=0, microsecond=0)
        if self is Step.WEEK:
            return day - dt.timedelta(days=day.weekday())
        return day.replace(day=1) if self is Step.MONTH else day


@dataclass(frozen=True, slots=True)
class Period:
    """[start, end) as seen at `now`; of a period that still runs, what lies before `now` counts.

    Instants are aware and in the portal's time zone, so that their days are the days that people mean.
    """

    start: dt.datetime
    end: dt.datetime
    now: dt.datetime
    span: Span = Span.CUSTOM

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError("a period ends after it starts")

    @classmethod
    def named(cls, span: Span, now: dt.datetime) -> Self:
        """Today, this week (from Monday), this month, quarter or year. Raises KeyError for `CUSTOM`."""
        now = local(now)
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        if span in _DAYS:
            start = day - dt.timedelta(days=day.weekday() if span is Span.WEEK else 0)
            return cls(start, start + dt.timedelta(days=_DAYS[span]), now, span)
        months = _MONTHS[span]
        start = day.replace(day=1, month=(day.month - 1) // months * months + 1)
        return cls(start, add_months(start, months), now, span)

    @classmethod
    def of_days(cls, first: dt.date, last: dt.date, now: dt.datetime) -> Self:
        """From the beginning of one day to the end of another. Raises ValueError when they are crossed.

        The days of exactly one calendar month, quarter or year are that, so that October is compared with
        September and not with the 31 days before it.
        """
        if last < first:
            raise ValueError("the last day lies before the first")
        start, end = midnight(first), midnight(last + dt.timedelta(days=1))
        whole = (
            span
            for span, months in _MONTHS.items()
            if first.day == 1 and (first.month - 1) % months == 0 and add_months(start, months) == end
        )
        return cls(start, end, local(now), next(whole, Span.CUSTOM))

    @property
    def until(self) -> dt.datetime:
        """Where counting stops: the end, or `now` while the period runs (never before its start)."""
        return max(self.start, min(self.end, self.now))

    @property
    def is_running(self) -> bool:
        """Whether more may still fall into it."""
        return self.now < self.end

    @property
    def last_day(self) -> dt.date:
        """The last day of which something is counted."""
        return max(self.start, self.until - dt.timedelta(microseconds=1)).date()

    @property
    def days(self) -> int:
        """How many days are counted, the running one included."""
        return (self.last_day - self.start.date()).days + 1

    def previous(self) -> Period:
        """环比: the period before; of a running period, as much of the one before as has passed of this."""
        if self.span in _MONTHS:
            start = add_months(self.start, -_MONTHS[self.span])
            return self._moved(start, self.start)
        return self._moved(self.start - (self.end - self.start), self.start)

    def year_before(self) -> Period:
        """同比: the same period a year earlier. A week goes back 52 weeks, so that weekdays stay comparable.

        29 February compares with 28 February; of a running period as much counts as has passed of this one.
        """
        if self.span is Span.WEEK:
            year = dt.timedelta(weeks=52)
            return self._moved(self.start - year, self.end - year)
        start = add_months(self.start, -12)
        if self.span in _MONTHS:
            return self._moved(start, add_months(self.end, -12))
        # Any stretch of days keeps its length, whatever leap day lies in between.
        return self._moved(start, start + (self.end - self.start))

    def steps(self) -> Step:
        """The step that cuts this period into a readable number of pieces."""
        days = (self.end - self.start).days
        if days <= 1:
            return Step.HOUR
        if days <= 62:
            return Step.DAY
        return Step.WEEK if days <= 200 else Step.MONTH

    def cut(self, step: Step) -> list[Period]:
        """The period in steps, up to the one that `now` lies in; the first and last may be shorter."""
        pieces: list[Period] = []
        begins = step.floor(self.start)
        while begins < self.until:
            ends = step.after(begins)
            pieces.append(Period(max(begins, self.start), min(ends, self.end), self.now))
            begins = ends
        return pieces

    def _moved(self, start: dt.datetime, end: dt.datetime) -> Period:
        now = min(start + (self.now - self.start), end) if self.is_running else end
        return replace(self, start=start, end=end, now=max(now, start))


def local(at: dt.datetime) -> dt.datetime:
    """The instant in the portal's time zone."""
    return at.astimezone(timezone.get_default_timezone())


def midnight(day: dt.date) -> dt.datetime:
    """The beginning of a day in the portal's time zone."""
    return dt.datetime.combine(day, dt.time.min, timezone.get_default_timezone())


def add_months(at: dt.datetime, months: int) -> dt.datetime:
    """The same day and time `months` later (or earlier); the month's last day where it is shorter."""
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    day = min(at.day, calendar.monthrange(year, month + 1)[1])
    return at.replace(year=year, month=month + 1, day=day)
