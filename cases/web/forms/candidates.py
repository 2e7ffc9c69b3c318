"""Whom a desk may whistle to an order: found by name, those already ticked first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, cast

from django.db.models import Model, Q, QuerySet

from cases.choices import units_for
from cases.models import Case
from cases.whistles import branches_of_city, members_of_city, units_of_city
from grids.models import Place
from partymembers.models import Branch, Member, Unit

#: So many of each kind are found, and so many are offered before anything is typed.
MOST_FOUND: Final = 8
_OFFERED: Final = 5


@dataclass(frozen=True)
class Candidate:
    """Somebody who can be called: what the box posts, and what stands beside it."""

    field: str
    value: int
    name: str
    beside: str
    is_chosen: bool


def candidates(case: Case, who: str, chosen: dict[str, list[str]]) -> list[Candidate]:
    """Those chosen first, then units, branches and members by name; a query for each kind."""
    line = [pk for pk in (case.street_id, case.community_id, case.grid_id) if pk]
    city = Place.objects.get(pk=case.city_id)
    units, branches = units_of_city(city), branches_of_city(city)
    members = members_of_city(city).select_related("user", "home_branch")
    named = Q(name__icontains=who)
    found: tuple[tuple[str, str, QuerySet[Any], QuerySet[Any]], ...] = (
        ("units", "pk", units, units.filter(named) if who else units_for(case)),
        ("branches", "pk", branches, branches.filter(named if who else Q(place__in=line))),
        ("members", "user_id", members, members.filter(user__name__icontains=who) if who else members.none()),
    )
    ticked, more = list[Candidate](), list[Candidate]()
    for field, key, every, rows in found:
        ids = {int(value) for value in chosen[field] if _is_id(value)}
        if ids:
            ticked += [_candidate(field, key, row, True) for row in every.filter(**{f"{key}__in": ids})]
        others = rows.exclude(**{f"{key}__in": ids})[: MOST_FOUND if who else _OFFERED]
        more += [_candidate(field, key, row, False) for row in others]
    return ticked + more


def _is_id(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) < 19


def _candidate(field: str, key: str, row: Model, is_chosen: bool) -> Candidate:
    return Candidate(field, getattr(row, key), _name(row), _beside(row), is_chosen)


def _name(row: Model) -> str:
    return row.user.name if isinstance(row, Member) else str(row)


def _beside(row: Model) -> str:
    """What tells two of one name apart; never a phone."""
    if isinstance(row, Member):
        return str(row.home_branch)
    return row.get_kind_display() if isinstance(row, Unit) else cast(Branch, row).get_level_display()
