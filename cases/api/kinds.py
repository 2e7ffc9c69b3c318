"""Incidents and wishes share their addresses, and each has scopes of its own."""

from __future__ import annotations

from typing import Any, Final

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from cases.workflow import Kind
from partymembers.api.permissions import HasScope, has_scope

RESOURCES: Final = {Kind.INCIDENT: "orders", Kind.WISH: "wishes"}


def open_kinds(request: Request, deed: str = "read") -> frozenset[str]:
    """The kinds of orders that the caller's key opens, to `read` or `write`; both for a person's session."""
    return frozenset(kind for kind, name in RESOURCES.items() if has_scope(request, f"{name}:{deed}"))


def require_kind(request: Request, kind: str, deed: str = "read") -> None:
    """Let a call pass whose key opens this kind. Raises PermissionDenied (403)."""
    if kind not in open_kinds(request, deed):
        raise PermissionDenied(HasScopeOfKind.message, code=HasScopeOfKind.code)


class HasScopeOfKind(HasScope):
    """A key that opens at least one kind; which rows it then meets is the view's to narrow."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the caller may knock here at all."""
        if not request.user or not request.user.is_authenticated:
            return False
        is_read = request.method in SAFE_METHODS or view.reads_by_post
        return bool(open_kinds(request, "read" if is_read else "write"))
