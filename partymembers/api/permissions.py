"""Deny by default: a key opens an endpoint only by the scope that the endpoint names."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from partymembers.api.callers import key_of
from partymembers.scopes import SCOPES


def has_scope(request: Request, scope: str) -> bool:
    """Whether the caller's key carries a scope; a person's session is narrowed by their posts alone."""
    key = key_of(request)
    return key is None or scope in key.scopes


def scope_of(view: Any, method: str) -> str | None:
    """The scope that a method of an endpoint needs; None: no key opens it."""
    resource: str = getattr(view, "resource", "")
    if not resource:
        return None
    is_read = method in SAFE_METHODS or view.reads_by_post
    wanted = f"{resource}:{'read' if is_read else 'write'}"
    if is_read and wanted not in SCOPES:  # what can only be written: its results belong to whoever may
        wanted = f"{resource}:write"
    return wanted


class HasScope(BasePermission):
    """A person who is signed in, or a key with the endpoint's scope."""

    message = _("This key lacks the scope for that.")
    code = "scope_missing"

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the caller may knock here at all; rows are narrowed by what they may see."""
        if not request.user or not request.user.is_authenticated:
            return False
        if view.is_open_to_all:
            return True
        scope = scope_of(view, request.method or "GET")
        return scope is not None and has_scope(request, scope)
