"""Celery's door to retention."""

from __future__ import annotations

import logging

from celery import shared_task
from django.utils import timezone

from governance.retention.forgetting import forget_old_rows

logger = logging.getLogger("gezhi.tasks")


@shared_task(name="governance.forget_old_rows", soft_time_limit=120, time_limit=150)
def forget() -> None:
    """Delete what is kept no longer; what the time does not suffice for, the next round finds."""
    done = forget_old_rows(at=timezone.now())
    logger.info("old_rows_forgotten", extra=done)
