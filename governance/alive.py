"""Signs of life: a process shows its supervisor that it works, a queue shows everybody that it is emptied.

Two questions, two answers:

- *Does this worker take work?* Each worker sends itself a message through the broker, on a queue of its own,
  every ten seconds; its own pool runs it and touches a file. A worker that is frozen, whose connection to the
  broker hangs or that no longer consumes one of its queues leaves the file to age, and its supervisor
  (`governance.stack`) starts it again. Other workers, and beat, have no part in it.
- *Is this queue emptied, by whomever?* Beat sends a message into each queue; whoever takes it writes the time
  into PostgreSQL (`Heartbeat`), where the health check reads its age.
"""

from __future__ import annotations

import logging
import os
import socket
import zlib
from pathlib import Path
from typing import Any, Final

from celery import bootsteps, shared_task
from celery.worker import state
from django.conf import settings
from kombu import Exchange, Queue

logger = logging.getLogger("gezhi.alive")

SIGN_OF_LIFE: Final = "GEZHI_SIGN_OF_LIFE"
#: Seconds between two messages of a worker to itself, and of beat to each queue.
EVERY: Final = 10
#: Seconds after which the broker forgets the queue of a worker that has gone: each start may bring another.
FORGOTTEN_AFTER: Final = 3600
#: The queues of the portal; earlier ones are emptied first.
QUEUES: Final = ("urgent", "celery")


def touch() -> None:
    """Note in the file that the environment names, if it does, that this process works."""
    if path := os.environ.get(SIGN_OF_LIFE):
        Path(path).touch()


@shared_task(name="governance.say_alive", soft_time_limit=10, time_limit=20)
def say_alive() -> None:
    """Touch the worker's sign of life."""
    touch()


@shared_task(name="governance.hear_queue", soft_time_limit=10, time_limit=20)
def hear_queue(queue: str) -> None:
    """Write down that a worker takes from this queue."""
    from django.db.models.functions import Now  # noqa: PLC0415  Celery starts before Django's models

    from cases.models import Heartbeat  # noqa: PLC0415

    Heartbeat.objects.bulk_create(
        [Heartbeat(name=f"queue:{queue}", at=Now())],
        update_conflicts=True,
        update_fields=["at"],
        unique_fields=["name"],
    )


def own_queue() -> Queue | None:
    """The queue on which this worker talks to itself: one a file, so that no two share it."""
    path = os.environ.get(SIGN_OF_LIFE)
    if not path:
        return None
    name = f"alive.{socket.gethostname()}.{zlib.crc32(path.encode()):08x}"
    return Queue(name, Exchange(name), routing_key=name, expires=FORGOTTEN_AFTER)


def listen_to_oneself(instance: Any, **_kwargs: Any) -> None:
    """Have a worker that is watched consume from its own queue, before those that it was told.

    Last, it would go unheard while the others are never empty.
    """
    if queue := own_queue():
        queues = instance.app.amqp.queues
        others = dict(queues.consume_from)
        queues.select_add(queue)
        queues.consume_from.clear()
        queues.consume_from.update({queue.name: queue, **others})


class Pulse(bootsteps.StartStopStep):
    """A worker's messages to itself."""

    requires = ("celery.worker.components:Timer",)

    def __init__(self, worker: Any, **_options: Any) -> None:
        self._entry: Any = None

    def start(self, worker: Any) -> None:
        """Begin to send, where there is a file to touch."""
        queue = own_queue()
        if queue is not None:
            names = frozenset(worker.app.amqp.queues.consume_from)
            pause = EVERY / settings.TASK_PACE
            self._entry = worker.timer.call_repeatedly(pause, self._beat, (worker, queue.name, names))

    def stop(self, worker: Any) -> None:
        """Send no more."""
        if self._entry is not None:
            self._entry.cancel()

    @staticmethod
    def _beat(worker: Any, own: str, names: frozenset[str]) -> None:
        if len(state.active_requests) >= worker.concurrency:
            touch()  # all hands are busy; the time limits see to it that this ends
            return
        consumer = getattr(worker.consumer, "task_consumer", None)
        if consumer is None or not all(consumer.consuming_from(name) for name in names):
            return
        try:
            say_alive.apply_async(queue=own, expires=2 * EVERY, retry=False)
        except Exception as error:  # whatever the broker's client raises; the file ages
            logger.warning(
                "broker_unavailable", extra={"task": say_alive.name, "reason": type(error).__name__}
            )
