"""How quick the sweep of the ladder is: with nothing due among very many clocks, and with very many due.

Run as a program of its own on a filled database: `python -m tests.benchmarks.ladder --clocks N --due N`. The
clocks are rows beside those of the orders that are there, spread over their stages; each of those that are
made due has one rung to take: a third reminds, a third is late, a third climbs. With `--sweep` it is one of
several sweeps at once: it says when it is ready, begins when it is told, and says what it did.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from tests.benchmarks.machine import processor_seconds

ROUNDS = 3
IDLE_SWEEPS = 30
#: Day and night, so that the figures are the same at any hour; rungs at 80, 100 and 150 %.
LIMIT = timedelta(hours=10)


class Taken(NamedTuple):
    """One round of sweeps at once."""

    rungs: int
    seconds: float
    #: Of the sweeps, and of their sessions in the database.
    processor: float
    database: float

    @property
    def rate(self) -> float:
        """Rungs a second."""
        return self.rungs / self.seconds


def main() -> None:
    """Fill, measure, print."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--clocks", type=int, default=1_000_000)
    arguments.add_argument("--due", type=int, default=10_000)
    arguments.add_argument("--sweep", action="store_true")
    given = arguments.parse_args()
    import django  # noqa: PLC0415  the settings are named by now

    django.setup()
    if given.sweep:
        _sweep_when_told()
    else:
        _measure(given.clocks, given.due)


def _measure(clocks: int, due: int) -> None:
    from django.utils import timezone  # noqa: PLC0415

    running = fill(clocks, at=timezone.now())
    print(f"Ladder, {running:,} running clocks", flush=True)
    print(f"{'idle sweep':30}{idle(at=timezone.now())}", flush=True)
    for sweeps in (1, 2):
        taken = [take(due, sweeps) for _ in range(ROUNDS)]
        rate = statistics.median(each.rate for each in taken)
        own = statistics.median(each.processor / each.rungs for each in taken) * 1e6
        database = statistics.median(each.database / each.rungs for each in taken) * 1e6
        name = f"rungs taken, {sweeps} at once"
        print(f"{name:30}{rate:8.0f} a second, {taken[-1].rungs:,} due; of processors each", end=" ")
        print(f"{own:.0f} µs, and {database:.0f} µs in the database", flush=True)
    _hand_on()


def _hand_on() -> None:
    """Count the events as read, so that what is measured next does not wait for them."""
    from cases.models import CaseEvent  # noqa: PLC0415
    from cases.relay import registered_consumers, sequence_events, skip_to  # noqa: PLC0415

    while sequence_events(100_000):
        pass
    top = CaseEvent.objects.order_by("-position").values_list("position", flat=True).first() or 0
    skip_to(top, registered_consumers())


def fill(count: int, *, at: datetime) -> int:
    """So many running clocks beside those of the orders, due in the next months; how many run in all."""
    from django.db import connection  # noqa: PLC0415

    from cases.models import Case, Clock  # noqa: PLC0415
    from cases.workflow import Stage  # noqa: PLC0415

    orders = Case.objects.count()
    others = [stage.value for stage in Stage if stage not in (Stage.WHOLE, Stage.DISPATCH)]
    stages = [Stage.DISPATCH.value, *others][: -(-count // orders)]  # of the first, some will come due
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE cases_clock SET next_rung_at = NULL WHERE next_rung_at <= now()")
        cursor.execute(
            'INSERT INTO cases_clock (case_id, stage, round, timer_type, "limit", paused_total, extended,'
            " started_at, due_at, warn_at, next_rung_at, next_rung_percent)"
            " SELECT held.id, stage, 1000, 'natural_day', %(limit)s, '0', '0', at, at, at, at, 80"
            " FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM cases_case) AS held"
            " CROSS JOIN unnest(%(stages)s) AS stage,"
            " LATERAL (SELECT %(at)s::timestamptz + interval '1 day'"
            " + held.n %% 90000 * interval '1 minute' AS at) AS later"
            " ORDER BY held.n LIMIT %(count)s ON CONFLICT DO NOTHING",
            {"limit": str(LIMIT), "stages": stages, "at": at, "count": count},
        )
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM ANALYZE cases_clock, cases_case, cases_caseevent, cases_takenrung")
    return Clock.objects.filter(stopped_at=None).count()


def idle(*, at: datetime) -> str:
    """What a sweep costs when nothing is due: the median of its statements together, and how they look."""
    from django.db import connection  # noqa: PLC0415

    from cases.escalation import sweep_ladder  # noqa: PLC0415

    spent: list[float] = []
    asked = 0

    def count(execute: Callable[..., Any], *statement: Any) -> Any:
        nonlocal asked
        began = time.perf_counter()
        try:
            return execute(*statement)
        finally:
            asked += 1
            spent[-1] += time.perf_counter() - began

    with connection.execute_wrapper(count):
        for _ in range(IDLE_SWEEPS):
            spent.append(0.0)
            sweep_ladder(at=at)
    middle, least = statistics.median(spent) * 1000, min(spent) * 1000
    return f"{middle:8.2f} ms in {asked // IDLE_SWEEPS} statements, at best {least:.2f} ms"


def take(count: int, sweeps: int) -> Taken:
    """Have so many rungs come due, and so many sweeps take them at once."""
    from cases.models import TakenRung  # noqa: PLC0415

    _make_due(count)
    before = TakenRung.objects.count()
    command = [sys.executable, "-m", "tests.benchmarks.ladder", "--sweep"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    running = [subprocess.Popen(command, **pipes) for _ in range(sweeps)]
    for each in running:
        each.stdout.readline()  # it has loaded
    for each in running:
        each.stdin.write("go\n")
        each.stdin.flush()
    told = [json.loads(each.communicate()[0]) for each in running]
    rungs = TakenRung.objects.count() - before
    own, database = (sum(each[name] for each in told) for name in ("processor", "database"))
    if not rungs:
        raise RuntimeError("No rung came due, so none was measured.")
    return Taken(rungs, max(each["seconds"] for each in told), own, database)


def _sweep_when_told() -> None:
    from django.db import connection  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from cases.escalation import sweep_ladder  # noqa: PLC0415

    sweep_ladder(at=timezone.now() - timedelta(days=400))  # everything is loaded and connected
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        session = {cursor.fetchone()[0]}
    print("ready", flush=True)
    sys.stdin.readline()
    began, own, database = time.perf_counter(), time.process_time(), processor_seconds(session)
    sweep_ladder(at=timezone.now())
    told = {
        "seconds": time.perf_counter() - began,
        "processor": time.process_time() - own,
        "database": processor_seconds(session) - database,
    }
    print(json.dumps(told))


def _make_due(count: int) -> None:
    """One rung each: 80 % reminds, 100 % is late, 150 % climbs."""
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM cases_takenrung USING cases_clock WHERE clock_id = cases_clock.id AND round = 1000"
        )
        cursor.execute(
            "WITH chosen AS (SELECT clock.id, (row_number() OVER (ORDER BY random()))::int %% 3 AS which"
            "  FROM cases_clock AS clock JOIN cases_case AS held ON held.id = clock.case_id"
            "  JOIN grids_place AS desk ON desk.id = held.desk_id AND desk.depth > 1"
            "  WHERE clock.stage = 'dispatch' AND clock.round = 1000 LIMIT %s),"
            " rung AS (SELECT id, (ARRAY[0, 80, 100])[which + 1] AS passed,"
            "  (ARRAY[80, 100, 150])[which + 1] AS next FROM chosen)"
            " UPDATE cases_clock AS clock SET passed_percent = rung.passed, next_rung_percent = rung.next,"
            " started_at = now() - clock.limit * rung.next / 100 - interval '1 minute',"
            " due_at = now() - clock.limit * rung.next / 100 - interval '1 minute' + clock.limit,"
            " next_rung_at = now() - interval '1 minute' FROM rung WHERE rung.id = clock.id",
            [count],
        )
        cursor.execute("ANALYZE cases_clock")


if __name__ == "__main__":
    main()
