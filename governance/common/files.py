"""Files below MEDIA_ROOT as answers. Who may have one, the door has asked before."""

from __future__ import annotations

from urllib.parse import quote

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase

from governance.common.errors import NotVisible


def file_answer(name: str, *, content_type: str, filename: str) -> HttpResponseBase:
    """The bytes, streamed; behind a server that knows the folder (`MEDIA_ACCEL_PREFIX`) only their name.

    `filename` is what a browser calls it. Raises NotVisible where it is gone: a restore brings not all files.
    """
    prefix: str = getattr(settings, "MEDIA_ACCEL_PREFIX", "")
    if prefix:
        address = quote(f"{prefix.rstrip('/')}/{name}")
        return HttpResponse(content_type=content_type, headers={"X-Accel-Redirect": address})
    try:
        content = default_storage.open(name)
    except FileNotFoundError as error:
        raise NotVisible from error
    return FileResponse(content, content_type=content_type, filename=filename)
