"""What goes wrong while people work, by a seed: every kind at least once, then by chance."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import redis
from celery import current_app
from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from cases.escalation import sweep_ladder
from cases.models import Case
from governance.celery import BEAT_SCHEDULE
from governance.stack import console
from tests.chaos.portal import WORKERS, Portal

#: Tasks without arguments that are sent again and again, as a broker does that redelivers.
REPEATED: Final = sorted({entry["task"] for entry in BEAT_SCHEDULE.values() if "args" not in entry})


class Faults:
    """One fault after another for so many seconds, and until each kind has come off once; `counts` tells."""

    def __init__(self, portal: Portal, *, seed: int, every: tuple[float, float], seconds: float) -> None:
        self.portal, self.every, self.seconds = portal, every, seconds
        self.draw = random.Random(f"{seed} faults")
        self.counts: Counter[str] = Counter()
        self.kinds: dict[str, Callable[[], bool]] = {
            "worker killed": self._kill_worker,
            "pool child killed": self._kill_pool_child,
            "beat killed": self._kill_beat,
            "web process killed": self._kill_web,
            "Valkey flushed": self._flush_valkey,
            "Valkey killed": self._kill_valkey,
            "PostgreSQL restarted at once": self._restart_postgres,
            "two beats": self._two_beats,
            "four sweeps at once": self._four_sweeps,
            "messages delivered again": self._redeliver,
        }
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="faults", daemon=True)
        self._second_beat: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """From now on things go wrong."""
        self._thread.start()

    def end(self) -> None:
        """No more; what has been started beside the portal is ended."""
        self._ended.set()
        self._thread.join()
        self._end_second_beat()

    @property
    def missing(self) -> list[str]:
        """Kinds that have not come off yet."""
        return [kind for kind in self.kinds if not self.counts[kind]]

    def _run(self) -> None:
        due: list[str] = []
        until = time.monotonic() + self.seconds
        while not self._ended.wait(self.draw.uniform(*self.every)):
            if time.monotonic() > until and not self.missing:
                break
            if not due:
                due = self.missing or list(self.kinds)
                self.draw.shuffle(due)
            kind = due.pop()
            try:
                self.counts[kind] += self.kinds[kind]()
            except Exception as error:  # what it needs is away itself just now: it comes again
                console.relay("faults", f"{kind}: {type(error).__name__}")
                connection.close()
        connection.close()

    def _kill(self, pid: int | None, number: signal.Signals = signal.SIGKILL) -> bool:
        if pid is None:
            return False
        os.kill(pid, number)
        return True

    def _kill_worker(self) -> bool:
        return self._kill(self.portal.pid(self.draw.choice(WORKERS)))

    def _kill_pool_child(self) -> bool:
        children = self.portal.children_of(self.draw.choice(WORKERS))
        return self._kill(children[0] if children else None)

    def _kill_beat(self) -> bool:
        return self._kill(self.portal.pid("beat"))

    def _kill_web(self) -> bool:
        children = self.portal.children_of("web")
        return self._kill(self.draw.choice(children) if children else None)

    def _flush_valkey(self) -> bool:
        client = redis.Redis.from_url(self.portal.env["REDIS_URL"], socket_timeout=2)
        with contextlib.closing(client):
            return bool(client.flushall())

    def _kill_valkey(self) -> bool:
        return self._kill(self.portal.pid("valkey"))

    def _restart_postgres(self) -> bool:
        """SIGQUIT is the immediate shutdown: no checkpoint, every connection cut, recovery at the start."""
        return self._kill(self.portal.pid("postgres"), signal.SIGQUIT)

    def _two_beats(self) -> bool:
        """A second beat, until the next turn of this kind."""
        self._end_second_beat()
        self._second_beat = self.portal.second_beat()
        return True

    def _end_second_beat(self) -> None:
        if self._second_beat is not None:
            self._second_beat.kill()
            self._second_beat.wait()
            self._second_beat = None

    def _four_sweeps(self) -> bool:
        with ThreadPoolExecutor(4) as pool:
            done = [pool.submit(_sweep) for _number in range(4)]
        return all(each.result() for each in done)

    def _redeliver(self) -> bool:
        ids = list(Case.objects.order_by("?").values_list("pk", flat=True)[:10])
        connection.close()
        messages: list[tuple[str, tuple[int, ...]]] = [(name, ()) for name in REPEATED]
        messages += [("cases.route_case", (case_id,)) for case_id in ids]
        for name, arguments in messages * 2:
            current_app.send_task(name, args=arguments, queue="urgent", retry=False)
        return True


def _sweep() -> bool:
    try:
        sweep_ladder(at=timezone.now(), seconds=5)
    except (DatabaseError, InterfaceError):  # PostgreSQL is just being restarted
        return False
    finally:
        connection.close()
    return True


def settle(portal: Portal, seconds: float = 60) -> bool:
    """Wait until everything that was killed runs again."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if all(portal.pid(name) for name in ("postgres", "valkey", "web", "beat", *WORKERS)):
            return True
        time.sleep(0.2)
    return False
