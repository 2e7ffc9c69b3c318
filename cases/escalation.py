"""The sweep of the escalation ladder: every rung that has come due is taken, once, whoever else sweeps.

Which rungs a clock has is `cases.ladder`, when they come due is `Clock.next_rung_at` (written under the
order's lock by `cases.clocks`), what they do is `cases.actions.escalating`.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from celery.exceptions import SoftTimeLimitExceeded
from django.db import transaction

from cases.actions.escalating import postpone_rungs, take_rungs
from cases.models import Clock

logger = logging.getLogger("gezhi.ladder")

#: Clocks claimed in one transaction. Their orders wait for it, so it stays short.
BATCH: Final = 25


@dataclass(frozen=True)
class Sweep:
    """What one sweep did: deeds done, and the clocks whose rung failed and was put off."""

    done: int = 0
    failed: tuple[int, ...] = ()


def sweep_ladder(*, at: datetime, seconds: float = 40.0) -> Sweep:
    """Take every rung that is due at `at`, oldest first, until none is left or the time is up.

    Sweeps may run side by side: each claims clocks that no other holds and whose order nobody is acting on
    (those come with the next sweep). An order that fails is put off and logged, and holds up no other.
    """
    until = time.monotonic() + seconds
    done, failed = 0, list[int]()
    while time.monotonic() < until:
        claimed = _sweep_batch(at, failed)
        if claimed is None:
            break
        done += claimed
    return Sweep(done, tuple(failed))


@transaction.atomic
def _sweep_batch(at: datetime, failed: list[int]) -> int | None:
    """Claim some due clocks with their orders and take their rungs; None when there are none to claim."""
    due = Clock.objects.filter(next_rung_at__lte=at).order_by("next_rung_at", "pk")
    claim = due.select_related("case").only("pk", "case__id")
    clocks = list(claim.select_for_update(of=("self", "case"), skip_locked=True)[:BATCH])
    done = 0
    for clock in clocks:
        try:
            done += take_rungs(clock_id=clock.pk, case_id=clock.case_id, at=at)
        except SoftTimeLimitExceeded:  # the worker's time is up: the batch is rolled back and comes again
            raise
        except Exception:  # where the connection itself is lost, putting off fails too and ends the sweep
            logger.exception("rung_failed", extra={"clock": clock.pk, "case": clock.case_id})
            postpone_rungs(clock_id=clock.pk, at=at)
            failed.append(clock.pk)
    return done if clocks else None
