"""Answers for what goes wrong: pages, whole or as a part for htmx, and problems for programs."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import structlog
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.template.exceptions import TemplateDoesNotExist
from django.utils.translation import gettext as _

from .api.problems import problem_json
from .errors import DomainError, Invalid, NotAllowed, NotVisible, Throttled, TooLarge
from .htmx import is_partial
from .programs import is_of_program

logger = structlog.get_logger(__name__)

PAGES = {400, 403, 404, 409, 413, 429, 500}


#: Of problems, where nobody has named one yet.
_CODES = {400: "malformed", 403: "not_allowed", 404: "not_found", 413: "too_large", 500: "error"}

#: The database is away, starts anew or gave way to somebody else: the same request may work a moment later.
_PASSING: Final = (OperationalError, InterfaceError)
_PAUSE_SECONDS: Final = 5


def _render(request: HttpRequest, status: int, context: dict[str, object]) -> HttpResponse:
    if is_of_program(request):
        code = str(context.get("code") or _CODES.get(status, "refused"))
        told = str(context.get("message") or _said(status))
        return problem_json(status, code=code, detail=told)
    name = str(status) if status in PAGES else "400"
    template = f"errors/_{name}.html" if is_partial(request) else f"errors/{name}.html"
    response = HttpResponse(loader.render_to_string(template, context, request), status=status)
    response.headers["Cache-Control"] = "no-store"
    return response


def _said(status: int) -> str:
    """What an endpoint says where nobody has said anything yet."""
    said: dict[int, type[DomainError]] = {404: NotVisible, 413: TooLarge, 403: NotAllowed, 429: Throttled}
    return str(said.get(status, Invalid).default_message)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400, and 413 where Django refused the size of what was sent."""
    if isinstance(exception, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent):
        return _render(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {})
    return _render(request, HTTPStatus.BAD_REQUEST, {})


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: visible, but not allowed."""
    message = exception.message if isinstance(exception, DomainError) else ""
    return _render(request, HTTPStatus.FORBIDDEN, {"message": message})


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form that was open too long or that another site sent (`CSRF_FAILURE_VIEW`)."""
    template = "errors/_403_csrf.html" if is_partial(request) else "errors/403_csrf.html"
    logger.info("csrf_refused", reason=reason)
    if is_of_program(request):
        return _render(request, HTTPStatus.FORBIDDEN, {})
    return HttpResponse(loader.render_to_string(template, {}, request), status=HTTPStatus.FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404, the same words for what does not exist and for what one may not see."""
    message = exception.message if isinstance(exception, DomainError) else ""
    return _render(request, HTTPStatus.NOT_FOUND, {"message": message})


def too_many_requests(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """429, with the time to wait."""
    wait = exception.retry_after if isinstance(exception, Throttled) else 60
    message = exception.message if isinstance(exception, DomainError) else ""
    response = _render(request, HTTPStatus.TOO_MANY_REQUESTS, {"message": message, "minutes": -(-wait // 60)})
    response.headers["Retry-After"] = str(wait)
    return response


def domain_error(request: HttpRequest, error: DomainError, **context: object) -> HttpResponse:
    """The page of a domain error, for a door that has no form to show it in."""
    if isinstance(error, Throttled):
        return too_many_requests(request, error)
    facts = {"message": error.message, "field": error.field, "code": error.code, **error.extra, **context}
    return _render(request, error.http_status, facts)


def error_id() -> str:
    """A short number that the person can read out and the log can find: `E-7F3A20`."""
    return f"E-{secrets.token_hex(3).upper()}"


def server_error(request: HttpRequest) -> HttpResponse:
    """500: logged under the number that the page shows. Needs no database, session or context processor.

    503 where it is worth coming again.
    """
    number, is_passing = error_id(), isinstance(sys.exc_info()[1], _PASSING)
    status = HTTPStatus.SERVICE_UNAVAILABLE if is_passing else HTTPStatus.INTERNAL_SERVER_ERROR
    logger.error("server_error", error_id=number, path=request.path, method=request.method, exc_info=True)
    if is_of_program(request):
        response = _problem(number, status)
    else:
        template = "errors/_500.html" if is_partial(request) else "errors/500.html"
        try:
            body = loader.get_template(template).render({"error_id": number})
        except (TemplateDoesNotExist, OSError, ValueError):
            body = f"<h1>{status}</h1><p>{number}</p>"
        response = HttpResponse(body, status=status)
    if is_passing:
        response.headers["Retry-After"] = str(_PAUSE_SECONDS)
    return response


def _problem(number: str, status: HTTPStatus) -> HttpResponse:
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        told = _("The database cannot be reached just now. Please send this again in a moment.")
        return problem_json(status, code="unavailable", detail=told, error_id=number)
    told = _("Something went wrong here; it was written down under %(number)s.") % {"number": number}
    return problem_json(status, code="error", detail=told, error_id=number)


class DomainErrorMiddleware:
    """Turns a domain error that no door caught into its page, so that it never becomes a 500.

    API views translate their own errors before this is reached.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: object) -> HttpResponse | None:
        """Refuse an address with a NUL character: PostgreSQL cannot even be asked for it."""
        if "\x00" in request.path:
            return not_found(request)
        said = (text for key, values in request.GET.lists() for text in (key, *values))
        return bad_request(request) if any("\x00" in text for text in said) else None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer domain errors; leave everything else to Django."""
        return domain_error(request, exception) if isinstance(exception, DomainError) else None
