"""The API's root, its document as a file and on a page, and an answer for addresses that do not exist."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import resolve
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import etag
from django.views.generic import TemplateView
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from governance.common.api.problems import problem_json
from governance.common.api.views import Endpoint
from governance.common.errors import NotVisible
from governance.settings.api import API_VERSION

from .document import served, version

#: What the root names: routes without parameters.
DOORS = (
    "me",
    "places",
    "place_tree",
    "locate",
    "boundaries",
    "matters",
    "units",
    "orders",
    "orders_bulk",
    "events",
    "intake",
    "actions",
    "attachments",
    "uploads",
    "members",
    "check_ins",
    "points",
    "points_entries",
    "figures",
    "formulas",
    "figure_orders",
    "party_figures",
    "exports",
)


class Index(serializers.Serializer[Any]):
    """Where to go from here."""

    version = serializers.CharField(help_text="Of the API; its first number stands in the address, too.")
    documentation = serializers.URLField(help_text="These words on a page.")
    schema = serializers.URLField(help_text="These words for programs: OpenAPI 3.1.")
    resources = serializers.DictField(child=serializers.URLField(), help_text="Resource → its address.")


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


@method_decorator(etag(lambda request: version()), name="get")
class Schema(View):
    """The OpenAPI document, for anybody: it holds no data."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The whole of it, the same for everybody."""
        answer = HttpResponse(served(), content_type="application/vnd.oai.openapi+json")
        answer.headers["Cache-Control"] = "no-cache"
        return answer


class Docs(TemplateView):
    """Swagger UI from our own files, for anybody."""

    template_name = "integration/docs.html"


@method_decorator(csrf_exempt, name="dispatch")  # it does nothing, and a key has no form's token to bring
class Nothing(View):
    """An address of the API that does not exist."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """404, as a problem that names the address which was meant, where only its last slash is missing."""
        told = str(NotVisible.default_message)
        if resolve(f"{request.path_info}/").url_name != "nothing":
            told = _("Addresses end with a slash here: %(address)s/") % {"address": request.path}
        return problem_json(404, code="not_found", detail=told)
