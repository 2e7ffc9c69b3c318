"""Figures ready to be shown: of a subject in a period, broken down, compared, ranked; and their orders."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Generic, TypeVar

from django.utils import timezone

from cases.querysets import CaseQuerySet
from grids.models import Level
from partymembers.access import Access

from .catalogue import figure_of
from .counting import Dimension, Group, Request, count
from .formulas import DUE, PARTS, Kind
from .periods import Period, Step
from .scope import cases_of, within
from .subjects import Subject
from .tallies import Tally, difference

#: Below so many orders a rate says too little to be ranked.
MINIMUM_SAMPLE = 30
#: A count this many times the earlier one is another situation, not a growth in percent.
_MOST_TIMES = 10

Key = TypeVar("Key", bound=Hashable)

NOTHING = Tally()


@dataclass(frozen=True, slots=True)
class FigureSet:
    """The figures of one subject: in the period, in the one before 环比, and a year earlier 同比."""

    current: Tally = NOTHING
    previous: Tally = NOTHING
    year_before: Tally = NOTHING

    def __add__(self, other: FigureSet) -> FigureSet:
        return FigureSet(
            self.current + other.current,
            self.previous + other.previous,
            self.year_before + other.year_before,
        )

    def change(self, figure: str) -> Decimal | None:
        """环比: points for a rate, percent for a count or a duration; None without enough to compare."""
        return self._against(figure, self.previous)

    def yearly_change(self, figure: str) -> Decimal | None:
        """同比, in the same units."""
        return self._against(figure, self.year_before)

    def _against(self, figure: str, before: Tally) -> Decimal | None:
        """No percentage of too few orders, nor of a base that says nothing about as many as now."""
        if figure_of(figure).kind is not Kind.RATE:
            base, now = before.sample(figure), self.current.sample(figure)
            if base < MINIMUM_SAMPLE or base * _MOST_TIMES < now:
                return None
        return difference(figure, self.current, before)


@dataclass(frozen=True, slots=True)
class Member:
    """A unit, a matter or a ranked place by id and name; no id: the orders that have none."""

    pk: int | None
    name: str
    within: int | None = None  # the place right below the subject's that holds a ranked place


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that was counted in one go for a subject."""

    total: FigureSet
    places: Mapping[int | None, FigureSet]
    ranked: Mapping[Member, FigureSet]
    units: Mapping[Member, FigureSet]
    matters: Mapping[Member, FigureSet]
    channels: Mapping[str, FigureSet]
    trend: Sequence[tuple[Period, Tally]]


def overview(
    subject: Subject,
    period: Period,
    access: Access,
    *,
    dimensions: Collection[Dimension] = tuple(Dimension),
    rank: Level = Level.STREET,
    compared: bool = True,
    step: Step | None = None,
) -> Overview:
    """The subject's figures and every breakdown asked for; three queries in all.

    `step` cuts the trend; without one, `Period.steps`.
    """
    asked = tuple(each for each in Dimension if each in dimensions)
    periods = [period, period.previous(), period.year_before()] if compared else [period]
    if len(periods) == 3 and periods[1] == periods[2]:
        periods.pop()  # of a year, the period before is the year before: counted once, shown twice
    step = step or period.steps()
    totals = _repeated(count(Request(subject, periods, asked, step, rank), access), periods, compared)
    return Overview(
        total=FigureSet(*(totals.get(Group(bucket), NOTHING) for bucket in range(3))),
        places={key[0]: each for key, each in _sets(totals, Dimension.PLACE).items()},
        ranked={
            Member(pk, name or "", within=place): each
            for (place, pk, name), each in _sets(totals, Dimension.RANK).items()
        },
        units=_members(totals, Dimension.UNIT),
        matters=_members(totals, Dimension.MATTER),
        channels={key[0]: each for key, each in _sets(totals, Dimension.CHANNEL).items()},
        trend=_trend(totals, period, step) if Dimension.STEP in asked else (),
    )


def figures(subject: Subject, period: Period, access: Access) -> FigureSet:
    """All figures of the subject, with both comparisons; three queries."""
    return overview(subject, period, access, dimensions=()).total


def by_child_place(subject: Subject, period: Period, access: Access) -> Mapping[int | None, FigureSet]:
    """By id of the place right below the subject's; None: orders that lie in none of them."""
    return overview(subject, period, access, dimensions=[Dimension.PLACE]).places


def by_unit(subject: Subject, period: Period, access: Access) -> Mapping[Member, FigureSet]:
    """By lead unit; without one: not dispatched."""
    return overview(subject, period, access, dimensions=[Dimension.UNIT]).units


def by_matter(subject: Subject, period: Period, access: Access) -> Mapping[Member, FigureSet]:
    """By matter."""
    return overview(subject, period, access, dimensions=[Dimension.MATTER]).matters


def by_channel(subject: Subject, period: Period, access: Access) -> Mapping[str, FigureSet]:
    """By the channel that orders came through."""
    return overview(subject, period, access, dimensions=[Dimension.CHANNEL]).channels


def trend(subject: Subject, period: Period, access: Access) -> Sequence[tuple[Period, Tally]]:
    """The period in steps (`Period.steps`), each with what was reported, due and rated in it."""
    return overview(subject, period, access, dimensions=[Dimension.STEP], compared=False).trend


def counted_cases(part: str, subject: Subject, period: Period, access: Access) -> CaseQuerySet:
    """Exactly the orders that the part's count counts, latest first by the cohort's time.

    Raises KeyError for a part that does not exist.
    """
    counted = PARTS[part]
    return (
        cases_of(counted.cohort, subject, access)
        .filter(within(counted.cohort, period))
        .filter(counted.condition)
        .order_by(f"-{counted.cohort.time}", "-pk")
    )


def late_cases(subject: Subject, access: Access, now: dt.datetime) -> CaseQuerySet:
    """Open orders with a running clock past its due time, the latest first."""
    return cases_of(_ANY, subject, access).late(now).order_by("next_due_at", "pk")


#: The subject's orders by where they lie now, whatever became of them.
_ANY = type(DUE)("any", "", "reported_at", "", type(DUE.condition)())


def fold(sets: Iterable[tuple[Key, FigureSet]]) -> dict[Key, FigureSet]:
    """Sets of the same key added up, as where small grids belong to a large one."""
    found: dict[Key, FigureSet] = defaultdict(FigureSet)
    for key, each in sets:
        found[key] += each
    return dict(found)


@dataclass(frozen=True, slots=True)
class Ranking(Generic[Key]):
    """Best first. `unranked` have too small a sample: their numbers are published, their place is not."""

    ranked: list[tuple[Key, FigureSet]]
    unranked: list[tuple[Key, FigureSet]]


def ranking(
    sets: Mapping[Key, FigureSet], figure: str, *, minimum_sample: int = MINIMUM_SAMPLE
) -> Ranking[Key]:
    """Order members by a rate of theirs; equal rates by the larger sample. Raises ValueError for a count."""
    chosen = figure_of(figure)
    if chosen.kind is not Kind.RATE:
        raise ValueError(f"{figure} is no rate")
    sign = -1 if chosen.good == "down" else 1
    able = [each for each in sets.items() if each[1].current.denominator(figure) >= max(1, minimum_sample)]
    able.sort(
        key=lambda each: (sign * (each[1].current.rate(figure) or 0), each[1].current.denominator(figure)),
        reverse=True,
    )
    keys = {each[0] for each in able}
    return Ranking(able, [each for each in sets.items() if each[0] not in keys])


def _repeated(totals: dict[Group, Tally], periods: Sequence[Period], compared: bool) -> dict[Group, Tally]:
    """What was counted for the period before stands for the year before too, where the two are one."""
    if compared and len(periods) == 2:
        totals |= {replace(group, bucket=2): tally for group, tally in totals.items() if group.bucket == 1}
    return totals


def _sets(totals: Mapping[Group, Tally], dimension: Dimension) -> dict[tuple[Any, ...], FigureSet]:
    found: dict[tuple[Any, ...], dict[int, Tally]] = defaultdict(dict)
    for group, tally in totals.items():
        if group.dimension is dimension:
            found[group.key][group.bucket] = tally
    return {
        key: FigureSet(*(buckets.get(bucket, NOTHING) for bucket in range(3)))
        for key, buckets in found.items()
    }


def _members(totals: Mapping[Group, Tally], dimension: Dimension) -> dict[Member, FigureSet]:
    return {Member(pk, name or ""): each for (pk, name), each in _sets(totals, dimension).items()}


def _trend(totals: Mapping[Group, Tally], period: Period, step: Step) -> list[tuple[Period, Tally]]:
    """PostgreSQL's local timestamps come without a zone; the first piece may begin within its step."""
    zone = timezone.get_default_timezone()
    by_step = {
        group.key[0].replace(tzinfo=zone): tally
        for group, tally in totals.items()
        if group.dimension is Dimension.STEP and group.bucket == 0
    }
    return [(piece, by_step.get(step.floor(piece.start), NOTHING)) for piece in period.cut(step)]
