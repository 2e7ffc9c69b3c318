"""Where periods begin and end, and what they are compared with."""

from __future__ import annotations

import datetime as dt
import itertools
from datetime import UTC, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.models import Case
from governance.figures.periods import Period, Span, Step, add_months, midnight
from governance.figures.queries import figures
from governance.figures.subjects import Subject
from partymembers.access import access_of
from partymembers.models import Role
from tests.factories.catalogue import make_matter
from tests.factories.grids import make_city
from tests.factories.people import make_user

from .histories import order

DAY = timedelta(days=1)


def at(text: str) -> dt.datetime:
    """A local instant, e.g. `2026-11-20 10:24`."""
    moment = dt.datetime.fromisoformat(text)
    return midnight(moment.date()) + timedelta(hours=moment.hour, minutes=moment.minute)


def bounds(period: Period) -> tuple[str, str, str]:
    return tuple(each.strftime("%Y-%m-%d %H:%M") for each in (period.start, period.end, period.until))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("span", "this", "before", "year_before"),
    [
        (
            Span.TODAY,
            ("2026-11-20 00:00", "2026-11-21 00:00", "2026-11-20 10:24"),
            ("2026-11-19 00:00", "2026-11-20 00:00", "2026-11-19 10:24"),
            ("2025-11-20 00:00", "2025-11-21 00:00", "2025-11-20 10:24"),
        ),
        (
            Span.WEEK,  # from Monday; 52 weeks before, so that weekdays meet weekdays
            ("2026-11-16 00:00", "2026-11-23 00:00", "2026-11-20 10:24"),
            ("2026-11-09 00:00", "2026-11-16 00:00", "2026-11-13 10:24"),
            ("2025-11-17 00:00", "2025-11-24 00:00", "2025-11-21 10:24"),
        ),
        (
            Span.MONTH,
            ("2026-11-01 00:00", "2026-12-01 00:00", "2026-11-20 10:24"),
            ("2026-10-01 00:00", "2026-11-01 00:00", "2026-10-20 10:24"),
            ("2025-11-01 00:00", "2025-12-01 00:00", "2025-11-20 10:24"),
        ),
        (
            Span.QUARTER,
            ("2026-10-01 00:00", "2027-01-01 00:00", "2026-11-20 10:24"),
            ("2026-07-01 00:00", "2026-10-01 00:00", "2026-08-20 10:24"),
            ("2025-10-01 00:00", "2026-01-01 00:00", "2025-11-20 10:24"),
        ),
        (
            Span.YEAR,
            ("2026-01-01 00:00", "2027-01-01 00:00", "2026-11-20 10:24"),
            ("2025-01-01 00:00", "2026-01-01 00:00", "2025-11-20 10:24"),
            ("2025-01-01 00:00", "2026-01-01 00:00", "2025-11-20 10:24"),
        ),
    ],
)
def test_named_periods(
    span: Span, this: tuple[str, ...], before: tuple[str, ...], year_before: tuple[str, ...]
) -> None:
    period = Period.named(span, at("2026-11-20 10:24"))
    assert bounds(period) == this
    assert bounds(period.previous()) == before
    assert bounds(period.year_before()) == year_before


def test_the_last_day_of_a_long_month_compares_with_the_whole_of_a_short_one() -> None:
    march = Period.named(Span.MONTH, at("2026-03-31 15:00"))
    assert bounds(march.previous()) == ("2026-02-01 00:00", "2026-03-01 00:00", "2026-03-01 00:00")


def test_a_leap_day_compares_with_the_28th() -> None:
    leap = Period.named(Span.TODAY, at("2028-02-29 12:00"))
    assert bounds(leap.year_before()) == ("2027-02-28 00:00", "2027-03-01 00:00", "2027-02-28 12:00")


def test_a_period_that_is_over_compares_with_whole_periods() -> None:
    october = Period(at("2026-10-01 00:00"), at("2026-11-01 00:00"), at("2026-11-20 10:24"), Span.MONTH)
    assert bounds(october.previous()) == ("2026-09-01 00:00", "2026-10-01 00:00", "2026-10-01 00:00")
    assert october.days == 31


def test_any_days_compare_with_as_many_before() -> None:
    days = Period.of_days(dt.date(2026, 11, 3), dt.date(2026, 11, 9), at("2026-11-20 10:24"))
    assert bounds(days.previous()) == ("2026-10-27 00:00", "2026-11-03 00:00", "2026-11-03 00:00")
    assert bounds(days.year_before()) == ("2025-11-03 00:00", "2025-11-10 00:00", "2025-11-10 00:00")
    with pytest.raises(ValueError, match="last day"):
        Period.of_days(dt.date(2026, 11, 9), dt.date(2026, 11, 3), at("2026-11-20 10:24"))


def test_the_days_of_a_calendar_month_compare_with_the_month_before() -> None:
    now = at("2026-11-20 10:24")
    october = Period.of_days(dt.date(2026, 10, 1), dt.date(2026, 10, 31), now)
    assert bounds(october.previous())[:2] == ("2026-09-01 00:00", "2026-10-01 00:00")
    third = Period.of_days(dt.date(2026, 7, 1), dt.date(2026, 9, 30), now)
    assert bounds(third.previous())[:2] == ("2026-04-01 00:00", "2026-07-01 00:00")
    crooked = Period.of_days(dt.date(2026, 8, 1), dt.date(2026, 10, 31), now)
    assert bounds(crooked.previous())[:2] == ("2026-05-01 00:00", "2026-08-01 00:00")  # 92 days each


def test_a_period_to_come_holds_nothing_yet() -> None:
    future = Period.of_days(dt.date(2027, 1, 1), dt.date(2027, 1, 31), at("2026-11-20 10:24"))
    assert future.until == future.start
    assert future.cut(Step.DAY) == []
    assert future.previous().until == future.previous().start


def test_a_month_ends_at_local_midnight() -> None:
    """16:00 in UTC is midnight in Shanghai: the first instant of November, no longer October."""
    november = Period.named(Span.MONTH, dt.datetime(2026, 10, 31, 16, 0, tzinfo=UTC))
    assert november.start == dt.datetime(2026, 10, 31, 16, 0, tzinfo=UTC)
    october = Period.named(Span.MONTH, dt.datetime(2026, 10, 31, 15, 59, tzinfo=UTC))
    assert october.start == dt.datetime(2026, 9, 30, 16, 0, tzinfo=UTC)


@pytest.mark.django_db
def test_an_order_at_the_boundary_belongs_to_the_later_period_alone() -> None:
    city, matter = make_city(), make_matter()
    edge = midnight(dt.date(2026, 11, 1))
    tick = timedelta(microseconds=1)
    Case.objects.bulk_create(
        [order(city.west_1, matter, when, due_at=when) for when in (edge - tick, edge, edge + 3 * DAY)]
    )
    access = access_of(make_user(role=Role.OFFICIAL, place=city.city), on=dt.date(2026, 11, 20))
    for now, reported, due in [
        (edge + 3 * DAY, 1, 1),  # what falls due at this very instant is not due yet
        (edge + 3 * DAY + tick, 2, 2),
    ]:
        found = figures(Subject(), Period.named(Span.MONTH, now), access)
        assert (found.current["reported"], found.current["due"]) == (reported, due)
    october = Period.of_days(dt.date(2026, 10, 1), dt.date(2026, 10, 31), edge + 19 * DAY)
    assert figures(Subject(), october, access).current["due"] == 1


MOMENTS = st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2030, 12, 31)).map(
    lambda naive: naive.replace(tzinfo=UTC)
)


@given(MOMENTS, st.sampled_from([span for span in Span if span is not Span.CUSTOM]))
def test_laws_of_periods(now: dt.datetime, span: Span) -> None:
    period = Period.named(span, now)
    assert period.start <= now < period.end
    assert period.until == now
    before = period.previous()
    assert before.end == period.start
    assert before.start <= before.until <= before.end
    pieces = period.cut(period.steps())
    assert pieces[0].start == period.start
    assert all(a.end == b.start for a, b in itertools.pairwise(pieces))
    assert len(pieces) <= 62
    assert pieces[-1].start <= now <= pieces[-1].end


def test_months_are_added_by_the_calendar() -> None:
    assert add_months(at("2026-01-31 08:00"), 1) == at("2026-02-28 08:00")
    assert add_months(at("2026-01-31 08:00"), -2) == at("2025-11-30 08:00")
    assert add_months(at("2026-12-15 08:00"), 1) == at("2027-01-15 08:00")
