"""What the commands say: one line a step, a sign of life while it lasts, and children's lines prefixed.

Standard library only, and no import of its own project: `scripts/bootstrap.py` loads this file
before anything is installed.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator

# The longest silence (seconds) of a step: rewritten in place on a terminal, a new line elsewhere.
TERMINAL_TICK = 1.0
FILE_TICK = 5.0
PREFIX_WIDTH = 8
COLOURS = {"web": 36, "worker": 33, "beat": 35, "postgres": 34, "valkey": 31, "gezhi": 32}

_lock = threading.RLock()


def is_terminal() -> bool:
    """Whether a person watches standard output."""
    return sys.stdout.isatty()


def _write(text: str) -> None:
    with _lock:
        sys.stdout.write(text)
        sys.stdout.flush()


def say(text: str) -> None:
    """One line of our own."""
    _write(f"{text}\n")


def relay(name: str, line: str) -> None:
    """One line of the child `name`, prefixed, coloured on a terminal."""
    prefix = f"{name:<{PREFIX_WIDTH}} |"
    if is_terminal() and "NO_COLOR" not in os.environ:
        prefix = f"\033[{COLOURS.get(name, 37)}m{prefix}\033[0m"
    _write(f"{prefix} {line}\n")


@contextlib.contextmanager
def step(title: str) -> Iterator[None]:
    """Say what goes on (at once on a terminal, else after the first tick) and in the end how long it took."""
    began = time.monotonic()
    done = threading.Event()

    def tick() -> None:
        while not done.wait(TERMINAL_TICK if is_terminal() else FILE_TICK):
            seconds = time.monotonic() - began
            _write(f"\r{title} … {seconds:.0f} s" if is_terminal() else f"{title} … {seconds:.0f} s\n")

    if is_terminal():
        _write(f"{title} …")
    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    outcome = "failed"
    try:
        yield
        outcome = "done"
    finally:
        done.set()
        thread.join()
        line = f"{title}: {outcome} ({time.monotonic() - began:.1f} s)"
        _write(f"\r\033[K{line}\n" if is_terminal() else f"{line}\n")
