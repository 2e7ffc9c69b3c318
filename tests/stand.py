"""A server of its own for one run of a program: PostgreSQL and Valkey in a folder that goes afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from governance.stack import addresses, console, paths, services
from governance.stack.processes import Supervisor

CHECKOUT = addresses.CHECKOUT
#: Variables of the surroundings that would make a run unlike `make up`.
FOREIGN = frozenset(
    {
        "DATABASE_URL",
        "REDIS_URL",
        "DEBUG",
        "DJANGO_SETTINGS_MODULE",
        "GEZHI_TEST_DB",
        "PYTEST_CURRENT_TEST",
    }
)


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


@contextlib.contextmanager
def stand(folder: Path, *, settings: str) -> Iterator[Stand]:
    """Database and broker, durable and empty, and a socket for the web server; all gone at the end.

    `settings` is the module of the run's settings; `STAND_MEDIA` names the folder of its pictures.
    """
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
            "DJANGO_SETTINGS_MODULE": settings,
            "PYTHONUNBUFFERED": "1",
            "STAND_MEDIA": str(folder / "media"),
        }
        yield Stand(supervisor, folder, env, listener)
    finally:
        with console.step("Taking it all down"):
            supervisor.stop(loud=False)
            listener.close()
            claim.release()
            for left in (folder, Path("/var/lib/gezhi") / paths.fingerprint(folder)):
                shutil.rmtree(left, ignore_errors=True)
