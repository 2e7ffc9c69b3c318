"""Celery's door to the people: sweeps, thin; what it calls is done once by constraint."""

from __future__ import annotations

import logging

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.utils import timezone

from partymembers.actions.attendance import check_out_all, ended_with_people
from partymembers.actions.check_ins import remind_members

logger = logging.getLogger("gezhi.tasks")


@shared_task(name="partymembers.remind_members", soft_time_limit=60, time_limit=90)
def remind_check_ins() -> None:
    """Remind the members whose check-in is due or overdue."""
    remind_members(at=timezone.now())


@shared_task(name="partymembers.end_activities", soft_time_limit=60, time_limit=90)
def end_activities() -> None:
    """Check out who is still in where an activity has ended; one that fails holds up no other."""
    at = timezone.now()
    for activity_id in ended_with_people(at=at):
        try:
            check_out_all(activity_id=activity_id, at=at)
        except SoftTimeLimitExceeded:
            raise
        except Exception:
            logger.exception("check_out_failed", extra={"activity": activity_id})
