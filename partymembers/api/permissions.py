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


def scopes_of(view: Any, method: str) -> tuple[str, ...]:
    """The scopes of which each opens a method of an endpoint; its rows are then the view's affair."""
    is_read = (method in SAFE_METHODS and not view.writes_only) or view.reads_by_post
    verb = "read" if is_read else "write"
    wanted = [f"{resource}:{verb}" for resource in (view.resource, *view.other_resources) if resource]
    # What can only be written: its results belong to whoever may.
    return tuple(scope if scope in SCOPES else scope.replace(":read", ":write") for scope in wanted)


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
        return any(has_scope(request, scope) for scope in scopes_of(view, request.method or "GET"))
