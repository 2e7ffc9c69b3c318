"""Counting the Party's side in SQL: one statement for every figure, period and breakdown of a page.

The rows and the conditions come from the ORM, the same that open a number's list; around them stands one
GROUPING SETS, put together from the names below without any value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import (
    BigIntegerField,
    BooleanField,
    DateTimeField,
    DurationField,
    ExpressionWrapper,
    F,
    IntegerField,
    Q,
    TextField,
    Value,
)
from django.db.models.functions import Cast, Left

from governance.figures.periods import Period
from governance.figures.tallies import Tally
from partymembers.access import Access

from .formulas import CLAIMED, PARTY_COHORTS, PARTY_PARTS, PartyCohort, Rows
from .rows import rows_of, within
from .subjects import By, PartySubject


@dataclass(frozen=True, slots=True)
class Fold:
    """A breakdown: by which column, and by how much of a path (None: all of it, or an id)."""

    by: By
    length: int | None = None


@dataclass(frozen=True, slots=True)
class PartyGroup:
    """Which total: of what period, broken down by what (None: not at all), and for which member of that."""

    bucket: int
    by: By | None = None
    key: Any = None


_STATEMENT = """
WITH spans (bucket, starts, ends) AS (VALUES {spans}),
facts AS ({facts}),
placed AS (
    SELECT * FROM facts JOIN spans ON (g_at >= starts AND g_at < ends) OR (g_at IS NULL AND bucket = 0)
)
SELECT bucket, {mask} AS mask, {members}{counts}, {sums},
    percentile_cont(0.5) WITHIN GROUP (ORDER BY g_took) FILTER (WHERE g_took IS NOT NULL) AS median
FROM placed GROUP BY GROUPING SETS ({sets})
"""
#: What a row adds up to, by the kind of row.
_AMOUNTS: dict[Rows, str] = {Rows.SERVICES: "minutes", Rows.ENTRIES: "amount"}


def count_party(
    subject: PartySubject, periods: Sequence[Period], folds: Sequence[Fold], access: Access
) -> dict[PartyGroup, Tally]:
    """Every total of the subject over what the reader answers for; one query.

    Buckets are numbered as the periods are. Members stand as they stand today: of the first period alone.
    """
    facts, params = _facts(subject, periods, folds, access)
    if not facts:
        return {}
    spans = ", ".join(["(%s, %s::timestamptz, %s::timestamptz)"] * len(periods))
    bounds = [value for i, p in enumerate(periods) for value in (i, p.start, p.until)]
    with connection.cursor() as cursor:
        cursor.execute(_statement(" UNION ALL ".join(facts), spans, folds), [*bounds, *params])
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
    return {_group(row, folds): _tally(row) for row in rows}


def _facts(
    subject: PartySubject, periods: Sequence[Period], folds: Sequence[Fold], access: Access
) -> tuple[list[str], list[Any]]:
    """One SELECT a cohort, all with the same columns, and their values."""
    found: list[str] = []
    params: list[Any] = []
    for cohort in PARTY_COHORTS:
        rows = rows_of(cohort, subject, periods[0], access, columns=[fold.by for fold in folds])
        times = Q()
        for period in periods:
            times |= within(cohort, period)
        columns = _columns(cohort, folds)
        query = rows.filter(times).order_by().annotate(**columns).values_list(*columns).query
        try:
            sql, values = query.get_compiler(connection=connection).as_sql()
        except EmptyResultSet:  # the reader answers for nothing of it
            continue
        found.append(f"({sql})")
        params += values
    return found, params


def _columns(cohort: PartyCohort, folds: Sequence[Fold]) -> dict[str, Any]:
    """The columns of a fact, in the order in which every cohort has them."""
    amount = _AMOUNTS.get(cohort.rows)
    took = F("first_claimed_at") - F("published_at") if cohort is CLAIMED else Value(None)
    columns: dict[str, Any] = {
        "g_at": Cast(F(cohort.time) if cohort.time else Value(None), DateTimeField()),
        "g_amount": Cast(F(amount) if amount else Value(0), IntegerField()),
        "g_took": Cast(took, DurationField()),
    }
    for fold in folds:
        whole = F(str(fold.by))
        field = BigIntegerField() if fold.by is By.UNIT else TextField()
        columns[_name(fold)] = Cast(Left(whole, fold.length) if fold.length else whole, field)
    for part in PARTY_PARTS.values():
        columns[f"p_{part.key}"] = ExpressionWrapper(
            (part.condition or Q(Value(True))) if part.cohort is cohort else Value(False), BooleanField()
        )
    return columns


def _name(fold: Fold) -> str:
    return f"d{str(fold.by).removeprefix('g')}"


def _statement(facts: str, spans: str, folds: Sequence[Fold]) -> str:
    members = [_name(fold) for fold in folds]
    amounts = [part for part in PARTY_PARTS.values() if part.amount]
    return _STATEMENT.format(
        spans=spans,
        facts=facts,
        mask=f"GROUPING({', '.join(members)})" if members else "0",
        members="".join(f"{name}, " for name in members),
        counts=", ".join(f"count(*) FILTER (WHERE p_{key}) AS p_{key}" for key in PARTY_PARTS),
        sums=", ".join(f"sum(g_amount) FILTER (WHERE p_{p.key}) AS s_{p.amount}" for p in amounts),
        sets=", ".join(["(bucket)", *(f"(bucket, {name})" for name in members)]),
    )


def _group(row: dict[str, Any], folds: Sequence[Fold]) -> PartyGroup:
    """GROUPING() sets a bit for each column that the row is *not* grouped by, the first one highest."""
    for i, fold in enumerate(folds):
        if not row["mask"] >> (len(folds) - 1 - i) & 1:
            return PartyGroup(row["bucket"], fold.by, row[_name(fold)])
    return PartyGroup(row["bucket"])


def _tally(row: dict[str, Any]) -> Tally:
    counts = {key: row[f"p_{key}"] for key in PARTY_PARTS}
    sums = {part.amount: int(row[f"s_{part.amount}"] or 0) for part in PARTY_PARTS.values() if part.amount}
    return Tally(counts | sums, median=row["median"])
