"""A picture's bytes as both doors send them, to whoever may see it (`attachments.visible_attachment`)."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag

from cases.models import Attachment
from governance.common.files import file_answer

_KEPT_SECONDS: Final = 3600


def picture_answer(request: HttpRequest, row: Attachment, *, small: bool) -> HttpResponseBase:
    """The bytes, kept by the caller for a while; or 304. Raises NotVisible where the file is gone."""
    etag = quote_etag(f"{row.sha256[:32]}{'-s' if small else ''}")
    response = get_conditional_response(request, etag=etag) or _bytes(row, small=small)
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = f"private, max-age={_KEPT_SECONDS}"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def _bytes(row: Attachment, *, small: bool) -> HttpResponseBase:
    name = (row.thumbnail if small else row.file).name or ""
    return file_answer(name, content_type="image/jpeg", filename="photo.jpg")
