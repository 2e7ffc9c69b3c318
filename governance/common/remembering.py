"""Answers that hold for the length of one bulk load: who may do what, and the configuration.

A request never keeps these: posts and rules may change at any moment. A bulk load that changes none of them
asks for the same few hundred answers tens of thousands of times.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

Answer = TypeVar("Answer")

_kept: ContextVar[dict[Hashable, Any] | None] = ContextVar("remembering", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    """Keep each answer until the end.

    Whoever calls this changes no post, rule, limit or place meanwhile, and acts over days in which no post
    begins or ends: an answer stands for all of them.
    """
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


def is_remembering() -> bool:
    """Whether a bulk load is under way in this context."""
    return _kept.get() is not None


def remembered(key: Hashable, read: Callable[[], Answer]) -> Answer:
    """The answer for the key: read anew each time, but once only inside `remembering`."""
    kept = _kept.get()
    if kept is None:
        return read()
    if key not in kept:
        kept[key] = read()
    answer: Answer = kept[key]
    return answer
