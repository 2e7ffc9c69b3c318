"""Tells the workers that there is something to do, without ever making a person wait for the broker.

What is told is only ever "look now": everything is in PostgreSQL and a sweep finds what was never told. So
messages go out from a thread of their own, one that is still on its way stands for all equal ones, and while
the broker is away they are dropped instead of queued.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from celery import current_app
from django.core.cache import cache
from structlog.contextvars import bound_contextvars, get_contextvars

logger = logging.getLogger("gezhi.relay")

# After a failure the broker is left alone this long (seconds); the sweeps of beat come every few seconds.
REST = 2.0
#: Most messages that wait at once; beyond it a sweep is quicker anyway.
ROOM = 1000
#: A message that no worker took by then (seconds) has been overtaken by a sweep.
EXPIRES = 60
QUEUE = "urgent"
#: For so long (seconds) a message without arguments stands for equal ones of all processes, unless its task
#: begins before: they would fill the queue ahead of the sweeps. As long as a message may be lost without one.
STANDS = 5

Message = tuple[str, tuple[Any, ...]]
Send = Callable[[str, tuple[Any, ...]], None]


def send_to_broker(task: str, args: tuple[Any, ...]) -> None:
    """Publish one message, unless an equal one stands for it; raises what the broker's client raises.

    Who is told "look now" sees what was committed before that: so a task calls `heard` before it looks. Where
    Valkey is wiped or away, nothing stands for anything.
    """
    if not args and not cache.add(_standing(task), 1, STANDS):
        return
    current_app.send_task(task, args=args, queue=QUEUE, expires=EXPIRES, retry=False)


def heard(task: str) -> None:
    """Say, as the task begins, that its message no longer stands for those that are sent from now on."""
    cache.delete(_standing(task))


def _standing(task: str) -> str:
    return f"on-its-way:{task}"


class Publisher:
    """A mailbox and the thread that empties it; one of each a process, started by the first message."""

    def __init__(self, send: Send = send_to_broker, rest: float = REST) -> None:
        self._send = send
        self._rest = rest
        self._is_quiet = False
        self.forget()
        os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        """Begin anew: a forked process has this object, but neither its thread nor, safely, its lock."""
        self._wake = threading.Condition()
        #: Each message with the id of the request that posted it first: the worker's log names it.
        self._waiting: dict[Message, dict[str, Any]] = {}
        self._thread: threading.Thread | None = None
        self._busy = False
        self._resting_until = 0.0

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Post nothing in this process meanwhile: for a bulk load, which tells the workers at its end."""
        before, self._is_quiet = self._is_quiet, True
        try:
            yield
        finally:
            self._is_quiet = before

    def post(self, task: str, *args: Any) -> None:
        """Have the message sent soon, and once; returns at once and never raises."""
        if self._is_quiet or time.monotonic() < self._resting_until:
            return
        with self._wake:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="publisher", daemon=True)
                self._thread.start()
            if len(self._waiting) < ROOM:
                request = {name: value for name, value in get_contextvars().items() if name == "request_id"}
                self._waiting.setdefault((task, args), request)
            self._wake.notify()

    def flush(self, seconds: float) -> bool:
        """Wait until everything posted has been sent or dropped; False when that takes longer."""
        until = time.monotonic() + seconds
        while True:
            with self._wake:
                if not self._waiting and not self._busy:
                    return True
            if time.monotonic() > until:
                return False
            time.sleep(0.01)

    def _work(self) -> None:
        while True:
            with self._wake:
                self._busy = False
                while not self._waiting:
                    self._wake.wait()
                batch, self._waiting = list(self._waiting.items()), {}
                self._busy = True
            self._send_all(batch)

    def _send_all(self, batch: list[tuple[Message, dict[str, Any]]]) -> None:
        for (task, args), request in batch:
            try:
                with bound_contextvars(**request):
                    self._send(task, args)
            except Exception as error:  # whatever the client raises, the sweeps of beat do the work
                self._resting_until = time.monotonic() + self._rest
                logger.warning("broker_unavailable", extra={"task": task, "reason": type(error).__name__})
                return


publisher = Publisher()
