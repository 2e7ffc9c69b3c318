"""The REST API's addresses. Each room names its own below `v1/`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path, re_path

from governance.integration.views import Docs, Nothing, Root, Schema

app_name = "api"

v1: list[URLPattern | URLResolver] = [
    path("", Root.as_view(), name="root"),
    path("", include("partymembers.api.urls")),
    path("", include("cases.api.urls")),
    path("", include("governance.integration.figures_urls")),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/", include(v1)),
    path("v1/schema/", Schema.as_view(), name="schema"),
    path("docs/", Docs.as_view(), name="docs"),
    re_path("", Nothing.as_view(), name="nothing"),
]
