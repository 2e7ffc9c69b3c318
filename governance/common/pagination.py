"""Pages of a long list by keyset: as quick on page one thousand as on page one.

The list is ordered by one field and then by primary key. A cursor says after (or before) which row the page
begins. It is signed, so that nobody forges it; whoever looks can read the row's value and id in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

from django.core import signing
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .errors import Invalid
from .kept import Kept

#: Models, or the named tuples of `values_list`: whatever has `pk` and the field of the order.
Row = TypeVar("Row")
SALT = "gezhi.cursor"
PAGE_SIZE = 50


@dataclass(frozen=True)
class CursorPage(Generic[Row]):
    """One page: its rows, the cursors around it, and the total where one was asked for."""

    rows: list[Row] = field(default_factory=list)
    next_cursor: str = ""
    previous_cursor: str = ""
    total: int | None = None
    is_total_capped: bool = False

    @property
    def total_words(self) -> str:
        """The total as people read it; `1,000+` when counting stopped there; empty when nobody counted."""
        if self.total is None:
            return ""
        number = f"{self.total:,}" + ("+" if self.is_total_capped else "")
        return ngettext("%(number)s in all", "%(number)s in all", self.total) % {"number": number}


@dataclass(frozen=True)
class _Position:
    value: Any
    pk: int
    is_backward: bool


def _pack(value: object) -> list[object]:
    if isinstance(value, datetime):
        return ["t", value.isoformat()]
    if isinstance(value, date):
        return ["d", value.isoformat()]
    if isinstance(value, Decimal):
        return ["n", str(value)]
    return ["", value]


def _unpack(packed: Sequence[Any]) -> Any:
    kind, value = packed
    readers: dict[str, Any] = {"t": datetime.fromisoformat, "d": date.fromisoformat, "n": Decimal}
    return readers[kind](value) if kind else value


def _write(order: str, row: Any, *, is_backward: bool) -> str:
    value = getattr(row, order.lstrip("-"))
    return signing.dumps([order, _pack(value), row.pk, int(is_backward)], salt=SALT)


def _read(cursor: str, order: str) -> _Position:
    try:
        for_order, packed, pk, backward = signing.loads(cursor, salt=SALT)
        if for_order != order:
            raise ValueError(for_order)
        return _Position(value=_unpack(packed), pk=pk, is_backward=bool(backward))
    except (signing.BadSignature, ValueError, TypeError, KeyError) as error:
        told = _("This page of the list no longer exists. Please start from the first.")
        raise Invalid(told, field="cursor", code="bad_cursor") from error


def _beyond(name: str, position: _Position, *, is_descending: bool) -> list[Q]:
    """The rows past a position, as up to two ranges, each one index scan (known values, then nulls)."""
    goes_down = is_descending != position.is_backward
    more, at_least = ("lt", "lte") if goes_down else ("gt", "gte")
    past_pk = Q(**{f"pk__{more}": position.pk})
    empty = Q(**{f"{name}__isnull": True})
    known = Q(**{f"{name}__isnull": False})
    if position.value is None:
        return [empty & past_pk, known] if position.is_backward else [empty & past_pk]
    reach = Q(**{f"{name}__{at_least}": position.value})
    past = reach & (Q(**{f"{name}__{more}": position.value}) | (Q(**{name: position.value}) & past_pk))
    return [past] if position.is_backward else [past, empty]


def _fetch(queryset: QuerySet[Any, Row], ranges: list[Q], order: list[str], wanted: int) -> list[Row]:
    rows: list[Row] = []
    for each in ranges:
        if len(rows) < wanted:
            rows += list(queryset.filter(each).order_by(*order)[: wanted - len(rows)])
    return rows


def first_page_statements(
    queryset: QuerySet[Any, Row], *, order: str, size: int = PAGE_SIZE
) -> tuple[Kept[Row], ...]:
    """What `kept_first_page` asks: worth keeping for a list that people open all day without a filter."""
    name = order.lstrip("-")
    ranges = _ranges(queryset.model, name, None, is_descending=order.startswith("-"))
    return tuple(Kept(queryset.filter(each).order_by(order, _by_pk(order))[: size + 1]) for each in ranges)


def kept_first_page(
    statements: Sequence[Kept[Row]], *, order: str, size: int = PAGE_SIZE, **values: Any
) -> CursorPage[Row]:
    """The first page as `paginate` gives it, from statements that were put together before."""
    rows: list[Row] = []
    for statement in statements:
        if len(rows) <= size:
            rows += statement.ask(**values)
    has_next, rows = len(rows) > size, rows[:size]
    return CursorPage(rows=rows, next_cursor=_write(order, rows[-1], is_backward=False) if has_next else "")


def _by_pk(order: str) -> str:
    return "-pk" if order.startswith("-") else "pk"


def _ranges(model: type[Model], name: str, position: _Position | None, *, is_descending: bool) -> list[Q]:
    is_nullable = model._meta.get_field(name).null
    if position is not None:
        ranges = _beyond(name, position, is_descending=is_descending)
        return ranges if is_nullable else ranges[:1]
    if is_nullable:
        return [Q(**{f"{name}__isnull": False}), Q(**{f"{name}__isnull": True})]
    return [Q()]


def paginate(
    queryset: QuerySet[Any, Row],
    *,
    order: str,
    cursor: str = "",
    size: int = PAGE_SIZE,
    count_up_to: int | None = None,
) -> CursorPage[Row]:
    """One page of `queryset` in the order of a field (`-`: descending) and primary key, empty values last.

    `count_up_to` also counts, stopping there. Raises Invalid for a cursor not ours or of another order.
    Give the queryset an index on (field, id); where the field may be empty, a page takes up to two queries.
    """
    name = order.lstrip("-")
    position = _read(cursor, order) if cursor else None
    is_backward = position is not None and position.is_backward
    goes_down = order.startswith("-") != is_backward
    ranges = _ranges(queryset.model, name, position, is_descending=order.startswith("-"))
    rows = _fetch(
        queryset, ranges, [f"-{name}" if goes_down else name, "-pk" if goes_down else "pk"], size + 1
    )
    has_more, rows = len(rows) > size, rows[:size]
    if is_backward:
        rows.reverse()
    has_next = bool(rows) and (has_more or is_backward)
    has_previous = bool(rows) and position is not None and (has_more or not is_backward)
    total, is_capped = _count(queryset, count_up_to)
    return CursorPage(
        rows=rows,
        next_cursor=_write(order, rows[-1], is_backward=False) if has_next else "",
        previous_cursor=_write(order, rows[0], is_backward=True) if has_previous else "",
        total=total,
        is_total_capped=is_capped,
    )


def _count(queryset: QuerySet[Any, Row], count_up_to: int | None) -> tuple[int | None, bool]:
    if count_up_to is None:
        return None, False
    counted = queryset.order_by()[: count_up_to + 1].count()
    return min(counted, count_up_to), counted > count_up_to
