"""Orders as lists show them: the few columns that a row prints, without the order around them.

A list of fifty needs some twenty columns of each order's eighty, and four names beside them. Names are looked
up for the whole page: PostgreSQL plans each statement anew, and every other joined table doubles its time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.db.models import F, QuerySet, Value

from cases.models import Case, Clock, Matter
from cases.queries import ClockFace, leading
from cases.querysets import CaseQuerySet
from cases.workflow import ENDED_STATES, Stage
from governance.common.kept import Kept, among
from grids.models import Compound, Place

#: What a row prints or is judged by.
COLUMNS = (
    "pk", "number", "kind", "state", "channel", "matter_id", "address", "place_id", "desk_id", "community_id",
    "compound_id", "climbs", "returns", "reworks", "urges", "is_supervised", "reported_at", "next_due_at",
)  # fmt: skip


class Named(NamedTuple):
    """A thing that a row names. `more`: a matter's class, a place's path."""

    name: str
    more: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """One order of a list: its columns, what they point to by name, and its leading clock."""

    row: Any
    number: str
    matter: Named
    place: Named
    desk: Named
    compound: Named | None
    clock: ClockFace | None


def columns_of(cases: CaseQuerySet) -> QuerySet[Case, Any]:
    """The list's own statement: `COLUMNS`, and `has_request` where the board says it."""
    facts = ("has_request",) if "has_request" in cases.query.annotations else ()
    return cases.values_list(*COLUMNS, *facts, named=True)


def listed(rows: Sequence[Any], *, now: datetime) -> list[Listed]:
    """The orders of one page of `columns_of`, with their names and clocks; at most two queries."""
    names, clocks = _names_of(rows), _clocks_of(rows)
    return [
        Listed(
            row=row,
            number=row.number,
            matter=names["matter", row.matter_id],
            place=names["place", row.place_id],
            desk=names["place", row.desk_id],
            compound=names.get(("compound", row.compound_id)),
            clock=leading(clocks.get(row.pk, ()), now=now),
        )
        for row in rows
    ]


def _names_of(rows: Sequence[Any]) -> dict[tuple[str, int], Named]:
    if not rows:
        return {}
    found = _names().ask(
        matters=list({row.matter_id for row in rows}),
        places=list({pk for row in rows for pk in (row.place_id, row.desk_id)}),
        compounds=list({row.compound_id for row in rows if row.compound_id}),
    )
    return {(what, pk): Named(name, more) for what, pk, name, more in found}


def _clocks_of(rows: Iterable[Any]) -> dict[int, list[Clock]]:
    """The running and standing clocks of stages by order; what has ended shows none."""
    wanted = [row.pk for row in rows if row.state not in ENDED_STATES]
    clocks: dict[int, list[Clock]] = defaultdict(list)
    for clock in _live_clocks().ask(cases=wanted) if wanted else ():
        clocks[clock.case_id].append(clock)
    return clocks


@lru_cache(maxsize=1)
def _live_clocks() -> Kept[Clock]:
    live = Clock.objects.filter(among("case_id", "cases"), stopped_at__isnull=True)
    return Kept(live.exclude(stage=Stage.WHOLE).order_by("pk"))


@lru_cache(maxsize=1)
def _names() -> Kept[tuple[str, int, str, str]]:
    """Matters with their classes, places with their paths, and compounds, in one statement."""
    matters = Matter.objects.filter(among("pk", "matters")).order_by()
    places = Place.objects.filter(among("pk", "places")).order_by()
    compounds = Compound.objects.filter(among("pk", "compounds")).order_by()
    return Kept(
        matters.values_list(Value("matter"), "pk", "name", F("matter_class__name")).union(
            places.values_list(Value("place"), "pk", "name", "path"),
            compounds.values_list(Value("compound"), "pk", "name", Value("")),
            all=True,
        )
    )
