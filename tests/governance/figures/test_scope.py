"""What somebody may not see is in none of their numbers: the owner, a colleague, an outsider."""

from __future__ import annotations

import datetime as dt
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases.models import Case
from cases.workflow import State
from governance.figures.formulas import PARTS
from governance.figures.periods import Period, Span, midnight
from governance.figures.queries import counted_cases, figures, late_cases, overview
from governance.figures.subjects import Subject, area_of
from partymembers.access import NOTHING, access_of
from partymembers.models import Role
from tests.factories.catalogue import make_matter
from tests.factories.grids import make_city
from tests.factories.people import make_unit, make_user

from .histories import closed_order, order

pytestmark = pytest.mark.django_db

NOW = midnight(dt.date(2026, 11, 20)) + timedelta(hours=10)
MONTH = Period.named(Span.MONTH, NOW)
AT = midnight(dt.date(2026, 11, 5))
DAY = timedelta(days=1)


def test_an_outsider_counts_nothing_of_a_place_that_is_not_theirs() -> None:
    city, other = make_city(), make_city("341200000000")
    matter = make_matter()
    Case.objects.bulk_create(
        [
            closed_order(
                city.west_1, matter, AT, took=DAY, limit=2 * DAY, satisfaction="satisfied", rated_at=AT
            )
        ]
    )
    owner = access_of(make_user(role=Role.SECRETARY, place=city.west), on=NOW.date())
    colleague = access_of(make_user(role=Role.GRID_WORKER, place=city.west_2), on=NOW.date())
    outsider = access_of(make_user(role=Role.OFFICIAL, place=other.city), on=NOW.date())
    for subject in (Subject(), Subject(area_of(city.west)), Subject(matter_id=matter.pk)):
        assert figures(subject, MONTH, owner).current["closed"] == 1
        for access in (colleague, outsider, NOTHING):
            seen = overview(subject, MONTH, access)
            assert not seen.total.current
            for members in (seen.places, seen.units, seen.matters, seen.channels, seen.ranked):
                assert members == {}
            assert all(not tally for _piece, tally in seen.trend)
            for part in PARTS:
                assert not counted_cases(part, subject, MONTH, access).exists()


def test_an_order_that_was_moved_elsewhere_leaves_the_first_places_numbers_when_it_leaves_its_sight() -> None:
    city = make_city()
    Case.objects.bulk_create([order(city.east_1, make_matter(), AT, reported=city.west_1)])
    west = access_of(make_user(role=Role.SECRETARY, place=city.west), on=NOW.date())
    street = access_of(make_user(role=Role.DESK, place=city.street), on=NOW.date())
    subject = Subject(area_of(city.west))
    assert figures(subject, MONTH, street).current["reported"] == 1
    assert figures(Subject(area_of(city.east)), MONTH, street).current["reported"] == 0
    assert figures(subject, MONTH, west).current["reported"] == 0
    assert not counted_cases("reported", subject, MONTH, west).exists()


def test_a_unit_counts_the_orders_it_leads_and_no_others() -> None:
    city, unit, other = make_city(), make_unit(), make_unit("路灯管理所")
    matter = make_matter()
    Case.objects.bulk_create(
        [
            closed_order(city.west_1, matter, AT, took=DAY, limit=2 * DAY, unit=unit),
            closed_order(city.west_1, matter, AT, took=DAY, limit=2 * DAY, unit=other),
        ]
    )
    handler = access_of(make_user(role=Role.HANDLER, unit=unit), on=NOW.date())
    assert figures(Subject(area_of(city.city)), MONTH, handler).current["due"] == 1
    assert figures(Subject(unit_id=other.pk), MONTH, handler).current["due"] == 0


def test_late_orders_are_open_past_a_clock_and_in_scope() -> None:
    city, matter = make_city(), make_matter()
    past, to_come = NOW - DAY, NOW + DAY
    Case.objects.bulk_create(
        [
            order(city.west_1, matter, AT, state=State.HANDLING, next_due_at=past),
            order(city.west_1, matter, AT, state=State.REPORTED, next_due_at=past - DAY),
            order(city.west_1, matter, AT, state=State.HANDLING, next_due_at=to_come),
            order(city.west_1, matter, AT, state=State.DECLINED, next_due_at=past),
            order(city.east_1, matter, AT, state=State.HANDLING, next_due_at=past, reported=city.west_1),
        ]
    )
    first, second = Case.objects.order_by("pk")[:2]
    subject = Subject(area_of(city.west))
    west = access_of(make_user(role=Role.SECRETARY, place=city.west), on=NOW.date())
    east = access_of(make_user(role=Role.SECRETARY, place=city.east), on=NOW.date())
    assert list(late_cases(subject, west, NOW)) == [second, first]
    assert list(late_cases(subject, east, NOW)) == []


def test_three_queries_count_everything_whatever_the_number_of_orders_and_members() -> None:
    city = make_city()
    access = access_of(make_user(role=Role.OFFICIAL, place=city.city), on=NOW.date())
    subject = Subject(area_of(city.city))
    for size in (1, 30):
        Case.objects.bulk_create(
            [
                closed_order(
                    city.grids[i % 4], make_matter(name=f"事项{i}"), AT, took=DAY, limit=DAY, unit=make_unit()
                )
                for i in range(size)
            ]
        )
        with CaptureQueriesContext(
            connection,
        ) as queries:
            overview(subject, MONTH, access)
        assert len(queries) == 3
