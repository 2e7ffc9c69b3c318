"""How many orders were counted in each part, and the figures that follow: exact until shown."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from .catalogue import figure_of
from .formulas import Kind

_HUNDRED = Decimal(100)
_HOUR = Decimal(3600)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many orders are in each part, and how long the timed ones took, in their own clocks' time."""

    counts: Mapping[str, int] = field(default_factory=dict)
    took: dt.timedelta = dt.timedelta()
    median: dt.timedelta | None = None

    def __add__(self, other: Tally) -> Tally:
        """Both together. Medians do not add up: one stays only where the other side timed nothing."""
        counts = {key: self[key] + other[key] for key in {*self.counts, *other.counts}}
        timed = [each for each in (self, other) if each["timed"] or each.median is not None]
        return Tally(counts, self.took + other.took, timed[0].median if len(timed) == 1 else None)

    def __getitem__(self, part: str) -> int:
        return self.counts.get(part, 0)

    def __bool__(self) -> bool:
        return any(self.counts.values())

    def numerator(self, figure: str) -> Decimal:
        """What stands above the line; basically satisfied counts 0.9."""
        return sum((weight * self[part] for weight, part in figure_of(figure).numerator), Decimal(0))

    def denominator(self, figure: str) -> int:
        """What stands below the line; 0 for a count."""
        return self[figure_of(figure).denominator]

    def sample(self, figure: str) -> Decimal:
        """How many rows the figure rests on."""
        if figure_of(figure).kind is Kind.COUNT:
            return self.numerator(figure)
        return Decimal(self.denominator(figure))

    def rate(self, figure: str) -> Decimal | None:
        """A rate in percent; None where its denominator is 0."""
        below = self.denominator(figure)
        return self.numerator(figure) * _HUNDRED / below if below else None

    def span(self, figure: str) -> dt.timedelta | None:
        """The mean handling time or the median that was counted; None where nothing was timed."""
        if figure == "mean_time":
            return self.took / self["timed"] if self["timed"] else None
        return self.median

    def size(self, figure: str) -> Decimal | None:
        """The figure as a number to draw, order or compare: percent, rows, what they add up to, or hours."""
        match figure_of(figure).kind:
            case Kind.COUNT | Kind.SUM:
                return self.numerator(figure)
            case Kind.RATE:
                return self.rate(figure)
        span = self.span(figure)
        return None if span is None else Decimal(str(span.total_seconds())) / _HOUR


def difference(figure: str, now: Tally, before: Tally) -> Decimal | None:
    """How `now` differs from `before`: in points for a rate, else in percent of the earlier one.

    None where either is unknown, or where there is nothing to take a percentage of.
    """
    new, old = now.size(figure), before.size(figure)
    if new is None or old is None:
        return None
    if figure_of(figure).kind is Kind.RATE:
        return new - old
    return (new - old) * _HUNDRED / old if old else None
