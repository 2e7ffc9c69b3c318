"""How a figure is written on a page: its number, its parts as links, its differences, its line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from governance.common.formats import DASH, duration, rate, two_decimals
from governance.figures.catalogue import figure_of, part_label
from governance.figures.formulas import Kind
from governance.figures.queries import FigureSet
from governance.figures.tallies import Tally

from .selection import Choice

#: Fewer a day are not worth telling: they would read 0.0.
_LEAST = Decimal("0.05")


@dataclass(frozen=True)
class Door:
    """A number that opens the orders it counts."""

    count: int
    url: str
    label: str | Promise = ""

    @property
    def text(self) -> str:
        """The number with its thousands parted."""
        return f"{self.count:,}"


@dataclass(frozen=True)
class Shown:
    """A figure ready for a tile or a row. `deltas` are points for a rate, else percent; None without any."""

    key: str
    label: str | Promise
    number: str
    unit: str
    url: str
    parts: Sequence[Door]
    note: str
    delta: Decimal | None
    yearly_delta: Decimal | None
    delta_unit: str
    good: str
    line: Sequence[float | None] = ()


def shown(key: str, found: FigureSet, selection: Choice, trend: Sequence[Tally] = ()) -> Shown:
    """The figure of a set, with links into the selection's orders."""
    figure, tally = figure_of(key), found.current
    number, unit = _number(key, tally)
    return Shown(
        key=key,
        label=figure.label,
        number=number,
        unit=unit,
        url=selection.list_url(figure.opens),
        parts=[door(part, tally, selection) for part in dict.fromkeys(figure.parts)],
        note=_note(key, tally, selection),
        delta=found.change(key),
        yearly_delta=found.yearly_change(key),
        delta_unit="points" if figure.kind is Kind.RATE else "percent",
        good=figure.good.value,
        line=[None if (size := each.size(key)) is None else float(size) for each in trend],
    )


def door(part: str, tally: Tally, selection: Choice, **changes: object) -> Door:
    """A part's count as a link to its orders, under the selection changed so."""
    return Door(tally[part], selection.list_url(part, **changes), part_label(part))


def written(key: str, tally: Tally) -> str:
    """The figure as one text, unit included: 94.50%, 1,054, 3 h 05 min, or a dash."""
    kind = figure_of(key).kind
    if kind is Kind.RATE:
        return rate(tally.rate(key))
    if kind is Kind.COUNT:
        return f"{int(tally.numerator(key)):,}"
    if kind is Kind.SUM:
        return f"{tally.numerator(key):,.1f}".removesuffix(".0")
    return duration(tally.span(key))


def share(part: int, whole: int) -> str:
    """A part of a whole in percent with one decimal; a dash for a part of nothing."""
    return f"{Decimal(part) * 100 / whole:.1f}%" if whole else DASH


def _number(key: str, tally: Tally) -> tuple[str, str]:
    """The number and its unit apart, for a tile writes the unit small."""
    match figure_of(key).kind:
        case Kind.COUNT | Kind.SUM:
            return written(key, tally), str(figure_of(key).unit)
        case Kind.RATE:
            value = tally.rate(key)
            return (DASH, "") if value is None else (two_decimals(value), "%")
    return written(key, tally), ""


def _note(key: str, tally: Tally, selection: Choice) -> str:
    if figure_of(key).kind is not Kind.COUNT or selection.period.days == 1:
        return ""
    daily = tally.numerator(key) / max(1, selection.period.days)
    if daily < _LEAST:
        return ""
    return _("%(number)s a day") % {"number": f"{daily:,.0f}" if daily >= 10 else f"{daily:.1f}"}
