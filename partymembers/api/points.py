"""Points over the API, read-only: who has how many, and what moved them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import QuerySet
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.common.api.asked import choice_of, no_such_code, text_of
from governance.common.api.fields import ChosenFields
from governance.common.api.views import Endpoint
from governance.common.errors import Invalid
from partymembers.api.callers import access_of_caller
from partymembers.api.people import PersonRef, with_names
from partymembers.known import accounts_known_to, entries_known_to, holders_known_to
from partymembers.models import PointsEntry, PointsTransaction, User

HOLDER = OpenApiParameter("holder", str, description="A staff number: only this person's.")


class BalanceRow(ChosenFields):
    """Somebody's points."""

    holder = PersonRef(source="user")
    balance = serializers.IntegerField(help_text="Points that are not redeemed yet; never below zero.")


class EntryRow(ChosenFields):
    """What moved somebody's points."""

    at = serializers.DateTimeField(source="transaction.at")
    day = serializers.DateField(source="transaction.day", help_text="The day that caps and months count by.")
    kind = serializers.ChoiceField(
        source="transaction.kind",
        choices=PointsTransaction.Kind.choices,
        help_text="award: earned; correction: taken back or set right; redemption: spent at a station.",
    )
    points = serializers.IntegerField(source="amount", help_text="Positive: got; negative: gave.")
    what = serializers.CharField(source="transaction.what", help_text="What for.")
    rule = serializers.CharField(
        source="transaction.rule.code", default=None, allow_null=True, help_text="Code of the earning rule."
    )
    place = serializers.CharField(
        source="transaction.place.code", default=None, allow_null=True, help_text="Where it was earned."
    )
    holder = PersonRef(source="account.user")


class _PointsEndpoint(Endpoint):
    """Points of people whom the caller knows."""

    resource = "points"

    def asked_holder(self) -> User | None:
        """Whose points alone are asked for; None without `holder`. Raises Invalid for somebody unknown."""
        code = text_of(self.request, "holder")
        if not code:
            return None
        found = holders_known_to(access_of_caller(self.request)).filter(username=code).first()
        if found is None:
            raise no_such_code(code, field="holder")
        return found

    def listed(self, rows: QuerySet[Any], kind: type[ChosenFields]) -> Response:
        """A page of balances or entries; names that are opened are audited."""
        page: Any = self.paginate_queryset(rows)
        is_named = "holder" in kind.wanted(self.request)
        people = [_holder_of(row) for row in page if is_named]
        context = with_names(self.get_serializer_context(), people, what="points_holder")
        return self.get_paginated_response(kind(page, many=True, context=context).data)


class Balances(_PointsEndpoint):
    """The list of balances."""

    order = "id"
    serializer_class = BalanceRow
    parameters = frozenset({"holder"})

    @extend_schema(
        operation_id="listPoints",
        summary="List balances of points",
        parameters=[HOLDER],
        responses=BalanceRow(many=True),
    )
    def get(self, request: Request) -> Response:
        """How many points each person has who serves where the caller's account acts for the desk.

        They serve where they are volunteers; a member who is none, where they are checked in.
        """
        rows = accounts_known_to(access_of_caller(request))
        if (holder := self.asked_holder()) is not None:
            rows = rows.filter(user=holder)
        return self.listed(rows, BalanceRow)


class Entries(_PointsEndpoint):
    """The list of entries."""

    order = "-id"
    serializer_class = EntryRow
    parameters = frozenset({"holder", "kind", "from", "to"})

    @extend_schema(
        operation_id="listPointsEntries",
        summary="List what moved points",
        parameters=[
            HOLDER,
            OpenApiParameter(
                "kind", str, enum=PointsTransaction.Kind.values, description="Only of this kind."
            ),
            OpenApiParameter("from", dt.date, description="From this day on."),
            OpenApiParameter("to", dt.date, description="Up to this day, included."),
        ],
        responses=EntryRow(many=True),
    )
    def get(self, request: Request) -> Response:
        """What was earned, spent or set right in the places of the caller's desk, the latest first.

        Nothing in it ever changes: an award that was wrong is followed by a correction.
        """
        rows = entries_known_to(access_of_caller(request))
        if (holder := self.asked_holder()) is not None:
            rows = rows.filter(account__user=holder)
        if kind := choice_of(request, "kind", PointsTransaction.Kind.values):
            rows = rows.filter(transaction__kind=kind)
        if (first := _day_of(request, "from")) is not None:
            rows = rows.filter(transaction__day__gte=first)
        if (last := _day_of(request, "to")) is not None:
            rows = rows.filter(transaction__day__lte=last)
        return self.listed(rows, EntryRow)


def _holder_of(row: Any) -> Any:
    holder: Any = row.account.user if isinstance(row, PointsEntry) else row.user
    return holder


def _day_of(request: Request, name: str) -> dt.date | None:
    if name not in request.query_params:
        return None
    try:
        day = parse_date(text_of(request, name))
    except ValueError:
        day = None
    if day is None:
        raise Invalid(_("A day is written like 2026-11-22."), field=name)
    return day
