"""Celery's door to exports: whoever comes first writes all that wait."""

from __future__ import annotations

import logging

from celery import shared_task

from .running import write_exports

logger = logging.getLogger("gezhi.tasks")


@shared_task(name="governance.write_exports", soft_time_limit=220, time_limit=250)
def write() -> None:
    """Write the exports that wait; where another worker is at it, that one finds them."""
    # The last to begin has all of the time that a file of the most rows may need; a sweep takes the rest.
    if number := write_exports(seconds=20):
        logger.info("exports_written", extra={"exports": number})
