"""What is left when it is quiet: the tables' promises, and the journal of what the portal acknowledged."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Final

from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from cases.models import Case, CaseEvent, Clock, Notification, StuckEvent, TakenRung
from cases.relay import lag, registered_consumers
from cases.workflow import UNROUTED_STATES
from governance.invariants.promises import Question
from governance.invariants.running import run_checks
from governance.stack import console

#: Seconds between two sweeps of beat, and what a busy machine needs to take what they find.
SWEEP: Final = 30
#: Seconds between two words about what still waits.
TELL_EVERY: Final = 20.0


def wait_until_quiet(seconds: float) -> list[str]:
    """Wait until nothing waits any more; what still does when the time is over."""
    until = time.monotonic() + seconds
    waiting, told_at = ["nothing looked at yet"], time.monotonic()
    while waiting and time.monotonic() < until:
        time.sleep(1)
        if time.monotonic() > told_at + TELL_EVERY:
            told_at = time.monotonic()
            console.say(f"waiting: {'; '.join(waiting)}")
        try:
            waiting = _waiting()
        except (DatabaseError, InterfaceError):
            connection.close()
    return waiting


def _waiting() -> list[str]:
    backlog, now = lag(), timezone.now()
    late = Clock.objects.filter(next_rung_at__lt=now - timedelta(seconds=SWEEP - 5)).count()
    unrouted = Case.objects.filter(routed_at=None, state__in=UNROUTED_STATES).count()
    behind = [(each.name, each.behind) for each in backlog.consumers if each.behind]
    told = {
        f"{backlog.unsequenced} events without a position": backlog.unsequenced,
        f"readers behind: {behind}": behind,
        f"{late} rungs that came due": late,
        f"{unrouted} orders without a route": unrouted,
        f"events set aside: {StuckEvent.objects.count()}": StuckEvent.objects.exists(),
    }
    return [words for words, is_so in told.items() if is_so]


def broken_promises() -> list[str]:
    """Every promise of the tables that is broken, with its first rows."""
    outcomes = run_checks(
        Question(at=timezone.now(), grace=timedelta(seconds=SWEEP), readers=registered_consumers(), sample=10)
    )
    return [
        f"{o.invariant.name}: {o.count} rows, " + "; ".join(f"{x.number} {x.detail}" for x in o.offences)
        for o in outcomes
        if not o.holds
    ]


def missing_from_journal(journals: Iterable[Path]) -> tuple[list[str], Counter[str]]:
    """What the portal acknowledged and the tables do not have, or have twice; and counts by kind."""
    lines = [line.split() for journal in journals for line in journal.read_text("utf-8").splitlines()]
    reports = {words[1]: words[2] for words in lines if words[0] == "report"}
    numbers: dict[str, list[str]] = {}
    for client_id, number in Case.objects.exclude(client_id="").values_list("client_id", "number"):
        numbers.setdefault(client_id, []).append(number)
    problems = [
        f"{number} was acknowledged for {client_id}, there is {numbers.get(client_id)}"
        for client_id, number in reports.items()
        if numbers.get(client_id) != [number]
    ]
    acknowledged = Counter((words[1], words[0]) for words in lines if words[0] != "report")
    events = Counter(CaseEvent.objects.exclude(kind="report").values_list("case__number", "kind"))
    problems += [
        f"{number}: {kind} acknowledged {count} times, {events[number, kind]} events"
        for (number, kind), count in acknowledged.items()
        if events[number, kind] < count
    ]
    return problems, Counter(words[0] for words in lines)


def counts() -> dict[str, int]:
    """What there is at the end."""
    return {
        "orders": Case.objects.count(),
        "events": CaseEvent.objects.count(),
        "rungs": TakenRung.objects.count(),
        "messages": Notification.objects.count(),
        "still open": Case.objects.open().count(),
    }
