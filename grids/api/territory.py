"""The territory at a glance: as a tree, as boundaries for a map, and where a position lies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from governance.common.api.asked import choice_of, flag_of
from governance.common.api.paging import LIMIT, MOST, ByCursor
from governance.common.errors import Invalid, NotVisible
from grids.api.crs import CRS, asked_point, geometry_out, system_of
from grids.api.places import BELOW, CODE, LEVEL, PlaceRef
from grids.api.reach import PlaceEndpoint
from grids.boundaries import Located, locate
from grids.geojson import geometry_of
from grids.levels import Level
from grids.models import Place

#: A tree of more places is asked for in parts.
MOST_NODES = 5_000
PAGE = (
    OpenApiParameter("cursor", str, description="Where the page begins: taken from `next` or `previous`."),
    OpenApiParameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT},
        description="Features a page.",
    ),
)
SIMPLIFIED = OpenApiParameter(
    "simplified",
    bool,
    default=False,
    description="Fewer positions: lines as true as a map shows them at the level's usual zoom.",
)


class TreeNode(PlaceRef):
    """A place with those below it."""

    def get_fields(self) -> dict[str, Any]:
        """A node holds nodes."""
        return {**super().get_fields(), "children": TreeNode(many=True)}


class Tree(serializers.Serializer[Any]):
    """The topmost places that were asked for."""

    results = TreeNode(many=True)


class PlaceTree(PlaceEndpoint):
    """Places as a tree."""

    serializer_class = Tree
    parameters = frozenset({"root", "level"})

    @extend_schema(
        operation_id="readPlaceTree",
        summary="Read the tree of places",
        parameters=[
            OpenApiParameter("root", str, description="Code of the place to begin with; else the city."),
            OpenApiParameter(
                "level",
                str,
                enum=Level.values,
                default=Level.COMMUNITY,
                description="The deepest level of the tree.",
            ),
        ],
    )
    def get(self, request: Request) -> Response:
        """Places in force, each with those below it. A tree of more than 5,000 places is refused."""
        deepest = Level(choice_of(request, "level", Level.values) or Level.COMMUNITY)
        rows = self.reached().current().at_level(*list(Level)[: deepest.rank + 1])
        if (root := self.asked_place("root")) is not None:
            rows = rows.filter(path__startswith=root.path)
        found = list(rows.values("path", "code", "name", "level")[: MOST_NODES + 1])
        if len(found) > MOST_NODES:
            told = _("These are more than %(most)d places. Begin further down, or end at a higher level.")
            raise Invalid(told % {"most": MOST_NODES}, field="level")
        return Response({"results": nested(found)})


def nested(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows in tree order as nodes with `children`; the paths are used up."""
    roots: list[dict[str, Any]] = []
    by_path: dict[str, dict[str, Any]] = {}
    for row in rows:
        path = row.pop("path")
        by_path[path] = row | {"children": []}
        above = by_path.get(path[: -Place.steplen])
        (above["children"] if above else roots).append(by_path[path])
    return roots


class Location(serializers.Serializer[Any]):
    """Where a position lies."""

    grid = PlaceRef(allow_null=True, help_text="The grid that holds the position; null outside every grid.")
    desk = PlaceRef(help_text="The community whose desk answers: the grid's, or the nearest one.")
    line = PlaceRef(
        many=True, help_text="From the city down to the grid, or to the nearest community outside every grid."
    )
    outside = serializers.BooleanField(help_text="Whether the position lies outside every grid.")
    distance_m = serializers.FloatField(help_text="Metres to the nearest area of that community; 0 inside.")


class Locate(PlaceEndpoint):
    """The grid of a position."""

    serializer_class = Location
    parameters = frozenset({"lng", "lat", "crs"})

    @extend_schema(
        operation_id="locatePoint",
        summary="Find the grid that holds a point",
        parameters=[
            OpenApiParameter("lng", float, required=True, description="Degrees east."),
            OpenApiParameter("lat", float, required=True, description="Degrees north."),
            CRS,
        ],
    )
    def get(self, request: Request) -> Response:
        """The grid that holds a position, border included, with all places above it.

        Of grids inside one another the deepest is given. Outside every grid the nearest community answers;
        further than 50 km from all of them, or where the key does not reach, there is nothing to be found.
        """
        point = asked_point(request)
        if point is None:
            raise Invalid(_("Longitude and latitude belong together."), field="lng")
        found = locate(*point)
        if found is None or found.is_far or not self.reach_of(request).holds(found.place):
            raise NotVisible(_("No place that you may read lies at this position or near it."))
        return Response(self.get_serializer(located(found, self.reached())).data)


def located(found: Located, reached: Any) -> dict[str, Any]:
    """The answer to where a position lies; one query."""
    line = [*reached.above(found.place), found.place]
    return {
        "grid": None if found.outside else found.place,
        "desk": next(place for place in line if place.level == Level.COMMUNITY),
        "line": line,
        "outside": found.outside,
        "distance_m": round(found.distance_m, 1),
    }


class GeoJson(JSONRenderer):
    """JSON under the name that maps know it by."""

    media_type = "application/geo+json"
    format = "geojson"


class Properties(PlaceRef):
    """What a map shows beside a place's outline."""

    kind = serializers.CharField(allow_blank=True)
    is_schematic = serializers.BooleanField(help_text="Drawn by rule, not surveyed.")


class Feature(serializers.Serializer[Any]):
    """A place with its outline, or its middle where it has none."""

    type = serializers.ChoiceField(choices=["Feature"])
    id = serializers.CharField(help_text="The place's code.")
    geometry = serializers.DictField(help_text="Polygon, MultiPolygon or Point.")
    properties = Properties()


class FeatureCollection(serializers.Serializer[Any]):
    """GeoJSON (RFC 7946) with the addresses of the pages beside this one."""

    type = serializers.ChoiceField(choices=["FeatureCollection"])
    features = Feature(many=True)
    next = serializers.URLField(allow_null=True, help_text="Address of the next page; null on the last.")
    previous = serializers.URLField(allow_null=True, help_text="Address of the page before.")


def features_of(places: Iterable[Place], request: Request) -> list[dict[str, Any]]:
    """The places as GeoJSON features. Raises Invalid for a wrong parameter."""
    system, thins = system_of(request), flag_of(request, "simplified")
    found = []
    for place in places:
        geometry = geometry_of(place, is_simplified=thins)
        if geometry is not None:
            moved, told = geometry_out(geometry, system), Properties(place).data
            found.append({"type": "Feature", "id": place.code, "geometry": moved, "properties": told})
    return found


class Uncounted(ByCursor):
    """Pages of features: GeoJSON has no total."""

    parameters = frozenset({"cursor", "limit"})


class Boundaries(PlaceEndpoint):
    """Boundaries of many places."""

    order = "code"
    pagination_class = Uncounted
    serializer_class = FeatureCollection
    parameters = frozenset({"level", "below", "simplified", "crs"})
    renderer_classes = (GeoJson, JSONRenderer)

    @extend_schema(
        operation_id="listBoundaries",
        summary="Read boundaries as GeoJSON",
        parameters=[LEVEL, BELOW, SIMPLIFIED, CRS, *PAGE],
        responses=FeatureCollection,
    )
    def get(self, request: Request) -> Response:
        """Places in force that are drawn, or at least have a position, in the order of their codes.

        GeoJSON knows no other system than WGS-84; with crs=gcj02 the positions fit Chinese online maps.
        """
        rows = self.reached().defer(None).current()
        rows = rows.filter(Q(boundary__isnull=False) | Q(lng__isnull=False, lat__isnull=False))
        if level := choice_of(request, "level", Level.values):
            rows = rows.at_level(Level(level))
        if (top := self.asked_place("below")) is not None:
            rows = rows.filter(path__startswith=top.path)
        features = features_of(self.paginate_queryset(rows) or [], request)
        page = self.get_paginated_response(features).data
        beside = {name: page[name] for name in ("next", "previous")}
        return Response({"type": "FeatureCollection", "features": features, **beside})


class Boundary(PlaceEndpoint):
    """The boundary of one place."""

    serializer_class = FeatureCollection
    parameters = frozenset({"simplified", "crs"})
    renderer_classes = (GeoJson, JSONRenderer)

    @extend_schema(
        operation_id="readBoundary",
        summary="Read a place's boundary as GeoJSON",
        parameters=[CODE, SIMPLIFIED, CRS],
        responses=FeatureCollection,
    )
    def get(self, request: Request, code: str) -> Response:
        """One feature, or none for a place that is neither drawn nor has a position."""
        place = self.place(code, self.reached().defer(None))
        body = {"type": "FeatureCollection", "features": features_of([place], request)}
        return Response(body | {"next": None, "previous": None})
