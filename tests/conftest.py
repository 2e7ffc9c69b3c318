"""Fixtures of all tests. The services themselves are started by `governance.stack.pytest_plugin`."""

from __future__ import annotations

import contextlib
import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import hypothesis
import pytest
import time_machine
from django.db import connection
from django.utils import translation
from pytest_django import Settings

ROOT = Path(__file__).resolve().parent.parent

# A busy machine may pause any example. CI tries the same ones each time; chance is for who looks for faults.
hypothesis.settings.register_profile(
    "patient",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
hypothesis.settings.load_profile("patient")


# Loading all tests makes much and drops little: walking it for garbage would take a third of the time.
gc.disable()


def pytest_collection_finish() -> None:
    """Set aside what has been loaded by now: it stays to the end, and is large to walk for garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


def wait_for(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    """The first true answer of `condition`; fails the test when none came in time.

    `seconds` is only when to give up: a busy machine may need most of them for what takes a moment elsewhere.
    """
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if answer := condition():
            return answer
        time.sleep(0.05)
    pytest.fail(f"nothing came of {condition} within {seconds} s")


def waits_for_a_lock() -> bool:
    """Whether somebody waits for a lock in this test's database; also within a transaction."""
    with connection.cursor() as cursor:
        # There PostgreSQL shows the activity of the first look until it is told to look anew.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return cursor.fetchone() is not None


def database_is_quiet() -> bool:
    """Whether nobody else uses this test's database; emptying the tables meanwhile could deadlock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND state <> 'idle'"
        )
        return cursor.fetchone() == (0,)


def database_url() -> str:
    """DATABASE_URL of this process's own test database, for programs that a test starts."""
    database = connection.settings_dict
    login = quote(database["USER"]) + (f":{quote(database['PASSWORD'])}" if database["PASSWORD"] else "")
    host, port = quote(database["HOST"], safe="/"), database["PORT"]
    return f"postgres://{login}@/{database['NAME']}?host={host}" + (f"&port={port}" if port else "")


@pytest.fixture
def program_env() -> dict[str, str]:
    """The environment in which a program started by a test sees this test's database and broker."""
    return {
        **os.environ,
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "governance.settings.test",
    }


@contextlib.contextmanager
def running_worker(env: dict[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A real Celery worker on this test's database and broker; log and sign of life lie in `folder`."""
    from cases.publishing import heard  # noqa: PLC0415  and so does the cache
    from governance.celery import app, say_alive  # noqa: PLC0415  Celery reads the settings when it is imported

    alive = folder / "alive"
    app.control.purge()
    for task in ("cases.relay", "cases.send_outbound"):  # what was thrown away stands for nothing
        heard(task)
    options = "--queues urgent,celery --concurrency 1 --without-gossip --without-mingle --loglevel WARNING"
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "governance", "worker", *options.split()]
    with (folder / "worker.log").open("wb") as log:
        worker = subprocess.Popen(
            command, cwd=ROOT, env={**env, "GEZHI_SIGN_OF_LIFE": str(alive)}, stdout=log, stderr=log
        )
    try:
        say_alive.delay()
        wait_for(alive.exists, 180)
        yield worker
    finally:
        worker.terminate()
        try:
            worker.wait(timeout=60)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


@pytest.fixture
def celery_worker(
    transactional_db: None, program_env: dict[str, str], tmp_path: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of the test's own, for tests of delivery itself.

    Committed rows are its only way to see what a test did, hence `transactional_db`.
    """
    with running_worker(program_env, tmp_path) as worker:
        yield worker
    wait_for(database_is_quiet)  # the server may go on for a moment with what the worker had asked


@pytest.fixture
def scene(db: None) -> Iterator[Any]:
    """Orders in every state with their people and with strangers (`tests.factories.scene`), at 17 o'clock."""
    from cases.calendars import forget_calendar  # noqa: PLC0415  models wait until Django is set up
    from partymembers.defaults import seed_defaults  # noqa: PLC0415
    from tests.factories.cases import NOON  # noqa: PLC0415
    from tests.factories.scene import make_scene  # noqa: PLC0415

    forget_calendar()
    with time_machine.travel(NOON + timedelta(hours=5), tick=False):
        seed_defaults()  # a test before this one may have emptied every table
        yield make_scene()
    forget_calendar()


@pytest.fixture(autouse=True)
def _language_of_its_own(settings: Settings) -> Iterator[None]:
    """A request leaves its language in the thread: the next test begins with the portal's own."""
    yield
    translation.activate(settings.LANGUAGE_CODE)


@pytest.fixture(autouse=True)
def _media_of_its_own(tmp_path: Path, settings: Settings) -> None:
    """No test leaves a file behind, nor finds another's."""
    settings.MEDIA_ROOT = tmp_path / "media"
