"""A gateway of text messages on this machine: it checks signatures, and fails as it is told to."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY, SECRET = "gezhi-test", "a secret of forty characters, more or less"


@dataclass
class FakeGateway:
    """What arrived, each once by its key; `moods` says how the next requests fail: a status, "hang", "late".

    "late": the message is taken, but the answer does not come in time.
    """

    port: int = 0
    moods: list[int | str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    taken: dict[str, dict[str, Any]] = field(default_factory=dict)
    nonces: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    hang: float = 1.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1/messages?app=7"

    def answer(self, path: str, headers: Any, body: bytes) -> int:
        """The status of a request, after keeping what it brought."""
        facts = json.loads(body)
        with self.lock:
            self.asked.append(facts["key"])
            mood = self.moods.pop(0) if self.moods else 200
        if not self._is_ours(path, headers, body, facts["key"]):
            return 401
        if mood == "hang":
            time.sleep(self.hang)
            return 503
        if isinstance(mood, int) and mood != 200:
            return mood
        with self.lock:
            is_known = facts["key"] in self.taken
            self.taken.setdefault(facts["key"], facts)
        if mood == "late":
            time.sleep(self.hang)
        return 409 if is_known else 200

    def _is_ours(self, path: str, headers: Any, body: bytes, key: str) -> bool:
        """As any gateway would check: our key, the signature by hand, a fresh time, a nonce never seen."""
        stamp, nonce = headers["X-Timestamp"], headers["X-Nonce"]
        signed = f"POST\n{path}\n{stamp}\n{nonce}\n{hashlib.sha256(body).hexdigest()}"
        right = hmac.new(SECRET.encode(), signed.encode(), "sha256").hexdigest()
        with self.lock:
            is_fresh = nonce not in self.nonces and abs(time.time() - int(stamp)) < 60
            self.nonces.add(nonce)
        is_signed = hmac.compare_digest(right, headers["X-Signature"])
        return is_fresh and is_signed and headers["X-Key"] == KEY and headers["Idempotency-Key"] == key


@contextmanager
def running_gateway() -> Iterator[FakeGateway]:
    """A gateway that listens until the block ends."""
    gateway = FakeGateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                self.send_response(gateway.answer(self.path, self.headers, body))
                self.send_header("Content-Length", "0")
                self.end_headers()
            except OSError:  # the client has gone
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    gateway.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield gateway
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
