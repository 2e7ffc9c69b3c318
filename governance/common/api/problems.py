"""Errors as problem details (RFC 9457), in the caller's language, the same for every endpoint.

`code` is a word that programs may rely on; `detail` is for people and may change. What is wrong with single
fields stands in `errors`, each with its `field` as a path (`contact.phone`, `orders.3.matter`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import Http404, JsonResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from governance.common.errors import DomainError, NotVisible, Throttled
from governance.common.typed import sendable

MEDIA_TYPE = "application/problem+json"
_TOO_BIG = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)
#: DRF's words for codes where the portal has one of its own.
_CODES = {"throttled": "throttled", "parse_error": "malformed", "not_found": "not_found"}


class PreconditionFailed(DomainError):
    """The row has changed since the caller read it (`If-Match`): 412."""

    http_status = HTTPStatus.PRECONDITION_FAILED
    default_code = "changed_since"
    default_message = gettext_lazy("This has changed since you read it. Read it anew, then decide.")


def problem(
    status: int,
    *,
    code: str,
    detail: str,
    errors: Iterable[Mapping[str, str]] = (),
    **extra: object,
) -> dict[str, Any]:
    """The body of a problem."""
    told = [{name: sendable(text) for name, text in error.items()} for error in errors]
    body: dict[str, Any] = {
        "type": f"urn:gezhi:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "code": code,
        "detail": sendable(detail),
        "request_id": structlog.contextvars.get_contextvars().get("request_id", ""),
    }
    return body | ({"errors": told} if told else {}) | extra


def problem_json(status: int, *, code: str, detail: str, **extra: object) -> JsonResponse:
    """A problem as an answer of its own, for what fails before or beside an endpoint."""
    body = problem(status, code=code, detail=detail, **extra)  # type: ignore[arg-type]
    response = JsonResponse(body, status=status, content_type=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    return response


def answer_problem(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """The answer to what an endpoint raised (DRF's EXCEPTION_HANDLER); None for what nobody foresaw: 500."""
    if isinstance(error, Http404):
        error = NotVisible()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, _TOO_BIG):
        return _respond(problem(413, code="too_large", detail=_("This is larger than the portal accepts.")))
    if isinstance(error, DomainError):
        set_rollback()
        return _respond(of_domain_error(error), _headers_of(error))
    if isinstance(error, exceptions.APIException):
        set_rollback()
        return _respond(_of_api_error(error), _headers_of(error))
    return None


def of_domain_error(error: DomainError) -> dict[str, Any]:
    """The problem of a refusal: its words once, and its field where it has one."""
    detail = str(error.message)
    field = [{"field": error.field, "code": error.code, "detail": detail}] if error.field else []
    return problem(error.http_status, code=error.code, detail=detail, errors=field)


def _of_api_error(error: exceptions.APIException) -> dict[str, Any]:
    if isinstance(error, exceptions.ValidationError):
        told = list(flatten(error.detail))
        return problem(
            error.status_code,
            code="invalid",
            detail=_("Something in what you sent is not right; see errors."),
            errors=told,
        )
    code = str(getattr(error.detail, "code", error.default_code))
    return problem(error.status_code, code=_CODES.get(code, code), detail=str(error.detail))


def flatten(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    """DRF's nested error details as a list with paths; errors of the whole have an empty field."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            own = "" if name == "non_field_errors" else str(name)
            yield from flatten(inner, ".".join(part for part in (path, own) if part))
    elif isinstance(detail, list | tuple):
        for number, inner in enumerate(detail):
            is_nested = isinstance(inner, Mapping | list)
            yield from flatten(inner, f"{path}.{number}" if is_nested and path else path)
    else:
        yield {"field": path, "code": str(getattr(detail, "code", "invalid")), "detail": str(detail)}


def _headers_of(error: Exception) -> dict[str, str]:
    headers = {}
    if (wait := getattr(error, "retry_after", None) or getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(int(-(-wait // 1)))
    if isinstance(error, Throttled | exceptions.Throttled):
        headers["Cache-Control"] = "no-store"
    if scheme := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = scheme
    return headers


def _respond(body: dict[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    return Response(body, status=body["status"], headers=dict(headers or {}), content_type=MEDIA_TYPE)
