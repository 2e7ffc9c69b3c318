"""Celery's door to the orders: ids in, one action called. Sweeps find what no message announced.

Each task may be lost, come twice or be killed: what it calls is done once by constraint, cursor or lock.
Time limits (seconds) stay well below the broker's visibility time-out.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Final

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.db.models import F
from django.utils import timezone

from cases import attachments, consumers, escalation, outbound, recalculation, sending, uploads
from cases.actions import routing
from cases.models import Case
from cases.publishing import heard
from cases.relay import run_relay
from cases.workflow import UNROUTED_STATES

logger = logging.getLogger("gezhi.tasks")

#: Orders that the routing sweep looks up at a time.
ROUTES: Final = 500
#: Seconds that it goes on: well within its soft limit.
SWEEPS: Final = 45
#: Seconds that a sender goes on, until beat starts the next: so few wait for a slow gateway at a time.
SENDS: Final = 10


@shared_task(name="cases.relay", soft_time_limit=60, time_limit=90)
def relay() -> None:
    """Sequence new events and hand them to their readers."""
    heard("cases.relay")
    run_relay(seconds=20)


@shared_task(name="cases.send_outbound", soft_time_limit=60, time_limit=90)
def send_outbound() -> None:
    """Bundle what is due to leave the portal, and send it."""
    while outbound.bundle(at=timezone.now()):
        pass
    sending.send_waiting(seconds=SENDS)
    heard("cases.send_outbound")  # not before: a gateway that is slow would take one worker after the other


@shared_task(name="cases.route_case", soft_time_limit=30, time_limit=60)
def route_case(case_id: int) -> None:
    """Route one order; an order that is routed already stays as it is."""
    routing.route_case(case_id=case_id, at=timezone.now())


@shared_task(name="cases.sweep_routes", soft_time_limit=60, time_limit=90)
def sweep_routes() -> None:
    """Route every order that no worker took, as far as the time goes; one that fails holds up no other."""
    until = time.monotonic() + SWEEPS
    for case_id in _unrouted():
        if time.monotonic() >= until:
            return  # the next round goes on: what is routed by now it finds no more
        try:
            route_case(case_id)
        except SoftTimeLimitExceeded:
            raise
        except Exception:
            logger.exception("route_failed", extra={"case": case_id})


def _unrouted() -> Iterator[int]:
    """Each order that waits for its route, once: a batch at a time, below the one before.

    Newest first: what fails again and again sinks to the end instead of taking every round's time.
    """
    waiting = Case.objects.filter(routed_at=None, is_imported=False, state__in=UNROUTED_STATES)
    newest_first, batch = waiting.order_by(F("id").desc()).values_list("id", flat=True), [2**63 - 1]
    while batch := list(newest_first.filter(id__lt=batch[-1])[:ROUTES]):
        yield from batch


@shared_task(name="cases.sweep_ladder", soft_time_limit=60, time_limit=90)
def sweep_ladder() -> None:
    """Take the rungs of the ladder that have come due."""
    escalation.sweep_ladder(at=timezone.now())


@shared_task(name="cases.expire_uploads", soft_time_limit=120, time_limit=150)
def expire_uploads() -> None:
    """Delete the pictures that no report claimed, and the parts of those that were not finished."""
    attachments.expire_uploads(at=timezone.now())
    uploads.expire_parts(at=timezone.now())


@shared_task(name="cases.follow_changes", soft_time_limit=120, time_limit=150)
def follow_changes() -> None:
    """Let open orders follow changes of staff, units and places."""
    consumers.follow_changes(at=timezone.now())


@shared_task(name="cases.follow_calendar", soft_time_limit=60, time_limit=90)
def follow_calendar() -> None:
    """Let the clocks of open orders follow a change of the work calendar."""
    recalculation.recalculate(at=timezone.now())
