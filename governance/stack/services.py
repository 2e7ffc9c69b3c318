"""The database and the broker of one checkout: the embedded ones, or those that the environment names."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from . import console, paths
from .postgres import Postgres
from .problems import StackError
from .processes import Supervisor
from .valkey import Valkey

START_SECONDS = 60


class Claim:
    """The right to use the folder `var`: one holder at a time, freed by the system when the holder ends."""

    def __init__(self, var: Path) -> None:
        try:
            var.mkdir(parents=True, exist_ok=True)
            self._file: IO[str] = (var / "lock").open("a")
        except OSError as error:
            raise StackError(f"cannot write in {var}: {error.strerror}; whose checkout is this?") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise StackError(f"something already runs from {var}: stop it first") from None

    def release(self) -> None:
        """Give the right back."""
        self._file.close()


def start(
    supervisor: Supervisor,
    var: Path,
    given: Mapping[str, str],
    *,
    fast: bool = False,
    programs: Path | None = None,
) -> dict[str, str]:
    """Start what `given` does not name and return DATABASE_URL and REDIS_URL of all. Raises StackError."""
    found = {name: given[name] for name in ("DATABASE_URL", "REDIS_URL") if given.get(name)}
    if len(found) == 2:
        return found
    places = paths.arrange(var)
    if "DATABASE_URL" not in found:
        found["DATABASE_URL"] = _start_postgres(supervisor, places, fast=fast, programs=programs)
    if "REDIS_URL" not in found:
        found["REDIS_URL"] = _start_valkey(supervisor, places)
    return found


def _start_postgres(
    supervisor: Supervisor, places: paths.Places, *, fast: bool, programs: Path | None
) -> str:
    postgres = Postgres(places, programs=programs, fast=fast)
    for remark in places.remarks:
        console.say(remark)
    with console.step(f"PostgreSQL {postgres.version} in {places.postgres_data}"):
        postgres.prepare()
        _begin_log(places.logs / "postgres.log")
        supervisor.start(postgres.child())
        supervisor.wait_until("postgres", postgres.is_ready, START_SECONDS)
        postgres.ensure_database()
    return postgres.url


def _start_valkey(supervisor: Supervisor, places: paths.Places) -> str:
    valkey = Valkey(places)
    with console.step("Valkey"):
        valkey.prepare()
        _begin_log(places.logs / "valkey.log")
        supervisor.start(valkey.child())
        supervisor.wait_until("valkey", valkey.is_ready, START_SECONDS)
    return valkey.url


def _begin_log(file: Path) -> None:
    """Keep the log of the run before as `….1`."""
    if file.exists():
        os.replace(file, file.with_name(f"{file.name}.1"))
