"""Task worker and beat as watched children: of `make up`, and of a server that runs one of them alone.

`python -m governance.stack worker` and `… beat` are what a server's own supervisor starts (systemd, Compose):
it sees a process that ends, this one also sees a process that lives on without working.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from governance.settings.environment import Environment

from . import addresses
from .processes import Child, Supervisor

#: Seconds without a sign of life after which a worker or beat is started again. The first sign comes after
#: Django has been loaded, which takes a busy machine a while.
WORKER_WITHIN = 90.0
BEAT_WITHIN = 60.0
#: Seconds that a task may last: a worker that is asked to stop finishes what it has begun.
LONGEST_TASK = 160.0
QUEUES = "urgent,celery"
# Celery warns root at length; on one's own machine that is as intended.
ROOT_WARNING = "ignore:You're running the worker with superuser privileges"
_CELERY = [sys.executable, "-m", "celery", "--quiet", "-A", "governance"]


def worker(env: Mapping[str, str], alive: Path, *, concurrency: int, queues: str = QUEUES) -> Child:
    """A task worker, started again when it takes no work any more."""
    return Child(
        name="worker",
        command=[*_CELERY, "worker", "--queues", queues, "--without-gossip", "--without-mingle",
                 "--loglevel", "WARNING", "--concurrency", str(concurrency)],
        env={**env, "GEZHI_SIGN_OF_LIFE": str(alive), "PYTHONWARNINGS": ROOT_WARNING},
        cwd=addresses.CHECKOUT, grace=30, alive_file=alive, alive_within=WORKER_WITHIN,
    )  # fmt: skip


def beat(env: Mapping[str, str], alive: Path) -> Child:
    """A beat, active or waiting, started again when it does not look any more."""
    return Child(
        name="beat",
        command=[*_CELERY, "beat", "--loglevel", "WARNING"],
        env={**env, "GEZHI_SIGN_OF_LIFE": str(alive)},
        cwd=addresses.CHECKOUT, alive_file=alive, alive_within=BEAT_WITHIN,
    )  # fmt: skip


def run(name: str, given: Mapping[str, str], settings: Environment, queues: Sequence[str]) -> int:
    """Run a worker (of these queues, or of all) or a beat alone, and watched, until a signal ends it."""
    supervisor = Supervisor()
    supervisor.take_signals()
    env = {"PYTHONUNBUFFERED": "1", **given}
    with tempfile.TemporaryDirectory(prefix="gezhi-") as folder:
        alive = settings["GEZHI_SIGN_OF_LIFE"] or Path(folder) / "alive"
        if name == "beat":
            child = beat(env, alive)
        else:
            concurrency = settings["GEZHI_TASK_WORKERS"]
            child = worker(env, alive, concurrency=concurrency, queues=",".join(queues) or QUEUES)
            child = replace(child, grace=LONGEST_TASK)
        try:
            supervisor.start(replace(child, plain=True))
            supervisor.watch()
        finally:
            supervisor.stop(loud=False)
    return 0
