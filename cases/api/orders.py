"""Orders and wishes: the list, one with everything, its history."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, cast

from django.utils import timezone
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.bodies import columns_for, represent
from cases.api.etags import etag_of, is_known
from cases.api.finding import found_order, readable_wishes
from cases.api.hanging import event_body, kinds_for
from cases.api.kinds import OfEitherKind, require_kind
from cases.api.reading import Reading
from cases.api.serializers import EventOfOrder, OrderDetail, OrderRow
from cases.filters import OrderFilter
from cases.models import Case, CaseEvent
from cases.querysets import CaseQuerySet
from cases.workflow import Kind
from governance.common.api.asked import choice_of
from governance.common.api.paging import ByCursor, limit_of
from governance.common.kept import Kept
from governance.common.pagination import first_page_statements, kept_first_page
from grids.api.crs import CRS, system_of
from partymembers.access import Access
from partymembers.api.callers import access_of_caller, user_of

#: What a list may be ordered by; each has an index of its own. Rows without a value come last.
ORDERS = ("reported_at", "due_at", "next_due_at", "updated_at", "number")
ORDER_BY = [*(f"{sign}{name}" for name in ORDERS for sign in ("-", ""))]
#: Parameters of a list beside its filters.
_PAGE = frozenset({"cursor", "limit", "total", "fields", "expand", "order_by", "crs"})
#: With these alone the first page of all incidents is asked for.
_FIRST = frozenset({"limit", "fields", "expand", "order_by", "crs"})
#: So many kinds of lists are kept ready; connected systems are few, what they choose from is much.
_MOST_LISTS = 100
#: By these, somebody else's wishes may be looked for: the wall itself shows as much.
_PUBLIC = frozenset({"kind", "state", "matter", "matter_class", "place", "open"})

NUMBER = OpenApiParameter("number", str, OpenApiParameter.PATH, description="Like `261122-0007`.")
_KNOWN = OpenApiParameter(
    "If-None-Match", str, OpenApiParameter.HEADER, description="An ETag: the answer is 304 if it still holds."
)


class OrderFilters(DjangoFilterBackend):
    """Narrows by the address."""

    def get_filterset_kwargs(self, request: Request, queryset: Any, view: Any) -> dict[str, Any]:
        """With the instant and the coordinate system that the question is about. Raises Invalid."""
        kwargs: dict[str, Any] = super().get_filterset_kwargs(request, queryset, view)
        return kwargs | {"request": request._request, "now": timezone.now(), "system": system_of(request)}


class Orders(OfEitherKind):
    """Orders in the caller's area."""

    filter_backends = (OrderFilters,)
    filterset_class = OrderFilter
    serializer_class = OrderRow
    parameters = frozenset({*OrderFilter.base_filters, "order_by", "crs"})
    repeatable = frozenset({"state", "channel", "urgency"})
    queryset = Case.objects.none()

    def get_queryset(self) -> CaseQuerySet:
        """What the caller may see of the asked kind. Raises PermissionDenied for a kind not opened."""
        is_wish = self.request.query_params.get("kind") == Kind.WISH
        require_kind(self.request, Kind.WISH if is_wish else Kind.INCIDENT)
        access = access_of_caller(self.request)
        if not is_wish:
            return Case.objects.visible_to(access)
        if set(self.request.query_params) - _PAGE - _PUBLIC:  # nobody probes for what they may not read
            return Case.objects.wishes_known_to(access)
        return readable_wishes(user_of(self.request), access)

    def order_of(self, request: Request) -> str:
        """What the list is ordered by. Raises Invalid."""
        return choice_of(request, "order_by", ORDER_BY) or ORDER_BY[0]

    @extend_schema(
        operation_id="listOrders",
        summary="Orders or wishes",
        parameters=[
            OpenApiParameter("order_by", str, enum=ORDER_BY, default=ORDER_BY[0], description="Order."),
            CRS,
        ],
        responses=OrderRow(many=True),
    )
    def get(self, request: Request) -> Response:
        """Orders that the caller may see, the latest first.

        Wishes are orders of their kind (`kind=wish`, scope `wishes:read`); of somebody else's the public half
        is given, and other filters than kind, state, matter, matter_class, place and open find only those
        whose asker the caller may know.
        """
        wanted, order = OrderRow.wanted(request), self.order_of(request)
        if set(request.query_params) <= _FIRST:
            require_kind(request, Kind.INCIDENT)
            statements = _first_page(access_of_caller(request), wanted, order, limit_of(request))
            page = kept_first_page(statements, order=order, size=limit_of(request))
            rows = cast(ByCursor, self.paginator).take(page, request)
        else:
            found = self.filter_queryset(self.get_queryset()).only(*columns_for(wanted), order.lstrip("-"))
            rows = cast(list[Case], self.paginate_queryset(found))
        return self.get_paginated_response(represent(rows, request, wanted))


@lru_cache(maxsize=_MOST_LISTS)
def _first_page(access: Access, wanted: frozenset[str], order: str, size: int) -> tuple[Kept[Case], ...]:
    """What callers ask all day long without a filter, by what they reach and want to know."""
    rows = Case.objects.visible_to(access).only(*columns_for(wanted), order.lstrip("-"))
    return first_page_statements(rows, order=order, size=size)


class Order(OfEitherKind):
    """One order."""

    serializer_class = OrderDetail
    parameters = frozenset({"crs"})

    @extend_schema(
        operation_id="readOrder",
        summary="An order or wish with everything",
        parameters=[NUMBER, CRS, _KNOWN],
        responses={200: OrderDetail, 304: None},
    )
    def get(self, request: Request, number: str) -> Response:
        """The order with its clocks, parts, pictures, requests and whistles, and what the caller may do.

        The `ETag` holds for these very bytes; given as `If-Match`, it lets a write through only while nobody
        has changed the order.
        """
        wanted = OrderDetail.wanted(request)
        case = found_order(number, request)
        (body,) = represent([case], request, wanted)
        etag = etag_of(case, body)
        response = Response(status=304) if is_known(request, etag) else Response(body)
        response.headers["ETag"] = etag
        return response


class EventsOfOrder(OfEitherKind):
    """The history of one order."""

    serializer_class = EventOfOrder
    order = "seq"

    @extend_schema(
        operation_id="listOrderEvents",
        summary="History of an order",
        parameters=[NUMBER],
        responses=EventOfOrder(many=True),
    )
    def get(self, request: Request, number: str) -> Response:
        """What happened to the order, the first thing first, as far as the caller may read it."""
        case = found_order(number, request)
        reading = Reading(request, frozenset({"reporter"}))
        reading.load([case])
        rows = CaseEvent.objects.filter(case=case).select_related("actor")
        if (kinds := kinds_for(case, reading.halves[case.pk])) is not None:
            rows = rows.filter(kind__in=kinds)
        page = cast(list[CaseEvent], self.paginate_queryset(rows))
        reading.codes.look_up(page)
        bodies = [event_body(reading, case, event) for event in page]
        reading.write_down()
        return self.get_paginated_response(bodies)
