"""Several people at the same moment, each on a connection of their own."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread

from django.db import connection

from governance.common.errors import DomainError


def at_once(*acts: Callable[[], object]) -> list[object]:
    """What each act returned or raised, all of them begun at the same moment, each on its own connection."""
    barrier, found = Barrier(len(acts)), list[object]()

    def run(act: Callable[[], object]) -> None:
        try:
            barrier.wait(timeout=30)
            found.append(act())
        except DomainError as error:
            found.append(error)
        finally:
            connection.close()

    threads = [Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(found) == len(acts)
    return found


def in_thread(work: Callable[[], object]) -> Thread:
    """Have `work` done on a connection of its own, begun at once; whoever needs its end joins it."""

    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = Thread(target=run)
    thread.start()
    return thread
