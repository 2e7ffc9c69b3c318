"""Whether a first start was interrupted while the demo city was made: half a city is made anew, not served.

The mark is a comment on the table of users: it needs no table of its own and disappears with the city.
"""

from __future__ import annotations

from typing import Final

from django.db import connection

from partymembers.models import User

_MARK: Final = "The demo city is being made"


def begin() -> None:
    """Mark an empty portal, before its city is made."""
    _comment(_MARK)


def finish() -> None:
    """The city is whole."""
    _comment(None)


def is_unfinished() -> bool:
    """Whether the city was begun and never finished; False where nothing was migrated yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT obj_description(to_regclass(%s), 'pg_class')", [User._meta.db_table])
        return bool(cursor.fetchone()[0] == _MARK)


def start_over() -> None:
    """Drop everything in the portal's schema, and leave it empty for the migrations.

    Deleting rows would not do: the trail of events and accesses refuses that.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        schema = connection.ops.quote_name(cursor.fetchone()[0])
        cursor.execute(f"DROP SCHEMA {schema} CASCADE; CREATE SCHEMA {schema}")


def _comment(text: str | None) -> None:
    table = connection.ops.quote_name(User._meta.db_table)
    value = "NULL" if text is None else f"'{text}'"
    with connection.cursor() as cursor:
        cursor.execute(f"COMMENT ON TABLE {table} IS {value}")
