"""Celery, and how it reaches the broker. Why each value: docs/adr/0002-settings.md."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

# Redelivery of what a killed worker held starts after this; every task must be over well before.
VISIBILITY_SECONDS = 300


def broker_address(redis_url: str) -> str:
    """Celery's spelling of a Valkey address: `unix:///path?db=1` is `redis+socket:///path?virtual_host=1`."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    number = dict(parse_qsl(parts.query)).get("db", "0")
    return f"redis+socket://{parts.path}?virtual_host={number}"


def celery_settings(redis_url: str, *, key_prefix: str = "") -> dict[str, Any]:
    """The `CELERY_*` settings. Truth is in PostgreSQL: a task carries ids and may be lost or come twice."""
    return {
        "CELERY_BROKER_URL": broker_address(redis_url),
        "CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP": True,
        "CELERY_BROKER_TRANSPORT_OPTIONS": {
            "visibility_timeout": VISIBILITY_SECONDS,
            "unacked_restore_interval": 1,
            "socket_timeout": 5,
            "socket_connect_timeout": 2,
            "queue_order_strategy": "priority",
            "global_keyprefix": key_prefix,
        },
        "CELERY_ACCEPT_CONTENT": ["json"],
        "CELERY_TASK_SERIALIZER": "json",
        "CELERY_TASK_IGNORE_RESULT": True,
        "CELERY_TASK_ACKS_LATE": True,
        "CELERY_TASK_REJECT_ON_WORKER_LOST": True,
        "CELERY_TASK_SOFT_TIME_LIMIT": 120,
        "CELERY_TASK_TIME_LIMIT": 150,
        "CELERY_TASK_DEFAULT_QUEUE": "celery",
        # A nudge that does not get out at once is found by a sweep; the person who clicked does not wait.
        "CELERY_TASK_PUBLISH_RETRY_POLICY": {"max_retries": 1, "interval_start": 0, "interval_max": 0.2},
        "CELERY_WORKER_PREFETCH_MULTIPLIER": 1,
        "CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS": True,
        "CELERY_WORKER_MAX_TASKS_PER_CHILD": 2000,
        "CELERY_WORKER_HIJACK_ROOT_LOGGER": False,
        "CELERY_BEAT_SCHEDULER": "governance.beat:SingleScheduler",
        "CELERY_BEAT_MAX_LOOP_INTERVAL": 5,
    }
