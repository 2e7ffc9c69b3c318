"""The orders that are late at this moment, the longest first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, OuterRef, Subquery, Window

from cases.calendars import current_calendar
from cases.deadlines import TimerType, elapsed
from cases.models import Case, Clock
from governance.figures.queries import late_cases
from partymembers.access import Access

from .selection import Selection

SHOWN = 6
#: What a line of the list writes; counting them all sorts narrow rows.
_SHOWN_COLUMNS = (
    "number",
    "state",
    "climbs",
    "next_due_at",
    *(f"{each}__name" for each in ("matter", "unit", "street", "community", "grid", "desk")),
)


@dataclass(frozen=True)
class LateOrder:
    """An order and how late it is, in its own clock's time."""

    case: Case
    by: timedelta


@dataclass(frozen=True)
class LateOrders:
    """The first of them, how many there are, and where all stand."""

    orders: Sequence[LateOrder]
    total: int
    url: str
    live_url: str


def late_of(selection: Selection, access: Access, *, now: dt.datetime, size: int = SHOWN) -> LateOrders:
    """The latest orders of a selection, whatever its period; one query."""
    timer = Clock.objects.filter(
        case=OuterRef("pk"), stage=OuterRef("next_stage"), stopped_at__isnull=True
    ).values("timer_type")[:1]
    rows = list(
        late_cases(selection.subject, access, now)
        .select_related("matter", "unit", "street", "community", "grid", "desk")
        .only(*_SHOWN_COLUMNS)
        .annotate(timer=Subquery(timer), total=Window(Count("pk")))[:size]
    )
    return LateOrders(
        orders=[LateOrder(case, late_by(case, now)) for case in rows],
        total=rows[0].total if rows else 0,
        url=selection.list_url("late", period="", since="", until=""),
        live_url=selection.url("late"),
    )


def late_by(case: Case, now: dt.datetime) -> timedelta:
    """How long an order has been late; in working time where its clock runs only then."""
    if case.next_due_at is None or case.next_due_at >= now:
        return timedelta()
    timer = TimerType(getattr(case, "timer", None) or TimerType.NATURAL_DAY)
    return elapsed(case.next_due_at, now, timer, current_calendar())
