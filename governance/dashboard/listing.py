"""The list behind a number: exactly the orders that it counts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cases.querysets import CaseQuerySet
from governance.common.errors import Invalid
from governance.figures.formulas import PARTS, parts_of
from governance.figures.queries import counted_cases, late_cases
from partymembers.access import Access

from .selection import Selection

LATE = "late"
_COLUMNS = ("matter", "place", "community", "unit")


@dataclass(frozen=True)
class Listing:
    """Orders of one part, and the field that orders them (then by id)."""

    part: str
    label: str | Promise
    cases: CaseQuerySet
    order: str
    #: The other parts of the same orders: (key, label, address, whether it is this one).
    others: Sequence[tuple[str, str | Promise, str, bool]]

    @property
    def is_of_a_period(self) -> bool:
        """Late orders are late now, whatever the period."""
        return self.part != LATE


def listing_of(part: str, selection: Selection, access: Access, *, now: dt.datetime) -> Listing:
    """The orders of a part (or those late now) in a selection. Raises Invalid for a part that is none."""
    if part == LATE:
        cases = late_cases(selection.subject, access, now).select_related(*_COLUMNS)
        return Listing(part, _("Late orders"), cases, "next_due_at", ())
    if part not in PARTS:
        raise Invalid(_("There is no such list. Please open it from a number."), field="part")
    counted = PARTS[part]
    cases = counted_cases(part, selection.subject, selection.period, access).select_related(*_COLUMNS)
    others = [
        (each.key, each.label, selection.list_url(each.key), each.key == part)
        for each in parts_of(counted.cohort)
    ]
    return Listing(part, counted.label, cases, f"-{counted.cohort.time}", others)
