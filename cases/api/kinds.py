"""Incidents and wishes share their addresses, and each has scopes of its own: which rows a key then meets."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from cases.models import Case
from cases.permissions import allowed_actions
from cases.workflow import Kind
from governance.common.api.views import Endpoint
from partymembers.api.callers import access_of_caller, user_of
from partymembers.api.permissions import HasScope, has_scope

RESOURCES: Final = {Kind.INCIDENT: "orders", Kind.WISH: "wishes"}


class OfEitherKind(Endpoint):
    """An address of incidents and wishes alike: the scope of one opens it, and `open_kinds` says of which."""

    resource = RESOURCES[Kind.INCIDENT]
    other_resources = (RESOURCES[Kind.WISH],)


def open_kinds(request: Request, deed: str = "read") -> frozenset[str]:
    """The kinds of orders that the caller's key opens, to `read` or `write`; both for a person's session."""
    return frozenset(kind for kind, name in RESOURCES.items() if has_scope(request, f"{name}:{deed}"))


def offered_actions(request: Request, case: Case, *, at: datetime) -> tuple[str, ...]:
    """What the caller may do to an order now; nothing, where the key cannot write."""
    if case.kind not in open_kinds(request, "write"):
        return ()
    return allowed_actions(user_of(request), case, at=at, access=access_of_caller(request))


def require_kind(request: Request, kind: str, deed: str = "read") -> None:
    """Let a call pass whose key opens this kind. Raises PermissionDenied (403)."""
    if kind not in open_kinds(request, deed):
        raise PermissionDenied(HasScope.message, code=HasScope.code)
