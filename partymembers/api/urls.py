"""Addresses of this room's endpoints, below `/api/v1/`."""

from __future__ import annotations

from django.urls import URLPattern, path

from partymembers.api.me import Me

urlpatterns: list[URLPattern] = [path("me/", Me.as_view(), name="me")]
