"""Figures of the Party's side by the same rules: check-ins, wishes, service, points. No names are in them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from governance.common.api.asked import choice_of, text_of
from governance.common.api.views import Endpoint
from governance.common.errors import Invalid, NotVisible
from governance.dashboard.party.selection import PartySelection, party_selection_of
from governance.dashboard.party.tables import OF_NOBODY, place_table
from governance.figures.party.formulas import PARTY_FIGURES
from governance.figures.party.queries import PartyOverview, party_overview
from governance.figures.party.subjects import By, Side, reads_party_figures
from governance.figures.queries import FigureSet
from partymembers.access import Access
from partymembers.api.callers import access_of_caller
from partymembers.models import Branch, Unit

from .answering import Part, head_of, member_of, values_of, whole
from .asking import (
    COMPARE,
    FORMULAS,
    HOW_TOLD,
    IN_PERIOD,
    PERIOD,
    comparisons_in,
    formulas_in,
    id_of,
    parameter,
    period_in,
    unit_in,
)
from .serializers import PartyFigureAnswer

DIMENSIONS: Final = ("none", "place", "branch", "unit")


class PartyFigures(Endpoint):
    """Figures of the Party's side."""

    resource = "figures"
    serializer_class = PartyFigureAnswer
    parameters = IN_PERIOD | HOW_TOLD | {"place", "branch", "side", "unit"}

    @extend_schema(
        operation_id="getPartyFigures",
        summary="Figures of check-ins, wishes, service and points",
        parameters=[
            FORMULAS,
            parameter("place", "Division code, with all below; without place, branch and unit one's own."),
            parameter("branch", "Code of a Party branch, with all below."),
            parameter(
                "side", "Of a branch: who lives there, or who works there.", enum=[s.value for s in Side]
            ),
            parameter("unit", 'Code of a work unit; "none": of people without one.'),
            *PERIOD,
            parameter("dimension", "What the figures are broken down by.", enum=list(DIMENSIONS)),
            COMPARE,
        ],
    )
    def get(self, request: Request) -> Response:
        """Those of the places and branches that the caller answers for; others have none.

        Wishes that nobody has taken belong to no work unit or home branch: of these, wishes_asked and
        wishes_published are left out.
        """
        access = access_of_caller(request)
        if not reads_party_figures(access):
            raise NotVisible
        selection = _selection(request, access, now=timezone.now())
        formulas, compared = formulas_in(request, PARTY_FIGURES), comparisons_in(request)
        dimension = choice_of(request, "dimension", DIMENSIONS) or "none"
        if _is_of_people(selection, dimension):
            formulas = [each for each in formulas if each not in OF_NOBODY]
        counted = party_overview(selection.subject, selection.period, access, folds=selection.folds)
        members = _members(selection, counted, dimension)
        body = head_of(selection) | {
            "branch": selection.branch.code if selection.branch else None,
            "side": selection.side.value,
            "dimension": dimension,
            "results": [member_of(each, values_of(each, formulas, compared, None)) for each in members],
        }
        return Response(self.get_serializer(body).data)


def _selection(request: Request, access: Access, *, now: dt.datetime) -> PartySelection:
    branch = text_of(request, "branch")
    said = {
        "place": text_of(request, "place"),
        "branch": id_of(Branch, branch) if branch else "",
        "unit": unit_in(request),
        "side": choice_of(request, "side", [side.value for side in Side]),
    }
    return replace(party_selection_of(said, access, now=now), period=period_in(request.query_params, now=now))


def _is_of_people(selection: PartySelection, dimension: str) -> bool:
    by_home = dimension == "branch" and selection.side is Side.HOME
    return selection.is_of_people or by_home or dimension == "unit"


def _members(selection: PartySelection, counted: PartyOverview, dimension: str) -> list[Part]:
    """The members of a breakdown in order of their codes, the rest last. Raises Invalid."""
    if dimension == "none":
        return [whole(counted.total, selection.period)]
    if dimension == "place":
        if selection.territory is None:
            raise Invalid(_("These figures are of no place, so there are none below."), field="dimension")
        rows = place_table(selection, counted).rows
        told = [(row.place.code if row.place else None, row.name, row.figures) for row in rows]
    elif dimension == "unit":
        told = _units(counted)
    else:
        told = _branches(selection, counted)
    parts = [Part(code, name if code else "", each, {}, selection.period) for code, name, each in told]
    return sorted(parts, key=lambda part: (part.code is None, part.code or ""))


_Told = list[tuple[str | None, str, FigureSet]]


def _units(counted: PartyOverview) -> _Told:
    sets = counted.members.get(By.UNIT, {})
    units = Unit.objects.in_bulk([pk for pk in sets if pk])
    return [(units[pk].code, units[pk].name, each) if pk else (None, "", each) for pk, each in sets.items()]


def _branches(selection: PartySelection, counted: PartyOverview) -> _Told:
    """The branches right below the one that the page's table begins at, and all others as the rest."""
    sets = counted.members.get(By.branch(selection.side), {})
    below = selection.below if selection.base else Branch.objects.filter(path__in=[p for p in sets if p])
    branches = {branch.path: branch for branch in below}
    told: _Told = [(b.code, b.name, sets[path]) for path, b in branches.items() if path in sets]
    rest = sum((each for path, each in sets.items() if path not in branches), FigureSet())
    return [*told, (None, "", rest)] if rest.current else told
