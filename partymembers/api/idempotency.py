"""Idempotency-Key: a repeated write is answered as the first was, whatever was lost on the way.

The first request claims the key in the transaction of its own work. A repeat that comes meanwhile waits for
that transaction and then gets the same answer; after a crash there is neither work nor claim.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.http.request import RawPostDataException
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from governance.common.errors import Invalid, WrongState
from partymembers.api.callers import key_of, user_of
from partymembers.models import IdempotentRequest

HEADER = "Idempotency-Key"
#: Repeats are known for this many days.
KEPT_DAYS = 3
_KEY = re.compile(r"[!-~]{1,255}")
_KEPT_HEADERS = ("Location", "ETag", "Content-Language")
#: What has nothing to do with the request itself may go otherwise the next time.
_TRANSIENT = 500
_MOST_CONFLICTS = 20

Handler = Callable[..., Response]


def idempotent(handler: Handler) -> Handler:
    """A view's method that honours the header; without it nothing changes."""

    @wraps(handler)
    def inner(self: Any, request: Request, *args: Any, **kwargs: Any) -> Any:
        key = request.headers.get(HEADER, "")
        if not key:
            return handler(self, request, *args, **kwargs)
        if not _KEY.fullmatch(key):
            raise Invalid(_("At most 255 visible characters."), field=HEADER)
        try:
            return _once(self, request, key, lambda: handler(self, request, *args, **kwargs))
        except KeyReused as reused:
            _keep(reused.again)
            raise

    inner.is_idempotent = True  # type: ignore[attr-defined]  # for the OpenAPI document
    return inner


@transaction.atomic
def _once(view: Any, request: Request, key: str, work: Callable[[], Response]) -> Response | HttpResponse:
    asked = _row(request, key)
    claim = _claim(asked)
    if claim.status is not None:
        return _repeat(claim, asked)
    try:
        with transaction.atomic():
            response = work()
            answer = _render(view, request, response)
    except Exception as error:  # what DRF knows becomes an answer, the rest is raised again
        response = view.handle_exception(error)
        answer = _render(view, request, response)
    if response.status_code >= _TRANSIENT or response.status_code == 429:
        claim.delete()
        return response
    claim.status, claim.answer = response.status_code, answer
    claim.headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    claim.headers["Content-Type"] = response.headers.get("Content-Type", "application/json")
    claim.save(update_fields=["status", "answer", "headers"])
    return response


def _claim(asked: IdempotentRequest) -> IdempotentRequest:
    """The row of the first request with this key, locked; of a repeat after waiting for the first to end.

    Without an answer it is this request's own.
    """
    first = IdempotentRequest.objects.filter(user_id=asked.user_id, key=asked.key, is_conflict=False)
    while True:
        IdempotentRequest.objects.bulk_create([asked], ignore_conflicts=True)
        if (row := first.select_for_update().first()) is not None:
            return row  # else the first one's was too old, and has gone between the two statements


def _row(request: Request, key: str) -> IdempotentRequest:
    try:
        body = request._request.body
    except RawPostDataException as error:
        raise Invalid(_("A request in parts takes no Idempotency-Key."), field=HEADER) from error
    path = request.get_full_path()[:500]
    media_type = (request.content_type or "").partition(";")[0].strip().lower()
    # Another key of the account may be allowed less: what the first one was told is not for it to read again.
    asking = key_of(request)
    scopes = ",".join(asking.scopes) if asking else ""
    told = f"{request.method}\n{request.get_full_path()}\n{media_type}\n{scopes}\n".encode() + body
    return IdempotentRequest(
        user=user_of(request),
        key=key,
        method=request.method or "",
        path=path,
        fingerprint=hashlib.sha256(told).hexdigest(),
        body=body,
        at=timezone.now(),
    )


def _repeat(first: IdempotentRequest, again: IdempotentRequest) -> HttpResponse:
    """The first answer, byte for byte. Raises KeyReused (409) where the key came with something else."""
    if again.fingerprint != first.fingerprint:
        raise KeyReused(again)
    response = HttpResponse(bytes(first.answer), status=first.status)
    for name, value in first.headers.items():
        response.headers[name] = value
    response.headers["Idempotent-Replayed"] = "true"
    return response


class KeyReused(WrongState):
    """The key belongs to another request; both are kept."""

    default_code = "idempotency_key_reused"

    def __init__(self, again: IdempotentRequest) -> None:
        super().__init__(_("This Idempotency-Key came before with another request. Both were kept."))
        self.again = again


def _keep(again: IdempotentRequest) -> None:
    """The other request, beside the first; of one key not without end."""
    others = IdempotentRequest.objects.filter(user_id=again.user_id, key=again.key, is_conflict=True)
    if others.count() < _MOST_CONFLICTS:
        again.pk, again.is_conflict, again.status = None, True, WrongState.http_status
        again.save()


def _render(view: Any, request: Request, response: Response) -> bytes:
    done = view.finalize_response(request, response)
    done.render()
    return bytes(done.content)
