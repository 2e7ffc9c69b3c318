"""People at work: `python -m tests.chaos.driver PLAN JOURNAL --part 0 --orders 100 …`.

Each order is reported through the web, with a client id, again and again until the portal has acknowledged
it; only then it stands in the journal. Every later step is an action, tried again after any interruption.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import random
import re
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests.benchmarks.load import Browser

#: Seconds after an interruption until a step is tried again.
AGAIN = 0.5
_NUMBER = re.compile(rb"\r\nlocation: *\S*?/([0-9]{6}-[0-9]{6,})/", re.IGNORECASE)


@dataclass
class Life:
    """One order: what will become of it, drawn before it is reported."""

    client_id: str
    draw: random.Random
    #: The state in which everybody forgets it, so that it climbs.
    forgotten_in: str = ""
    turns: set[str] = field(default_factory=set)
    number: str = ""

    @classmethod
    def drawn(cls, seed: str) -> Life:
        """By its seed: two in ten are forgotten somewhere, some take turns."""
        draw = random.Random(seed)
        life = cls(str(uuid.UUID(int=draw.getrandbits(128))), draw)
        if draw.random() < 0.2:
            life.forgotten_in = draw.choice(
                ("reported", "reported", "accepted", "dispatched", "handling", "handled")
            )
        chances = {
            "decline": 0.05,
            "merge": 0.05,
            "suspend": 0.1,
            "return": 0.08,
            "fail": 0.1,
            "comment": 0.2,
        }
        life.turns = {turn for turn, chance in chances.items() if draw.random() < chance}
        return life

    def pause(self) -> float:
        """Seconds until the next step: mostly a moment, sometimes long enough for a rung or two."""
        return self.draw.uniform(3.5, 9) if self.draw.random() < 0.2 else self.draw.uniform(0.05, 1.2)


class Office:
    """Everybody who acts, and the journal in which acknowledged orders and steps are written down."""

    def __init__(self, plan: dict[str, Any], port: int, journal: IO[str]) -> None:
        self.plan, self.port, self.journal = plan, port, journal
        self.browser = Browser(port)
        self.counts: Counter[str] = Counter()
        self.users: dict[int, Any] = {}

    def acknowledge(self, *words: str) -> None:
        """Write down what the portal has confirmed, so that it survives us too."""
        self.journal.write(" ".join(words) + "\n")
        self.journal.flush()
        os.fsync(self.journal.fileno())
        self.counts[words[0]] += 1

    def report(self, life: Life) -> bool:
        """Send the report through the web page; whether it was acknowledged."""
        if "sessionid" not in self.browser.cookies:
            self.browser.sign_in(self.plan["reporter"], self.plan["password"])
        reach = 0.003
        fields = {
            "client_id": life.client_id,
            "matter": str(self.plan["matter"]),
            "description": "路口东侧，影响通行",
            "address": "映月路 86 号",
            "lng": f"{self.plan['lng'] + life.draw.uniform(-reach, reach):.6f}",
            "lat": f"{self.plan['lat'] + life.draw.uniform(-reach, reach):.6f}",
            "accuracy": "12", "position": "", "grid": "", "result": "",
            "device_time": "2026-11-20T10:00:00+08:00",
        }  # fmt: skip
        answer = self.browser.request(self.browser.upload("/report/", fields))
        found = _NUMBER.search(answer.head)
        if answer.status == 302 and found is None:  # the session is gone
            self.browser = Browser(self.port)
        if found is None:
            self.browser.close()  # an error page may be longer than it says
            self.counts[f"answered {answer.status}"] += 1
            return False
        life.number = found[1].decode()
        self.acknowledge("report", life.client_id, life.number)
        return True

    def user(self, pk: int) -> Any:
        """A user by id, read once."""
        from partymembers.models import User  # noqa: PLC0415  the settings are named by now

        if pk not in self.users:
            self.users[pk] = User.objects.get(pk=pk)
        return self.users[pk]

    def desk_of(self, case: Any) -> Any:
        """Who acts for the desk that holds the order now."""
        return self.user(self.plan["desks"][str(case.desk_id)])


def step(office: Office, life: Life) -> bool:
    """Do what comes next for an order; whether anything ever will."""
    from cases.models import Case  # noqa: PLC0415
    from tests.chaos.steps import STEPS  # noqa: PLC0415

    if not life.number:
        office.report(life)
        return True
    case = Case.objects.get(number=life.number)
    if case.state == life.forgotten_in or case.state not in STEPS:
        return False
    done = STEPS[case.state](office, life, case)
    if done:
        office.acknowledge(done, life.number)
    return True


def drive(office: Office, lives: list[Life], *, seconds: float, patience: float) -> None:
    """Report all orders, spread over the seconds; bring each on until `patience` after the last report."""
    from django.db import connection  # noqa: PLC0415

    from governance.common.errors import DomainError  # noqa: PLC0415

    began = time.monotonic()
    ends = began + seconds + patience
    turns = [(began + seconds * n / len(lives), n) for n in range(len(lives))]
    heapq.heapify(turns)
    while turns:
        at, n = heapq.heappop(turns)
        time.sleep(max(0.0, at - time.monotonic()))
        pause = lives[n].pause()
        try:
            if not step(office, lives[n]):
                continue
        except DomainError:  # somebody was faster: the ladder, or we ourselves before an answer was lost
            office.counts["refused"] += 1
        except Exception as error:
            if not _is_outage(error):
                raise
            office.counts["interrupted"] += 1
            connection.close()
            office.browser.close()
            pause = AGAIN
        now = time.monotonic()
        if not lives[n].number:
            ends = max(ends, now + patience)
        if now < ends:
            heapq.heappush(turns, (now + pause, n))


def _is_outage(error: Exception) -> bool:
    """Whether something was away, as it is all the time here, rather than a fault of ours."""
    from django.db import (  # noqa: PLC0415
        DatabaseError,
        DataError,
        IntegrityError,
        InterfaceError,
        ProgrammingError,
    )
    from django.db.transaction import TransactionManagementError  # noqa: PLC0415

    if isinstance(error, (IntegrityError, DataError, ProgrammingError)):
        return isinstance(error, TransactionManagementError)  # what follows a connection that was lost
    return isinstance(error, (DatabaseError, InterfaceError, OSError))


def main() -> None:
    """Drive one part of the orders, and tell at the end what was done."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("plan", type=Path)
    arguments.add_argument("journal", type=Path)
    for name, kind in {
        "port": int,
        "seed": int,
        "part": int,
        "orders": int,
        "seconds": float,
        "patience": float,
    }.items():
        arguments.add_argument(f"--{name}", type=kind, required=True)
    given = arguments.parse_args()
    import django  # noqa: PLC0415  the settings are named by now

    django.setup()
    with given.journal.open("a", encoding="utf-8") as journal:
        office = Office(json.loads(given.plan.read_text()), given.port, journal)
        lives = [Life.drawn(f"{given.seed} {given.part} {number}") for number in range(given.orders)]
        drive(office, lives, seconds=given.seconds, patience=given.patience)
    print(json.dumps(office.counts))


if __name__ == "__main__":
    main()
