"""A worker that lives on without working is noticed and started again; each queue's heartbeat is written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from cases.models import Heartbeat
from cases.tasks import route_case
from governance import alive, health
from governance.celery import BEAT_SCHEDULE, app
from governance.stack import tasks
from governance.stack.processes import Supervisor
from tests.conftest import ROOT, wait_for, waits_for_a_lock

pytestmark = pytest.mark.django_db(transaction=True)

#: Longer than any worker takes to come up; the tests make the file older instead of waiting.
WITHIN = 300.0


class Watched:
    """A real worker under the supervisor of `make up`."""

    def __init__(self, supervisor: Supervisor, file: Path) -> None:
        self.supervisor = supervisor
        self.file = file

    @property
    def pid(self) -> int | None:
        return self.supervisor.pid("worker")

    def shows_life(self) -> None:
        """Wait until it has taken a message from itself."""
        before = self.file.stat().st_mtime
        wait_for(lambda: self.file.stat().st_mtime > before, 180)

    def is_silent_for(self, seconds: float) -> None:
        """Let its last sign of life be so old."""
        then = time.time() - seconds
        os.utime(self.file, (then, then))


@pytest.fixture
def watched(program_env: dict[str, str], tmp_path: Path) -> Iterator[Watched]:
    app.control.purge()
    supervisor = Supervisor()
    file = tmp_path / "alive"
    child = tasks.worker(program_env, file, concurrency=1)
    supervisor.start(replace(child, alive_within=WITHIN, log=tmp_path / "worker.log"))
    watching = threading.Thread(target=supervisor.watch, daemon=True)
    watching.start()
    yield Watched(supervisor, file)
    supervisor.stopping.set()
    watching.join(timeout=60)
    supervisor.stop(loud=False)


def test_a_frozen_worker_is_started_again(watched: Watched) -> None:
    watched.shows_life()
    before = watched.pid
    assert before is not None
    os.kill(before, signal.SIGSTOP)
    watched.is_silent_for(WITHIN + 1)
    wait_for(lambda: watched.pid not in (None, before))
    watched.shows_life()


def test_a_worker_that_no_longer_takes_from_one_of_its_queues_shows_no_life(watched: Watched) -> None:
    """The process, its pool and its connection are well; it consumes nothing of what it was told to."""
    watched.shows_life()
    before = watched.pid
    app.control.cancel_consumer("urgent", reply=True, timeout=30, limit=1)
    own = f"queue:{alive.QUEUES[1]}"
    watched.is_silent_for(100)
    stale = watched.file.stat().st_mtime
    alive.hear_queue.apply_async(args=[alive.QUEUES[1]], queue=alive.QUEUES[1])
    wait_for(lambda: Heartbeat.objects.filter(pk=own).exists())  # it does work
    time.sleep(2 * alive.EVERY / settings.TASK_PACE)
    assert watched.file.stat().st_mtime == stale

    watched.is_silent_for(WITHIN + 1)
    wait_for(lambda: watched.pid not in (None, before))
    alive.hear_queue.apply_async(args=["urgent"], queue="urgent")
    wait_for(lambda: Heartbeat.objects.filter(pk="queue:urgent").exists(), 180)


def test_of_a_worker_that_has_gone_nothing_stays_on_the_broker(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(alive.SIGN_OF_LIFE, str(tmp_path / "alive"))
    queue = alive.own_queue()
    assert queue is not None
    prefix = app.conf.broker_transport_options["global_keyprefix"]
    with app.connection_for_write() as broker, health.broker() as client:
        bound = queue(broker.default_channel)
        bound.declare()
        alive.say_alive.apply_async(queue=queue)
        for_ever = list(client.scan_iter(f"*binding_permanent.{queue.name}"))
        goes_in = client.ttl(f"{prefix}{queue.name}")
        bound.delete()
    assert for_ever == []
    assert 0 < goes_in <= alive.FORGOTTEN_AFTER


def test_a_worker_with_all_hands_busy_is_none_that_hangs(watched: Watched) -> None:
    """Its only process waits for a table that somebody else has locked, so that no message is taken."""
    watched.shows_life()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE cases_case IN ACCESS EXCLUSIVE MODE")
        route_case.apply_async(args=[1], queue="urgent")
        wait_for(waits_for_a_lock)
        watched.is_silent_for(100)
        wait_for(lambda: time.time() - watched.file.stat().st_mtime < 90)
        assert waits_for_a_lock()


@pytest.mark.usefixtures("celery_worker")
def test_whoever_takes_from_a_queue_writes_its_heartbeat() -> None:
    began = timezone.now()
    for queue in alive.QUEUES:
        entry = BEAT_SCHEDULE[f"hear-{queue}"]
        app.send_task(entry["task"], args=entry["args"], queue=entry["options"]["queue"])
    wait_for(lambda: Heartbeat.objects.count() == len(alive.QUEUES))
    assert {each.name for each in Heartbeat.objects.all()} == {"queue:urgent", "queue:celery"}
    first = {each.name: each.at for each in Heartbeat.objects.all()}
    assert all(began < at < timezone.now() for at in first.values())
    app.send_task("governance.hear_queue", args=["urgent"], queue="urgent")
    wait_for(lambda: Heartbeat.objects.get(pk="queue:urgent").at > first["queue:urgent"])


def test_a_servers_worker_runs_watched_and_ends_on_a_signal(program_env: dict[str, str], tmp_path) -> None:
    """`python -m governance.stack worker`: lines as they are, a stop that lets it finish, nothing left."""
    file = tmp_path / "alive"
    env = {**program_env, "GEZHI_SIGN_OF_LIFE": str(file), "GEZHI_TASK_WORKERS": "1"}
    command = [sys.executable, "-m", "governance.stack", "worker", "urgent"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
    try:
        wait_for(file.exists)
        before = file.stat().st_mtime
        wait_for(lambda: file.stat().st_mtime > before, 180)
    finally:
        process.terminate()
        assert process.wait(timeout=120) == 0
    assert "|" not in (tmp_path / "log").read_text()
