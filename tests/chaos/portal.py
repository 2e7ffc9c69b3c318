"""The portal under attack: its own PostgreSQL, Valkey, web, two workers and beat, in a folder that goes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from governance.settings.environment import Environment
from governance.stack import processes, tasks, up
from governance.stack.processes import Child
from tests import stand as stands

CHECKOUT = stands.CHECKOUT
#: Seconds: what dies here every few seconds must not wait for half a minute as a crashing program would.
LONGEST_PAUSE = 2.0
WORKERS = ("worker-1", "worker-2")


class Portal(stands.Stand):
    """What runs, and where."""

    def start(self) -> None:
        """Web, two workers and beat as `make up` starts them; what they say goes into logs."""
        settings = Environment(self.env)
        web = next(c for c in up.children(self.env, settings, self.listener) if c.name == "web")
        workers = [
            replace(tasks.worker(self.env, self.folder / f"{name}-alive", concurrency=1), name=name)
            for name in WORKERS
        ]
        for child in (web, *workers, tasks.beat(self.env, self.folder / "beat-alive")):
            self.supervisor.start(replace(child, log=self.folder / f"{child.name}.log", grace=1))
        self.supervisor.wait_until("web", lambda: up.is_serving(self.port), up.READY_SECONDS)
        threading.Thread(target=self.supervisor.watch, name="watch", daemon=True).start()

    def second_beat(self) -> subprocess.Popen[bytes]:
        """One more beat, which nobody starts again; the caller ends it."""
        child: Child = tasks.beat(self.env, self.folder / "beat-2-alive")
        with (self.folder / "beat-2.log").open("ab") as log:
            return subprocess.Popen(
                child.command, cwd=child.cwd, env=child.env, stdout=log, stderr=log, start_new_session=True
            )

    def pid(self, name: str) -> int | None:
        """The process number of a child that runs just now."""
        return self.supervisor.pid(name)

    def children_of(self, name: str) -> list[int]:
        """The processes below a child: the pool of a worker, the processes of the web server."""
        pid = self.pid(name)
        said = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
        )
        return [int(number) for number in said.stdout.split()] if pid else []


@contextlib.contextmanager
def portal(var: Path) -> Iterator[Portal]:
    """Database and broker for one run, durable as in `make up`, empty, and gone at the end."""
    processes.LONGEST_PAUSE = LONGEST_PAUSE
    with stands.stand(var / f"chaos-{os.getpid()}", settings="tests.chaos.settings") as made:
        yield Portal(**vars(made))
