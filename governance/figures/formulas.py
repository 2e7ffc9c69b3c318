"""Every figure, defined once: what it counts, of which orders, by which of their times and places.

A `Part` is a countable set of orders: a cohort (which time falls in the period, by which place columns) and a
condition. The same condition makes the count and the list that opens from it, so the two cannot differ.
Source: "Figures" of PRODUCT.md and DECISIONS.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from django.db.models import F, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cases.models import Satisfaction
from cases.workflow import EXCLUDED_STATES, State

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Cohort:
    """Which orders a period holds: those whose `time` lies in it, without those that never belong.

    `prefix` picks the place columns: `reported_` for the place at report time, which never changes, nothing
    for the place as it is now (or was when the order ended).
    """

    key: str
    label: Text
    time: str
    prefix: str
    condition: Q


REGISTRATION = Cohort("registration", _("reported in the period"), "reported_at", "reported_", Q())
DUE = Cohort(
    "due",
    _("due in the period"),
    "due_at",
    "",
    # A suspended order belongs to no period, and the three others were never to be handled.
    ~Q(state__in=[*EXCLUDED_STATES, State.SUSPENDED]),
)
FEEDBACK = Cohort("feedback", _("rated or followed up in the period"), "rated_at", "", Q())
COHORTS = (REGISTRATION, DUE, FEEDBACK)


@dataclass(frozen=True, slots=True)
class Part:
    """A set of orders that is counted: those of the cohort that meet the condition."""

    key: str
    label: Text
    cohort: Cohort
    condition: Q


_REPORTED = pgettext_lazy("figure", "Reported")
_CLOSED = Q(state=State.CLOSED)
_HANDLED = Q(handled_at__isnull=False) | Q(reworks__gt=0)
_IN_TIME = _CLOSED & Q(closed_at__lte=F("due_at"))

PARTS: dict[str, Part] = {
    part.key: part
    for part in (
        Part("reported", _REPORTED, REGISTRATION, Q()),
        # What was resolved on the spot never waits for the desk, yet it is in the grid's charge.
        Part(
            "accepted",
            pgettext_lazy("figure", "Accepted"),
            REGISTRATION,
            Q(accepted_at__isnull=False) | Q(resolved_on_spot=True),
        ),
        Part("due", _("Due"), DUE, Q()),
        # By state alone: a reopened order is not closed until it is closed again.
        Part("closed", pgettext_lazy("figure", "Closed"), DUE, _CLOSED),
        Part("on_time", _("Closed on time"), DUE, _IN_TIME),
        Part("missed", _("Not closed on time"), DUE, ~_CLOSED | Q(closed_at__gt=F("due_at"))),
        # Imported orders have no clocks of their own and so no time in them.
        Part("timed", _("Closed, with a time"), DUE, _CLOSED & Q(handling_time__isnull=False)),
        Part(
            "handled", pgettext_lazy("figure", "Handled"), DUE, Q(handled_at__isnull=False) | Q(reworks__gt=0)
        ),
        Part("reworked", _("Reworked"), DUE, Q(reworks__gt=0)),
        Part("extended", _("Extended"), DUE, Q(extensions__gt=0)),
        Part("asked_contact", _("Asked whether contacted"), FEEDBACK, Q(contacted__isnull=False)),
        Part("contacted", _("Contacted"), FEEDBACK, Q(contacted=True)),
        Part("asked_solved", _("Asked whether solved"), FEEDBACK, Q(solved__isnull=False)),
        Part("solved", _("Solved"), FEEDBACK, Q(solved=True)),
        Part("rated", _("Valid follow-ups"), FEEDBACK, ~Q(satisfaction="")),
        Part("satisfied", _("Satisfied"), FEEDBACK, Q(satisfaction=Satisfaction.SATISFIED)),
        Part("basically", _("Basically satisfied"), FEEDBACK, Q(satisfaction=Satisfaction.BASICALLY)),
        Part("dissatisfied", _("Dissatisfied"), FEEDBACK, Q(satisfaction=Satisfaction.DISSATISFIED)),
    )
}


class Kind(StrEnum):
    """How a figure reads: percent, a number of rows, what they add up to, or time in orders' clocks."""

    RATE = "rate"
    COUNT = "count"
    SUM = "sum"
    DURATION = "duration"


class Good(StrEnum):
    """Which direction is welcome; volume has none."""

    UP = "up"
    DOWN = "down"
    NEITHER = "na"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. `numerator` adds up parts by weight; a count has no denominator.

    A duration is the mean or the median of the timed orders' handling time; `denominator` is those orders.
    A sum adds amounts up, and its `denominator` is the rows that have them. `unit` follows a count or a sum.
    """

    key: str
    label: Text
    kind: Kind
    good: Good
    numerator: tuple[tuple[Decimal, str], ...]
    denominator: str = ""
    unit: Text = ""

    @property
    def opens(self) -> str:
        """The part that the figure's number opens as a list: the whole set that it speaks of."""
        return self.denominator or self.numerator[0][1]

    @property
    def parts(self) -> tuple[str, ...]:
        """Every part whose count stands beside the figure."""
        below = (self.denominator,) if self.denominator else ()
        if self.kind is Kind.SUM:
            return below
        return tuple(key for _weight, key in self.numerator) + below


ONE = Decimal(1)


def rate_figure(key: str, label: Text, good: Good, counted: str, of: str) -> Figure:
    """One part in percent of another."""
    return Figure(key, label, Kind.RATE, good, ((ONE, counted),), of)


FIGURES: dict[str, Figure] = {
    figure.key: figure
    for figure in (
        Figure("reported", _REPORTED, Kind.COUNT, Good.NEITHER, ((ONE, "reported"),), unit=_("orders")),
        rate_figure("registration", _("Registration rate"), Good.UP, "accepted", "reported"),
        rate_figure("resolution", _("Resolution rate"), Good.UP, "closed", "due"),
        rate_figure("on_time", _("On-time rate"), Good.UP, "on_time", "due"),
        rate_figure("rework", _("Rework rate"), Good.DOWN, "reworked", "handled"),
        rate_figure("extension", _("Extension rate"), Good.DOWN, "extended", "due"),
        rate_figure("response", _("Response rate"), Good.UP, "contacted", "asked_contact"),
        rate_figure("solved", _("Solved rate"), Good.UP, "solved", "asked_solved"),
        Figure(
            "satisfaction",
            _("Satisfaction"),
            Kind.RATE,
            Good.UP,
            ((ONE, "satisfied"), (Decimal("0.9"), "basically")),
            "rated",
        ),
        Figure("mean_time", _("Mean handling time"), Kind.DURATION, Good.DOWN, ((ONE, "timed"),), "timed"),
        Figure(
            "median_time", _("Median handling time"), Kind.DURATION, Good.DOWN, ((ONE, "timed"),), "timed"
        ),
    )
}


def parts_of(cohort: Cohort) -> tuple[Part, ...]:
    """The parts that are counted over one cohort, so in one query."""
    return tuple(part for part in PARTS.values() if part.cohort is cohort)
