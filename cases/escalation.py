"""The sweep of the escalation ladder: every rung that has come due is taken, once, whoever else sweeps.

Which rungs a clock has is `cases.ladder`, when they come due is `Clock.next_rung_at` (written under the
order's lock by `cases.clocks`), what they do is `cases.actions.escalating`. Why in batches: docs/adr.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from celery.exceptions import SoftTimeLimitExceeded
from django.db import transaction
from django.db.models import QuerySet

from cases.actions.escalating_many import take_rungs_of_many
from cases.actions.quarantine import take_one
from cases.following import follow_edits
from cases.models import Clock, QuarantinedClock
from cases.stuck import describe_error

logger = logging.getLogger("gezhi.ladder")

#: Clocks taken together in one transaction. Their orders wait for it, so it stays short.
BATCH: Final = 400
#: Clocks taken one after the other in one transaction, likewise.
FEW: Final = 25


@dataclass(frozen=True)
class Sweep:
    """What one sweep did: deeds done, and the clocks whose rung failed and was put off."""

    done: int = 0
    failed: tuple[int, ...] = ()


def sweep_ladder(*, at: datetime, seconds: float = 40.0) -> Sweep:
    """Take every rung that is due at `at`, oldest first, until none is left or the time is up.

    Sweeps may run side by side: each claims clocks that no other holds and whose order nobody is acting on
    (those come with the next sweep). An order that fails is put off and kept in quarantine, and holds up no
    other.
    """
    sweeper = _Sweeper(at, time.monotonic() + seconds)
    try:
        follow_edits(at=at, seconds=seconds / 2)
    except SoftTimeLimitExceeded:
        raise
    except Exception:  # what is due does not wait for the edit; the next sweep walks on
        logger.exception("ladder_not_followed")
    while sweeper.has_time and sweeper.take(_due(at)):
        pass
    return Sweep(sweeper.done, tuple(sweeper.failed))


@dataclass
class _Sweeper:
    """One sweep under way, until an instant of the machine's clock."""

    at: datetime
    until: float
    done: int = 0
    failed: list[int] = field(default_factory=list)

    @property
    def has_time(self) -> bool:
        return time.monotonic() < self.until

    def take(self, due: QuerySet[Clock]) -> int:
        """Claim a batch and take it together; where that fails in halves, and a few one by one. How many were
        claimed.
        """
        claimed: list[int] = []
        try:
            done, apart = self._take_together(due, claimed)
        except SoftTimeLimitExceeded:  # the worker's time is up: the batch is rolled back and comes again
            raise
        except Exception as error:
            # Where the connection itself is lost, what follows fails and ends the sweep.
            logger.warning("batch_split", extra={"clocks": len(claimed), "reason": describe_error(error)})
            self._take_parts(claimed)
        else:
            self.done += done
            self._take_one_by_one(apart)
        return len(claimed)

    @transaction.atomic
    def _take_together(self, due: QuerySet[Clock], claimed: list[int]) -> tuple[int, list[int]]:
        """How many deeds were done, and the clocks to be taken one by one: those that failed before, or whose
        deeds ask for it.
        """
        held = _claim(due, BATCH)
        if not held:
            return 0, []
        claimed += [clock.pk for clock in held]
        in_doubt = _in_quarantine(claimed)
        done, left = take_rungs_of_many(held=[c for c in held if c.pk not in in_doubt], at=self.at)
        return done, [*in_doubt, *(clock.pk for clock in left)]

    def _take_parts(self, clock_ids: list[int]) -> None:
        if len(clock_ids) <= FEW:
            self._take_one_by_one(clock_ids)
            return
        middle = len(clock_ids) // 2
        for part in (clock_ids[:middle], clock_ids[middle:]):
            if self.has_time:
                self.take(_due(self.at).filter(pk__in=part))

    def _take_one_by_one(self, clock_ids: list[int]) -> None:
        for begin in range(0, len(clock_ids), FEW):
            if self.has_time:
                self._take_few(clock_ids[begin : begin + FEW])

    @transaction.atomic
    def _take_few(self, clock_ids: list[int]) -> None:
        for clock in _claim(_due(self.at).filter(pk__in=clock_ids), FEW):
            taken = take_one(clock_id=clock.pk, case_id=clock.case_id, at=self.at)
            if taken is None:
                self.failed.append(clock.pk)
            self.done += taken or 0


def _due(at: datetime) -> QuerySet[Clock]:
    return Clock.objects.filter(next_rung_at__lte=at).order_by("next_rung_at", "pk")


def _claim(due: QuerySet[Clock], most: int) -> list[Clock]:
    """Lock orders and their clocks, passing over those that somebody else holds.

    The order first, as everybody does: a clock that is locked stays so, even where its order is passed over,
    and whoever is acting on that order would wait for the batch.
    """
    rows = due.select_related("case").only(*(f.attname for f in Clock._meta.concrete_fields), "case__id")
    return list(rows.select_for_update(of=("case", "self"), skip_locked=True)[:most])


def _in_quarantine(clock_ids: Iterable[int]) -> list[int]:
    """Those that failed before: they are tried apart, so that they fail no batch again."""
    kept = QuarantinedClock.objects.filter(pk__in=list(clock_ids), resolved_at=None)
    return list(kept.values_list("pk", flat=True))
