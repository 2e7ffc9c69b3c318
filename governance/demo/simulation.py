"""Many orders lived through at once, in the order of time, through the actions.

Each order is a generator that yields the instants at which it wants to go on. The simulation wakes them in
turn, and takes the rungs of the ladder that come due between their steps, as the sweep would have.
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import count
from typing import Final

from django.db import connection, transaction

from cases.actions.escalating import take_rungs
from cases.models import Case, Clock
from cases.publishing import publisher
from governance.common.errors import DomainError
from governance.common.remembering import remembering

logger = logging.getLogger("gezhi.demo")

#: An order's life: yields when it goes on next, together with the order as it is by then.
Life = Iterator[tuple[datetime, Case | None]]

#: Steps that are committed together.
BATCH: Final = 250
#: The sweep finds a due rung within this time.
_SWEEP: Final = timedelta(seconds=30)

Tell = Callable[[int], None]


class Simulation:
    """Runs lives up to an instant; what they would do later never happens."""

    def __init__(self, until: datetime, tell: Tell = lambda steps: None) -> None:
        self.until = until
        self.tell = tell
        self.steps = 0
        #: Lives that ended because an action refused: told in tests, and few.
        self.refusals: list[str] = []
        self._numbers = count()
        self._queue: list[tuple[datetime, int, Life | tuple[int, int]]] = []
        self._rungs: set[tuple[int, datetime]] = set()

    def add(self, lives: Iterable[Life]) -> None:
        """Take in lives; each is asked for its first instant."""
        for life in lives:
            self._wake(life)

    def run(self) -> int:
        """Go on until nothing is left before the end; how many steps were taken."""
        with publisher.quiet(), remembering():
            while self._queue and self._queue[0][0] <= self.until:
                with transaction.atomic():
                    _commit_fast()
                    self._run_batch()
                self.tell(self.steps)
        return self.steps

    def _run_batch(self) -> None:
        for _turn in range(BATCH):
            if not self._queue or self._queue[0][0] > self.until:
                return
            at, _number, what = heapq.heappop(self._queue)
            if isinstance(what, tuple):
                self._climb(*what, at)
            else:
                self._wake(what)
            self.steps += 1

    def _wake(self, life: Life) -> None:
        try:
            at, case = next(life)  # each action is a transaction of its own: one that refuses leaves nothing
        except StopIteration:
            return
        except DomainError as error:
            self.refusals.append(f"{type(error).__name__}: {error}")
            return
        heapq.heappush(self._queue, (at, next(self._numbers), life))
        if case is not None and case.next_warn_at is not None and case.next_warn_at < at:
            self._watch(case.pk)

    def _watch(self, case_id: int) -> None:
        """Have the order's next rung taken when it is due."""
        clock = (
            Clock.objects.filter(case=case_id, next_rung_at__isnull=False).order_by("next_rung_at").first()
        )
        if clock is None or clock.next_rung_at is None:
            return
        at = clock.next_rung_at + _SWEEP
        if (clock.pk, at) not in self._rungs:
            self._rungs.add((clock.pk, at))
            heapq.heappush(self._queue, (at, next(self._numbers), (clock.pk, case_id)))

    def _climb(self, clock_id: int, case_id: int, at: datetime) -> None:
        self._rungs.discard((clock_id, at))
        take_rungs(clock_id=clock_id, case_id=case_id, at=at)
        self._watch(case_id)


def _commit_fast() -> None:
    """Settings of this transaction alone.

    It need not wait for the disk: a demo that is lost by a power failure is loaded again. And the planner may
    join as statements say: they are small, come by the ten thousand, and planning is most of their cost.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL synchronous_commit = off; SET LOCAL jit = off;"
            "SET LOCAL join_collapse_limit = 1; SET LOCAL from_collapse_limit = 1"
        )
