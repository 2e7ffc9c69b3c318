"""How much text a request may bring before its form can say "too long" with everything typed still in it.

A form's page can only give back what was read. So the fields of a multipart form are read up to
`DATA_UPLOAD_MAX_MEMORY_SIZE`, far beyond what any field takes, and the form refuses them itself. That costs
memory, also at doors without an account; therefore few such requests are worked on at once, who sends them
again and again is refused unread, and every other kind of body stays small.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from threading import BoundedSemaphore
from typing import Any, Final

from django.core.cache import cache
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse

from .errors import Throttled
from .handlers import domain_error

#: Text that no honest form exceeds, and the most for bodies that are no multipart form.
PLAIN: Final = 2 * 1024 * 1024
#: A whole body with its files: twelve photos of 20 MB.
MOST: Final = 256 * 1024 * 1024
#: Long texts of one address within the window, before the next one is refused unread.
FREE: Final = 20
WINDOW: Final = 600
#: Long texts in work at once in this process; the next one waits a little and is then asked to come again.
_ROOM: Final = BoundedSemaphore(2)
_PATIENCE: Final = 5.0


class BodySizeMiddleware:
    """Refuses bodies by their size before they are read, and counts those whose text was long.

    It stands before the check against forgery, which is the first to read a form.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request; a long text gives its room back."""
        try:
            return self.get_response(request)
        finally:
            if getattr(request, "_has_room", False):
                _ROOM.release()

    def process_view(self, request: HttpRequest, view: Any, *_args: object) -> HttpResponse | None:
        """Let small bodies pass. Raises RequestDataTooBig, which becomes the page 413."""
        size = _length_of(request)
        if size <= PLAIN:
            return None
        if size > MOST or request.content_type != "multipart/form-data" or _is_over(request):
            raise RequestDataTooBig
        if getattr(view, "csrf_exempt", False):  # reads its body itself, by its own limits
            return None
        try:
            is_long = _text_of(request) > PLAIN
        except RequestDataTooBig:
            _note(request)
            raise
        return _make_room(request) if is_long else None


def _make_room(request: HttpRequest) -> HttpResponse | None:
    _note(request)
    if not _ROOM.acquire(timeout=_PATIENCE):
        return domain_error(request, Throttled())
    request._has_room = True  # type: ignore[attr-defined]
    return None


def _length_of(request: HttpRequest) -> int:
    said = request.META.get("CONTENT_LENGTH") or "0"
    return int(said) if said.isdecimal() else 0


def _text_of(request: HttpRequest) -> int:
    """Characters of all fields; files do not count."""
    return sum(len(value) for _key, values in request.POST.lists() for value in values)


def _key_of(request: HttpRequest) -> str:
    caller = hashlib.sha256(request.META.get("REMOTE_ADDR", "").encode()).hexdigest()[:32]
    return f"long-texts:{caller}"


def _is_over(request: HttpRequest) -> bool:
    return int(cache.get(_key_of(request)) or 0) >= FREE


def _note(request: HttpRequest) -> None:
    key = _key_of(request)
    if not cache.add(key, 1, WINDOW):
        try:
            cache.incr(key)
        except ValueError:  # ended in this moment
            cache.set(key, 1, WINDOW)
