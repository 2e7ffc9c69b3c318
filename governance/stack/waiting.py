"""What the portal's port answers while the database is filled, which takes minutes the first time."""

from __future__ import annotations

import select
import socket
import threading
from types import TracebackType
from typing import Final

_PAGE: Final = """<!doctype html>
<html lang="zh-Hans"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>格治 Gezhi</title></head>
<body style="font-family: sans-serif; margin: 15vh auto; max-width: 34em; padding: 0 1em">
<h1>格治正在准备</h1><p>首次启动要准备数据库，需要几分钟。准备好后，本页会自动打开。</p>
<p lang="en">Gezhi is being set up. The first start takes some minutes; this page then opens by itself.</p>
</body></html>
""".encode()
_ANSWER: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html; charset=utf-8\r\n"
    b"Content-Length: %d\r\nRetry-After: 5\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n%s"
) % (len(_PAGE), _PAGE)
#: How long one caller may take; they are answered one after the other.
_PATIENCE: Final = 1.0
_MOST_READ: Final = 64 * 1024


class WaitingRoom:
    """Answers 503 on a listening socket inside its `with`; who calls later waits in the socket's queue.

    The socket stays open all the time, so the port is never anybody else's, and it is not read any more
    once the block has ended: the web server that inherits it gets every later connection.
    """

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._end, self._told = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name="waiting-room", daemon=True)

    def __enter__(self) -> WaitingRoom:
        self._listener.setblocking(False)  # a caller may be gone between its news and our look
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._end.close()
        self._thread.join()
        self._told.close()

    def _serve(self) -> None:
        while True:
            ready, _, _ = select.select([self._listener, self._told], [], [])
            if self._told in ready:
                return
            try:
                caller, _ = self._listener.accept()
                with caller:
                    _answer(caller)
            except OSError:  # that caller has gone
                continue


def _answer(caller: socket.socket) -> None:
    caller.settimeout(_PATIENCE)
    caller.recv(_MOST_READ)  # unread, the answer would be lost in a reset
    caller.sendall(_ANSWER)
