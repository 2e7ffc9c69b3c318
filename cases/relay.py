"""The event log's readers: each event to each consumer once, whatever is killed, repeated or late.

Two steps, both of which any number of workers may run at any time:

- `sequence_events` gives committed events their global `position`, gapless. Ids are no such order: a
  transaction that began first may commit last. Only one sequencer works at a time, it sees only what is
  committed, and so nothing ever appears below a position that a reader has passed.
- `run_consumer` hands one consumer the events after its cursor; what it does and the moved cursor are one
  transaction, under a lock on the cursor's row.

After commit an action calls `nudge`; the sweep of beat finds what a lost nudge left. Why: docs/adr.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Max, Min
from django.db.models.functions import Now

from cases.models import CaseEvent, ConsumerCursor
from cases.publishing import publisher

logger = logging.getLogger("gezhi.relay")

# Any constant will do, as long as nothing else in the database locks it (beat: 7240501).
SEQUENCER_LOCK = 7_240_502
#: Events that get their position in one statement.
BATCH = 2000

_SEQUENCE = """
WITH top AS (SELECT coalesce(max(position), 0) AS position FROM {events}),
fresh AS (
    SELECT id, row_number() OVER (ORDER BY id) AS number
    FROM (SELECT id FROM {events} WHERE position IS NULL ORDER BY id LIMIT %s) AS waiting
)
UPDATE {events} AS event SET position = top.position + fresh.number
FROM top, fresh WHERE event.id = fresh.id
"""

#: Not the event's fault: a lost connection, a deadlock, a time-out. All is rolled back and tried again later.
INTERRUPTIONS = (OperationalError, InterfaceError, SoftTimeLimitExceeded)

Handle = Callable[[Sequence[CaseEvent]], None]


@dataclass(frozen=True)
class Consumer:
    """A reader of the event log.

    `handle` gets events in order of position, with their orders, and does everything in the transaction
    that it is called in; it may see an event again only after its effects were rolled back. `batch` is the
    most events at once. It ignores kinds that it does not know.
    """

    name: str
    handle: Handle
    batch: int = 500


@dataclass(frozen=True)
class Lag:
    """How far one consumer is behind the log."""

    name: str
    position: int
    behind: int


@dataclass(frozen=True)
class Backlog:
    """What the relay has not done yet: events without a position (and the first one's time), and each lag."""

    unsequenced: int
    oldest_at: datetime | None
    consumers: tuple[Lag, ...]

    @property
    def is_empty(self) -> bool:
        """Whether everything that happened has reached every consumer."""
        return not self.unsequenced and not any(each.behind for each in self.consumers)


_consumers: dict[str, Consumer] = {}
#: How often each consumer of this process stopped at an event.
stops: Counter[str] = Counter()


def register(*consumers: Consumer) -> None:
    """Add readers of the log, in `AppConfig.ready`; a name again replaces. A new one reads from the start."""
    for consumer in consumers:
        _consumers[consumer.name] = consumer


def unregister(name: str) -> None:
    """Take a reader away; its cursor stays, so that it goes on where it was when it comes back."""
    _consumers.pop(name, None)


def registered_consumers() -> tuple[str, ...]:
    """The names of all readers."""
    return tuple(_consumers)


def nudge() -> None:
    """Have a worker run the relay now; call it after commit. Costs the caller no time and never fails."""
    publisher.post("cases.relay")


def sequence_events(limit: int = BATCH) -> int:
    """Give at most `limit` committed events their position; how many got one.

    0 as well when another sequencer is at work: it looks again after its commit (`run_relay`), so what was
    committed before this call is not left behind.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SEQUENCER_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        # A statement of its own, so that it sees what the sequencer before it committed.
        cursor.execute(_SEQUENCE.format(events=CaseEvent._meta.db_table), [limit])
        return cursor.rowcount


def run_consumer(name: str, limit: int | None = None) -> int:
    """Hand the consumer its next events; how many it has taken.

    0 when there are none or another worker is running this consumer. At an event that it cannot handle it
    stops: what came before is kept, the event and all after it wait for the next run, and the log says so.
    Raises what INTERRUPTIONS lists, after rolling everything back.
    """
    consumer = _consumers[name]
    ConsumerCursor.objects.get_or_create(name=name)
    with transaction.atomic():
        cursor = ConsumerCursor.objects.select_for_update(skip_locked=True).filter(pk=name).first()
        if cursor is None:
            return 0
        waiting = CaseEvent.objects.filter(position__gt=cursor.position).order_by("position")
        events = list(waiting.select_related("case")[: limit or consumer.batch])
        taken = _hand_over(consumer, events) if events else 0
        if taken:
            position = events[taken - 1].position
            ConsumerCursor.objects.filter(pk=name).update(position=position, updated_at=Now())
    return taken


def _hand_over(consumer: Consumer, events: Sequence[CaseEvent]) -> int:
    """Let the consumer handle all events at once or, where that fails, one by one up to the failing one."""
    if len(events) > 1:
        try:
            with transaction.atomic():
                consumer.handle(events)
        except INTERRUPTIONS:
            raise
        except Exception as error:
            logger.info("consumer_batch_split", extra={"consumer": consumer.name, "reason": repr(error)})
        else:
            return len(events)
    for taken, event in enumerate(events):
        if not _hand_one(consumer, event):
            return taken
    return len(events)


def _hand_one(consumer: Consumer, event: CaseEvent) -> bool:
    try:
        with transaction.atomic():
            consumer.handle([event])
    except INTERRUPTIONS:
        raise
    except Exception:
        stops[consumer.name] += 1
        told = {"consumer": consumer.name, "position": event.position, "order": event.case.number}
        logger.exception(
            "consumer_stopped", extra={**told, "kind": event.kind, "times": stops[consumer.name]}
        )
        return False
    return True


def skip_to(position: int, names: Iterable[str]) -> None:
    """Have readers go on behind what a bulk load made, as if they had read it; never back."""
    for name in names:
        ConsumerCursor.objects.get_or_create(name=name)
        behind = ConsumerCursor.objects.filter(pk=name, position__lt=position)
        behind.update(position=position, updated_at=Now())


def run_relay(*, seconds: float = 20.0) -> int:
    """Sequence and hand over until nothing waits or the time is up; how many events were handed over.

    A consumer that stopped is left for the next run; the others go on.
    """
    until = time.monotonic() + seconds
    handed, stuck = 0, set[str]()
    while time.monotonic() < until:
        moved = sequence_events()
        for name in registered_consumers():
            if name in stuck:
                continue
            taken, is_stuck = _run_apart(name)
            moved, handed = moved + taken, handed + taken
            if is_stuck:
                stuck.add(name)
        # A worker that found a cursor locked has gone: whoever held the lock looks again before it goes, too.
        if not moved and not _any_waits(set(registered_consumers()) - stuck):
            break
    return handed


def _run_apart(name: str) -> tuple[int, bool]:
    """Run one consumer so that its failure is no other's: how many it has taken, and whether it is stuck."""
    before = stops[name]
    try:
        taken = run_consumer(name)
    except (OperationalError, InterfaceError) as error:
        logger.warning("consumer_interrupted", extra={"consumer": name, "reason": repr(error)})
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        return 0, True
    return taken, stops[name] > before


def _any_waits(names: Iterable[str]) -> bool:
    top = CaseEvent.objects.aggregate(top=Max("position"))["top"] or 0
    least = ConsumerCursor.objects.filter(pk__in=list(names)).aggregate(least=Min("position"))["least"]
    return least is not None and least < top


def lag() -> Backlog:
    """How far everything is behind: what /healthz and operators look at."""
    waiting = CaseEvent.objects.filter(position__isnull=True)
    top = CaseEvent.objects.aggregate(top=Max("position"))["top"] or 0
    cursors = dict(ConsumerCursor.objects.values_list("name", "position"))
    lags = (Lag(name, cursors.get(name, 0), top - cursors.get(name, 0)) for name in registered_consumers())
    oldest = waiting.order_by("pk").values_list("recorded_at", flat=True).first()
    return Backlog(waiting.count(), oldest, tuple(lags))
