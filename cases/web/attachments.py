"""The door of pictures: one upload at a time, and each picture only to who may see it.

A signed-in person uploads as themselves. A resident's session uploads under a key of its own, which the page
that asks for the report gives it (`ensure_upload_key`); nobody else may upload anything.
"""

from __future__ import annotations

import json
import math
import secrets
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final, cast

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cases.attachments import MOST_AT_ONCE, TOO_MANY, discard_picture, store_picture, visible_attachment
from cases.models import Attachment
from cases.pictures import EMPTY, MAX_FORM_BYTES, Claims, believable, too_big
from cases.serving import picture_answer
from governance.common.errors import DomainError, Invalid, NotAllowed, NotVisible, Throttled
from governance.common.htmx import is_partial
from partymembers.audit import address_of
from partymembers.middleware import access_for
from partymembers.models import User

UPLOAD_KEY: Final = "upload_key"
FOLLOWED: Final = "followed"
_MOST_FOLLOWED: Final = 50

CLOSED = _("Please sign in, or open the report page again: this page was open too long.")


def ensure_upload_key(request: HttpRequest) -> str:
    """Let a resident's session upload: its key, made if it has none. For the pages without an account."""
    key = request.session.get(UPLOAD_KEY)
    if not isinstance(key, str):
        key = request.session[UPLOAD_KEY] = secrets.token_urlsafe(32)
    return key


def upload_key_of(request: HttpRequest) -> str:
    """The key under which the session uploads; empty for a signed-in person and for a session without one."""
    key = "" if request.user.is_authenticated else request.session.get(UPLOAD_KEY, "")
    return key if isinstance(key, str) else ""


def remember_follow_token(request: HttpRequest, token: str) -> None:
    """Let the session open the pictures of an order that it follows by this token."""
    known = [each for each in request.session.get(FOLLOWED, []) if each != token]
    request.session[FOLLOWED] = [*known, token][-_MOST_FOLLOWED:]


def posted_photos(request: HttpRequest, name: str = "photos", *, at: datetime) -> list[str]:
    """Tokens of a form's pictures: those uploaded before, then the files that came with the form itself.

    Raises a DomainError whose field is `name`; every other picture is stored all the same, and the error's
    `extra["kept"]` has their tokens for the form to show again.
    """
    tokens = [token for token in request.POST.getlist(name) if token]
    if len(tokens) + len(request.FILES.getlist(name)) > MOST_AT_ONCE:
        extra: dict[str, object] = {"kept": tokens[:MOST_AT_ONCE]}
        raise Invalid(TOO_MANY % {"limit": MOST_AT_ONCE}, field=name, extra=extra)
    claims = _json(request.POST.get(f"{name}_claims", ""))
    refused: DomainError | None = None
    for number, file in enumerate(request.FILES.getlist(name)):
        said = claims[number] if isinstance(claims, list) and number < len(claims) else {}
        try:
            tokens.append(_store(request, file, said, at=at, field=name).token)
        except DomainError as error:
            refused = refused or error
    if refused is not None:
        refused.extra["kept"] = tokens
        raise refused
    return tokens


@csrf_exempt  # only until the size is known: reading the token from the form would read the whole body
@require_POST
def upload(request: HttpRequest) -> HttpResponseBase:
    """Store one picture (`photo`, with `claims` as JSON beside it); answers its id and addresses."""
    try:
        length = int(request.headers.get("Content-Length") or 0)
    except ValueError:
        length = 0
    if length > MAX_FORM_BYTES:
        return _refused(too_big("photo"))
    return cast(HttpResponseBase, _upload(request))


@csrf_protect
def _upload(request: HttpRequest) -> HttpResponse:
    file = request.FILES.get("photo")
    try:
        if file is None:
            raise Invalid(EMPTY, field="photo")
        row = _store(request, file, _json(request.POST.get("claims", "")), at=timezone.now(), field="photo")
    except DomainError as error:
        return _refused(error)
    if is_partial(request):
        context = {"photo": shown(row), "name": request.POST.get("name", "photos")[:50]}
        return render(request, "cases/_attachment.html", context, status=HTTPStatus.CREATED)
    return JsonResponse(shown(row), status=HTTPStatus.CREATED)


@require_http_methods(["GET", "HEAD", "DELETE"])
def attachment(request: HttpRequest, token: str) -> HttpResponseBase:
    """A picture in full; DELETE discards one's own that no order has claimed."""
    if request.method == "DELETE":
        return _discard(request, token)
    return _serve(request, token, small=False)


@require_safe
def thumbnail(request: HttpRequest, token: str) -> HttpResponseBase:
    """A picture at 480 pixels."""
    return _serve(request, token, small=True)


def shown(row: Attachment) -> dict[str, Any]:
    """A picture as pages and scripts know it: `id` goes with the form, the rest is to show it."""
    return {
        "id": row.token,
        "url": reverse("cases:attachment", args=[row.token]),
        "thumb_url": reverse("cases:attachment_thumbnail", args=[row.token]),
        "width": row.width,
        "height": row.height,
        "name": "",
    }


def _store(request: HttpRequest, file: Any, said: Any, *, at: datetime, field: str) -> Attachment:
    user = request.user if isinstance(request.user, User) else None
    key = upload_key_of(request)
    if user is None and not key:
        raise NotAllowed(CLOSED)
    return store_picture(
        file,
        at=at,
        uploader=user,
        upload_key=key,
        claims=claims_from(said, at=at),
        ip=address_of(request),
        field=field,
    )


def claims_from(said: Any, *, at: datetime) -> Claims:
    """What a phone says of a picture: `taken_at` (ISO, local time), `lng`, `lat`; odd values are dropped."""
    if not isinstance(said, dict):
        return Claims()
    try:
        taken = parse_datetime(str(said.get("taken_at", "")))
    except ValueError:
        taken = None
    if taken is not None and timezone.is_naive(taken):
        taken = timezone.make_aware(taken)
    lng, lat = _number(said.get("lng"), 180), _number(said.get("lat"), 90)
    return Claims(
        believable(taken, at), *((lng, lat) if lng is not None and lat is not None else (None, None))
    )


def _number(value: Any, most: int) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and abs(value) <= most else None


def _json(text: str) -> Any:
    try:
        return json.loads(text[:10_000])
    except (ValueError, RecursionError):
        return None


def _discard(request: HttpRequest, token: str) -> HttpResponse:
    user = request.user if isinstance(request.user, User) else None
    if not discard_picture(token, by=user, upload_key=upload_key_of(request)):
        raise NotVisible()
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


def _serve(request: HttpRequest, token: str, *, small: bool) -> HttpResponseBase:
    row = visible_attachment(
        token,
        access=access_for(request),
        upload_key=upload_key_of(request),
        follow_tokens=request.session.get(FOLLOWED, []),
    )
    return picture_answer(request, row, small=small)


def _refused(error: DomainError) -> JsonResponse:
    told = {"message": str(error.message), "field": error.field, "code": error.code}
    response = JsonResponse(told, status=error.http_status)
    if isinstance(error, Throttled):
        response.headers["Retry-After"] = str(error.retry_after)
    return response
