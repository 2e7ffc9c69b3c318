"""Who stands behind a request of the API, for views that the permissions have let somebody into."""

from __future__ import annotations

from typing import cast

from rest_framework.request import Request

from partymembers.access import Access
from partymembers.middleware import access_for
from partymembers.models import ApiKey, User


def user_of(request: Request) -> User:
    """The person, or the user of the connected system."""
    return cast(User, request.user)


def key_of(request: Request) -> ApiKey | None:
    """The key that the call came with; None for a person's session."""
    return request.auth if isinstance(request.auth, ApiKey) else None


def access_of_caller(request: Request) -> Access:
    """What the caller reaches today; asked of the database once a request."""
    return access_for(request._request)
