"""The API's root, its document on a page, and an answer for addresses that do not exist."""

from __future__ import annotations

from typing import Any

from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views import View
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from governance.common.api.problems import problem_json
from governance.common.api.views import Endpoint
from governance.common.errors import NotVisible
from governance.settings.api import API_VERSION

#: What the root names: routes without parameters.
DOORS = ("me",)


class Index(serializers.Serializer[Any]):
    """Where to go from here."""

    version = serializers.CharField()
    documentation = serializers.URLField()
    schema = serializers.URLField()
    resources = serializers.DictField(child=serializers.URLField())


class Root(Endpoint):
    """The start."""

    is_open_to_all = True
    serializer_class = Index

    @extend_schema(operation_id="root", summary="Where to go from here")
    def get(self, request: Request) -> Response:
        """The API's version, and the address of each resource."""
        doors = {name: reverse(f"api:{name}", request=request) for name in DOORS}
        body = {"version": API_VERSION, "resources": doors}
        body |= {"documentation": reverse("api:docs", request=request)}
        body |= {"schema": reverse("api:schema", request=request)}
        return Response(self.get_serializer(body).data)


@method_decorator(csp_update({"style-src": ["'self'", "'unsafe-inline'"]}), name="dispatch")
class Docs(SpectacularSwaggerSplitView):
    """Swagger UI, from our own files."""

    url_name = "api:schema"


class Nothing(View):
    """An address of the API that does not exist."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """404, as a problem."""
        return problem_json(404, code="not_found", detail=str(NotVisible.default_message))
