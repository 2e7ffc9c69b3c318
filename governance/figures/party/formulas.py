"""Every figure of the Party's side, defined once: what it counts, of which rows, by which of their times.

As for incidents a `PartyPart` is a countable set of rows: a cohort and a condition. The same two make the
count and the list that opens from it. Each deed counts when it was done: a wish asked in May and claimed in
June is one asked in May and one claimed in June. Sources: "Figures" of PRODUCT.md; satisfaction as there.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cases.models import Satisfaction
from governance.figures.formulas import ONE, Figure, Good, Kind, Text, rate_figure


class Rows(StrEnum):
    """What a part counts."""

    MEMBERS = "members"
    WISHES = "wishes"
    SERVICES = "services"
    ENTRIES = "entries"  # one side of a transaction: what it brought its person


@dataclass(frozen=True, slots=True)
class PartyCohort:
    """Which rows a period holds: those whose `time` lies in it; without a time, how they stand at its end."""

    key: str
    rows: Rows
    time: str = ""
    condition: Q = Q()  # noqa: RUF009  # immutable as it is used here


#: Members whose dual check-in is due on the period's last day or before, as members are known today.
STANDING = PartyCohort("standing", Rows.MEMBERS)
ASKED = PartyCohort("asked", Rows.WISHES, "case__reported_at")
PUBLISHED = PartyCohort("published", Rows.WISHES, "published_at")
#: By the first claim, so that a wish which was handed back is not claimed twice.
CLAIMED = PartyCohort("claimed", Rows.WISHES, "first_claimed_at")
#: As it stands: a delivery that was refused has no time any more.
DELIVERED = PartyCohort("delivered", Rows.WISHES, "delivered_at")
CLOSED = PartyCohort("closed", Rows.WISHES, "case__closed_at", Q(case__state="closed"))
RATED = PartyCohort("rated", Rows.WISHES, "case__rated_at", ~Q(case__satisfaction=""))
SERVED = PartyCohort("served", Rows.SERVICES, "at")
#: Awards, and what was taken back of awards, each at its own time: never what was redeemed.
EARNED = PartyCohort("earned", Rows.ENTRIES, "transaction__at")
PARTY_COHORTS = (STANDING, ASKED, PUBLISHED, CLAIMED, DELIVERED, CLOSED, RATED, SERVED, EARNED)


@dataclass(frozen=True, slots=True)
class PartyPart:
    """A set of rows that is counted. `amount` names what the rows' amounts add up to, if they have any."""

    key: str
    label: Text
    cohort: PartyCohort
    condition: Q = Q()  # noqa: RUF009
    amount: str = ""


def _face(satisfaction: str) -> Q:
    return Q(case__satisfaction=satisfaction)


PARTY_PARTS: dict[str, PartyPart] = {
    part.key: part
    for part in (
        PartyPart("members_due", _("Check-in due"), STANDING),
        PartyPart("members_in", _("Checked in"), STANDING, Q(is_in=True)),
        PartyPart("members_out", _("Due and not checked in"), STANDING, Q(is_in=False)),
        PartyPart("wishes_asked", pgettext_lazy("figure", "Wishes asked"), ASKED),
        PartyPart("wishes_published", pgettext_lazy("figure", "Wishes published"), PUBLISHED),
        PartyPart("wishes_claimed", pgettext_lazy("figure", "Wishes claimed"), CLAIMED),
        PartyPart("wishes_delivered", pgettext_lazy("figure", "Wishes delivered"), DELIVERED),
        PartyPart("wishes_closed", pgettext_lazy("figure", "Wishes closed"), CLOSED),
        PartyPart("wishes_rated", _("Valid ratings"), RATED),
        PartyPart("wishes_satisfied", _("Satisfied"), RATED, _face(Satisfaction.SATISFIED)),
        PartyPart("wishes_basically", _("Basically satisfied"), RATED, _face(Satisfaction.BASICALLY)),
        PartyPart("wishes_dissatisfied", _("Dissatisfied"), RATED, _face(Satisfaction.DISSATISFIED)),
        PartyPart("services", _("Service records"), SERVED, amount="minutes"),
        PartyPart("entries", _("Points entries"), EARNED, amount="points"),
    )
}


def party_parts_of(cohort: PartyCohort) -> tuple[PartyPart, ...]:
    """The parts that are counted over one cohort."""
    return tuple(part for part in PARTY_PARTS.values() if part.cohort is cohort)


_WISHES = pgettext_lazy("after a figure", "wishes")
_HOURS = pgettext_lazy("after a figure", "hours")
_POINTS = pgettext_lazy("after a figure", "points")


def _wishes(key: str) -> Figure:
    return Figure(
        key,
        PARTY_PARTS[key].label,
        Kind.COUNT,
        Good.NEITHER,
        ((ONE, key),),
        unit=_WISHES,
    )


def _amount(key: str, label: Text, amount: tuple[Decimal, str], of: str, unit: Text) -> Figure:
    return Figure(key, label, Kind.SUM, Good.NEITHER, (amount,), of, unit)


PARTY_FIGURES: dict[str, Figure] = {
    figure.key: figure
    for figure in (
        rate_figure("check_in", _("Checked in of those due"), Good.UP, "members_in", "members_due"),
        _wishes("wishes_asked"),
        _wishes("wishes_published"),
        _wishes("wishes_claimed"),
        _wishes("wishes_delivered"),
        _wishes("wishes_closed"),
        # From the wall to the first claim, by the clock on the wall: people wait at night too.
        Figure(
            "time_to_claim",
            _("Median time to claim"),
            Kind.DURATION,
            Good.DOWN,
            ((ONE, "wishes_claimed"),),
            "wishes_claimed",
        ),
        Figure(
            "wish_satisfaction",
            _("Satisfaction with wishes"),
            Kind.RATE,
            Good.UP,
            ((ONE, "wishes_satisfied"), (Decimal("0.9"), "wishes_basically")),
            "wishes_rated",
        ),
        _amount("hours", _("Service hours"), (ONE / 60, "minutes"), "services", _HOURS),
        _amount("points", _("Points earned"), (ONE, "points"), "entries", _POINTS),
    )
}
