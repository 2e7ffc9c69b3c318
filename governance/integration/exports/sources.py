"""Where the rows of an export come from: the lists of the API themselves, with their scope and filters."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Final, TypeVar

from django.utils.translation import gettext as _
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from cases.api.bodies import bodies_of, columns_for
from cases.api.orders import Orders
from cases.api.reading import Reading
from cases.api.serializers import OrderRow
from cases.models import Case
from governance.common.api.views import Endpoint
from governance.common.errors import Invalid, TooLarge
from governance.integration.figures.views import Figures
from governance.models import ExportJob
from partymembers.api.members import MemberRow, Members
from partymembers.api.people import OPENS_NAMES, opens_names
from partymembers.api.permissions import HasScope, has_scope

Body = dict[str, Any]
Row = TypeVar("Row")
Kind = ExportJob.Kind

#: Most rows of one file: so many are written well within the time that a task may take.
MOST_ROWS: Final = 200_000
#: Rows that are in memory at a time.
BATCH: Final = 1000
#: Parameters of a list that a file has no use for.
_OF_PAGES: Final = ("cursor", "limit", "total", "order_by")


@dataclass
class Source:
    """The rows of one export, `BATCH` at a time. `columns` are paths into a row, for what is no JSON."""

    columns: tuple[str, ...]
    batches: Iterator[list[Body]]
    #: Whether a name or phone was handed over in full, known at the end.
    has_opened: Callable[[], bool] = lambda: False


@dataclass
class _ExportReading(Reading):
    """An answer of very many rows, whose opened names and phones are one entry of the audit trail."""

    has_opened: bool = False

    def open(self, case: Case, what: str) -> None:
        """Remember that there was one."""
        self.has_opened = True


def source_of(kind: str, request: Request) -> Source:
    """The rows that the list of this kind holds for a request.

    Raises what the list itself raises: Invalid, ValidationError, PermissionDenied, NotVisible; TooLarge for
    too many rows. Nothing is read yet but their number.
    """
    for name in _OF_PAGES:
        if name in request.query_params:
            raise Invalid(_("A file has no pages: leave this out."), field=name)
    return _SOURCES[kind](request)


def _orders(request: Request, columns: Sequence[str]) -> Source:
    view = _view(Orders, request)
    fields = OrderRow.wanted(request)
    rows = view.filter_queryset(view.get_queryset())
    require_size(rows)
    read = rows.only(*columns_for(fields), "reported_at").order_by("-reported_at", "-pk")
    reading = _ExportReading(request, fields)
    return Source(
        _chosen(columns, fields),
        (bodies_of(reading, cases) for cases in _batched(read.iterator(chunk_size=BATCH))),
        lambda: reading.has_opened,
    )


def _members(request: Request) -> Source:
    """Members as their list has them; the name of each is opened with the whole, in one entry."""
    view = _view(Members, request)
    rows = view.get_queryset()
    require_size(rows)
    is_open, fields = opens_names(request), MemberRow.wanted(request)
    context = view.get_serializer_context() | {OPENS_NAMES: is_open}
    return Source(
        _chosen(MEMBER_COLUMNS, fields),
        (
            [dict(body) for body in MemberRow(members, many=True, context=context).data]
            for members in _batched(rows.order_by("pk").iterator(chunk_size=BATCH))
        ),
        lambda: is_open and request.auth is not None and "name" in fields,
    )


def _chosen(columns: Iterable[str], fields: Container[str]) -> tuple[str, ...]:
    return tuple(column for column in columns if column.partition(".")[0] in fields)


def _figures(request: Request) -> Source:
    """A row for each formula of each member."""
    told = _view(Figures, request).get(request).data
    head = {name: told[name] for name in ("place", "unit", "matter", "channel", "dimension")}
    head |= {"from": told["period"]["start"], "to": told["period"]["until"]}
    rows = [
        head
        | {"code": member["code"], "name": member["name"], "measure": value["unit"]}
        | {name: value[name] for name in _NUMBERS}
        for member in told["results"]
        for value in member["figures"]
    ]
    return Source(FIGURE_COLUMNS, _batched(iter(rows)))


def _view(endpoint: type[Endpoint], request: Request) -> Any:
    """The list that answers a request with such a query. Raises Invalid for what it does not know."""
    endpoint.check_parameters(request, without=_OF_PAGES)
    view: Any = endpoint()
    view.request, view.args, view.kwargs, view.format_kwarg = request, (), {}, None
    return view


def require_scope(request: Request, kind: str) -> None:
    """Pass a key that reads this kind of rows. Raises PermissionDenied (403)."""
    if not has_scope(request, SCOPES[kind]):
        raise PermissionDenied(HasScope.message, code=HasScope.code)


def require_size(rows: Any) -> None:
    """Pass a list that one file may hold. Raises TooLarge."""
    if rows.order_by()[: MOST_ROWS + 1].count() > MOST_ROWS:
        told = _("The list holds more than %(most)s rows. Please choose a shorter period or a smaller place.")
        raise TooLarge(told % {"most": f"{MOST_ROWS:,}"})


def _batched(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def value_at(body: Body, path: str) -> Any:
    """What stands at a path of a row (`place.code`); None where a step is missing."""
    found: Any = body
    for step in path.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found


_TIMES: Final = ("reported_at", "accepted_at", "dispatched_at", "acknowledged_at", "handled_at", "closed_at",
    "ended_at", "due_at")  # fmt: skip
_PLACES: Final = tuple(
    f"{level}.{part}"
    for level in ("place", "desk", "district", "street", "community", "grid")
    for part in ("code", "name")
)
_RATING: Final = tuple(f"rating.{name}" for name in ("contacted", "solved", "satisfaction", "rated_at"))
_REPORTER: Final = ("reporter.name", "reporter.phone", "reporter.is_masked")
ORDER_COLUMNS: Final = (
    "number", "state", "light", "channel", "matter.code", "matter.name", "standard", "urgency",
    "description", "address", "position.lng", "position.lat", *_PLACES, "compound", "unit.code", "unit.name",
    "handler.code", "handler.name", *_REPORTER, *_TIMES,
    *(f"counters.{name}" for name in ("returns", "reworks", "extensions", "reopenings", "urges", "climbs",
                                      "co_reports", "whistles")),
    *_RATING, "is_supervised", "resolved_on_spot", "merged_into", "source", "source_number", "client_id",
    "is_imported", "is_test", "updated_at",
)  # fmt: skip
WISH_COLUMNS: Final = (
    "number", "state", "matter.code", "matter.name", "wish.title", "wish.text", "wish.points",
    "wish.deliver_by", "place.code", "place.name", "street.name", "community.name", "wish.branch.code",
    "wish.branch.name", "wish.claim.user.name", "wish.claim.unit.name", "wish.claim.branch.name",
    *_REPORTER, "reported_at", "wish.published_at", "wish.claim.claimed_at", "wish.delivered_at",
    "closed_at", *_RATING, "is_test", "updated_at",
)  # fmt: skip
MEMBER_COLUMNS: Final = (
    "code", "name", "status", "home_branch.code", "home_branch.name", "check_in_branch.code",
    "check_in_branch.name", "standing", "settled_on", "due_on", "checked_in_at", "left_on",
)  # fmt: skip
_NUMBERS: Final = ("formula", "value", "numerator", "denominator", "is_small_sample", "previous", "year")
FIGURE_COLUMNS: Final = (
    "place", "unit", "matter", "channel", "from", "to", "dimension", "code", "name", "formula", "measure",
    "value", "numerator", "denominator", "is_small_sample", "previous.value", "previous.change",
    "year.value", "year.change",
)  # fmt: skip
_SOURCES: Final[dict[str, Callable[[Request], Source]]] = {
    Kind.ORDERS: partial(_orders, columns=ORDER_COLUMNS),
    Kind.WISHES: partial(_orders, columns=WISH_COLUMNS),
    Kind.FIGURES: _figures,
    Kind.MEMBERS: _members,
}
#: What a key needs beside `exports:write`.
SCOPES: Final[dict[str, str]] = {
    Kind.ORDERS: "orders:read",
    Kind.WISHES: "wishes:read",
    Kind.FIGURES: "figures:read",
    Kind.MEMBERS: "members:read",
}
