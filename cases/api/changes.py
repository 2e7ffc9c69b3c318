"""The feed of changes: what has happened to the orders that the caller sees, each thing once and in order."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.finding import readable_wishes
from cases.api.hanging import Body, event_body, kinds_for
from cases.api.reading import ALWAYS, Reading
from cases.api.serializers import EventOfOrder
from cases.events import EVENT_KINDS
from cases.feed import FeedPage, changes_of, read_feed, top_of_log
from cases.models import Case, CaseEvent
from cases.workflow import Kind, State
from governance.common.api.asked import choice_of, flag_of
from governance.common.api.fields import names_in
from governance.common.api.paging import MOST, limit_of
from governance.common.api.views import Endpoint
from governance.common.errors import Invalid
from governance.common.kept import MOST_KEPT, Kept, among
from governance.common.typed import whole_number
from partymembers.access import Access
from partymembers.api.callers import access_of_caller, user_of
from partymembers.api.permissions import has_scope

LATEST: Final = "latest"
LIMIT: Final = 100
_OF_ORDER: Final = (*ALWAYS, "source", "source_number", "is_test")


class OrderOfChange(serializers.Serializer[Any]):
    """The order that a change is about, as it stands now."""

    number = serializers.CharField()
    kind = serializers.ChoiceField(choices=Kind.choices)
    state = serializers.ChoiceField(choices=State.choices, help_text="Its state now, not after this change.")
    source = serializers.CharField(  # type: ignore[assignment]  # a field's own attribute
        allow_null=True, help_text="The system that handed it in; for the caller's own orders only."
    )
    source_number = serializers.CharField(
        allow_null=True, help_text="Its number there; for the caller's own orders only."
    )
    is_test = serializers.BooleanField()


class Change(EventOfOrder):
    """One thing that happened to one order."""

    position = serializers.IntegerField(help_text="Its place in the feed.")
    order = OrderOfChange()


class Changes(serializers.Serializer[Any]):
    """A piece of the feed."""

    results = Change(many=True)
    next = serializers.CharField(help_text="`after` of the next call, also where nothing came.")
    has_more = serializers.BooleanField(help_text="Whether to ask again at once.")


class ChangesFeed(Endpoint):
    """What has happened to orders."""

    resource = "events"
    serializer_class = Changes
    parameters = frozenset({"after", "limit", "kinds", "kind", "own"})
    pagination_class = None

    @extend_schema(
        operation_id="listChanges",
        summary="Feed of changes",
        parameters=[
            OpenApiParameter(
                "after",
                str,
                description="`next` of the call before; `latest`: from now on; none: from the start.",
            ),
            OpenApiParameter("limit", int, description=f"At most so many, up to {MOST}; {LIMIT} without it."),
            OpenApiParameter("kinds", str, description="Only these kinds of events, separated by commas."),
            OpenApiParameter("kind", str, enum=Kind.values, description="Only of this kind of orders."),
            OpenApiParameter("own", bool, description="Only of orders that the caller has handed in."),
        ],
        responses=Changes,
    )
    def get(self, request: Request) -> Response:
        """Everything that happened to the orders that the caller sees, in one order that never changes.

        Keep `next` and send it as `after`; while `has_more` is true ask again at once, else after a pause
        (ten seconds do). No change is skipped, however long its transaction took, and none comes twice. One
        call looks at a few thousand positions at most, so a page may be empty and yet have more behind it. An
        order shows from when it is the caller's to see; what was before is in its history. Changes of wishes
        need `wishes:read`.
        """
        limit = limit_of(request, default=LIMIT)
        changes = _changes(request, limit)
        if request.query_params.get("after") == LATEST:
            page = FeedPage([], top_of_log(), False)
        else:
            page = read_feed(_position(request), limit, changes=changes)
        results = _bodies(page, request)
        return Response({"results": results, "next": str(page.reached), "has_more": page.has_more})


def _position(request: Request) -> int:
    given = request.query_params.get("after", "") or "0"
    position = whole_number(given)
    if position is None:
        raise Invalid(_("Take it from the answer before, as it was; or “latest”."), field="after")
    return position


def _changes(request: Request, limit: int) -> list[Kept[CaseEvent]]:
    """Of incidents, and of wishes as far as the key opens them."""
    access, is_own = access_of_caller(request), flag_of(request, "own")
    kinds = names_in(request, "kinds", frozenset(EVENT_KINDS)) or None
    kind, found = choice_of(request, "kind", Kind.values), list[Kept[CaseEvent]]()
    if kind != Kind.WISH:
        found.append(_of_incidents(access, is_own, limit, kinds))
    if kind != Kind.INCIDENT and has_scope(request, "wishes:read"):
        wishes = readable_wishes(user_of(request), access)
        wishes = wishes.filter(reporter=access.user_id) if is_own else wishes
        found.append(changes_of(wishes, limit, kinds))
    return found


@lru_cache(maxsize=MOST_KEPT)
def _of_incidents(access: Access, is_own: bool, limit: int, kinds: frozenset[str] | None) -> Kept[CaseEvent]:
    orders = Case.objects.visible_to(access)
    return changes_of(orders.filter(reporter=access.user_id) if is_own else orders, limit, kinds)


@lru_cache(maxsize=1)
def _orders() -> Kept[Case]:
    return Kept(Case.objects.filter(among()).only(*_OF_ORDER).order_by())


def _bodies(page: FeedPage, request: Request) -> list[Body]:
    """The rows of a page; a fixed number of queries, none for an empty one."""
    if not page.events:
        return []
    cases = {case.pk: case for case in _orders().ask(ids=list({event.case_id for event in page.events}))}
    reading = Reading(request, frozenset())
    reading.load(list(cases.values()))
    reading.codes.look_up(page.events)
    bodies = [
        _body(event, cases[event.case_id], reading)
        for event in page.events
        if _may_read(event, cases[event.case_id], reading)
    ]
    reading.write_down()
    return bodies


def _may_read(event: CaseEvent, case: Case, reading: Reading) -> bool:
    kinds = kinds_for(case, reading.halves[case.pk])
    return kinds is None or event.kind in kinds


def _body(event: CaseEvent, case: Case, reading: Reading) -> Body:
    is_own = case.reporter_id == reading.user.pk
    order = {
        "number": case.number,
        "kind": case.kind,
        "state": case.state,
        "source": (case.source or None) if is_own else None,
        "source_number": (case.source_number or None) if is_own else None,
        "is_test": case.is_test,
    }
    return event_body(reading, case, event) | {"order": order}
