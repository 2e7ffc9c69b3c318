"""Celery's door to the demo: one round of live orders."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from governance.demo.trickle import trickle


@shared_task(name="governance.trickle_demo", soft_time_limit=40, time_limit=60)
def trickle_demo() -> None:
    """Let the demo city live on; nothing where the settings do not want it."""
    if settings.DEMO_TRICKLE:
        trickle(at=timezone.now())
