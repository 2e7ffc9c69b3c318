"""Bringing new orders: one at a time, or many with a verdict on each."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import wraps
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from cases.api.bodies import represent_order
from cases.api.etags import etag_of
from cases.api.kinds import OfEitherKind
from cases.api.orders import Orders
from cases.api.reports import Bringer, NewOrder, bring
from cases.api.serializers import OrderDetail
from cases.numbers import take_numbers
from governance.common.api.problems import answer_problem, problem
from governance.common.api.strict import Strict
from governance.common.errors import NotAllowed
from governance.common.remembering import remembering
from grids.api.crs import CRS
from partymembers.api.idempotency import HEADER, idempotent

logger = logging.getLogger("gezhi.api")

#: Orders that one request may bring.
MOST_AT_ONCE: Final = 500
_Handler = Callable[..., Response]

EXAMPLE = OpenApiExample(
    "from the hotline",
    {
        "matter": "event-01-11",
        "description": "A manhole cover is missing",
        "address": "86 Yingyue Road",
        "position": {"lng": 118.7674, "lat": 32.0415},
        "contact": {"name": "Wang", "phone": "13800000000"},
        "source_number": "12345-2026-000123",
    },
    request_only=True,
)


def numbered(handler: _Handler) -> _Handler:
    """Take the numbers of orders before a request's own transaction, which would hold the day's counter."""

    @wraps(handler)
    def inner(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        wanted = self.numbers_wanted(request) if HEADER in request.headers else 0
        self.numbers = iter(take_numbers(timezone.localdate(), wanted) if wanted else ())
        return handler(self, request, *args, **kwargs)

    return inner


class OrdersDoor(Orders):
    """Orders in the caller's area, and new ones."""

    parameters_of_writes = frozenset({"crs"})
    numbers: Iterator[str]

    def numbers_wanted(self, request: Request) -> int:
        """How many orders the request may make."""
        return 1

    @extend_schema(
        operation_id="createOrder",
        summary="Report an order, or ask for a wish",
        parameters=[CRS],
        request=NewOrder,
        responses={
            201: OrderDetail,
            200: OpenApiResponse(OrderDetail, description="It came before: the first order."),
        },
        examples=[EXAMPLE],
    )
    @numbered
    @idempotent
    def post(self, request: Request) -> Response:
        """Take in an order; its clocks start, and its unit is looked for.

        A connected system of a place reports inside its place only. Sent again with the same `client_id` or
        `source_number`, the first order is answered with 200. Wishes (`kind: wish`) need scope
        `wishes:write`.
        """
        at = timezone.now()
        case = bring(Bringer.of(request), request.data, at=at, number=next(self.numbers, ""))
        body = represent_order(case, request)
        where = reverse("api:order", args=[case.number], request=request)
        headers = {"Location": where, "ETag": etag_of(case, body)}
        return Response(body, status=200 if case.came_before else 201, headers=headers)


class ManyOrders(Strict):
    """Reports and wishes, in their order."""

    orders = serializers.ListField(child=NewOrder(), max_length=MOST_AT_ONCE, min_length=1)


class Verdict(serializers.Serializer[Any]):
    """What became of one row."""

    row = serializers.IntegerField(help_text="Its place in what was sent, from 0.")
    status = serializers.IntegerField(help_text="201 made, 200 came before, else refused; as for one order.")
    number = serializers.CharField(allow_null=True, help_text="Of the order; null where it was refused.")
    problem = serializers.DictField(allow_null=True, help_text="Why it was refused, with paths of fields.")


class Verdicts(serializers.Serializer[Any]):
    """What became of all rows."""

    created = serializers.IntegerField()
    repeated = serializers.IntegerField(help_text="Came before.")
    refused = serializers.IntegerField()
    results = Verdict(many=True)


class BulkOrders(OfEitherKind):
    """Many new orders."""

    parameters_of_writes = frozenset({"crs"})
    serializer_class = Verdicts
    numbers: Iterator[str]

    def numbers_wanted(self, request: Request) -> int:
        """How many orders the request may make."""
        return len(_rows(request.data))

    @extend_schema(
        operation_id="createOrders",
        summary="Report up to 500 orders",
        parameters=[CRS],
        request=ManyOrders,
        responses={200: Verdicts},
    )
    @numbered
    @idempotent
    def post(self, request: Request) -> Response:
        """Take in each row by itself: a verdict on every row in their order, and a bad one spoils no other.

        Rows with a `client_id` or `source_number` may be sent again safely: what came before is answered
        with 200. With an Idempotency-Key all rows are kept together at the end, or none is.
        """
        rows, by = _rows(request.data), Bringer.of(request)
        if by.is_resident:
            raise NotAllowed(_("This address is for connected systems."))
        with remembering():
            results = [_verdict(by, row, place, next(self.numbers, "")) for place, row in enumerate(rows)]
        statuses = [verdict["status"] for verdict in results]
        made, known = statuses.count(201), statuses.count(200)
        counts = {"created": made, "repeated": known, "refused": len(rows) - made - known}
        return Response(counts | {"results": results})


def _rows(data: Any) -> list[Any]:
    """The rows as they came, each still to be checked. Raises ValidationError for what is no list of them."""
    rows = data.get("orders") if isinstance(data, dict) else None
    unknown = [name for name in data if name != "orders"] if isinstance(data, dict) else []
    if unknown or not isinstance(rows, list) or not 1 <= len(rows) <= MOST_AT_ONCE:
        told = _("From 1 to %(most)d orders, as the list “orders”, and nothing beside.") % {
            "most": MOST_AT_ONCE
        }
        raise ValidationError({"orders": [told]})
    return rows


def _verdict(by: Bringer, row: Any, place: int, number: str) -> dict[str, Any]:
    at = timezone.now()
    try:
        # Within a longer transaction an error of the database would end all of it.
        with transaction.atomic() if transaction.get_connection().in_atomic_block else nullcontext():
            case = bring(by, row, at=at, number=number)
    except Exception as error:  # what nobody foresaw in one row is no reason to lose the others
        told = _problem(error, place)
        return {"row": place, "status": told["status"], "number": None, "problem": told}
    status = 200 if case.came_before else 201
    return {"row": place, "status": status, "number": case.number, "problem": None}


def _problem(error: Exception, place: int) -> dict[str, Any]:
    """Why a row was refused, its fields with the row's path."""
    answer = answer_problem(error, {})
    if answer is None:
        logger.exception("bulk_row_failed", extra={"row": place})
        return problem(500, code="failed", detail=_("This failed. Please send the row once more."))
    body: dict[str, Any] = answer.data
    errors = [e | {"field": f"orders.{place}.{e['field']}".rstrip(".")} for e in body.get("errors", [])]
    return body | ({"errors": errors} if errors else {})
