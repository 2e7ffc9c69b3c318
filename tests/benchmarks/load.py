"""A small load generator: one socket a connection, kept alive; nothing is parsed that need not be.

Python's own HTTP client would take as much of the two cores as the pages that are measured.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

TIMEOUT = 30
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_COOKIE = re.compile(rb"\r\nset-cookie: *([^=;\r]+)=([^;\r]*)", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """What came back; `head` is everything before the body, as it came."""

    status: int
    head: bytes
    body: bytes

    @property
    def is_fine(self) -> bool:
        """2xx and 3xx."""
        return 200 <= self.status < 400


class Browser:
    """One keep-alive connection with its cookies."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self.cookies: dict[str, str] = {}

    def request(self, text: bytes) -> Answer:
        """Send a whole request and read its answer; connects again where the server closed meanwhile."""
        was_open = self._socket is not None
        try:
            return self._exchange(text)
        except ConnectionError:
            self.close()
            if not was_open:
                raise
            return self._exchange(text)

    def _exchange(self, text: bytes) -> Answer:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=TIMEOUT)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(text)
        return self._read(self._socket)

    def close(self) -> None:
        """Drop the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _read(self, connection: socket.socket) -> Answer:
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more(connection)
        head, body = data[:end], data[end + 4 :]
        length = int(found[1]) if (found := _LENGTH.search(head)) else 0
        while len(body) < length:
            body += self._more(connection)
        if b"onnection: close" in head:
            self.close()
        return Answer(int(head[9:12]), head, body)

    @staticmethod
    def _more(connection: socket.socket) -> bytes:
        if not (part := connection.recv(262_144)):
            raise ConnectionError("the server closed the connection")
        return part

    def get(self, path: str, **headers: str) -> bytes:
        """The text of a GET with this browser's cookies."""
        return self._text("GET", path, headers, b"")

    def post(self, path: str, fields: Mapping[str, str], **headers: str) -> bytes:
        """The text of a posted form, with the token against forgery."""
        fields = {"csrfmiddlewaretoken": self.cookies["csrftoken"], **fields}
        kind = "application/x-www-form-urlencoded"
        return self._text("POST", path, {"Content-Type": kind, **headers}, urlencode(fields).encode())

    def upload(self, path: str, fields: Mapping[str, str], **headers: str) -> bytes:
        """The same as a form with files sends it (multipart), without a file."""
        fields = {"csrfmiddlewaretoken": self.cookies["csrftoken"], **fields}
        line = "----bench-7f3a9c"
        parts = [
            f'--{line}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'
            for k, v in fields.items()
        ]
        body = ("".join(parts) + f"--{line}--\r\n").encode()
        return self._text(
            "POST", path, {"Content-Type": f"multipart/form-data; boundary={line}", **headers}, body
        )

    def send_json(self, path: str, body: object, **headers: str) -> bytes:
        """The text of a POST as another system sends it."""
        text = json.dumps(body, ensure_ascii=False).encode()
        kind = "application/json"
        return self._text("POST", path, {"Content-Type": kind, "Accept": kind, **headers}, text)

    def _text(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self._port}", f"Cookie: {cookies}"]
        headers = {"Accept": "text/html", **headers}
        lines += ["Accept-Language: zh-CN,zh;q=0.9", "User-Agent: Mozilla/5.0 (bench)"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def sign_in(self, username: str, password: str) -> None:
        """Through the sign-in page, as a person does. Raises ConnectionError when it refuses."""
        self._keep(self.request(self.get("/login/")))
        answer = self.request(self.post("/login/", {"username": username, "password": password}))
        self._keep(answer)
        if answer.status != 302 or "sessionid" not in self.cookies:
            raise ConnectionError(f"{username} could not sign in: {answer.status}")

    def _keep(self, answer: Answer) -> None:
        for name, value in _COOKIE.findall(answer.head):
            self.cookies[name.decode().strip()] = value.decode()


#: Writes the next request of one connection; the number counts its requests.
Script = Callable[[Browser, int], bytes]


@dataclass
class Sample:
    """One measurement: how long each request took (seconds), and what went wrong."""

    seconds: float = 0.0
    #: What web and database used of the processors meanwhile, seconds.
    processor: float = 0.0
    times: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.times) / self.seconds if self.seconds else 0.0

    @property
    def processor_each(self) -> float:
        """Seconds of a processor that a request took of web and database: hardly moved by what else runs."""
        return self.processor / len(self.times) if self.times else 0.0

    def percentile(self, percent: float) -> float:
        """So many percent of the requests took at most this long (seconds)."""
        if not self.times:
            return 0.0
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def measure(browsers: Sequence[Browser], scripts: Sequence[Script], *, seconds: float) -> Sample:
    """Let every browser send its script's requests, one after another, for so long."""
    sample, ready = Sample(), threading.Barrier(len(browsers) + 1)
    ends = [0.0]

    def run(browser: Browser, script: Script) -> None:
        times: list[float] = []
        ready.wait()
        number, began = 0, time.perf_counter()
        while not times or began < ends[0]:  # a busy machine may come late to a short course
            text = script(browser, number)
            began = time.perf_counter()
            try:
                answer = browser.request(text)
            except OSError as error:
                sample.errors.append(repr(error))
                break
            now = time.perf_counter()
            times.append(now - began)
            if not answer.is_fine:
                sample.errors.append(f"{answer.status} for {text.split(b' HTTP')[0].decode()}")
            number, began = number + 1, now
        sample.times.extend(times)

    threads = [threading.Thread(target=run, args=pair) for pair in zip(browsers, scripts, strict=True)]
    for thread in threads:
        thread.start()
    began = time.perf_counter()
    ends[0] = began + seconds
    ready.wait()
    for thread in threads:
        thread.join()
    sample.seconds = time.perf_counter() - began
    return sample
