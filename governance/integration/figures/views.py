"""The doors of the figures: read the address, count as the pages count, answer."""

from __future__ import annotations

from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from cases.models import Channel
from governance.common.api.asked import choice_of
from governance.common.api.views import Endpoint
from governance.common.errors import Invalid
from governance.dashboard.listing import LATE, Listing, listing_of
from governance.dashboard.selection import Selection
from governance.figures import queries
from governance.figures.catalogue import part_label
from governance.figures.counting import Dimension
from governance.figures.formulas import FIGURES, PARTS, Figure, Kind
from governance.figures.party.formulas import PARTY_FIGURES, PARTY_PARTS
from governance.figures.periods import Step

from .answering import DIMENSIONS, Links, head_of, member_of, parts_of, unit_of, values_of
from .asking import (
    COMPARE,
    FORMULAS,
    HOW_TOLD,
    PERIOD,
    STEPS,
    access_to_figures,
    comparisons_in,
    formulas_in,
    parameter,
    selection_in,
    series_step,
)
from .serializers import Catalogue, CountedOrder, FigureAnswer

#: What an address of the figures passes on to the list of a number's orders.
_CHOSEN: Final = ("place", "rest", "unit", "matter", "channel")


CHOICE: Final = [
    parameter("place", "Division code; without one the caller's own place. With all below."),
    OpenApiParameter("rest", bool, description="Only what lies in none of the places below."),
    parameter("unit", 'Code of the lead unit; "none": orders that no unit leads.'),
    parameter("matter", "Full code of the matter."),
    parameter("channel", "Where orders came from.", enum=Channel.values),
    *PERIOD,
]
_ASKED: Final = frozenset(each.name for each in CHOICE)


class Figures(Endpoint):
    """Figures of incidents."""

    resource = "figures"
    serializer_class = FigureAnswer
    parameters = _ASKED | HOW_TOLD

    @extend_schema(
        operation_id="getFigures",
        summary="Figures of a place, unit or matter in a period",
        parameters=[
            FORMULAS,
            *CHOICE,
            parameter("dimension", "What the figures are broken down by.", enum=[*DIMENSIONS, *STEPS]),
            COMPARE,
        ],
    )
    def get(self, request: Request) -> Response:
        """Any formula of any place and period: the numbers of the portal's own pages.

        Each carries what it was counted from, and the address that lists exactly the orders counted.
        """
        access, now = access_to_figures(request), timezone.now()
        selection = selection_in(request, access, now=now)
        formulas, compared = formulas_in(request, FIGURES), comparisons_in(request)
        dimension = dimension_in(request, selection)
        step = series_step(selection.period, dimension)
        if step and compared:
            raise Invalid(_("A series is not compared."), field="compare")
        found = queries.overview(
            selection.subject,
            selection.period,
            access,
            dimensions=_dimensions(dimension, step),
            compared=bool(compared),
            step=step,
        )
        said = {name: request.query_params.get(name, "") for name in _CHOSEN}
        links = Links(reverse("api:figure_orders", request=request), said)
        members = parts_of(selection, found, dimension)
        body = head_of(selection) | {
            "matter": selection.matter.full_code if selection.matter else None,
            "channel": selection.channel or None,
            "dimension": dimension,
            "results": [member_of(each, values_of(each, formulas, compared, links)) for each in members],
        }
        return Response(self.get_serializer(body).data)


def dimension_in(request: Request, selection: Selection) -> str:
    """What the figures are to be broken down by. Raises Invalid."""
    dimension = choice_of(request, "dimension", (*DIMENSIONS, *STEPS)) or "none"
    if dimension == "place" and selection.territory is None:
        raise Invalid(_("These figures are of a unit, which has no places below."), field="dimension")
    return dimension


def _dimensions(dimension: str, step: Step | None) -> list[Dimension]:
    if step:
        return [Dimension.STEP]
    wanted = DIMENSIONS[dimension]
    return [wanted] if wanted else []


class FigureOrders(Endpoint):
    """The orders behind a number."""

    resource = "figures"
    serializer_class = CountedOrder
    parameters = _ASKED | {"part"}
    #: How the list is ordered depends on what the part counts.
    listing: Listing

    def order_of(self, request: Request) -> str:
        """By the time that puts orders into the period, the latest first."""
        return self.listing.order

    @extend_schema(
        operation_id="listCountedOrders",
        summary="The orders that a figure counts",
        parameters=[
            parameter(
                "part",
                "Which of them: a part from figures/formulas/; late: those late now, whatever the period.",
                enum=[*PARTS, LATE],
                required=True,
            ),
            *CHOICE,
        ],
        responses=CountedOrder(many=True),
    )
    def get(self, request: Request) -> Response:
        """Exactly the orders behind a number; figures/ gives the address beside each.

        What has changed since (an order closed late) has changed here too.
        """
        access, now = access_to_figures(request), timezone.now()
        part = choice_of(request, "part", (*PARTS, LATE))
        self.listing = listing_of(part, selection_in(request, access, now=now), access, now=now)
        columns = {"number", "state", "reported_at", "due_at", "closed_at", self.listing.order.lstrip("-")}
        rows = self.paginate_queryset(self.listing.cases.select_related(None).only(*columns))
        return self.get_paginated_response(self.get_serializer(rows, many=True).data)


class Formulas(Endpoint):
    """The catalogue of figures."""

    resource = "figures"
    serializer_class = Catalogue

    @extend_schema(operation_id="listFormulas", summary="Every formula in words")
    def get(self, request: Request) -> Response:
        """Each figure as it is defined: what is counted, over what, measured in what."""
        tables = (("orders", FIGURES, PARTS), ("party", PARTY_FIGURES, PARTY_PARTS))
        body = {
            "formulas": [_formula(each, of) for of, figures, _parts in tables for each in figures.values()],
            "parts": [
                {"name": key, "label": str(part_label(key)), "of": of}
                for of, _figures, parts in tables
                for key in parts
            ],
        }
        return Response(self.get_serializer(body).data)


def _formula(figure: Figure, of: str) -> dict[str, Any]:
    return {
        "name": figure.key,
        "label": str(figure.label),
        "formula": words_of(figure),
        "unit": unit_of(figure),
        "kind": figure.kind.value,
        "good": figure.good.value,
        "numerator": [part for _weight, part in figure.numerator],
        "denominator": figure.denominator or None,
        "of": of,
    }


def words_of(figure: Figure) -> str:
    """A formula as people write it: (Satisfied + 0.9 × Basically satisfied) ÷ Valid follow-ups."""
    if figure.kind in (Kind.DURATION, Kind.SUM):
        return _("%(figure)s, over: %(part)s") % {
            "figure": figure.label,
            "part": part_label(figure.denominator),
        }
    above = [
        f"{'' if weight == 1 else f'{weight} × '}{part_label(part)}" for weight, part in figure.numerator
    ]
    told = " + ".join(above)
    if not figure.denominator:
        return told
    return f"{f'({told})' if len(above) > 1 else told} ÷ {part_label(figure.denominator)}"
