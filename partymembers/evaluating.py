"""The yearly grades as work units, branches and officials may read them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from partymembers.access import Access
from partymembers.branching import under
from partymembers.models import Branch, Evaluation, Role, Unit


@dataclass(frozen=True)
class GradeCount:
    """One of the four grades with how many received it; `share` in percent, None where nobody was graded."""

    grade: str
    label: str
    count: int
    share: float | None


def evaluations_visible_to(access: Access, *, unit: Unit, year: int) -> QuerySet[Evaluation]:
    """The grades of a unit's people in a year that this reader may see.

    The unit's heads and the committee of its home branches read what was reported; a committee reads all
    that it and those below have given; an official what branches of their area have reported.
    """
    rows = Evaluation.objects.filter(unit=unit, year=year)
    reported = Q(reported_at__isnull=False)
    allowed = under("branch__path", [grant.path for grant in access.branches])
    if access.is_head_of(unit.pk) or _leads_home(access, unit):
        allowed |= reported
    official = [grant.path for grant in access.grants if Role.OFFICIAL in grant.roles]
    allowed |= reported & under("branch__place__path", official)
    return rows.filter(allowed)


def may_open_report(access: Access, *, unit: Unit, year: int) -> bool:
    """Whether the page exists for this reader: always for the unit's heads and its own branches."""
    return (
        access.is_head_of(unit.pk)
        or _leads_home(access, unit)
        or evaluations_visible_to(access, unit=unit, year=year).exists()
    )


@dataclass(frozen=True)
class UnitYear:
    """What was reported to a work unit about a year."""

    unit_id: int
    unit: str
    year: int
    total: int
    distribution: list[GradeCount]


def reports_to(unit_ids: Iterable[int]) -> list[UnitYear]:
    """The years about which grades were reported to these work units, the newest first; one query."""
    rows = Evaluation.objects.filter(unit__in=list(unit_ids), reported_at__isnull=False)
    found: dict[tuple[int, str, int], list[str]] = defaultdict(list)
    facts = rows.order_by("-year", "unit__name", "pk").values_list("unit_id", "unit__name", "year", "grade")
    for unit_id, name, year, grade in facts:
        found[unit_id or 0, name or "", year].append(grade)
    return [UnitYear(*key, len(grades), distribution(grades)) for key, grades in found.items()]


def reports_of(branch: Branch, *, year: int) -> QuerySet[Unit]:
    """The work units whose people were graded here or below: how many, how many reported."""
    graded = Q(evaluations__branch__path__startswith=branch.path, evaluations__year=year)
    return (
        Unit.objects.filter(graded)
        .annotate(
            graded=Count("evaluations", filter=graded),
            reported=Count("evaluations", filter=graded & Q(evaluations__reported_at__isnull=False)),
        )
        .order_by("name", "pk")
    )


def distribution(rows: Iterable[str]) -> list[GradeCount]:
    """How many received each of the four grades, best first."""
    counts = dict.fromkeys(Evaluation.Grade.values, 0)
    for grade in rows:
        counts[grade] += 1
    total = sum(counts.values())
    return [
        GradeCount(
            grade.value, str(grade.label), counts[grade], counts[grade] / total * 100 if total else None
        )
        for grade in Evaluation.Grade
    ]


def _leads_home(access: Access, unit: Unit) -> bool:
    return any(access.leads_branch(path) for path in _home_paths(unit)) if access.branches else False


def _home_paths(unit: Unit) -> list[str]:
    return list(unit.branches.filter(dissolved_on=None).values_list("path", flat=True))
