"""Places: a list to keep in step with, and one with the line above it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import OuterRef, Q, Subquery, Value
from django.db.models.functions import Left, Length
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.common.api.asked import choice_of, flag_of, text_of
from governance.common.api.fields import ChosenFields
from grids.api.crs import CRS, geometry_out, point_out, system_of
from grids.api.reach import PlaceEndpoint
from grids.levels import Level
from grids.models import Place, PlaceKind
from grids.querysets import PlaceQuerySet

CODE = OpenApiParameter("code", str, OpenApiParameter.PATH, description="Division, grid or building code.")
LEVEL = OpenApiParameter("level", str, enum=Level.values, description="Only places of this level.")
BELOW = OpenApiParameter("below", str, description="Code of a place: only it and all that lies below.")


class PlaceRef(serializers.Serializer[Place]):
    """A place by its code, with what people call it."""

    code = serializers.CharField()
    name = serializers.CharField()
    level = serializers.ChoiceField(choices=Level.choices)


class PlaceRow(ChosenFields):
    """A place as a list has it."""

    code = serializers.CharField(
        help_text="12 digits down to the community, 15 of a grid, 18 of a building. Never given twice."
    )
    name = serializers.CharField()
    level = serializers.ChoiceField(choices=Level.choices)
    kind = serializers.ChoiceField(
        choices=PlaceKind.choices, allow_blank=True, help_text="What it is called in its level."
    )
    parent = serializers.CharField(  # type: ignore[assignment]  # a field's own attribute
        source="parent_code", allow_null=True, help_text="Code of the place right above; null for the city."
    )
    lng = serializers.FloatField(allow_null=True, help_text="Middle, in degrees east; null where unknown.")
    lat = serializers.FloatField(allow_null=True, help_text="Middle, in degrees north; null where unknown.")
    since = serializers.DateField(allow_null=True, help_text="In force since.")
    retired_on = serializers.DateField(
        allow_null=True, help_text="Since when it is no more: split, merged or handed over."
    )
    successors = serializers.SerializerMethodField(
        help_text="Codes of the places that took over a retired one, as far as the key reaches."
    )

    def get_successors(self, place: Place) -> list[str]:
        """As the view has read them for the whole page."""
        found: list[str] = self.context["successors"].get(place.pk, [])
        return found


class PlaceDetail(PlaceRow):
    """A place with its line and, expanded, its boundary."""

    expandable = frozenset({"boundary"})

    line = PlaceRef(many=True, help_text="The places above it, from the city down.")
    children_count = serializers.IntegerField(
        help_text="Places in force right below it, as far as the key reaches."
    )
    boundary = serializers.DictField(
        allow_null=True,
        required=False,
        help_text="With expand=boundary: a GeoJSON geometry; null without one.",
    )


class Places(PlaceEndpoint):
    """The list of places."""

    order = "code"
    serializer_class = PlaceRow
    parameters = frozenset({"level", "parent", "below", "q", "retired", "crs"})

    @extend_schema(
        operation_id="listPlaces",
        summary="List places",
        parameters=[
            LEVEL,
            OpenApiParameter("parent", str, description="Code of a place: only those right below it."),
            BELOW,
            OpenApiParameter("q", str, description="Part of the name, or the beginning of the code."),
            OpenApiParameter("retired", bool, default=False, description="Also places that are no more."),
            CRS,
        ],
        responses=PlaceRow(many=True),
    )
    def get(self, request: Request) -> Response:
        """Places in the order of their codes, which is that of the tree: each place before those below it."""
        rows: list[Any] = self.paginate_queryset(with_parent(self.filtered(request))) or []
        wants_successors = "successors" in PlaceRow.wanted(request)
        successors = self.successors_of(rows) if wants_successors else {}
        moved(rows, system_of(request))
        context = {**self.get_serializer_context(), "successors": successors}
        return self.get_paginated_response(PlaceRow(rows, many=True, context=context).data)

    def filtered(self, request: Request) -> PlaceQuerySet:
        """What was asked for. Raises Invalid that names the parameter."""
        rows = self.reached()
        if not flag_of(request, "retired"):
            rows = rows.current()
        if level := choice_of(request, "level", Level.values):
            rows = rows.at_level(Level(level))
        if (parent := self.asked_place("parent")) is not None:
            rows = rows.filter(path__startswith=parent.path, depth=parent.depth + 1)
        if (top := self.asked_place("below")) is not None:
            rows = rows.filter(path__startswith=top.path)
        if text := text_of(request, "q"):
            rows = rows.filter(Q(name__icontains=text) | Q(code__startswith=text))
        return rows


class PlaceView(PlaceEndpoint):
    """One place."""

    serializer_class = PlaceDetail
    parameters = frozenset({"crs"})

    @extend_schema(operation_id="readPlace", summary="Read a place", parameters=[CODE, CRS])
    def get(self, request: Request, code: str) -> Response:
        """A place with the line above it; a retired one says what took it over."""
        system, wanted = system_of(request), PlaceDetail.wanted(request)
        shows_boundary = "boundary" in wanted
        known = self.reached().defer(None) if shows_boundary else self.reached()
        place = self.place(code, with_parent(known))
        if shows_boundary:
            place.boundary = geometry_out(place.boundary, system) if place.boundary else None
        if "line" in wanted:
            place.line = list(self.reached().above(place))
        if "children_count" in wanted:
            below = self.reached().current().filter(path__startswith=place.path)
            place.children_count = below.filter(depth=place.depth + 1).count()
        moved([place], system)
        context = {**self.get_serializer_context(), "successors": self.successors_of([place])}
        return Response(PlaceDetail(place, context=context).data)


def with_parent(rows: PlaceQuerySet) -> PlaceQuerySet:
    """The places with `parent_code`, the code of the one right above: only the tree knows it."""
    above = Left(OuterRef("path"), Length(OuterRef("path")) - Value(Place.steplen))
    return rows.annotate(parent_code=Subquery(Place.objects.order_by().filter(path=above).values("code")))


def moved(places: Iterable[Any], system: str) -> None:
    """Have the middles of these places read as the caller reads positions."""
    for place in places:
        if place.lng is not None and place.lat is not None:
            place.lng, place.lat = point_out(place.lng, place.lat, system)
