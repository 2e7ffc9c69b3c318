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
# Whether a step's line stands unfinished on the terminal, and whether anybody reads us at all.
_unfinished = False
_unread = False


def is_terminal() -> bool:
    """Whether a person watches standard output."""
    return sys.stdout.isatty()


def is_unread() -> bool:
    """Whether the reader of standard output has gone (`make up | head`)."""
    return _unread


def _write(text: str, *, unfinished: bool = False) -> None:
    """Write whole lines, over the line of a step that is under way; `unfinished`: that very line."""
    global _unfinished, _unread  # noqa: PLW0603  there is one standard output
    with _lock:
        try:
            sys.stdout.write(("\r\033[K" if _unfinished else "") + text)
            sys.stdout.flush()
        except OSError:
            # Nobody reads any more: what we still do (stop children) must not fail on that.
            _unread = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _unfinished = unfinished


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
            if is_terminal():
                _write(f"{title} … {seconds:.0f} s", unfinished=True)
            else:
                _write(f"{title} … {seconds:.0f} s\n")

    if is_terminal():
        _write(f"{title} …", unfinished=True)
    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    outcome = "failed"
    try:
        yield
        outcome = "done"
    except KeyboardInterrupt:
        outcome = "interrupted"
        raise
    finally:
        done.set()
        thread.join()
        _write(f"{title}: {outcome} ({time.monotonic() - began:.1f} s)\n")
