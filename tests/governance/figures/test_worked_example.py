"""PRODUCT.md's example, a real city's month, through the queries on real rows."""

from __future__ import annotations

import datetime as dt
from datetime import timedelta
from decimal import Decimal

import pytest

from cases.models import Case
from cases.workflow import State
from governance.common.formats import rate
from governance.common.templatetags import gezhi
from governance.figures.periods import Period, Span, midnight
from governance.figures.queries import MINIMUM_SAMPLE, FigureSet, counted_cases, figures
from governance.figures.subjects import Subject, area_of
from governance.figures.tallies import Tally
from partymembers.access import access_of
from partymembers.models import Role
from tests.factories.catalogue import make_matter
from tests.factories.grids import make_city
from tests.factories.people import make_user
from tests.governance.figures.histories import closed_order, order

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def test_reported_1054_accepted_996_due_972_closed_911_on_time_737() -> None:
    city, matter = make_city(), make_matter()
    grid, start = city.west_1, midnight(dt.date(2026, 10, 1))
    at = start + timedelta(hours=9)
    orders = [closed_order(grid, matter, at, took=DAY, limit=2 * DAY) for _ in range(737)]
    orders += [closed_order(grid, matter, at, took=3 * DAY, limit=2 * DAY) for _ in range(911 - 737)]
    orders += [
        order(grid, matter, at, state=State.HANDLING, accepted_at=at, due_at=at + DAY)
        for _ in range(972 - 911)
    ]
    # Accepted at the month's end and due in the next, and never accepted at all.
    late = start + timedelta(days=30)
    orders += [
        order(grid, matter, late, state=State.ACCEPTED, accepted_at=late, due_at=late + 5 * DAY)
        for _ in range(996 - 972)
    ]
    orders += [
        order(grid, matter, late, state=State.DECLINED, due_at=late + DAY / 2) for _ in range(1054 - 996)
    ]
    Case.objects.bulk_create(orders)
    official = make_user(role=Role.OFFICIAL, place=city.city)
    access = access_of(official, on=dt.date(2026, 11, 2))
    period = Period.of_days(dt.date(2026, 10, 1), dt.date(2026, 10, 31), midnight(dt.date(2026, 11, 2)))

    found = figures(Subject(area_of(city.city)), period, access).current

    counts = {part: found[part] for part in ("reported", "accepted", "due", "closed", "on_time", "missed")}
    assert counts == {
        "reported": 1054,
        "accepted": 996,
        "due": 972,
        "closed": 911,
        "on_time": 737,
        "missed": 235,
    }
    assert [rate(found.rate(f)) for f in ("registration", "resolution", "on_time")] == [
        "94.50%",
        "93.72%",
        "75.82%",
    ]
    for part, number in counts.items():
        assert counted_cases(part, Subject(area_of(city.city)), period, access).count() == number


def test_a_month_without_orders_has_no_rate() -> None:
    city = make_city()
    official = make_user(role=Role.OFFICIAL, place=city.city)
    now = midnight(dt.date(2026, 11, 2))
    found = figures(
        Subject(area_of(city.city)), Period.named(Span.MONTH, now), access_of(official, on=now.date())
    )
    assert found.current.rate("resolution") is None
    assert found.current.span("median_time") is None
    assert found.change("resolution") is None
    assert rate(found.current.rate("on_time")) == "—"


@pytest.mark.parametrize(
    ("before", "now", "change"),
    [(30, 45, "50"), (29, 45, None), (0, 45, None), (41, 1306, None), (130, 1300, "900"), (300, 3, "-99")],
)
def test_a_percentage_needs_a_base_that_can_be_compared(before: int, now: int, change: str | None) -> None:
    earlier = Tally({"reported": before, "timed": before}, dt.timedelta(hours=2 * before))
    found = FigureSet(Tally({"reported": now, "timed": now}, dt.timedelta(hours=now)), earlier, earlier)
    wanted = None if change is None else Decimal(change)
    assert found.change("reported") == found.yearly_change("reported") == wanted
    assert found.yearly_change("mean_time") == (None if change is None else -50)


def test_a_dash_says_why_nothing_is_compared() -> None:
    assert f"对比期的工单太少（不足 {MINIMUM_SAMPLE} 件" in gezhi.delta(None, "percent")


def test_a_rate_is_compared_in_points_as_before() -> None:
    earlier = Tally({"reported": 2, "accepted": 1})
    assert FigureSet(Tally({"reported": 2, "accepted": 2}), earlier).change("registration") == 50
