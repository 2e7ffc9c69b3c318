"""After an edit of the ladder: a walk through all running clocks, in pieces, by the sweeps.

`LadderChange` is written with the edit itself and keeps how far the walk is. All are walked through twice: at
once, so that the next sweep obeys, and again when whoever had still read the old ladder has long committed.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from cases.actions.laddering import follow_ladder
from cases.models import Clock, LadderChange
from cases.stuck import INTERRUPTIONS

logger = logging.getLogger("gezhi.ladder")

#: Orders whose clocks are looked at in one transaction; people who act on one wait for it.
BATCH: Final = 500
#: By then every transaction that had read the old ladder is over: requests and tasks may last less.
SETTLES_AFTER: Final = timedelta(minutes=3)
_WALKS: Final = 2


def follow_edits(*, at: datetime, seconds: float = 20.0) -> int:
    """Walk on until all clocks have followed or the time is up; how many were pointed elsewhere.

    Any number of workers may call it: one walks.
    """
    until = time.monotonic() + seconds
    moved = 0
    while time.monotonic() < until:
        done = _walk_on(at)
        if done is None:
            break
        moved += done
    return moved


def _walk_on(at: datetime) -> int | None:
    """Look at the next orders; how many clocks moved, or None when there is nothing to do (now)."""
    newest = LadderChange.objects.filter(finished_at=None).order_by("-pk").first()
    if newest is None:
        return None
    with transaction.atomic():
        open_now = LadderChange.objects.filter(pk=newest.pk, finished_at=None)
        change = open_now.select_for_update(skip_locked=True).first()
        if change is None or (change.walks and change.at + SETTLES_AFTER > at):
            return None
        case_ids = _next_orders(change.position)
        moved = _follow(case_ids) if case_ids else 0
        change.position = case_ids[-1] if case_ids else 0
        change.walks += not case_ids
        if change.walks >= _WALKS:  # a newer edit stands for those before it
            change.finished_at = at
            LadderChange.objects.filter(pk__lt=change.pk, finished_at=None).update(finished_at=at)
        change.save()
    return moved


def _follow(case_ids: list[int]) -> int:
    """All together; where that fails in halves, so that an order that cannot follow holds up no other."""
    try:
        return follow_ladder(case_ids=case_ids)
    except INTERRUPTIONS:
        raise
    except Exception:
        if len(case_ids) == 1:  # its rung is reckoned again when it comes due (`escalating.due_deeds`)
            logger.exception("order_not_followed", extra={"case": case_ids[0]})
            return 0
    middle = len(case_ids) // 2
    return _follow(case_ids[:middle]) + _follow(case_ids[middle:])


def _next_orders(position: int) -> list[int]:
    running = Clock.objects.filter(stopped_at=None, case__gt=position)
    return list(running.order_by("case_id").values_list("case_id", flat=True).distinct()[:BATCH])
