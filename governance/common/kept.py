"""Statements that Django puts together once and asks many times.

A list with a person's scope, its joins and its conditions takes Django longer to put into SQL than
PostgreSQL takes to answer it. Its text depends on little (who asks, which list) and its values on less (the
instant, an id). So it is built once with a `Slot` in each place of such a value; what is kept is the text
alone, never a row.
"""

from __future__ import annotations

import copy
from contextlib import suppress
from typing import Any, Generic, TypeVar

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import BigIntegerField, BooleanField, Expression, Field, Func, QuerySet, Subquery
from django.db.models.sql.compiler import SQLCompiler

Row = TypeVar("Row")
#: Of a statement that depends on who asks, so many people's are kept in a process; each is some kilobytes.
MOST_KEPT = 500


class Slot(Expression):
    """Stands in a queryset for a value that comes with each asking."""

    def __init__(self, name: str, output_field: Field[Any, Any] | None = None) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        """A place of its own among the statement's values."""
        return "%s", [self]


class AnyOf(Func):
    """The condition that a column is one of a list: of a Slot's, the same text however long it is, or of
    an `ArraySubquery`, which PostgreSQL reads first and then looks for by index.
    """

    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = BooleanField()

    def __init__(self, column: str, values: Expression | Subquery) -> None:
        super().__init__(column, values)


def among(column: str = "pk", slot: str = "ids") -> AnyOf:
    """The condition that a column of ids is one of those given with each asking."""
    return AnyOf(column, Slot(slot, ArrayField(BigIntegerField())))


class Kept(Generic[Row]):
    """One statement, ready to be asked. Keep it where what it was built from names it (`lru_cache`)."""

    def __init__(self, rows: QuerySet[Any, Row]) -> None:
        self._rows = rows
        self._compiler = rows.query.get_compiler(rows.db)
        self._text = ""
        self._places: tuple[Any, ...] = ()
        with suppress(EmptyResultSet):  # a condition that nothing meets: who has no place has no grids
            self._text, places = self._compiler.as_sql()
            self._places = tuple(places)

    def ask(self, **values: Any) -> list[Row]:
        """The rows with these values in the slots; one query, none where no row can be."""
        if not self._text:
            return []
        given = tuple(values[each.name] if isinstance(each, Slot) else each for each in self._places)
        compiler = copy.copy(self._compiler)
        compiler.connection = connections[self._rows.db]  # each thread has one of its own
        compiler.as_sql = lambda *_args, **_kwargs: (self._text, given)
        rows = self._rows._chain()  # type: ignore[attr-defined]
        rows.query.get_compiler = lambda *_args, **_kwargs: compiler
        return list(rows)

    def first(self, **values: Any) -> Row | None:
        """The first row, or None."""
        return next(iter(self.ask(**values)), None)


def prefetched(row: Any, name: str, found: list[Any]) -> None:
    """Give a row the answer of its relation, as `prefetch_related` would: `row.<name>.all()` asks no more."""
    answer = getattr(row, name).all()
    answer._result_cache = found
    answer._prefetch_done = True
    row.__dict__.setdefault("_prefetched_objects_cache", {})[name] = answer
