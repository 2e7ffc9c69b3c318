"""Acting on an order: what can be done, what it takes, and doing it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.bodies import represent_order
from cases.api.deeds import DEEDS, Deed
from cases.api.etags import check_version, etag_of
from cases.api.finding import found_order
from cases.api.inputs import Ask, Input, Pictured
from cases.api.json_schema import schema_of, union_of
from cases.api.kinds import OfEitherKind, offered_actions, require_kind
from cases.api.orders import NUMBER
from cases.api.serializers import OrderDetail
from cases.models import Case
from cases.permissions import require
from cases.workflow import WORKFLOWS, Kind, Needs, Rule
from governance.common.api.views import Endpoint
from governance.common.errors import DomainError, NotVisible
from grids.api.crs import CRS, system_of
from partymembers.api.callers import access_of_caller, user_of
from partymembers.api.idempotency import idempotent

#: How an action's pictures are meant.
NONE, OPTIONAL, REQUIRED = "none", "optional", "required"


class ActionFacts(serializers.Serializer[Any]):
    """An action with its input."""

    action = serializers.CharField(help_text="Its name in the address.")
    label = serializers.CharField(  # type: ignore[assignment]  # a field's own attribute
        help_text="In the caller's language."
    )
    needs_note = serializers.BooleanField(help_text="Whether it must say something in `note`.")
    attachments = serializers.ChoiceField(
        choices=(NONE, OPTIONAL, REQUIRED),
        help_text="Whether it takes pictures.",
    )
    input = serializers.DictField(help_text="JSON schema of the body.")


class CatalogueFacts(ActionFacts):
    """An action of the workflow table."""

    kind = serializers.ChoiceField(choices=Kind.choices, help_text="Kind of order.")
    moves = serializers.DictField(
        child=serializers.CharField(), help_text="State in which it is possible → state after it."
    )
    who = serializers.ListField(
        child=serializers.CharField(), help_text="Who may: how they must stand to the order."
    )
    is_undoable = serializers.BooleanField(help_text="Whether another action can make up for it.")


#: The body of an action, for the document: of these fields those that its own input names, and no others.
ANY_INPUT = union_of([Pictured(), *(deed.takes() for deeds in DEEDS.values() for deed in deeds.values())])


class Actions(Endpoint):
    """All that can be done to orders."""

    is_open_to_all = True
    pagination_class = None
    serializer_class = CatalogueFacts

    @extend_schema(
        operation_id="listActions", summary="All actions of all kinds", responses=CatalogueFacts(many=True)
    )
    def get(self, request: Request) -> Response:
        """The workflow table: for each kind of order its actions, the states that allow them, who may act,
        and what each takes. It changes with a new version of the portal only.
        """
        rows = [
            action_facts(rule, deed)
            | {
                "kind": kind,
                "moves": {str(before): str(after) for before, after in rule.moves.items()},
                "who": sorted(rule.who),
                "is_undoable": rule.undoable,
            }
            for kind, deeds in DEEDS.items()
            for deed, rule in ((deeds[action], WORKFLOWS[kind][action]) for action in deeds)
        ]
        return Response(self.get_serializer(rows, many=True).data)


def action_facts(rule: Rule, deed: Deed, case: Case | None = None) -> dict[str, Any]:
    """What somebody must know to take an action."""
    given = deed.takes()
    note, pictures = given.fields.get("note"), given.fields.get("attachments")
    needs_picture = pictures is not None and (
        pictures.required or (Needs.RESULT in rule.needs and (case is None or case.matter.needs_photo))
    )
    return {
        "action": rule.action,
        "label": str(rule.label),
        "needs_note": note is not None and note.required,
        "attachments": NONE if pictures is None else REQUIRED if needs_picture else OPTIONAL,
        "input": schema_of(given),
    }


class OrderActions(OfEitherKind):
    """What the caller may do to an order now."""

    pagination_class = None
    serializer_class = ActionFacts

    @extend_schema(
        operation_id="listOrderActions",
        summary="What one may do to an order now",
        parameters=[NUMBER],
        responses=ActionFacts(many=True),
    )
    def get(self, request: Request, number: str) -> Response:
        """The actions that a POST would accept from this caller at this moment, with the input of each.

        Somebody may be faster: the POST answers 409 then, and says what has changed.
        """
        case = found_order(number, request)
        rules, deeds = WORKFLOWS[case.kind], DEEDS[case.kind]
        offered = offered_actions(request, case, at=timezone.now())
        rows = [action_facts(rules[action], deeds[action], case) for action in offered]
        return Response(self.get_serializer(rows, many=True).data)


class Act(OfEitherKind):
    """One action on one order."""

    parameters_of_writes = frozenset({"crs"})
    serializer_class = OrderDetail

    @extend_schema(
        operation_id="actOnOrder",
        summary="Act on an order",
        request={"application/json": ANY_INPUT},
        responses={200: OrderDetail},
        parameters=[
            NUMBER, CRS,
            OpenApiParameter(
                "action", str, OpenApiParameter.PATH,
                enum=sorted({action for deeds in DEEDS.values() for action in deeds}),
                description="Its name (`GET …/actions/`).",
            ),
            OpenApiParameter(
                "If-Match", str, OpenApiParameter.HEADER,
                description="The ETag that you read: 412 where the order has changed since.",
            ),
        ],
        examples=[
            OpenApiExample("accept", {"note": "already on our list"}, request_only=True),
            OpenApiExample("dispatch", {"unit": "SZ-01", "assisting": []}, request_only=True),
            OpenApiExample("finish", {"note": "replaced", "attachments": ["tQ3kM0x9"]}, request_only=True),
        ],
    )  # fmt: skip
    @idempotent
    def post(self, request: Request, number: str, action: str) -> Response:
        """Take one action; the body is what that action takes (`GET …/orders/{number}/actions/`).

        Answers the order as it is then. 403 says who may act instead, 409 what has changed.
        """
        case = found_order(number, request, to_write=True)
        require_kind(request, case.kind, "write")
        case = _act(request, case, action)
        body = represent_order(case, request)
        return Response(body, headers={"ETag": etag_of(case, body)})


def _act(request: Request, case: Case, action: str) -> Case:
    """The order after the action. Raises what the action raises, and PreconditionFailed."""
    if action not in WORKFLOWS[case.kind]:
        raise NotVisible(_("There is no such action."))
    ask = Ask(case, user_of(request), access_of_caller(request), timezone.now(), system_of(request))
    check_version(request, case)  # which tells more than that the state does not fit
    require(ask.actor, action, case, at=ask.at, access=ask.access)
    deed = DEEDS[case.kind][action]
    given = deed.takes(data=request.data)
    given.is_valid(raise_exception=True)
    with told_here(deed.takes), transaction.atomic():
        values = given.arguments(ask)
        _hold(request, case, values)
        return deed.write(case_id=case.pk, actor=ask.actor, at=ask.at, **values)


def _hold(request: Request, case: Case, values: dict[str, Any]) -> None:
    """Lock the order before its version is compared, with another that it is merged into: in their order."""
    if "If-Match" not in request.headers:
        return
    ids = [pk for pk in (case.pk, values.get("target_id")) if pk is not None]
    rows = Case.objects.select_for_update().filter(pk__in=ids).order_by("pk")
    locked = {row.pk: row for row in rows.only("number", "last_seq")}
    check_version(request, locked[case.pk])


@contextmanager
def told_here(takes: type[Input]) -> Iterator[None]:
    """Have what the action refuses told at the field that the caller knows, or at none."""
    try:
        yield
    except DomainError as error:
        known = Input.told_at | takes.told_at
        error.field = known.get(error.field, error.field)
        if error.field.partition(".")[0] not in takes().fields:
            error.field = ""
        raise
