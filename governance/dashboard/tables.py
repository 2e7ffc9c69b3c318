"""The page's tables: places, matters, units, channels and the ranking; rows with their numbers as links."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from cases.models import Channel
from governance.figures.catalogue import figure_of
from governance.figures.formulas import FIGURES, Kind
from governance.figures.queries import MINIMUM_SAMPLE, FigureSet, Key, Member, Ranking, ranking
from grids.models import Place

from .numbers import Door, door, share, written
from .selection import NONE, Selection
from .territory import Territory

#: A member's name, its counts, and what chooses it in an address.
Counted = tuple[str | Promise, FigureSet, dict[str, Any]]

#: Rows shown of a long table until all are asked for.
SHORT = 8
#: How many stand at either end of the ranking.
ENDS = 4


@dataclass(frozen=True, kw_only=True)
class FigureRow:
    """One member of a breakdown with its figures; what is no place is on no map."""

    name: str
    url: str
    figures: FigureSet
    place: Place | None = None
    is_worst: bool = False

    def text(self, figure: str) -> str:
        """A figure of the row, written."""
        return written(figure, self.figures.current)


@dataclass(frozen=True, kw_only=True)
class PlaceRow(FigureRow):
    """One place below the page's own; the rest that lies in none of them has no address of its own."""

    reported: Door
    due: Door
    missed: Door

    @property
    def texts(self) -> dict[str, str]:
        """Every figure of the row, written, by key."""
        return {key: self.text(key) for key in FIGURES}


@dataclass(frozen=True)
class Row:
    """One matter, unit or channel."""

    name: str | Promise
    url: str
    count: Door
    missed: Door
    share: str
    on_time: str
    satisfaction: str
    delta: Decimal | None
    largest: int


@dataclass(frozen=True)
class Ranked:
    """One place in the ranking: where it stands, its rate, and what that is made of."""

    position: int
    name: str
    within: str
    url: str
    rate: str
    on_time: Door
    due: Door


@dataclass(frozen=True)
class RedAndBlack:
    """The two ends of the ranking 红黑榜, and how many could be ranked at all."""

    best: Sequence[Ranked]
    worst: Sequence[Ranked]
    ranked: int
    unranked: int
    minimum: int = MINIMUM_SAMPLE

    @property
    def total(self) -> int:
        """All places of the level that had orders due."""
        return self.ranked + self.unranked


def place_rows(
    selection: Selection, territory: Territory, found: Mapping[int | None, FigureSet]
) -> list[PlaceRow]:
    """The places below, worst first by the metric (largest first by volume), those without a number last."""
    places = {child.pk: child for child in territory.children}
    counted = {pk: each for pk, each in found.items() if pk in places or pk is None}
    for child in territory.children:
        if child.retired_on is None:
            counted.setdefault(child.pk, FigureSet())
    worst = worst_of(counted, selection.metric)
    rows = [
        _place_row(selection, territory, places.get(pk or 0), each, is_worst=pk is not None and pk == worst)
        for pk, each in counted.items()
        if pk is not None or each.current
    ]
    return sorted(rows, key=lambda row: _order(row, selection.metric))


def worst_of(found: Mapping[Key | None, FigureSet], figure: str) -> Key | None:
    """The lowest in a rate, of at least two with a sufficient sample; none by volume, which is no fault."""
    if figure_of(figure).kind is not Kind.RATE:
        return None
    ranked = ranking({pk: each for pk, each in found.items() if pk is not None}, figure).ranked
    return ranked[-1][0] if len(ranked) > 1 else None


def matter_rows(
    selection: Selection, found: Mapping[Member, FigureSet], *, limit: int | None = SHORT
) -> list[Row]:
    """Matters by how often they were reported."""
    rows: list[Counted] = [
        (member.name, each, {"matter": member.pk})
        for member, each in found.items()
        if each.current["reported"]
    ]
    return _rows(selection, rows, "reported", limit)


def unit_rows(
    selection: Selection, found: Mapping[Member, FigureSet], *, limit: int | None = SHORT
) -> list[Row]:
    """Lead units by how many of their orders fell due; those that no unit leads are a row too."""
    rows: list[Counted] = [
        (member.name or _("Not dispatched"), each, {"unit": member.pk or NONE})
        for member, each in found.items()
        if each.current["due"]
    ]
    return _rows(selection, rows, "due", limit)


def channel_rows(selection: Selection, found: Mapping[str, FigureSet]) -> list[Row]:
    """Channels by how many orders came through them."""
    labels = dict(Channel.choices)
    rows: list[Counted] = [(labels.get(key, key), each, {"channel": key}) for key, each in found.items()]
    return _rows(selection, rows, "reported", None)


def red_and_black(
    selection: Selection, territory: Territory, found: Mapping[Place, FigureSet]
) -> RedAndBlack:
    """The best and the worst in closing on time; no place stands on both lists."""
    order: Ranking[Place] = ranking(found, "on_time")
    rows = [
        _ranked(selection, territory, position, place, each)
        for position, (place, each) in enumerate(order.ranked, start=1)
    ]
    half = min(ENDS, len(rows) // 2)
    best, worst = rows[: len(rows) - half][:ENDS], rows[len(rows) - half :]
    small = [place for place, each in order.unranked if each.current["due"]]
    return RedAndBlack(best, worst[::-1], len(rows), len(small))


def _place_row(
    selection: Selection, territory: Territory, place: Place | None, found: FigureSet, *, is_worst: bool
) -> PlaceRow:
    changes = {"place": place.code} if place else {"place": territory.place.code, "rest": "1"}
    return PlaceRow(
        place=place,
        name=place.name if place else _("Placed no further down"),
        url=selection.url(**changes) if place else "",
        reported=door("reported", found.current, selection, **changes),
        due=door("due", found.current, selection, **changes),
        missed=door("missed", found.current, selection, **changes),
        figures=found,
        is_worst=is_worst,
    )


def _order(row: PlaceRow, metric: str) -> tuple[bool, bool, Decimal, str]:
    size = row.figures.current.size(metric)
    sign = -1 if FIGURES[metric].kind is Kind.COUNT else 1
    return (row.place is None, size is None, sign * (size or Decimal(0)), row.place.code if row.place else "")


def _rows(
    selection: Selection,
    members: Iterable[Counted],
    part: str,
    limit: int | None,
) -> list[Row]:
    ordered = sorted(members, key=lambda each: (-each[1].current[part], str(each[0])))
    whole = sum(found.current[part] for _name, found, _changes in ordered)
    largest = max((found.current[part] for _name, found, _changes in ordered), default=0)
    return [
        Row(
            name=name,
            url=selection.url(**changes),
            count=door(part, found.current, selection, **changes),
            missed=door("missed", found.current, selection, **changes),
            share=share(found.current[part], whole),
            on_time=written("on_time", found.current),
            satisfaction=written("satisfaction", found.current),
            delta=found.change("reported"),
            largest=largest,
        )
        for name, found, changes in ordered[:limit]
    ]


def _ranked(
    selection: Selection, territory: Territory, position: int, place: Place, found: FigureSet
) -> Ranked:
    around = next((c for c in territory.children if c.pk != place.pk and place.path.startswith(c.path)), None)
    return Ranked(
        position=position,
        name=place.name,
        within=around.name if around else "",
        url=selection.url(place=place.code),
        rate=written("on_time", found.current),
        on_time=door("on_time", found.current, selection, place=place.code),
        due=door("due", found.current, selection, place=place.code),
    )
