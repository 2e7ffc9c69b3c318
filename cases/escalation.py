"""The sweep of the escalation ladder: every rung that has come due is taken, once, whoever else sweeps.

Which rungs a clock has is `cases.ladder`, when they come due is `Clock.next_rung_at` (written under the
order's lock by `cases.clocks`), what they do is `cases.actions.escalating`. Why in batches: docs/adr.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from celery.exceptions import SoftTimeLimitExceeded
from django.db import transaction
from django.db.models import QuerySet

from cases.actions.escalating_many import take_rungs_of_many
from cases.actions.quarantine import in_a_line, take_one
from cases.following import follow_edits
from cases.models import Clock, QuarantinedClock

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
    until = time.monotonic() + seconds
    follow_edits(at=at, seconds=seconds / 2)
    done, failed = 0, list[int]()
    while time.monotonic() < until:
        claimed, together, left = _take_together(at)
        done += together
        for begin in range(0, len(left), FEW):
            if time.monotonic() < until:
                done += _take_one_by_one(left[begin : begin + FEW], at, failed)
        if not claimed:
            break
    return Sweep(done, tuple(failed))


def _take_together(at: datetime) -> tuple[int, int, list[int]]:
    """Claim a batch and take what can be taken together: clocks claimed, deeds done, clocks that are left.

    Where anything fails all of the batch is left.
    """
    claimed: list[int] = []
    try:
        with transaction.atomic():
            held = _claim(_due(at), BATCH)
            claimed += [clock.pk for clock in held]
            if not held:
                return 0, 0, []
            in_doubt = _in_quarantine(claimed)
            done, left = take_rungs_of_many(held=[c for c in held if c.pk not in in_doubt], at=at)
            return len(held), done, [*in_doubt, *(clock.pk for clock in left)]
    except SoftTimeLimitExceeded:  # the worker's time is up: the batch is rolled back and comes again
        raise
    except Exception as error:  # where the connection itself is lost, one by one fails too and ends the sweep
        logger.warning("rungs_one_by_one", extra={"clocks": len(claimed), "reason": in_a_line(error)})
        return len(claimed), 0, claimed


@transaction.atomic
def _take_one_by_one(clock_ids: Iterable[int], at: datetime, failed: list[int]) -> int:
    done = 0
    for clock in _claim(_due(at).filter(pk__in=list(clock_ids)), FEW):
        taken = take_one(clock_id=clock.pk, case_id=clock.case_id, at=at)
        if taken is None:
            failed.append(clock.pk)
        done += taken or 0
    return done


def _due(at: datetime) -> QuerySet[Clock]:
    return Clock.objects.filter(next_rung_at__lte=at).order_by("next_rung_at", "pk")


def _claim(due: QuerySet[Clock], most: int) -> list[Clock]:
    """Lock clocks together with their orders, passing over those that somebody else holds."""
    rows = due.select_related("case").only(*(f.attname for f in Clock._meta.concrete_fields), "case__id")
    return list(rows.select_for_update(of=("self", "case"), skip_locked=True)[:most])


def _in_quarantine(clock_ids: Iterable[int]) -> list[int]:
    """Those that failed before: they are tried apart, so that they fail no batch again."""
    kept = QuarantinedClock.objects.filter(pk__in=list(clock_ids), resolved_at=None)
    return list(kept.values_list("pk", flat=True))
