"""Whom or what the Party's figures are about, and who may read them: deny by default.

A reader is answerable for a place (as official or desk), for a branch with all below (as its committee) or
for a unit (as its head). A subject that names none of these as its own is about nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from django.db.models import Q

from partymembers.access import Access, PlaceGrant
from partymembers.models import DESK_ROLES, Role

#: Roles over a place whose holders answer for its figures; ground workers have none.
FIGURE_ROLES = DESK_ROLES | {Role.OFFICIAL}


class Side(StrEnum):
    """ "1+1": each member has a home branch at work, and a branch of check-in where they live."""

    CHECK_IN = "checkin"
    HOME = "home"


class By(StrEnum):
    """What rows are broken down by, and the column that says it: a path in a tree, or a unit's id."""

    PLACE = "g_place"
    CHECK_IN = "g_branch"
    HOME = "g_home"
    UNIT = "g_unit"

    @classmethod
    def branch(cls, side: Side) -> By:
        """The branch column of a side."""
        return cls.HOME if side is Side.HOME else cls.CHECK_IN


@dataclass(frozen=True, slots=True)
class PartySubject:
    """What is counted: rows that meet every given condition.

    Paths stand for a place or branch with all below. `outside` are paths in a column whose rows are left
    out: the rest that a breakdown leaves. `unit_id` 0: of people without a work unit.
    """

    place: str = ""
    branch: str = ""
    side: Side = Side.CHECK_IN
    unit_id: int | None = None
    outside: tuple[By, tuple[str, ...]] | None = None

    def conditions(self) -> dict[By, Q]:
        """A condition for each column that the subject asks about."""
        found: dict[By, Q] = {}
        if self.place:
            found[By.PLACE] = _below(By.PLACE, [self.place])
        if self.branch:
            found[By.branch(self.side)] = _below(By.branch(self.side), [self.branch])
        if self.unit_id is not None:
            found[By.UNIT] = Q(g_unit=self.unit_id) if self.unit_id else Q(g_unit__isnull=True)
        if self.outside is not None:
            column, paths = self.outside
            rest = Q(**{f"{column}__isnull": True}) | ~_below(column, paths)
            found[column] = found.get(column, Q()) & rest
        return found

    def is_own(self, access: Access) -> bool:
        """Whether the reader answers for the place, the branch or the unit that it names."""
        place = bool(self.place) and any(grant.reaches(self.place) for grant in figure_grants(access))
        branch = bool(self.branch) and access.leads_branch(self.branch)
        return place or branch or (bool(self.unit_id) and access.is_head_of(self.unit_id))


def _below(column: By, paths: list[str] | tuple[str, ...]) -> Q:
    condition = Q(pk__in=[])
    for path in paths:
        condition |= Q(**{f"{column}__startswith": path})
    return condition


def figure_grants(access: Access) -> tuple[PlaceGrant, ...]:
    """The places that the reader answers for."""
    return tuple(grant for grant in access.grants if grant.roles & FIGURE_ROLES)


def narrowed(access: Access) -> Access:
    """The reader's access with nothing but the places that they answer for."""
    return replace(access, grants=figure_grants(access))


def reads_party_figures(access: Access) -> bool:
    """Whether there is any place, branch or unit whose figures the reader answers for."""
    return bool(figure_grants(access) or access.branches or access.headed_unit_ids)
