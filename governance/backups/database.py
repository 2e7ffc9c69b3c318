"""The database's part: one moment that everything agrees on, written and put back by PostgreSQL itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils.translation import gettext as _
from psycopg2 import sql

from .problems import BackupProblem
from .programs import Program, Say, address, find_program, run

#: Tables whose rows stay out: a session is a key to somebody's account, and a copy of it helps only thieves.
WITHOUT_ROWS: Final = ("django_session",)
#: Rows that a server-side cursor fetches at once.
_FETCH: Final = 5000

_TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
ORDER BY relname
"""
_FILES = """
SELECT name, coalesce(number, ''), sha256 FROM (
    SELECT file AS name, case_id, sha256 FROM cases_attachment
    UNION ALL
    SELECT thumbnail, case_id, '' FROM cases_attachment
) AS named LEFT JOIN cases_case ON cases_case.id = case_id
WHERE name <> '' ORDER BY name COLLATE "C", number DESC
"""


@dataclass
class Snapshot:
    """One moment of the database, held by a connection of its own; `name` lets pg_dump see the same."""

    connection: Any
    name: str

    @property
    def server(self) -> int:
        """The server's major version."""
        return int(self.connection.server_version) // 10000

    def counts(self) -> dict[str, int]:
        """The rows of each table that the dump holds."""
        return count_rows(self.connection)

    def migrations(self) -> list[str]:
        """The migrations that were applied, `app.name` each, of the apps that this portal has."""
        return applied_migrations(self.connection)

    def size(self) -> int:
        """Bytes of the database on its server's disk: more than a dump needs."""
        return int(_rows(self.connection, "SELECT pg_database_size(current_database())")[0][0])

    def files(self) -> Iterator[tuple[str, str, str]]:
        """Each attachment's files: name, order's number, and what the content must hash to ('': not known).

        The number is '' for an upload that no order has claimed. In the order of the names' bytes; a name
        stands once for each row that has it.
        """
        with self.connection.cursor(name="files") as cursor:
            cursor.itersize = _FETCH
            cursor.execute(_FILES)
            yield from cursor


@contextmanager
def snapshot() -> Iterator[Snapshot]:
    """Hold one moment of the database for as long as the block lasts; writers are not held up by it."""
    own = connection.get_new_connection(connection.get_connection_params())
    try:
        own.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with own.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            cursor.execute("SELECT pg_export_snapshot()")
            name = cursor.fetchone()[0]
        yield Snapshot(own, name)
    finally:
        own.close()


def dump(moment: Snapshot, into: Path, *, say: Say) -> Program:
    """Write the snapshot in pg_dump's custom format. Raises BackupProblem."""
    program = find_program("pg_dump", server=moment.server)
    without = [f"--exclude-table-data={table}" for table in WITHOUT_ROWS]
    command: list[str | Path] = [
        program.path,
        "--format=custom",
        "--no-password",
        f"--snapshot={moment.name}",
        *without,
    ]
    run(
        [*command, f"--file={into}", f"--dbname={address()}"],
        problem=_("pg_dump failed:"),
        say=say,
        grows=into,
    )
    return program


def load(dump_file: Path, *, program: Program, say: Say) -> None:
    """Read a dump back in one transaction: all of it, or nothing. Raises BackupProblem."""
    command: list[str | Path] = [
        program.path,
        "--no-password",
        "--no-owner",
        "--no-privileges",
        "--exit-on-error",
    ]
    run(
        [*command, "--single-transaction", f"--dbname={address()}", dump_file],
        problem=_("pg_restore failed, and nothing was written to the database:"),
        say=say,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # a dump brings no statistics, and the first pages would be slow


def is_empty() -> bool:
    """Whether the database holds no table, view or sequence of anybody's."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = current_schema()::regnamespace)"
        )
        return bool(cursor.fetchone()[0])


def server_version() -> int:
    """The major version of the server that the settings name."""
    connection.ensure_connection()
    return int(connection.connection.server_version) // 10000


def count_rows(using: Any) -> dict[str, int]:
    """The rows of each table, but for those that no dump holds."""
    names = [name for (name,) in _rows(using, _TABLES) if name not in WITHOUT_ROWS]
    count = sql.SQL("SELECT count(*) FROM {}")
    return {name: int(_rows(using, count.format(sql.Identifier(name)))[0][0]) for name in names}


def applied_migrations(using: Any) -> list[str]:
    """The applied migrations of this portal's apps, `app.name` each, sorted."""
    ours = _apps()
    rows = _rows(using, "SELECT app, name FROM django_migrations")
    return sorted(f"{app}.{name}" for app, name in rows if app in ours)


def known_migrations() -> list[str]:
    """The migrations that this version of the portal brings, `app.name` each, sorted."""
    return sorted(f"{app}.{name}" for app, name in _loader().disk_migrations)


def _apps() -> set[str]:
    return set(_loader().migrated_apps)


def _loader() -> MigrationLoader:
    return MigrationLoader(None, ignore_no_migrations=True)


def _rows(using: Any, statement: str | sql.Composable) -> list[tuple[Any, ...]]:
    with using.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def compare_counts(expected: dict[str, int]) -> None:
    """Raise BackupProblem where a table holds other than what the manifest says."""
    connection.ensure_connection()
    found = count_rows(connection.connection)
    wrong = _differences(expected, found)
    if wrong:
        raise BackupProblem(_("The restored tables differ from the manifest: %s") % ", ".join(wrong))


def _differences(expected: dict[str, int], found: dict[str, int]) -> Iterable[str]:
    names = sorted({*expected, *found})
    return [f"{n} {found.get(n)} ≠ {expected.get(n)}" for n in names if found.get(n) != expected.get(n)]
