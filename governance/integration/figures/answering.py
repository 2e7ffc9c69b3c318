"""The answer of the figures: every number with what it was counted from, and the address of its orders."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from cases.models import Channel, Matter
from governance.dashboard.party.selection import PartySelection
from governance.dashboard.selection import NONE, Selection
from governance.figures.catalogue import figure_of, part_label
from governance.figures.counting import Dimension
from governance.figures.formulas import Figure, Kind
from governance.figures.periods import Period
from governance.figures.queries import MINIMUM_SAMPLE, FigureSet, Overview
from governance.figures.tallies import Tally
from partymembers.models import Unit

from .asking import bounds, encoded

_CENT: Final = Decimal("0.01")
#: The word of an address and what is counted for it; a series goes by its step.
DIMENSIONS: Final = {
    "none": None,
    "place": Dimension.PLACE,
    "unit": Dimension.UNIT,
    "matter": Dimension.MATTER,
    "channel": Dimension.CHANNEL,
}
#: What figures are measured in, for programs.
UNITS: Final = {Kind.RATE: "percent", Kind.DURATION: "hours"}


@dataclass(frozen=True)
class Part:
    """A member of a breakdown: what it is called, what was counted, and what chooses its orders."""

    code: str | None
    name: str
    figures: FigureSet
    chosen: Mapping[str, str]
    stretch: Period


def whole(found: FigureSet, period: Period) -> Part:
    """All that was asked for, not broken down."""
    return Part(None, "", found, {}, period)


def parts_of(selection: Selection, found: Overview, dimension: str) -> list[Part]:
    """The members of a breakdown, those with most orders first; a series in its order."""
    if dimension == "none":
        return [whole(found.total, selection.period)]
    if dimension not in DIMENSIONS:
        return [
            Part(piece.start.isoformat(), "", FigureSet(tally), {}, piece) for piece, tally in found.trend
        ]
    members = {"place": _places, "unit": _units, "matter": _matters, "channel": _channels}[dimension]
    rows = [Part(*row, stretch=selection.period) for row in members(selection, found)]
    return sorted(rows, key=lambda row: (-row.figures.current["reported"], row.code is None, row.code or ""))


_Rows = Iterator[tuple[str | None, str, FigureSet, Mapping[str, str]]]


def _places(selection: Selection, found: Overview) -> _Rows:
    """The places right below, as on the page: what lies in none of them is the rest."""
    territory = selection.territory
    if territory is None:
        return
    counted = territory.folded(found.places)
    for child in territory.children:
        if child.retired_on is None or child.pk in counted:
            yield child.code, child.name, counted.get(child.pk, FigureSet()), {"place": child.code}
    if None in counted:
        yield None, "", counted[None], {"place": territory.place.code, "rest": "true"}


def _units(selection: Selection, found: Overview) -> _Rows:
    codes = dict(Unit.objects.filter(pk__in=_ids(found.units)).values_list("pk", "code"))
    for member, figures in found.units.items():
        code = codes.get(member.pk or 0)
        yield code, member.name, figures, {"unit": code or NONE}


def _matters(selection: Selection, found: Overview) -> _Rows:
    matters = Matter.objects.select_related("matter_class").in_bulk(_ids(found.matters))
    for member, figures in found.matters.items():
        code = matters[member.pk or 0].full_code
        yield code, member.name, figures, {"matter": code}


def _channels(selection: Selection, found: Overview) -> _Rows:
    labels = dict(Channel.choices)
    for key, figures in found.channels.items():
        yield key, str(labels.get(key, key)), figures, {"channel": key}


def _ids(members: Iterable[Any]) -> list[int]:
    return [member.pk for member in members if member.pk is not None]


@dataclass(frozen=True)
class Links:
    """The list of orders, and what the caller's own address has chosen already."""

    address: str
    said: Mapping[str, str]

    def of(self, part: str, member: Part) -> str:
        """The address of exactly the orders that a part of a member counts."""
        chosen = dict(member.chosen)
        kept = {name: value for name, value in self.said.items() if name != "rest" or "place" not in chosen}
        return f"{self.address}?{encoded({'part': part} | kept | chosen | bounds(member.stretch))}"


def head_of(selection: Selection | PartySelection) -> dict[str, Any]:
    """Of whom an answer tells, and of when."""
    period = selection.period
    return {
        "place": selection.territory.place.code if selection.territory else None,
        "unit": NONE if selection.without_unit else selection.unit.code if selection.unit else None,
        "period": {name: getattr(period, name) for name in ("start", "end", "until", "is_running")},
    }


def member_of(member: Part, figures: list[dict[str, Any]]) -> dict[str, Any]:
    """A member with its figures."""
    return {"code": member.code, "name": member.name, "figures": figures}


def values_of(
    member: Part, formulas: Sequence[str], compared: Collection[str], links: Links | None
) -> list[dict[str, Any]]:
    """Every formula of a member; without `links` no list of rows stands behind the numbers."""
    return [_value(key, member, compared, links) for key in formulas]


def _value(key: str, member: Part, compared: Collection[str], links: Links | None) -> dict[str, Any]:
    figure, found = figure_of(key), member.figures
    told = _numbers(key, found.current) | {
        "formula": key,
        "unit": unit_of(figure),
        "is_small_sample": is_small(key, found.current),
        "parts": [
            {
                "part": part,
                "label": str(part_label(part)),
                "count": found.current[part],
                "orders": links.of(part, member) if links else None,
            }
            for part in dict.fromkeys(figure.parts)
        ],
        "orders": links.of(figure.opens, member) if links else None,
    }
    previous = _numbers(key, found.previous) | {"change": rounded(found.change(key))}
    year = _numbers(key, found.year_before) | {"change": rounded(found.yearly_change(key))}
    told["previous"] = previous if "previous" in compared else None
    told["year"] = year if "year" in compared else None
    return told


def _numbers(key: str, tally: Tally) -> dict[str, Any]:
    figure = figure_of(key)
    return {
        "value": rounded(tally.size(key)),
        "numerator": None if figure.kind is Kind.DURATION else rounded(tally.numerator(key)),
        "denominator": tally.denominator(key) if figure.denominator else None,
    }


def is_small(key: str, tally: Tally) -> bool:
    """Whether a rate or a duration rests on too few rows to be ranked or compared."""
    if figure_of(key).kind in (Kind.COUNT, Kind.SUM):
        return False
    return tally.denominator(key) < MINIMUM_SAMPLE


def unit_of(figure: Figure) -> str:
    """What a figure is measured in: percent, hours, or its own rows."""
    return UNITS.get(figure.kind) or {"hours": "hours", "points": "points"}.get(figure.key, "rows")


def rounded(number: Decimal | None) -> Decimal | None:
    """With two decimals at most, halves away from zero, as the pages write it."""
    return None if number is None else number.quantize(_CENT, rounding=ROUND_HALF_UP)
