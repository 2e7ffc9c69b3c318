"""How quick the relay is: events a second with their messages, and how soon a message follows its event.

Run as a program of its own on a filled database: `python -m tests.benchmarks.relay --events N` appends so
many events to orders and has one process sequence them and hand them to every reader; with `--paced` it
appends some fifty a second instead, each in a transaction of its own with its nudge, and looks when a real
worker has written the messages.
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time
from datetime import datetime, timedelta

ROUNDS = 3
#: How often the rows are looked for, in seconds: what a figure may be too large by.
LOOK = 0.01
#: When to stop waiting for the last messages, in seconds.
PATIENCE = 30.0


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--events", type=int, default=20_000)
    arguments.add_argument("--paced", type=float, metavar="SECONDS", default=0.0)
    arguments.add_argument("--rate", type=float, default=50.0, help="events a second, paced")
    given = arguments.parse_args()
    import django  # noqa: PLC0415  the settings are named by now

    django.setup()
    if given.paced:
        await_calm()
        print(told(latencies(given.paced, given.rate), given.rate), flush=True)
        return
    rates = [throughput(given.events) for _ in range(ROUNDS)]
    rate, messages, own, database = sorted(rates)[ROUNDS // 2]
    print(
        f"{'relay, all readers, one process':32}{rate:8.0f} events a second with {messages:,} messages;"
        f" processor {own * 1e6 / given.events:.0f} µs each, PostgreSQL {database * 1e6 / given.events:.0f}",
        flush=True,
    )


def append(count: int, *, at: datetime) -> None:
    """Repeat so many events of open orders as new ones, which nobody has read."""
    from django.db import connection  # noqa: PLC0415

    from cases.notify import TOLD  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute(
            "WITH chosen AS (SELECT e.* FROM cases_caseevent e JOIN cases_case c ON c.id = e.case_id"
            " WHERE c.ended_at IS NULL AND e.kind = ANY(%(kinds)s) AND e.seq < 100000 ORDER BY e.id DESC),"
            " numbered AS (SELECT *, row_number() OVER () AS n FROM chosen CROSS JOIN"
            " generate_series(1, 1 + %(count)s / (SELECT count(*) FROM chosen)) LIMIT %(count)s),"
            " top AS (SELECT max(seq) AS seq FROM cases_caseevent)"
            " INSERT INTO cases_caseevent (case_id, seq, kind, version, at, recorded_at, actor_id,"
            " actor_kind, from_state, to_state, note, data, is_imported)"
            " SELECT case_id, greatest(top.seq, 100000) + n, kind, version, %(at)s, now(), actor_id,"
            " actor_kind, from_state, to_state, note, data, false FROM numbered, top ORDER BY n",
            {"kinds": list(TOLD), "count": count, "at": at},
        )


def throughput(count: int) -> tuple[float, int, float, float]:
    """Events a second, the messages written, and the processor's seconds: this process's, PostgreSQL's."""
    from django.db import connection  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from cases.models import Notification  # noqa: PLC0415
    from cases.publishing import publisher  # noqa: PLC0415
    from cases.relay import lag, run_relay  # noqa: PLC0415
    from tests.benchmarks.machine import processor_seconds  # noqa: PLC0415

    append(count, at=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = {cursor.fetchone()[0]}
    database = processor_seconds(backend)
    before = Notification.objects.count()
    began, used = time.perf_counter(), time.process_time()
    with publisher.quiet():
        while not lag().is_empty:
            run_relay(seconds=600)
    took, used = time.perf_counter() - began, time.process_time() - used
    database = processor_seconds(backend) - database
    return count / took, Notification.objects.count() - before, used, database


def await_calm() -> None:
    """Let worker and beat do what was measured before leaves them; raises RuntimeError if they never end."""
    from cases.models import Case  # noqa: PLC0415
    from cases.relay import lag  # noqa: PLC0415
    from cases.workflow import UNROUTED_STATES  # noqa: PLC0415

    until = time.monotonic() + 4 * PATIENCE
    while not lag().is_empty or Case.objects.filter(routed_at=None, state__in=UNROUTED_STATES).exists():
        if time.monotonic() > until:
            raise RuntimeError("Worker and beat have not done what waits for them.")
        time.sleep(0.2)


def latencies(seconds: float, rate: float) -> list[float]:
    """From the commit of each event to its first message, in seconds; all within some time, or it fails."""
    from cases.models import Notification  # noqa: PLC0415

    committed: dict[int, float] = {}
    seen: dict[int, float] = {}
    done = threading.Event()

    def drive() -> None:
        from django.db import connection  # noqa: PLC0415

        _drive(committed, seconds, rate)
        connection.close()
        done.set()

    thread = threading.Thread(target=drive)
    thread.start()
    until = time.monotonic() + seconds + PATIENCE
    while time.monotonic() < until and not (done.is_set() and len(seen) == len(committed)):
        waiting = [pk for pk in list(committed) if pk not in seen]
        rows = Notification.objects.filter(event__in=waiting).order_by().values_list("event_id", flat=True)
        seen |= dict.fromkeys(rows.distinct(), time.perf_counter())
        time.sleep(LOOK)
    thread.join()
    if len(seen) != len(committed):
        raise RuntimeError(f"{len(committed) - len(seen)} of {len(committed)} events have no message")
    return [seen[pk] - at for pk, at in committed.items()]


def _drive(committed: dict[int, float], seconds: float, rate: float) -> None:
    """Comment on orders that somebody handles, each in its transaction, evenly."""
    from django.db import transaction  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from cases.models import Case  # noqa: PLC0415
    from cases.relay import nudge  # noqa: PLC0415
    from tests.factories.log import append_event  # noqa: PLC0415

    orders = list(Case.objects.filter(state="handling").order_by("pk")[:500])
    began = time.monotonic()
    for number in range(int(seconds * rate)):
        wait = began + number / rate - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        with transaction.atomic():
            case = Case.objects.select_for_update().get(pk=orders[number % len(orders)].pk)
            case.last_seq = max(case.last_seq, 50_000)  # past those that were measured before
            event = append_event(case, at=timezone.now() - timedelta(seconds=1))
        committed[event.pk] = time.perf_counter()
        nudge()


def told(waits: list[float], rate: float) -> str:
    """The figures in a line."""
    ordered = sorted(waits)
    most = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return (
        f"{f'commit to message, {rate:.0f} a second':32}{statistics.median(ordered) * 1000:8.0f} ms p50,"
        f" {most * 1000:.0f} ms p99, {ordered[-1] * 1000:.0f} ms at most, {len(ordered):,} events"
    )


if __name__ == "__main__":
    main()
