"""Units over the API: who handles orders, and where."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.common.api.asked import choice_of, flag_of, text_of
from governance.common.api.fields import ChosenFields
from governance.common.api.views import Endpoint
from governance.common.errors import NotVisible
from governance.common.typed import words
from grids.api.reach import place_asked
from grids.querysets import paths_above
from partymembers.access import Access
from partymembers.api.callers import access_of_caller
from partymembers.api.reach import reach_of
from partymembers.models import Unit

_LONGEST_CODE = 30


class UnitRow(ChosenFields):
    """A unit."""

    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=Unit.Kind.choices)
    place = serializers.CharField(
        source="place.code", default=None, allow_null=True, help_text="Where it serves; null: everywhere."
    )
    phone = serializers.CharField(allow_blank=True, help_text="Of whoever is on duty there.")
    disabled_at = serializers.DateTimeField(allow_null=True, help_text="Receives no orders since.")


class Units(Endpoint):
    """The list of units."""

    resource = "units"
    order = "code"
    serializer_class = UnitRow
    parameters = frozenset({"kind", "serves", "q", "disabled"})

    @extend_schema(
        operation_id="listUnits",
        summary="List units",
        parameters=[
            OpenApiParameter("kind", str, enum=Unit.Kind.values, description="Only of this kind."),
            OpenApiParameter("serves", str, description="Code of a place: only units that serve it."),
            OpenApiParameter("q", str, description="Part of the name, or the beginning of the code."),
            OpenApiParameter("disabled", bool, default=False, description="Also those that are disabled."),
        ],
        responses=UnitRow(many=True),
    )
    def get(self, request: Request) -> Response:
        """Units that serve a place of the caller's, or everywhere; and the caller's own."""
        access = access_of_caller(request)
        rows: Any = self.paginate_queryset(_filtered(units_known_to(access), access, request))
        return self.get_paginated_response(self.get_serializer(rows, many=True).data)


class UnitView(Endpoint):
    """One unit."""

    resource = "units"
    serializer_class = UnitRow

    @extend_schema(
        operation_id="readUnit",
        summary="Read a unit",
        parameters=[OpenApiParameter("code", str, OpenApiParameter.PATH, description="The unit's code.")],
    )
    def get(self, request: Request, code: str) -> Response:
        """A unit by its code, also one that is disabled."""
        rows = units_known_to(access_of_caller(request))
        found = rows.filter(code=words(code, most=_LONGEST_CODE + 1)).first()
        if found is None:
            raise NotVisible
        return Response(self.get_serializer(found).data)


def units_known_to(access: Access) -> QuerySet[Unit]:
    """Units that serve a place within the reader's reach or above it, or all; and the reader's own."""
    serving = Q(place__isnull=True) | reach_of(access).within("place__")
    return Unit.objects.filter(serving | Q(pk__in=access.unit_ids)).select_related("place")


def _filtered(rows: QuerySet[Unit], access: Access, request: Request) -> QuerySet[Unit]:
    """What was asked for. Raises Invalid that names the parameter."""
    if not flag_of(request, "disabled"):
        rows = rows.filter(disabled_at__isnull=True)
    if kind := choice_of(request, "kind", Unit.Kind.values):
        rows = rows.filter(kind=kind)
    if (place := place_asked(request, "serves", reach_of(access))) is not None:
        rows = rows.filter(Q(place__isnull=True) | Q(place__path__in=[*paths_above(place), place.path]))
    if text := text_of(request, "q"):
        rows = rows.filter(Q(name__icontains=text) | Q(code__istartswith=text))
    return rows
