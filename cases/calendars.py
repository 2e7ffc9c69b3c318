"""The work calendar as the tables hold it, and where a year's official holidays come from.

The days are seeded from the ``holidays`` library and edited in the admin; a day that a person entered is
never overwritten. A year is *published* once its make-up workdays are known: every arrangement of the State
Council since 2001 has some, and until it appears the library can only know the statutory days.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from time import monotonic
from typing import Final

import holidays
from django.db import models, transaction
from django.db.models import Value
from django.db.models.functions import ExtractIsoWeekDay, ExtractYear
from django.utils.translation import gettext as _

from cases.deadlines import CHINA, DEFAULT_HOURS, WorkCalendar
from cases.models.calendar import CalendarDay, WorkHours

LIBRARY: Final = "holidays"
MAKE_UP_NAME: Final = "调休上班"
FRESH_SECONDS: Final = 30.0
# The coming year's arrangement is usually out in November: from then on its absence is worth a warning.
LOOK_AHEAD_FROM_MONTH: Final = 11


@dataclass
class _Remembered:
    """This process's copy of the calendar: other processes see an edit when their own copy goes stale."""

    calendar: WorkCalendar | None = None
    stale_at: float = 0.0


_remembered = _Remembered()


def current_calendar() -> WorkCalendar:
    """The calendar in force: no query while the process's copy is fresh (30 s), else one."""
    calendar = _remembered.calendar
    if calendar is None or monotonic() >= _remembered.stale_at:
        calendar = _read_calendar()
        _remembered.calendar = calendar
        _remembered.stale_at = monotonic() + FRESH_SECONDS
    return calendar


def forget_calendar() -> None:
    """Have the next reader in this process ask the database: after an edit, and between tests."""
    _remembered.calendar = None


@transaction.atomic
def seed_calendar(year: int) -> int:
    """Write a year's holidays and make-up workdays as the library knows them; how many days it wrote.

    Replaces what an earlier seeding wrote and leaves alone what a person entered. Raises ValueError for a
    year that the library does not cover.
    """
    known = _library_days(year)
    in_year = CalendarDay.objects.filter(date__year=year)
    in_year.filter(source=LIBRARY).delete()
    entered = set(in_year.values_list("date", flat=True))
    written = CalendarDay.objects.bulk_create(
        CalendarDay(date=day, is_workday=works, name=name, source=LIBRARY)
        for day, (works, name) in sorted(known.items())
        if day not in entered
    )
    transaction.on_commit(forget_calendar)
    return len(written)


def published_years() -> list[int]:
    """The years whose make-up workdays the table knows, in order."""
    years = (
        CalendarDay.objects.filter(is_workday=True)
        .annotate(weekday=ExtractIsoWeekDay("date"), year=ExtractYear("date"))
        .filter(weekday__gte=6)
        .values_list("year", flat=True)
    )
    return sorted(set(years))


def is_published(year: int) -> bool:
    """Whether the official arrangement of that year is in the table."""
    return year in published_years()


def publication_warnings(at: datetime) -> list[str]:
    """What to tell an administrator about years that are running, or near, and not published."""
    today = at.astimezone(CHINA).date()
    years = [today.year] + [today.year + 1] * (today.month >= LOOK_AHEAD_FROM_MONTH)
    published = published_years()
    return [
        _(
            "The official holidays of %(year)s are not in the calendar: its due times know no make-up "
            "workdays. Import the year again when it is published, or enter its days by hand."
        )
        % {"year": year}
        for year in years
        if year not in published
    ]


def _read_calendar() -> WorkCalendar:
    """Both tables in one query: a row is a day or an interval, and leaves the other's columns empty."""
    no_time = Value(None, output_field=models.TimeField())
    no_day = Value(None, output_field=models.DateField())
    no_answer = Value(None, output_field=models.BooleanField())
    days = CalendarDay.objects.order_by().values_list("date", "is_workday", no_time, no_time)
    hours = WorkHours.objects.order_by().values_list(no_day, no_answer, "starts", "ends")
    overrides: dict[date, bool] = {}
    intervals: list[tuple[time, time]] = []
    for day, works, starts, ends in days.union(hours, all=True):
        if day is None:
            intervals.append((starts, ends))
        else:
            overrides[day] = works
    return WorkCalendar(overrides=overrides, hours=joined(intervals) or DEFAULT_HOURS)


def joined(intervals: Iterable[tuple[time, time]]) -> tuple[tuple[time, time], ...]:
    """The intervals in order, those that overlap or touch made one: rows may be entered in any way."""
    result: list[tuple[time, time]] = []
    for starts, ends in sorted(intervals):
        if not result or starts > result[-1][1]:
            result.append((starts, ends))
        else:
            result[-1] = (result[-1][0], max(ends, result[-1][1]))
    return tuple(result)


def _library_days(year: int) -> dict[date, tuple[bool, str]]:
    """Days of a year as the library knows them: is it a workday, and its name."""
    china = holidays.country_holidays("CN", years=year, language="zh_CN")
    days = {day: (False, name) for day, name in china.items() if day.year == year}
    if not days:
        raise ValueError(_("The holiday library does not know the year %(year)s.") % {"year": year})
    return days | {day: (True, MAKE_UP_NAME) for day in china.weekend_workdays if day.year == year}
