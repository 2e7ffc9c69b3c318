"""What each request knows of its user: their access, whether their session still holds, a due password."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from governance.common.htmx import hx_redirect
from governance.common.programs import is_of_program
from partymembers import devices
from partymembers.access import Access, access_of

#: Pages open to somebody whose first password is still to be changed.
_OPEN_BEFORE_CHANGE = ("password_change", "logout", "set_language", "healthz")


def access_for(request: HttpRequest) -> Access:
    """What the request's user may reach today; asked of the database once a request and user, at most.

    A key may come with the cookie of a person, whose access was asked for before the key was looked at.
    """
    known: Access | None = getattr(request, "_access", None)
    if known is None or known.user_id != request.user.pk:
        known = request._access = access_of(request.user, on=timezone.localdate())  # type: ignore[attr-defined]
    return known


class AccessMiddleware:
    """Offers `request.access`, ends sessions that no longer hold, and asks for a password that is due."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:  # noqa: D102
        request.access = SimpleLazyObject(lambda: access_for(request))  # type: ignore[attr-defined]
        if request.user.is_authenticated:
            if _session_is_over(request):
                logout(request)
            elif request.user.must_change_password and request.path not in _open_paths():
                return _to_password_change(request)
        return _as_whole_page(request, self.get_response(request))


def _session_is_over(request: HttpRequest) -> bool:
    """Whether the session ended by its time, or has idled in a trust that its user may no longer have."""
    session, now = request.session, time.time()
    if devices.is_over(session, now=now):
        return True
    rests_on_trust = devices.is_trusted(session) and devices.is_idle(session, now=now)
    return rests_on_trust and not devices.may_trust(access_for(request))


def _as_whole_page(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The way to sign-in as htmx must be told it: a plain redirect would land inside the part that it swaps.

    Answered as a failure, so that the page keeps what was typed; after signing in the person is back on it.
    """
    if request.headers.get("HX-Request") != "true" or response.status_code != HTTPStatus.FOUND:
        return response
    if request.user.is_authenticated or urlsplit(response["Location"]).path != reverse("login"):
        return response
    shown = urlsplit(request.headers.get("HX-Current-URL", ""))
    page = urlunsplit(("", "", shown.path or reverse("home"), shown.query, ""))
    url = f"{reverse('login')}?{urlencode({'next': page})}"
    return HttpResponse(status=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": url})


def _open_paths() -> set[str]:
    return {reverse(name) for name in _OPEN_BEFORE_CHANGE}


def _to_password_change(request: HttpRequest) -> HttpResponse:
    url = reverse("password_change")
    if is_of_program(request):
        from governance.common.api.problems import problem_json  # noqa: PLC0415  it needs this module first

        told = _("Change your first password before anything else.")
        return problem_json(403, code="password_due", detail=told)
    if request.headers.get("HX-Request") == "true":
        return hx_redirect(request, url)
    return redirect(url)
