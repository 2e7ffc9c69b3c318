"""What every door of this room does alike: who asks, and a button that acts once and goes on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from http import HTTPStatus
from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from governance.common.errors import DomainError
from partymembers.models import User


def user_of(request: HttpRequest) -> User:
    """Who asks; only for views behind `login_required`."""
    return cast(User, request.user)


def do(request: HttpRequest, act: Callable[[dt.datetime], object], *, done: str, to: str) -> HttpResponse:
    """Press a button: act, then go on with a message; what was too late is told where it was pressed."""
    try:
        act(timezone.now())
    except DomainError as error:
        if error.http_status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
            raise
        messages.error(request, str(error.message))
    else:
        messages.success(request, done)
    return redirect(to)
