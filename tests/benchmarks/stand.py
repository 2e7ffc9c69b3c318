"""The bench's server: its own PostgreSQL, Valkey and web processes, in a folder that goes afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg2

from governance.settings.environment import Environment, read_database
from governance.stack import addresses, console, paths, services, up
from governance.stack.postgres import ROLE, SUPERUSER
from governance.stack.processes import Child, Supervisor

CHECKOUT = addresses.CHECKOUT
#: Variables of the surroundings that would make this run unlike `make up`.
FOREIGN = ("DATABASE_URL", "REDIS_URL", "DEBUG", "DJANGO_SETTINGS_MODULE")


@dataclass
class Stand:
    """What runs, and where."""

    supervisor: Supervisor
    folder: Path
    env: dict[str, str]
    listener: socket.socket

    @property
    def port(self) -> int:
        """The port of the web server."""
        return int(self.listener.getsockname()[1])

    def run(self, *command: str) -> None:
        """Run a program of ours to its end. Raises RuntimeError when it fails."""
        child = Child("city", [sys.executable, *command], self.env, CHECKOUT)
        if self.supervisor.run(child):
            raise RuntimeError(f"{' '.join(command)} failed; the lines above say why")

    def start(self, *names: str) -> None:
        """Start children of `make up` by name, exactly as it starts them; what they say goes into a log."""
        settings = Environment(self.env)
        for child in up.children(self.env, settings, self.listener):
            if child.name in names:
                alive = self.folder / f"{child.name}-alive" if child.alive_file else None
                env = {**child.env, **({"GEZHI_SIGN_OF_LIFE": str(alive)} if alive else {})}
                log = self.folder / f"{child.name}.log"
                self.supervisor.start(replace(child, env=env, log=log, alive_file=alive))
        if "web" in names:
            self.supervisor.wait_until("web", lambda: up.is_serving(self.port), up.READY_SECONDS)


def _let_fill_quickly(url: str) -> None:
    """Allow our role to write copies without having each reference looked up: they are right as made."""
    database = read_database(url)
    connection = psycopg2.connect(dbname=database["NAME"], user=SUPERUSER, host=database["HOST"])
    connection.autocommit = True
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(f"GRANT SET ON PARAMETER session_replication_role TO {ROLE}")


@contextlib.contextmanager
def stand(var: Path) -> Iterator[Stand]:
    """Database and broker for one run: durable as in `make up`, empty, and gone at the end."""
    folder = var / f"bench-{os.getpid()}"
    claim = services.Claim(folder)
    supervisor = Supervisor()
    supervisor.take_signals()
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    listener.set_inheritable(True)
    try:
        given = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        programs = Path(given["GEZHI_PG_BIN"]) if given.get("GEZHI_PG_BIN") else None
        env = {**given, **services.start(supervisor, folder, {}, programs=programs)}
        _let_fill_quickly(env["DATABASE_URL"])
        env |= {
            "DJANGO_SETTINGS_MODULE": "tests.benchmarks.settings",
            "PYTHONUNBUFFERED": "1",
            "BENCH_MEDIA": str(folder / "media"),
        }
        yield Stand(supervisor, folder, env, listener)
    finally:
        with console.step("Taking the stand down"):
            supervisor.stop(loud=False)
            listener.close()
            claim.release()
            for left in (folder, Path("/var/lib/gezhi") / paths.fingerprint(folder)):
                shutil.rmtree(left, ignore_errors=True)
