"""What holds for every request of a browser: idle sessions, the caller's address, the content policy."""

from __future__ import annotations

import time
from collections.abc import Callable

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

SEEN = "_seen_at"
REFRESH_SECONDS = 60


def is_background(request: HttpRequest) -> bool:
    """Whether the page and not the person asks: a live stream, or polling that says `X-Background: 1`."""
    said = request.headers
    return said.get("X-Background") == "1" or "text/event-stream" in said.get("Accept", "")


class IdleSessionMiddleware:
    """Moves a session's end on while somebody uses it, at most one write a minute.

    The session ends `SESSION_COOKIE_AGE` (or its own expiry) after the last use; saving it on every request
    would be one more row written per click. Background requests do not count as use.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request, then note the use of its session."""
        response = self.get_response(request)
        session = request.session
        if session.session_key and session.accessed and not session.is_empty() and not is_background(request):
            now = int(time.time())
            if now - session.get(SEEN, 0) >= REFRESH_SECONDS:
                session[SEEN] = now
        return response


class CallerAddressMiddleware:
    """Puts the browser's own address into REMOTE_ADDR behind `GEZHI_PROXIES` reverse proxies.

    Only the entries that our own proxies appended are believed; what a caller writes further left is not.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request under the caller's own address."""
        if settings.PROXIES:
            said = request.META.get("HTTP_X_FORWARDED_FOR", "")
            hops = [hop.strip() for hop in said.split(",") if hop.strip()]
            if len(hops) >= settings.PROXIES:
                request.META["REMOTE_ADDR"] = hops[-settings.PROXIES]
        return self.get_response(request)


class ContentPolicyMiddleware(CSPMiddleware):
    """The strict content policy everywhere; the admin alone gets the one that its theme needs."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        """The parts from which the header of this response is built."""
        parts = super().get_policy_parts(request, response, report_only)
        if not report_only and request.path_info.startswith("/admin/"):
            parts.update = {**(parts.update or {}), **settings.ADMIN_CONTENT_SECURITY_POLICY}
        return parts
