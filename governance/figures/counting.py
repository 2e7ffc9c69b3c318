"""Counting in SQL: one statement a cohort, however many periods, places, units and days are asked for.

The rows and the conditions come from the ORM, the same that open a number's list. Around them stands one
GROUPING SETS, which Django's ORM does not speak: put together from the names below, without any value.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BigIntegerField, BooleanField, ExpressionWrapper, F, Model, Q, Value
from django.db.models.functions import Trunc
from django.utils import timezone

from cases.models import Matter
from grids.models import Level, Place
from partymembers.access import Access
from partymembers.models import Unit

from .formulas import COHORTS, DUE, Cohort, parts_of
from .periods import Period, Step
from .scope import cases_of, within
from .subjects import Subject
from .tallies import Tally


class Dimension(StrEnum):
    """What a total may be broken down by."""

    PLACE = "place"  # the places right below the subject's
    RANK = "rank"  # a level further down, with the place right below that holds it
    UNIT = "unit"
    MATTER = "matter"
    CHANNEL = "channel"
    STEP = "step"


#: The columns that stand for one member of a dimension.
_MEMBERS: dict[Dimension, tuple[str, ...]] = {
    Dimension.PLACE: ("g_place",),
    Dimension.RANK: ("g_place", "g_rank"),
    Dimension.UNIT: ("g_unit",),
    Dimension.MATTER: ("g_matter",),
    Dimension.CHANNEL: ("g_channel",),
    Dimension.STEP: ("g_step",),
}
#: Where members that are rows have their names; joined to the totals, for sorting names is what would cost.
_NAMED: dict[Dimension, tuple[str, type[Model]]] = {
    Dimension.RANK: ("g_rank", Place),
    Dimension.UNIT: ("g_unit", Unit),
    Dimension.MATTER: ("g_matter", Matter),
}

_STATEMENT = """
WITH spans (bucket, starts, ends) AS (VALUES {spans}),
orders AS ({orders}),
placed AS (SELECT * FROM orders JOIN spans ON g_at >= starts AND g_at < ends),
medians AS ({medians}),
totals AS (
    SELECT bucket, {mask} AS mask, {members}sum(g_took) FILTER (WHERE p_timed) AS took, {counts}
    FROM placed GROUP BY GROUPING SETS ({sets})
)
SELECT totals.*, median{names} FROM totals LEFT JOIN medians USING (bucket){joins}
"""
_MEDIANS = """
    SELECT bucket, percentile_cont(0.5) WITHIN GROUP (ORDER BY g_took) AS median
    FROM placed WHERE p_timed GROUP BY bucket
"""
_NO_MEDIANS = "SELECT 0 AS bucket, NULL::interval AS median WHERE false"


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be counted in one go. Buckets are numbered as the periods are; they may overlap."""

    subject: Subject
    periods: Sequence[Period]
    dimensions: tuple[Dimension, ...] = ()
    step: Step = Step.DAY
    rank: Level = Level.STREET


@dataclass(frozen=True, slots=True)
class Group:
    """Which total: of what period, broken down by what (None: not at all), and for which member of that."""

    bucket: int
    dimension: Dimension | None = None
    key: tuple[Any, ...] = ()


def count(request: Request, access: Access) -> dict[Group, Tally]:
    """Every total of the request over what the reader may see; three queries, one a cohort."""
    found: dict[Group, Tally] = defaultdict(Tally)
    for cohort in COHORTS:
        for group, tally in _cohort_totals(cohort, request, access):
            found[group] += tally
    return dict(found)


def _cohort_totals(cohort: Cohort, request: Request, access: Access) -> Iterator[tuple[Group, Tally]]:
    try:
        orders, params = _orders(cohort, request, access).query.get_compiler(connection=connection).as_sql()
    except EmptyResultSet:  # the reader sees nothing at all
        return
    spans = ", ".join(["(%s, %s::timestamptz, %s::timestamptz)"] * len(request.periods))
    bounds = [value for i, p in enumerate(request.periods) for value in (i, p.start, p.until)]
    with connection.cursor() as cursor:
        cursor.execute(_statement(cohort, request, orders=orders, spans=spans), [*bounds, *params])
        names = [column.name for column in cursor.description]
        for values in cursor.fetchall():
            yield _group_and_tally(dict(zip(names, values, strict=True)), cohort, request)


def _orders(cohort: Cohort, request: Request, access: Access) -> Any:
    """The orders of the cohort, each with the members it belongs to and a flag for each part."""
    times = Q()
    for period in request.periods:
        times |= within(cohort, period)
    columns = _columns(cohort, request) | {
        f"p_{part.key}": ExpressionWrapper(part.condition or Q(Value(True)), BooleanField())
        for part in parts_of(cohort)
    }
    return cases_of(cohort, request.subject, access).filter(times).order_by().values(**columns)


def _columns(cohort: Cohort, request: Request) -> dict[str, Any]:
    """What the statement groups by; only what is asked for is joined."""
    at: dict[str, Any] = {"g_at": F(cohort.time), "g_took": F("handling_time")}
    if cohort is not DUE:  # nothing is timed there
        at |= {"p_timed": Value(False)}
    area, asked = request.subject.area, request.dimensions
    columns: dict[Dimension, dict[str, Any]] = {
        Dimension.PLACE: {"g_place": area.child(cohort) if area else Value(None, BigIntegerField())},
        Dimension.UNIT: {"g_unit": F("unit_id")},
        Dimension.MATTER: {"g_matter": F("matter_id")},
        Dimension.CHANNEL: {"g_channel": F("channel")},
        Dimension.STEP: {
            "g_step": Trunc(cohort.time, request.step.value, tzinfo=timezone.get_default_timezone())
        },
    }
    columns[Dimension.RANK] = columns[Dimension.PLACE] | {"g_rank": F(f"{cohort.prefix}{request.rank}_id")}
    return at | {name: each for dimension in asked for name, each in columns[dimension].items()}


def _statement(cohort: Cohort, request: Request, *, orders: str, spans: str) -> str:
    members = _grouped(request)
    named = [
        (column, model._meta.db_table)
        for each, (column, model) in _NAMED.items()
        if each in request.dimensions
    ]
    sets = ["(bucket)"]
    sets += [f"(bucket, {', '.join(_MEMBERS[dimension])})" for dimension in request.dimensions]
    return _STATEMENT.format(
        spans=spans,
        orders=orders,
        medians=_MEDIANS if cohort is DUE else _NO_MEDIANS,
        mask=f"GROUPING({', '.join(members)})" if members else "0",
        members="".join(f"{name}, " for name in members),
        counts=", ".join(f"count(*) FILTER (WHERE p_{p.key}) AS p_{p.key}" for p in parts_of(cohort)),
        sets=", ".join(sets),
        names="".join(f", n_{column}.name AS {column}_name" for column, _table in named),
        joins="".join(
            f" LEFT JOIN {table} n_{column} ON n_{column}.id = {column}" for column, table in named
        ),
    )


def _grouped(request: Request) -> list[str]:
    """The columns of all dimensions asked for, each once, in a fixed order."""
    return list(dict.fromkeys(name for dimension in request.dimensions for name in _MEMBERS[dimension]))


def _group_and_tally(row: dict[str, Any], cohort: Cohort, request: Request) -> tuple[Group, Tally]:
    """GROUPING() sets a bit for each column that the row is *not* grouped by, the first one highest."""
    members = _grouped(request)
    present = {name for i, name in enumerate(members) if not row["mask"] >> (len(members) - 1 - i) & 1}
    dimension = next((each for each in request.dimensions if set(_MEMBERS[each]) == present), None)
    names = list(_MEMBERS[dimension]) if dimension else []
    if dimension in _NAMED:
        names.append(f"{_NAMED[dimension][0]}_name")
    key = tuple(row[name] for name in names)
    counts = {part.key: row[f"p_{part.key}"] for part in parts_of(cohort)}
    median = row["median"] if dimension is None else None
    return Group(row["bucket"], dimension, key), Tally(counts, row["took"] or dt.timedelta(), median)
