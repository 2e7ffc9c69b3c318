"""The event log's readers: each event to each consumer once, whatever is killed, repeated or late.

Two steps, both of which any number of workers may run at any time:

- `sequence_events` gives committed events their global `position`, gapless. Ids are no such order: a
  transaction that began first may commit last. Only one sequencer works at a time, it sees only what is
  committed, and so nothing ever appears below a position that a reader has passed.
- `run_consumer` hands one consumer the events after its cursor; what it does and the moved cursor are one
  transaction, under a lock on the cursor's row. What it cannot handle is set aside: `cases.stuck`.

After commit an action calls `nudge`; the sweep of beat finds what a lost nudge left. Why: docs/adr.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import Count, Max, Min, QuerySet
from django.db.models.functions import Now

from cases import stuck
from cases.models import CaseEvent, ConsumerCursor, StuckEvent
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


@dataclass(frozen=True)
class Consumer:
    """A reader of the event log.

    `handle` gets events in order of position and does everything in the transaction that it is called in;
    it may see an event again only after its effects were rolled back. `kinds` are those that it wants (None:
    all, of which it ignores what it does not know), `batch` is how far it reads at once.
    """

    name: str
    handle: stuck.Handle
    batch: int = 500
    kinds: frozenset[str] | None = None


@dataclass(frozen=True)
class Lag:
    """How far one consumer is behind the log.

    `oldest_at` is when the first event that it has not read was written; `stuck` counts the events that are
    set aside, `dead` those among them that were given up.
    """

    name: str
    position: int
    behind: int
    oldest_at: datetime | None = None
    stuck: int = 0
    dead: int = 0

    def seconds(self, at: datetime) -> float:
        """The age of the oldest event that waits to be read; 0 when none does."""
        return max(0.0, (at - self.oldest_at).total_seconds()) if self.oldest_at else 0.0


@dataclass(frozen=True)
class Backlog:
    """What the relay has not done yet: events without a position (and the first one's time), and each lag."""

    unsequenced: int
    oldest_at: datetime | None
    consumers: tuple[Lag, ...]

    @property
    def is_empty(self) -> bool:
        """Whether everything that happened has reached every consumer."""
        return not self.unsequenced and not any(each.behind or each.stuck for each in self.consumers)

    def seconds(self, at: datetime) -> float:
        """How old the oldest event is that has not been read by every consumer; 0 when there is none."""
        oldest = [each.seconds(at) for each in self.consumers]
        unnumbered = max(0.0, (at - self.oldest_at).total_seconds()) if self.oldest_at else 0.0
        return max([unnumbered, *oldest])


_consumers: dict[str, Consumer] = {}


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


def sequence_events(limit: int = BATCH) -> int | None:
    """Give at most `limit` committed events their position; how many got one.

    None when another sequencer is at work: it looks again after its commit (`run_relay`), so what was
    committed before this call is not left behind.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SEQUENCER_LOCK])
        if not cursor.fetchone()[0]:
            return None
        # A statement of its own, so that it sees what the sequencer before it committed.
        cursor.execute(_SEQUENCE.format(events=CaseEvent._meta.db_table), [limit])
        return int(cursor.rowcount)


def run_consumer(name: str, limit: int | None = None) -> int:
    """Hand the consumer its next events, and those that failed before and are due; how many it has taken.

    0 when there are none or another worker is running this consumer. An event that it cannot handle is set
    aside (`cases.stuck`) and holds up later events of its order only. Raises what `stuck.INTERRUPTIONS`
    lists, after rolling everything back.
    """
    return _run_once(name, limit).taken


@dataclass(frozen=True)
class _Round:
    """What one consumer did: events taken; whether it must rest; whether another worker is running it."""

    taken: int = 0
    must_rest: bool = False
    is_elsewhere: bool = False


def _run_once(name: str, limit: int | None = None) -> _Round:
    round_ = _attempt(name, limit)
    # A reader's first round: its cursor is committed before it is held, so that nobody waits to make it, too.
    if round_.is_elsewhere and ConsumerCursor.objects.get_or_create(name=name)[1]:
        return _attempt(name, limit)
    return round_


def _attempt(name: str, limit: int | None) -> _Round:
    consumer = _consumers[name]
    with transaction.atomic():
        cursor = _locked_cursor(name)
        if cursor is None:
            return _Round(is_elsewhere=True)
        heads = stuck.heads(name)
        retried = stuck.retry(name, consumer.handle, heads)
        room = stuck.MOST_AT_ONCE - len(heads)
        end = min(_top(), cursor.position + (limit or consumer.batch)) if room > 0 else cursor.position
        reached = _read_to(end, consumer, cursor.position, room)
        if reached > cursor.position:
            ConsumerCursor.objects.filter(pk=name).update(position=reached, updated_at=Now())
    is_overwhelmed = room <= 0 or reached < end
    if is_overwhelmed:
        logger.error("consumer_overwhelmed", extra={"consumer": name, "orders": stuck.MOST_AT_ONCE})
    return _Round(retried + reached - cursor.position, must_rest=is_overwhelmed)


def _locked_cursor(name: str) -> ConsumerCursor | None:
    """The consumer's place in the log, held until the transaction ends; None while another worker has it,
    or where there is none yet."""
    return ConsumerCursor.objects.select_for_update(skip_locked=True).filter(pk=name).first()


def _read_to(end: int, consumer: Consumer, position: int, room: int) -> int:
    """Hand over what the consumer wants of the events up to `end`; the position that it has come to."""
    if end <= position:
        return position
    wanted = CaseEvent.objects.filter(position__gt=position, position__lte=end)
    if consumer.kinds is not None:
        wanted = wanted.filter(kind__in=consumer.kinds)
    events = list(wanted.order_by("position"))
    done = stuck.hand_over(consumer.name, consumer.handle, events, room) if events else 0
    return end if done == len(events) else (events[done].position or 1) - 1


def _top() -> int:
    """The last position there is."""
    return CaseEvent.objects.aggregate(top=Max("position"))["top"] or 0


def skip_to(position: int, names: Iterable[str]) -> None:
    """Have readers go on behind what a bulk load made, as if they had read it; never back."""
    for name in names:
        ConsumerCursor.objects.get_or_create(name=name)
        behind = ConsumerCursor.objects.filter(pk=name, position__lt=position)
        behind.update(position=position, updated_at=Now())


def run_relay(*, seconds: float = 20.0) -> int:
    """Sequence and hand over until nothing waits or the time is up; how many events were handed over.

    A consumer that is overwhelmed or was interrupted is left for the next run; the others go on.
    """
    until = time.monotonic() + seconds
    handed, resting = 0, set[str]()
    while time.monotonic() < until:
        numbered = sequence_events()
        moved = numbered or 0
        elsewhere = set[str]()
        for name in registered_consumers():
            if name in resting:
                continue
            done = _run_apart(name)
            moved, handed = moved + done.taken, handed + done.taken
            if done.must_rest:
                resting.add(name)
            elif done.is_elsewhere:
                elsewhere.add(name)
        # Whoever held the sequencer's lock, or a cursor's, looks again before it goes.
        is_all_numbered = numbered is None or not _unnumbered().exists()
        if is_all_numbered and not moved and not _any_waits({*registered_consumers()} - resting - elsewhere):
            break
    return handed


def _run_apart(name: str) -> _Round:
    """Run one consumer so that its failure is no other's."""
    try:
        return _run_once(name)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("consumer_interrupted", extra={"consumer": name, "reason": repr(error)})
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        return _Round(must_rest=True)


def _unnumbered() -> QuerySet[CaseEvent]:
    return CaseEvent.objects.filter(position__isnull=True)


def _any_waits(names: Iterable[str]) -> bool:
    top = _top()
    least = ConsumerCursor.objects.filter(pk__in=list(names)).aggregate(least=Min("position"))["least"]
    return least is not None and least < top


def lag() -> Backlog:
    """How far everything is behind: what health checks and operators look at; five queries."""
    waiting = _unnumbered()
    top = _top()
    cursors = dict(ConsumerCursor.objects.values_list("name", "position"))
    at = {name: cursors.get(name, 0) for name in registered_consumers()}
    firsts = CaseEvent.objects.filter(position__in=[position + 1 for position in at.values()])
    since = dict(firsts.values_list("position", "recorded_at"))
    aside = {
        row["consumer"]: row
        for row in StuckEvent.objects.order_by()
        .values("consumer")
        .annotate(stuck=Count("pk"), dead=Count("dead_at"))
    }
    nothing = {"stuck": 0, "dead": 0}
    lags = (
        Lag(name, position, top - position, since.get(position + 1), stuck=row["stuck"], dead=row["dead"])
        for name, position in at.items()
        for row in [aside.get(name, nothing)]
    )
    oldest = waiting.order_by("pk").values_list("recorded_at", flat=True).first()
    return Backlog(waiting.count(), oldest, tuple(lags))
