"""Counting the Party's side in SQL: one statement for all figures, periods and breakdowns, one for medians.

The rows and the conditions come from the ORM, the same that open a number's list; around them stands one
GROUPING SETS, put together from the names below without any value.
"""

from __future__ import annotations

from collections import defaultdict
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


_PLACED = """
WITH spans (bucket, starts, ends) AS (VALUES {spans}),
facts AS ({facts}),
placed AS (
    SELECT * FROM facts JOIN spans ON (g_at >= starts AND g_at < ends) OR (g_at IS NULL AND bucket = 0)
)
SELECT bucket, {mask} AS mask, {members}{wanted} FROM placed GROUP BY GROUPING SETS ({sets})
"""
_MEDIAN = "percentile_cont(0.5) WITHIN GROUP (ORDER BY g_took) AS median"
#: What a row adds up to, by the kind of row.
_AMOUNTS: dict[Rows, str] = {Rows.SERVICES: "minutes", Rows.ENTRIES: "amount"}


@dataclass(frozen=True, slots=True)
class PartyRequest:
    """What is to be counted in one go. Buckets are numbered as the periods are; they may overlap."""

    subject: PartySubject
    periods: Sequence[Period]
    folds: Sequence[Fold] = ()


def count_party(request: PartyRequest, access: Access) -> dict[PartyGroup, Tally]:
    """Every total of the request over what the reader answers for; two queries.

    Members stand as they stand today: of the first period alone. Medians are asked apart: they need their
    rows in order, and a statement that sorts would sort all.
    """
    found: dict[PartyGroup, Tally] = defaultdict(Tally)
    for row in _ask(request, access, PARTY_COHORTS, _totals()):
        found[_group(row, request.folds)] += _tally(row)
    for row in _ask(request, access, [CLAIMED], _MEDIAN):
        found[_group(row, request.folds)] += Tally(median=row["median"])
    return dict(found)


def _ask(
    request: PartyRequest, access: Access, cohorts: Sequence[PartyCohort], wanted: str
) -> list[dict[str, Any]]:
    """The rows of one statement, by the names of their columns."""
    facts, params = _facts(request, cohorts, access)
    if not facts:
        return []
    bounds = [value for i, p in enumerate(request.periods) for value in (i, p.start, p.until)]
    members = [_name(fold) for fold in request.folds]
    statement = _PLACED.format(
        spans=", ".join(["(%s, %s::timestamptz, %s::timestamptz)"] * len(request.periods)),
        facts=" UNION ALL ".join(facts),
        mask=f"GROUPING({', '.join(members)})" if members else "0",
        members="".join(f"{name}, " for name in members),
        wanted=wanted,
        sets=", ".join(["(bucket)", *(f"(bucket, {name})" for name in members)]),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*bounds, *params])
        names = [column.name for column in cursor.description]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


def _facts(
    request: PartyRequest, cohorts: Sequence[PartyCohort], access: Access
) -> tuple[list[str], list[Any]]:
    """One SELECT a cohort, all with the same columns, and their values."""
    found: list[str] = []
    params: list[Any] = []
    folds = request.folds
    for cohort in cohorts:
        rows = rows_of(
            cohort, request.subject, request.periods[0], access, columns=[fold.by for fold in folds]
        )
        times = Q()
        for period in request.periods:
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


def _totals() -> str:
    amounts = [part for part in PARTY_PARTS.values() if part.amount]
    counts = [f"count(*) FILTER (WHERE p_{key}) AS p_{key}" for key in PARTY_PARTS]
    return ", ".join([*counts, *(f"sum(g_amount) FILTER (WHERE p_{p.key}) AS s_{p.amount}" for p in amounts)])


def _group(row: dict[str, Any], folds: Sequence[Fold]) -> PartyGroup:
    """GROUPING() sets a bit for each column that the row is *not* grouped by, the first one highest."""
    for i, fold in enumerate(folds):
        if not row["mask"] >> (len(folds) - 1 - i) & 1:
            return PartyGroup(row["bucket"], fold.by, row[_name(fold)])
    return PartyGroup(row["bucket"])


def _tally(row: dict[str, Any]) -> Tally:
    counts = {key: row[f"p_{key}"] for key in PARTY_PARTS}
    sums = {part.amount: int(row[f"s_{part.amount}"] or 0) for part in PARTY_PARTS.values() if part.amount}
    return Tally(counts | sums)
