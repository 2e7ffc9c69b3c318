"""PostgreSQL's own programs: which pg_dump and pg_restore serve, and how they are run.

Credentials travel in the environment of the child, never on its command line, which everybody may read.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.db import connection
from django.utils.translation import gettext as _
from psycopg2.extensions import make_dsn

from governance.settings import environment
from governance.stack.postgres import bundled_programs
from governance.stack.problems import StackError

from .problems import BackupProblem

Say = Callable[[str], None]
#: Seconds between two signs of life of a step that lasts.
TICK: Final = 5.0
#: What Django gives its driver and a program of PostgreSQL must not see on its command line.
_NOT_ON_THE_LINE: Final = frozenset({"password", "sslpassword", "cursor_factory", "client_encoding"})


@dataclass(frozen=True)
class Program:
    """One of PostgreSQL's programs, and its major version."""

    path: Path
    version: int


def find_program(name: str, *, server: int, at_least: int | None = None) -> Program:
    """`pg_dump` or `pg_restore` of the server's major version, else the first that is not older.

    Looks in GEZHI_PG_BIN, in the wheel of the embedded PostgreSQL, and in PATH. Raises BackupProblem.
    """
    oldest = max(server, at_least or 0)
    found = [program for path in _candidates(name) if (program := _asked(path))]
    fitting = [program for program in found if program.version >= oldest]
    exact = [program for program in fitting if program.version == server]
    if not fitting:
        raise BackupProblem(
            _(
                "No %(name)s of PostgreSQL %(version)d or later: "
                "install PostgreSQL's client programs, or set GEZHI_PG_BIN."
            )
            % {"name": name, "version": oldest}
        )
    return (exact or fitting)[0]


def _candidates(name: str) -> Iterator[Path]:
    if folder := environment.current()["GEZHI_PG_BIN"]:
        yield folder / name
    with contextlib.suppress(StackError):  # whoever has a server of their own needs no wheel
        yield bundled_programs() / name
    if path := shutil.which(name):
        yield Path(path)


def _asked(path: Path) -> Program | None:
    """The program if it runs and says its version."""
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r"\) (\d+)", said.stdout)  # "pg_dump (PostgreSQL) 18.4"
    return Program(path, int(version[1])) if version else None


def address() -> str:
    """Where the database is, without anything secret: fit for a command line."""
    parameters = connection.get_connection_params()
    return make_dsn(**{name: value for name, value in parameters.items() if name not in _NOT_ON_THE_LINE})


def run(command: Sequence[str | Path], *, problem: str, say: Say, grows: Path | None = None) -> None:
    """Run a program to its end, telling the size of the file `grows` now and then.

    Whatever ends the wait (Ctrl-C too) ends the program. Raises BackupProblem: `problem` and its last words.
    """
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
            env=_environment(), umask=0o077,
        )  # fmt: skip
        try:
            _wait(child, say, grows)
        except BaseException:
            child.terminate()
            child.wait()
            raise
        if child.returncode:
            errors.seek(0)
            words = errors.read().decode("utf-8", "replace").strip().splitlines()
            raise BackupProblem(f"{problem} {' '.join(words[-3:])}")


def _environment() -> dict[str, str]:
    password = connection.get_connection_params().get("password")
    return {**os.environ, "LC_ALL": "C", **({"PGPASSWORD": password} if password else {})}


def _wait(child: subprocess.Popen[bytes], say: Say, grows: Path | None) -> None:
    began = time.monotonic()
    while True:
        try:
            child.wait(timeout=TICK)
            return
        except subprocess.TimeoutExpired:
            say(_("… %d s") % (time.monotonic() - began) + _size_of(grows))


def _size_of(file: Path | None) -> str:
    return f", {file.stat().st_size / 1e6:.0f} MB" if file and file.exists() else ""
