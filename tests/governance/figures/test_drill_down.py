"""Every number opens exactly the orders it counts, and counts what a plain reading of the formulas counts."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterable
from datetime import timedelta
from statistics import median

import pytest

from cases.models import Case, Channel
from cases.querysets import CaseQuerySet
from governance.figures.formulas import FIGURES, PARTS
from governance.figures.periods import Period, Span, midnight
from governance.figures.queries import (
    FigureSet,
    by_channel,
    by_child_place,
    by_matter,
    by_unit,
    counted_cases,
    figures,
    overview,
    trend,
)
from governance.figures.subjects import Subject, area_of
from grids.models import Level, Place
from partymembers.access import Access, access_of
from partymembers.models import Role
from tests.factories.catalogue import make_matter
from tests.factories.grids import City, make_city, make_place
from tests.factories.people import make_unit, make_user

from .histories import order, random_orders

pytestmark = pytest.mark.django_db

NOW = midnight(dt.date(2026, 11, 20)) + timedelta(hours=10, minutes=24)
ENDED = {"declined", "merged", "voided"}


def fell_due(case: Case) -> bool:
    return case.due_at is not None and case.state not in ENDED | {"suspended"}


def in_time(case: Case) -> bool:
    if case.state != "closed" or case.closed_at is None or case.due_at is None:
        return False
    return case.closed_at <= case.due_at


#: The formulas once more, written by hand over rows in memory: (which time, which orders).
READINGS: dict[str, tuple[str, Callable[[Case], bool]]] = {
    "reported": ("reported_at", lambda c: True),
    "accepted": ("reported_at", lambda c: c.accepted_at is not None or c.resolved_on_spot),
    "due": ("due_at", fell_due),
    "closed": ("due_at", lambda c: fell_due(c) and c.state == "closed"),
    "on_time": ("due_at", lambda c: fell_due(c) and in_time(c)),
    "missed": ("due_at", lambda c: fell_due(c) and not in_time(c)),
    "timed": ("due_at", lambda c: fell_due(c) and c.state == "closed" and c.handling_time is not None),
    "handled": ("due_at", lambda c: fell_due(c) and (c.handled_at is not None or c.reworks > 0)),
    "reworked": ("due_at", lambda c: fell_due(c) and c.reworks > 0),
    "extended": ("due_at", lambda c: fell_due(c) and c.extensions > 0),
    "asked_contact": ("rated_at", lambda c: c.contacted is not None),
    "contacted": ("rated_at", lambda c: c.contacted is True),
    "asked_solved": ("rated_at", lambda c: c.solved is not None),
    "solved": ("rated_at", lambda c: c.solved is True),
    "rated": ("rated_at", lambda c: c.satisfaction != ""),
    "satisfied": ("rated_at", lambda c: c.satisfaction == "satisfied"),
    "basically": ("rated_at", lambda c: c.satisfaction == "basically"),
    "dissatisfied": ("rated_at", lambda c: c.satisfaction == "dissatisfied"),
}


class World:
    """A city of two communities with a large grid that holds a small one, and 400 orders of every fate."""

    def __init__(self, seed: int) -> None:
        dice = random.Random(seed)
        self.city: City = make_city()
        self.small: Place = make_place(self.city.west_1, Level.GRID, "微网格")
        self.matters = [make_matter(name="雨水箅子"), make_matter(name="路灯")]
        self.units = [make_unit("市政养护所"), make_unit("路灯管理所")]
        self.people = [make_user("甲"), make_user("乙")]
        self.official = make_user("市领导", role=Role.OFFICIAL, place=self.city.city)
        Case.objects.bulk_create(
            random_orders(
                dice,
                400,
                places=[self.small, *self.city.grids, self.city.east, self.city.street, self.city.city],
                matters=self.matters,
                units=self.units,
                people=self.people,
                around=NOW,
            )
        )
        self.orders = list(Case.objects.all())

    def subjects(self) -> dict[str, tuple[Subject, Callable[[Case, str], bool]]]:
        """Each kind of subject, with a plain reading of which orders (and place columns) are its own."""
        city, (unit, _), (matter, _), (person, _) = self.city, self.units, self.matters, self.people
        large = {city.west_1.pk, self.small.pk}
        return {
            "all": (Subject(), lambda c, p: True),
            "city": (Subject(area_of(city.city)), lambda c, p: True),
            "community": (
                Subject(area_of(city.west)),
                lambda c, p: getattr(c, f"{p}community_id") == city.west.pk,
            ),
            "large grid": (Subject(area_of(city.west_1)), lambda c, p: getattr(c, f"{p}grid_id") in large),
            "small grid": (
                Subject(area_of(self.small)),
                lambda c, p: getattr(c, f"{p}grid_id") == self.small.pk,
            ),
            "unit": (Subject(unit_id=unit.pk), lambda c, p: c.unit_id == unit.pk),
            "matter": (Subject(matter_id=matter.pk), lambda c, p: c.matter_id == matter.pk),
            "channel": (Subject(channel=Channel.HOTLINE), lambda c, p: c.channel == "hotline"),
            "reporter": (Subject(reporter_id=person.pk), lambda c, p: c.reporter_id == person.pk),
            "handler": (Subject(handler_id=person.pk), lambda c, p: c.handler_id == person.pk),
            "unit in a community": (
                Subject(area_of(city.west), unit_id=unit.pk),
                lambda c, p: c.unit_id == unit.pk and getattr(c, f"{p}community_id") == city.west.pk,
            ),
        }

    def access(self) -> Access:
        return access_of(self.official, on=NOW.date())


def read(orders: Iterable[Case], part: str, mine: Callable[[Case, str], bool], period: Period) -> set[int]:
    """The ids that the part counts, read off the rows in memory."""
    time, belongs = READINGS[part]
    prefix = "reported_" if time == "reported_at" else ""
    until = min(period.end, period.now)
    return {
        c.pk
        for c in orders
        if (at := getattr(c, time)) and period.start <= at < until and belongs(c) and mine(c, prefix)
    }


def ids(cases: CaseQuerySet) -> set[int]:
    return set(cases.values_list("pk", flat=True))


@pytest.fixture
def world() -> World:
    return World(seed=20261120)


def test_each_part_of_the_figures_is_read_here_too() -> None:
    assert set(READINGS) == set(PARTS)
    assert {part for figure in FIGURES.values() for part in figure.parts} <= set(PARTS)


@pytest.mark.parametrize("span", [Span.TODAY, Span.MONTH, Span.YEAR])
def test_counts_equal_their_lists_and_a_plain_reading(world: World, span: Span) -> None:
    period = Period.named(span, NOW)
    for name, (subject, mine) in world.subjects().items():
        found = figures(subject, period, world.access())
        for tally, each in (
            (found.current, period),
            (found.previous, period.previous()),
            (found.year_before, period.year_before()),
        ):
            for part in PARTS:
                listed = list(counted_cases(part, subject, each, world.access()))
                expected = read(world.orders, part, mine, each)
                assert {case.pk for case in listed} == expected, (name, part)
                assert tally[part] == len(listed) == len(expected), (name, part)


def test_every_fate_occurs_in_the_month(world: World) -> None:
    """Else the comparison above would prove little."""
    counts = figures(Subject(), Period.named(Span.MONTH, NOW), world.access()).current
    assert min(counts[part] for part in PARTS) >= 3


def test_times_are_those_of_the_timed_orders(world: World) -> None:
    period = Period.named(Span.MONTH, NOW)
    found = figures(Subject(), period, world.access()).current
    timed = read(world.orders, "timed", lambda c, p: True, period)
    took = [case.handling_time for case in world.orders if case.pk in timed and case.handling_time]
    assert found.span("mean_time") == sum(took, timedelta()) / len(took)
    assert found.span("median_time") == pytest.approx(
        median(t.total_seconds() for t in took) * timedelta(seconds=1), abs=timedelta(seconds=1)
    )


def test_breakdowns_equal_the_lists_of_their_members(world: World) -> None:
    period, access, area = Period.named(Span.MONTH, NOW), world.access(), area_of(world.city.city)
    subject = Subject(area)

    def same(found: FigureSet, member: Subject) -> None:
        for part in PARTS:
            assert found.current[part] == counted_cases(part, member, period, access).count(), part

    for unit, found in by_unit(subject, period, access).items():
        if unit.pk:
            same(found, Subject(area, unit_id=unit.pk))
    for matter, found in by_matter(subject, period, access).items():
        same(found, Subject(area, matter_id=matter.pk))
    for channel, found in by_channel(subject, period, access).items():
        same(found, Subject(area, channel=channel))
    streets = by_child_place(Subject(area_of(world.city.district)), period, access)
    same(streets[world.city.street.pk], Subject(area_of(world.city.street)))
    grids = by_child_place(Subject(area_of(world.city.west)), period, access)
    same(grids[world.small.pk], Subject(area_of(world.small)))
    same(grids[world.city.west_2.pk], Subject(area_of(world.city.west_2)))
    ranked = overview(subject, period, access, rank=Level.COMMUNITY).ranked
    west = next(each for member, each in ranked.items() if member.pk == world.city.west.pk)
    same(west, Subject(area_of(world.city.west)))


def test_members_add_up_to_the_total(world: World) -> None:
    found = overview(
        Subject(area_of(world.city.city)), Period.named(Span.MONTH, NOW), world.access(), rank=Level.COMMUNITY
    )
    for sets in (found.places, found.ranked, found.units, found.matters, found.channels):
        for bucket in ("current", "previous", "year_before"):
            for part in PARTS:
                total = sum(getattr(each, bucket)[part] for each in sets.values())
                assert total == getattr(found.total, bucket)[part], part
    for part in PARTS:
        assert sum(tally[part] for _piece, tally in found.trend) == found.total.current[part]


@pytest.mark.parametrize("span", [Span.TODAY, Span.WEEK, Span.QUARTER, Span.YEAR])
def test_each_step_of_a_trend_equals_its_list(world: World, span: Span) -> None:
    subject = Subject(area_of(world.city.city))
    for piece, tally in trend(subject, Period.named(span, NOW), world.access()):
        for part in PARTS:
            assert tally[part] == counted_cases(part, subject, piece, world.access()).count()


def test_overlapping_periods_count_an_order_in_each() -> None:
    """Two years compared with the two before and with a year earlier: the middle year is in two of them."""
    city, matter = make_city(), make_matter()
    Case.objects.bulk_create(
        [order(city.west_1, matter, midnight(dt.date(year, 6, 1))) for year in (2023, 2024, 2025, 2026)]
    )
    access = access_of(make_user(role=Role.OFFICIAL, place=city.city), on=NOW.date())
    period = Period.of_days(dt.date(2025, 1, 1), dt.date(2026, 12, 31), midnight(dt.date(2027, 2, 1)))
    found = figures(Subject(area_of(city.city)), period, access)
    assert [t["reported"] for t in (found.current, found.previous, found.year_before)] == [2, 2, 2]
