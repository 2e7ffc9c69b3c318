"""Answers for pages that htmx keeps up to date: parts, toasts and redirects."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.functional import Promise

Text = str | Promise
Response = TypeVar("Response", bound=HttpResponseBase)


def is_partial(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of the page: not a boosted link, not a restored history entry."""
    headers = request.headers
    return (
        headers.get("HX-Request") == "true"
        and headers.get("HX-Boosted") != "true"
        and headers.get("HX-History-Restore-Request") != "true"
    )


def trigger(response: Response, event: str, detail: Any = None) -> Response:
    """Fire a browser event when htmx receives this response; several events add up."""
    events: dict[str, Any] = json.loads(response.headers.get("HX-Trigger", "{}"))
    events[event] = detail
    response.headers["HX-Trigger"] = json.dumps(events, ensure_ascii=True)
    return response


def toast(
    response: Response, text: Text, *, tone: str = "success", action: Text = "", href: str = ""
) -> Response:
    """Show a toast when htmx receives this response; for a full page use django.contrib.messages instead."""
    detail = {"text": str(text), "tone": tone}
    if action:
        detail |= {"action": str(action), "href": href}
    return trigger(response, "toast", detail)


def hx_redirect(request: HttpRequest, url: str) -> HttpResponse:
    """Send the browser elsewhere: HX-Redirect for htmx, 302 for a plain form."""
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return HttpResponse(status=302, headers={"Location": url})
