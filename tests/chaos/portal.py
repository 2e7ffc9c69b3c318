"""The portal under attack: its own PostgreSQL, Valkey, web, two workers and beat, in a folder that goes."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from governance.settings.environment import Environment
from governance.stack import addresses, console, paths, processes, services, tasks, up
from governance.stack.processes import Child, Supervisor

CHECKOUT = addresses.CHECKOUT
#: Variables of the surroundings that would make this run unlike `make up`.
FOREIGN = (
    "DATABASE_URL",
    "REDIS_URL",
    "DEBUG",
    "DJANGO_SETTINGS_MODULE",
    "GEZHI_TEST_DB",
    "PYTEST_CURRENT_TEST",
)
#: Seconds: what dies here every few seconds must not wait for half a minute as a crashing program would.
LONGEST_PAUSE = 2.0
WORKERS = ("worker-1", "worker-2")


@dataclass
class Portal:
    """What runs, and where."""

    supervisor: Supervisor
    folder: Path
    env: dict[str, str]
    listener: socket.socket

    @property
    def port(self) -> int:
        """The port of the web server."""
        return int(self.listener.getsockname()[1])

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
    folder = var / f"chaos-{os.getpid()}"
    claim = services.Claim(folder)
    supervisor = Supervisor()
    supervisor.take_signals()
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    listener.set_inheritable(True)
    try:
        given = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        programs = Path(given["GEZHI_PG_BIN"]) if given.get("GEZHI_PG_BIN") else None
        env = {**given, **services.start(supervisor, folder, {}, programs=programs)}
        env |= {
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            "PYTHONUNBUFFERED": "1",
            "CHAOS_MEDIA": str(folder / "media"),
        }
        yield Portal(supervisor, folder, env, listener)
    finally:
        with console.step("Taking the portal down"):
            supervisor.stop(loud=False)
            listener.close()
            claim.release()
            for left in (folder, Path("/var/lib/gezhi") / paths.fingerprint(folder)):
                shutil.rmtree(left, ignore_errors=True)
