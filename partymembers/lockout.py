"""Wrong passwords: counted for each name and address by django-axes, which must never learn the name.

Somebody may type their password into the wrong box, and a table of attempts is no place for phones; so an
attempt is filed under a keyed digest of the account it meant.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_client_ip_address
from axes.models import AccessAttempt
from axes.utils import reset
from django.conf import settings
from django.db.models import Max, Q
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from partymembers.models import User
from partymembers.phones import normal_identifier


def find_user(typed: str) -> User | None:
    """Whom a typed staff number or phone means, disabled people included; never a connected system."""
    identifier = normal_identifier(typed)
    if not identifier:
        return None
    return User.objects.people().filter(Q(username=identifier) | Q(phone=identifier)).first()


def digest(identifier: str) -> str:
    """The name under which attempts are filed; the same typed text always gives the same."""
    return salted_hmac("partymembers.lockout", identifier, algorithm="sha256").hexdigest()[:32]


def attempt_key(request: HttpRequest | None, credentials: Mapping[str, Any] | None) -> str:
    """django-axes asks here what to file an attempt under: one key an account, by phone or staff number."""
    typed = str((credentials or {}).get("username") or (request.POST.get("username", "") if request else ""))
    user = find_user(typed)
    return digest(user.username if user else normal_identifier(typed))


def caller_address(request: HttpRequest) -> str | None:
    """django-axes asks here for the address; forwarded headers were settled before (`PROXIES`)."""
    return request.META.get("REMOTE_ADDR") or None


def retry_at(request: HttpRequest, typed: str) -> dt.datetime | None:
    """When the caller may try this name again; None where they are not locked out."""
    credentials = {"username": typed}
    if not AxesProxyHandler.is_locked(request, credentials):
        return None
    latest = AccessAttempt.objects.filter(
        username=attempt_key(request, credentials), ip_address=get_client_ip_address(request)
    ).aggregate(latest=Max("attempt_time"))["latest"]
    return latest + settings.AXES_COOLOFF_TIME if latest else None


def lift(user: User) -> None:
    """Let somebody try again at once, from everywhere."""
    reset(username=digest(user.username))
