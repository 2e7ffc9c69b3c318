"""The bench's server: its own PostgreSQL, Valkey and web processes, in a folder that goes afterwards."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg2

from governance.settings.environment import Environment, read_database
from governance.stack import up
from governance.stack.postgres import ROLE, SUPERUSER
from governance.stack.processes import Child
from tests import stand as stands

CHECKOUT = stands.CHECKOUT


class Stand(stands.Stand):
    """What runs, and where."""

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
    with stands.stand(var / f"bench-{os.getpid()}", settings="tests.benchmarks.settings") as made:
        _let_fill_quickly(made.env["DATABASE_URL"])
        yield Stand(**vars(made))
