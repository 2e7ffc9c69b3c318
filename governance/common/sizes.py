"""How much text a request may bring before its form can say "too long" with everything typed still in it.

A form's page can only give back what was read. So the fields of a multipart form are read up to
`DATA_UPLOAD_MAX_MEMORY_SIZE`, far beyond what any field takes, and the form refuses them itself. That costs
memory, also at doors without an account. Therefore the body is counted while it is read: what is not part of
a file (files go to disk) is text, and beyond `PLAIN` of it the request needs one of a few rooms, which it
takes before it reads on and holds until it is answered. Uploads of photos need none. Who sends slowly loses
the room after a while and is refused, so nobody can keep the others out; who takes rooms again and again is
refused unread, and every other kind of body stays small.

Programs send more: below `/api/` JSON may be as large as some hundred orders, and a part of a picture as
large as a picture. Nothing of either is read before the caller is known: the views read it themselves.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from threading import Condition
from typing import Any, Final

from django.core.cache import cache
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponse

from .errors import Throttled
from .handlers import domain_error
from .programs import is_of_program

#: Text that no honest form exceeds, and the most for bodies that are no multipart form.
PLAIN: Final = 2 * 1024 * 1024
#: A whole body with its files: twelve photos of 20 MB.
MOST: Final = 256 * 1024 * 1024
#: What programs may send at once, by kind: some hundred orders; a picture, or the last part of it.
_OF_PROGRAMS: Final = {
    "application/json": 8 * 1024 * 1024,
    "application/offset+octet-stream": 24 * 1024 * 1024,
}
#: Long texts of one address within the window, before the next one is refused unread.
FREE: Final = 20
WINDOW: Final = 600
#: How long a long text waits for a room before it is asked to come again.
_PATIENCE: Final = 5.0
#: How long one may take to send its text; then another may have the room.
_SENDING: Final = 20.0
_CHUNK: Final = 64 * 1024


class Rooms:
    """Long texts in work at once in this process."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._until: dict[object, float] = {}
        self._change = Condition()

    def take(self, patience: float) -> object | None:
        """A room for the time of sending; None where none came free in time."""
        end = time.monotonic() + patience
        with self._change:
            while True:
                now = time.monotonic()
                self._until = {room: until for room, until in self._until.items() if until > now}
                if len(self._until) < self._count:
                    room = object()
                    self._until[room] = now + _SENDING
                    return room
                if now >= end:
                    return None
                self._change.wait(min([end, *self._until.values()]) - now)

    def is_held(self, room: object) -> bool:
        """Whether the room is still the one's who took it."""
        return self._until.get(room, 0.0) > time.monotonic()

    def keep(self, room: object) -> None:
        """All is read: from now on the time is ours and not the sender's."""
        with self._change:
            self._until[room] = float("inf")

    def give_back(self, room: object) -> None:
        """Let the next one in."""
        with self._change:
            self._until.pop(room, None)
            self._change.notify()


_ROOMS: Final = Rooms(2)


class _Files(FileUploadHandler):
    """Counts what goes into files, and leaves the files themselves to the handlers after it."""

    size = 0

    def receive_data_chunk(self, raw_data: bytes, _start: int) -> bytes:
        """Pass the chunk on, counted."""
        self.size += len(raw_data)
        return raw_data

    def file_complete(self, _file_size: int) -> UploadedFile | None:
        """Nothing of its own to hand over."""
        return None


class _Counted:
    """A body that is read on beyond `PLAIN` of text only with a room."""

    def __init__(self, request: HttpRequest) -> None:
        self._request, self._body = request, request._stream
        self._files, self._size = _Files(request), 0
        self.room: object | None = None
        request.upload_handlers.insert(0, self._files)

    def read(self, size: int = -1) -> bytes:
        """The next bytes. Raises Throttled without a room, RequestDataTooBig where the room is lost."""
        if self.room is not None:
            if not _ROOMS.is_held(self.room):
                raise RequestDataTooBig("the text was sent too slowly")
        elif self._size - self._files.size > PLAIN:
            self.room = _ROOMS.take(_PATIENCE)
            if self.room is None:
                raise Throttled
            _note(self._request)
        data: bytes = self._body.read(size)
        self._size += len(data)
        if not data and self.room is not None:
            _ROOMS.keep(self.room)
        return data

    def readline(self, _size: int = -1) -> bytes:
        """Django reads the rest by lines, only to be rid of it: a line without end must not fill memory."""
        return self.read(_CHUNK)


class BodySizeMiddleware:
    """Refuses bodies by their size before they are read, and lets in few long texts at once.

    It stands before the check against forgery, which is the first to read a form.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request; a long text gives its room back."""
        try:
            return self.get_response(request)
        finally:
            body = getattr(request, "_stream", None)
            if isinstance(body, _Counted) and body.room is not None:
                _ROOMS.give_back(body.room)

    def process_view(self, request: HttpRequest, view: Any, *_args: object) -> HttpResponse | None:
        """Let small bodies pass. Raises RequestDataTooBig, which becomes the page 413."""
        size = _length_of(request)
        if size <= _unread(request):
            return None
        if size > MOST or request.content_type != "multipart/form-data" or _is_over(request):
            raise RequestDataTooBig(f"{size} bytes")
        request._stream = _Counted(request)  # type: ignore[assignment]
        if getattr(view, "csrf_exempt", False):  # reads its body itself, by its own limits
            return None
        try:
            request.POST  # noqa: B018 - reads the form
        except Throttled as error:
            return domain_error(request, error)
        return None


def _unread(request: HttpRequest) -> int:
    """How large a body may be that is looked at no further here."""
    if is_of_program(request):
        return _OF_PROGRAMS.get((request.content_type or "").lower(), PLAIN)
    return PLAIN


def _length_of(request: HttpRequest) -> int:
    said = request.META.get("CONTENT_LENGTH") or "0"
    return int(said) if said.isdecimal() else 0


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
