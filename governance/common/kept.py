"""Statements that Django puts together once and asks many times.

A list with a person's scope, its joins and its conditions takes Django longer to put into SQL than
PostgreSQL takes to answer it. Its text depends on little (who asks, which list) and its values on less (the
instant, an id). So it is built once with a `Slot` in each place of such a value; what is kept is the text
alone, never a row.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from django.db import connections
from django.db.models import BooleanField, Expression, F, Field, QuerySet
from django.db.models.sql.compiler import SQLCompiler

Row = TypeVar("Row")


class Slot(Expression):
    """Stands in a queryset for a value that comes with each asking."""

    def __init__(self, name: str, output_field: Field[Any, Any] | None = None) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, list[Any]]:
        """A place of its own among the statement's values."""
        return "%s", [self]


class AnyOf(Expression):
    """The condition that a column is one of a Slot's list: the same text however long the list is."""

    output_field = BooleanField()
    conditional = True

    def __init__(self, column: str, slot: Slot) -> None:
        super().__init__()
        self.column: Any = F(column)
        self.slot: Any = slot

    def get_source_expressions(self) -> list[Any]:
        """The column and the list."""
        return [self.column, self.slot]

    def set_source_expressions(self, exprs: Any) -> None:
        """The same, resolved."""
        self.column, self.slot = exprs

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, list[Any]]:
        """`column = ANY(list)`."""
        (column, before), (slot, values) = compiler.compile(self.column), compiler.compile(self.slot)
        return f"{column} = ANY({slot})", [*before, *values]


class Kept(Generic[Row]):
    """One statement, ready to be asked. Keep it where what it was built from names it (`lru_cache`)."""

    def __init__(self, rows: QuerySet[Any, Row]) -> None:
        self._rows = rows
        self._compiler = rows.query.get_compiler(rows.db)
        self._text, self._places = self._compiler.as_sql()

    def ask(self, **values: Any) -> list[Row]:
        """The rows with these values in the slots; one query, and those of its `prefetch_related`."""
        given = tuple(values[each.name] if isinstance(each, Slot) else each for each in self._places)
        compiler = copy.copy(self._compiler)
        compiler.connection = connections[self._rows.db]  # each thread has one of its own
        compiler.as_sql = lambda *_args, **_kwargs: (self._text, given)  # type: ignore[method-assign]
        rows = self._rows._chain()  # type: ignore[attr-defined]
        rows.query.get_compiler = lambda *_args, **_kwargs: compiler
        return list(rows)

    def first(self, **values: Any) -> Row | None:
        """The first row, or None."""
        return next(iter(self.ask(**values)), None)

    def __iter__(self) -> Iterator[Row]:
        """The rows of a statement without slots."""
        return iter(self.ask())
