"""Events that a consumer could not handle: set aside, tried again with growing pauses, at last given up.

An event that fails must not stop its consumer, and later events of the same order must not overtake it. So
it is set aside as a row, and what follows of its order waits behind it; other orders go on. All of it happens
in the consumer's transaction, under the lock of its cursor. Why: docs/adr/0005-relay.md.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import timedelta
from typing import Final

from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from cases.backoff import pause_after
from cases.models import CaseEvent, StuckEvent

logger = logging.getLogger("gezhi.relay")

#: Not the event's fault where the connection is lost or time is up: all is rolled back and comes again.
INTERRUPTIONS = (OperationalError, InterfaceError, SoftTimeLimitExceeded)
FIRST_PAUSE: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(minutes=10)
#: After so many tries, about ten minutes, an event is given up until the system officer decides.
MOST_TRIES: Final = 8
#: Orders of one consumer that are being tried again. More of them say that the consumer is at fault, not the
#: events: it takes nothing new until some have been handled or given up.
MOST_AT_ONCE: Final = 100
_LONGEST_ERROR: Final = 300

Handle = Callable[[Sequence[CaseEvent]], None]


def attempt(handle: Handle, events: Sequence[CaseEvent]) -> Exception | None:
    """Let a consumer handle events, in a savepoint; the error that it raised, after all was rolled back.

    Raises what INTERRUPTIONS lists. A deadlock or a statement that took too long is an error like others.
    """
    try:
        with transaction.atomic():
            handle(events)
    except OperationalError as error:
        if connection.needs_rollback or connection.connection is None or connection.connection.closed:
            raise
        return error
    except INTERRUPTIONS:
        raise
    except Exception as error:
        return error
    return None


def hand_over(name: str, handle: Handle, events: Sequence[CaseEvent], room: int) -> int:
    """Let the consumer handle new events; how many of them are dealt with, handled or set aside.

    All at once and, where that fails, in halves: one by one, a large batch with a single bad event might
    outlast the task, time after time. Less than all are dealt with when `room` (orders that may still be
    set aside) is used up.
    """
    behind = set(
        StuckEvent.objects.filter(consumer=name, case__in={event.case_id for event in events})
        .order_by()
        .values_list("case_id", flat=True)
    )
    parts, done = [list(events)], 0
    while parts:
        part = parts.pop()
        ready = [event for event in part if event.case_id not in behind]
        error = attempt(handle, ready) if ready else None
        if error is None:
            _set_aside(name, [event for event in part if event.case_id in behind])
        elif len(part) > 1:
            middle = len(part) // 2
            parts += [part[middle:], part[:middle]]
            continue
        elif room <= 0:
            break
        else:
            _set_aside(name, part, error)
            behind.add(part[0].case_id)
            room -= 1
        done += len(part)
    return done


def _set_aside(name: str, events: Iterable[CaseEvent], error: Exception | None = None) -> None:
    """Write rows for events that wait; with an error for the first of its order, which is tried again."""
    rows = [
        StuckEvent(
            consumer=name, event=event, case_id=event.case_id, position=event.position or 0, since=Now()
        )
        for event in events
    ]
    if not rows:
        return
    StuckEvent.objects.bulk_create(rows)
    if error is not None:
        _note_failure(rows[0], error)


def heads(name: str) -> list[StuckEvent]:
    """The first stuck event of each order that is still tried, the next due first; `is_due` says whose is."""
    rows = StuckEvent.objects.filter(consumer=name, next_try_at__isnull=False)
    return list(rows.annotate(is_due=Q(next_try_at__lte=Now())).order_by("next_try_at")[:MOST_AT_ONCE])


def retry(name: str, handle: Handle, rows: Collection[StuckEvent]) -> int:
    """Try the heads that are due again, and what waited behind one that goes through; how many went."""
    due = [row.case_id for row in rows if row.is_due]  # type: ignore[attr-defined]  # annotated by heads()
    return sum(_retry_order(name, handle, case_id) for case_id in due)


def _retry_order(name: str, handle: Handle, case_id: int) -> int:
    waiting = StuckEvent.objects.filter(consumer=name, case=case_id).select_related("event__case")
    went = 0
    for row in waiting.order_by("position"):
        if error := attempt(handle, [row.event]):
            _note_failure(row, error)
            break
        row.delete()
        went += 1
    return went


def _note_failure(row: StuckEvent, error: Exception) -> None:
    """Count the failure of a head; say when it is tried next, or that it is given up."""
    tries = row.tries + 1
    is_dead = tries >= MOST_TRIES
    pause = pause_after(tries, first=FIRST_PAUSE, most=LONGEST_PAUSE)
    StuckEvent.objects.filter(pk=row.pk).update(
        tries=tries,
        error=describe_error(error),
        next_try_at=None if is_dead else Now() + pause,
        dead_at=Now() if is_dead else None,
    )
    told = {"consumer": row.consumer, "position": row.position, "order": row.event.case.number}
    logger.log(
        logging.ERROR if is_dead else logging.WARNING,
        "event_given_up" if is_dead else "event_set_aside",
        extra={**told, "kind": row.event.kind, "tries": tries},
        exc_info=error,
    )


def describe_error(error: BaseException) -> str:
    """An error in one line for a list: type, first line without long numbers, and where it was raised.

    Further lines of the database's quote the row, and so perhaps a person; NUL it would not keep.
    """
    lines = str(error).replace("\x00", "").strip().splitlines()
    words = re.sub(r"\d{5,}", "…", lines[0]) if lines else ""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {words[:200]}{place}"[:_LONGEST_ERROR]
