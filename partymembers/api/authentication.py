"""Who calls: another system by its key, or a person by the portal's own session."""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import structlog
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.authentication import SessionScheme
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from governance.common.errors import Throttled
from governance.common.kept import Kept, Slot
from partymembers.actions.service_accounts import digest_of
from partymembers.api.throttling import counted
from partymembers.audit import address_of
from partymembers.models import ApiKey, User

_KEY = re.compile(r"^gz_([0-9a-f]{10})_([A-Za-z0-9_-]{43})$")
_USED = timedelta(minutes=1)
#: Wrong keys from one address in a minute, after which it has to wait.
MOST_WRONG = 30
UNSIGNED = _("A write by a signed-in person needs the token of the page in X-CSRFToken.")
WRONG = _("This API key is not valid: it is mistyped, has expired or was revoked.")


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer gz_…`; every failure sounds the same."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        """The account's user and the key; None where none came. Raises AuthenticationFailed or Throttled."""
        scheme, _space, given = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            return None
        at = timezone.now()
        key = _key_of(given.strip(), at)
        if key is None:
            _count_wrong(request)
            raise AuthenticationFailed(WRONG, code="wrong_key")
        # Every line of this request's log says who called, and by which key: the prefix is no secret.
        structlog.contextvars.bind_contextvars(account=key.account.user.username, key=key.prefix)
        if key.last_used_at is None or key.last_used_at < at - _USED:
            ApiKey.objects.filter(pk=key.pk).update(last_used_at=at)
        return key.account.user, key

    def authenticate_header(self, request: Request) -> str:
        """So that a missing key is answered with 401."""
        return 'Bearer realm="gezhi"'


def _key_of(given: str, at: datetime) -> ApiKey | None:
    match = _KEY.match(given)
    if match is None:
        return None
    prefix, secret = match.groups()
    key = _key().first(prefix=prefix)
    is_right = secrets.compare_digest(key.digest if key else "", digest_of(secret))
    if key is None or not is_right or not key.is_valid(at) or not key.account.user.is_active:
        return None
    return key


@lru_cache(maxsize=1)
def _key() -> Kept[ApiKey]:
    return Kept(ApiKey.objects.select_related("account__user").filter(prefix=Slot("prefix")))


def _count_wrong(request: Request) -> None:
    if counted(f"wrong-keys:{address_of(request)}:{timezone.now():%H%M}") > MOST_WRONG:
        raise Throttled(retry_after=60)


class PersonAuthentication(SessionAuthentication):
    """The portal's own session; writes need the token that its pages hold."""

    def enforce_csrf(self, request: Request) -> None:
        """Pass a write with the token. Raises PermissionDenied in the caller's language."""
        try:
            super().enforce_csrf(request)
        except PermissionDenied as error:
            raise PermissionDenied(UNSIGNED) from error


class PersonScheme(SessionScheme):
    """How the OpenAPI document describes a session."""

    target_class = "partymembers.api.authentication.PersonAuthentication"


class KeyScheme(OpenApiAuthenticationExtension):
    """How the OpenAPI document describes a key."""

    target_class = KeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """HTTP bearer."""
        told = "A key of a connected system, made by the security officer and shown once."
        return {"type": "http", "scheme": "bearer", "bearerFormat": "gz_…", "description": told}
