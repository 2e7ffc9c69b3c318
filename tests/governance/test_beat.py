"""Two real beat processes on one database: one is active, and the other takes over whatever becomes of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.db import connection

from cases.models import Heartbeat
from governance import beat
from governance.celery import app
from tests.conftest import ROOT, wait_for

pytestmark = pytest.mark.django_db(transaction=True)

_HOLDER = """
SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND objid = %s AND granted AND datname = current_database()
"""


class Beat:
    """A beat process; PostgreSQL knows its connection by its name."""

    def __init__(self, name: str, env: dict[str, str], folder: Path) -> None:
        self.name = name
        self.alive = folder / f"{name}-alive"
        self.log = (folder / f"{name}.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "celery", "--quiet", "-A", "governance", "beat", "--loglevel", "WARNING"],
            cwd=ROOT,
            env={**env, "GEZHI_SIGN_OF_LIFE": str(self.alive), "PGAPPNAME": name},
            stdout=self.log,
            stderr=self.log,
        )

    def has_looked_again(self) -> None:
        """Wait until it has looked once more whether it is the active one."""
        before = self.alive.stat().st_mtime if self.alive.exists() else 0.0
        wait_for(lambda: self.alive.exists() and self.alive.stat().st_mtime > before)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.log.close()


@pytest.fixture
def beats(program_env: dict[str, str], tmp_path: Path) -> Iterator[tuple[Beat, Beat]]:
    app.control.purge()
    made = []
    try:
        for name in ("first", "second"):
            made.append(Beat(name, program_env, tmp_path))
            wait_for(made[-1].alive.exists)
            made[-1].has_looked_again()
        yield made[0], made[1]
    finally:
        for each in made:
            each.end()
        app.control.purge()


def active() -> str | None:
    with connection.cursor() as cursor:
        cursor.execute(_HOLDER, [beat.LOCK])
        row = cursor.fetchone()
    return row[0] if row else None


def senders() -> list[int]:
    """The process that sent each message which waits in the queues, in no order."""
    broker = redis.Redis.from_url(settings.REDIS_URL)
    prefix = app.conf.broker_transport_options["global_keyprefix"]
    waiting = [each for queue in ("urgent", "celery") for each in broker.lrange(f"{prefix}{queue}", 0, -1)]
    return [int(json.loads(each)["headers"]["origin"].removeprefix("gen").split("@")[0]) for each in waiting]


def heard_at():
    return Heartbeat.objects.get(pk="beat").at


def test_one_of_two_sends_and_takes_over_from_a_frozen_and_a_killed_one_and_after_being_cut_off(
    beats,
) -> None:
    first, second = beats
    wait_for(lambda: active() == "first" and len(senders()) >= 6)
    second.has_looked_again()
    assert active() == "first"
    assert set(senders()) == {first.process.pid}

    # Stopped, it keeps its connection and so the lock, and sends nothing: the other one ends that connection.
    first.process.send_signal(signal.SIGSTOP)
    wait_for(lambda: active() == "second")
    app.control.purge()
    first.process.send_signal(signal.SIGCONT)
    first.has_looked_again()
    first.has_looked_again()
    wait_for(lambda: second.process.pid in senders())
    assert active() == "second"

    os.kill(second.process.pid, signal.SIGKILL)
    wait_for(lambda: active() == "first")
    app.control.purge()
    wait_for(lambda: set(senders()) == {first.process.pid})
    before = heard_at()
    wait_for(lambda: heard_at() > before)

    # Cut off from its database it is the active one no more, and becomes it again.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'first'"
        )
    assert active() is None
    wait_for(lambda: active() == "first")
    assert first.process.poll() is None
