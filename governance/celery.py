"""Celery's door: the application, and what beat starts when."""

from __future__ import annotations

import logging.config
import os
from typing import Any

from celery import Celery
from celery.signals import celeryd_after_setup, setup_logging
from django_structlog.celery.signals import modify_context_before_task_publish
from django_structlog.celery.steps import DjangoStructLogInitStep
from kombu import Exchange, Queue

from .alive import EVERY, QUEUES, Pulse, listen_to_oneself, say_alive

__all__ = ["app", "say_alive"]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings.local")

app = Celery("gezhi")
# The "current" application is one of each thread; without a default, any other thread would publish to a
# broker that nobody configured.
app.set_default()
app.config_from_object("django.conf:settings", namespace="CELERY")
# Each with an exchange and key of its own: sharing the default ones, a message would land in both.
app.conf.task_queues = [Queue(name, Exchange(name), routing_key=name) for name in QUEUES]
app.steps["worker"].update((Pulse, DjangoStructLogInitStep))
celeryd_after_setup.connect(listen_to_oneself)
app.autodiscover_tasks()
app.autodiscover_tasks(["governance.demo", "governance.integration.exports", "governance.retention"])

# Sweeps are intervals, not clock times: whatever was missed while beat was down, the next round finds.
# `expires` keeps rounds from piling up on the broker while no worker runs.
BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    **{
        f"hear-{name}": {
            "task": "governance.hear_queue",
            "schedule": EVERY,
            "args": [name],
            "options": {"expires": EVERY, "queue": name},
        }
        for name in QUEUES
    },
    "relay": {"task": "cases.relay", "schedule": 5, "options": {"expires": 5, "queue": "urgent"}},
    "send-outbound": {"task": "cases.send_outbound", "schedule": 10, "options": {"expires": 10}},
    "sweep-routes": {"task": "cases.sweep_routes", "schedule": 15, "options": {"expires": 15}},
    "sweep-ladder": {"task": "cases.sweep_ladder", "schedule": 20, "options": {"expires": 20}},
    "follow-changes": {"task": "cases.follow_changes", "schedule": 20, "options": {"expires": 20}},
    "follow-calendar": {"task": "cases.follow_calendar", "schedule": 15, "options": {"expires": 15}},
    "expire-uploads": {"task": "cases.expire_uploads", "schedule": 3600, "options": {"expires": 3600}},
    "write-exports": {"task": "governance.write_exports", "schedule": 15, "options": {"expires": 15}},
    "forget-old-rows": {
        "task": "governance.forget_old_rows",
        "schedule": 3 * 3600,
        "options": {"expires": 3600},
    },
    "end-activities": {
        "task": "partymembers.end_activities",
        "schedule": 60,
        "options": {"expires": 60},
    },
    "remind-check-ins": {
        "task": "partymembers.remind_members",
        "schedule": 1800,
        "options": {"expires": 1800},
    },
}
#: Beside it where the settings let the demo city live on.
DEMO_SCHEDULE: dict[str, dict[str, Any]] = {
    "trickle-demo": {"task": "governance.trickle_demo", "schedule": 45, "options": {"expires": 40}},
}


@app.on_after_configure.connect
def schedule(sender: Celery, **_kwargs: Any) -> None:
    """Settings are read when a process starts, so only now are the demo and the pace known."""
    from django.conf import settings  # noqa: PLC0415  not on import

    entries = {**BEAT_SCHEDULE, **(DEMO_SCHEDULE if settings.DEMO_TRICKLE else {})}
    sender.conf.beat_schedule = {
        name: {**entry, "schedule": entry["schedule"] / settings.TASK_PACE} for name, entry in entries.items()
    }


@modify_context_before_task_publish.connect
def pass_on_the_request_alone(context: dict[str, Any], **_kwargs: Any) -> None:
    """A task is told which request it follows from; not whose it was, nor which order was locked last."""
    for name in set(context) - {"request_id"}:
        del context[name]


@setup_logging.connect
def use_project_logging(**_kwargs: Any) -> None:
    """Keep Celery from replacing the logging of the settings."""
    from django.conf import settings  # noqa: PLC0415  settings are read when a process starts, not on import

    logging.config.dictConfig(settings.LOGGING)
