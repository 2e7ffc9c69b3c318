"""The door for systems that keep their own format: their payload comes in as it is, by a mapping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from cases.actions.intake import take_in
from cases.intake import filled_in
from cases.models import IntakePayload
from governance.common.api.parsers import body_of
from governance.common.api.problems import MEDIA_TYPE, problem
from governance.common.api.views import Endpoint
from governance.common.errors import NotAllowed
from partymembers.api.callers import user_of

_ANY = {"type": "object", "additionalProperties": True}
_ANSWERS = {
    status: OpenApiResponse(_ANY, description=told)
    for status, told in (
        (201, "An order was made; the answer has the shape that the mapping says."),
        (200, "The number is known: the same order. What was said anew was added to it."),
    )
}


class AsItCame(BaseParser):
    """The bytes of the body, whatever they are: what cannot be read is kept, too."""

    media_type = "*/*"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The bytes of the body, as `body`. Raises ParseError (400) or RequestDataTooBig (413)."""
        return {"body": body_of(parser_context)}


class Intake(Endpoint):
    """Payloads in the caller's own format."""

    resource = "intake"
    parser_classes = (AsItCame,)
    pagination_class = None

    @extend_schema(
        operation_id="handIn",
        summary="Hand in another system's order",
        request={"application/json": _ANY},
        responses=_ANSWERS,
        examples=[
            OpenApiExample(
                "a hotline's own words",
                {"order": {"no": "WX-2026-118", "type": "0203", "content": "路灯不亮"}, "district": "琅琊"},
                request_only=True,
            ),
            OpenApiExample(
                "as its mapping answers",
                {"number": "261122-000123", "outcome": "created"},
                response_only=True,
                status_codes=["201"],
            ),
            OpenApiExample(
                "known before",
                {"number": "261122-000123", "outcome": "repeated"},
                response_only=True,
                status_codes=["200"],
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        """Take in a payload as the account's own system writes it.

        The system officer keeps a mapping for the account: which of its fields are which of ours, what its
        codes mean, its times and coordinates, and the shape of the answer. A number of the other system makes
        one order: sent again it is answered with that order, and what is said anew is added as information,
        so a call may be repeated until it is answered. What is refused is kept with its errors, which name
        the payload's own fields. What becomes of the orders is in the feed of changes (`own=true`).
        """
        user = user_of(request)
        if not user.is_service:
            raise NotAllowed(_("This address is for connected systems."))
        body: bytes = request.data.get("body", b"")  # type: ignore[union-attr]  # `AsItCame` gives no list
        kept = take_in(account=user.service_account, body=body, at=timezone.now())
        if kept.outcome == IntakePayload.Outcome.REFUSED:
            return _refused(kept)
        return _taken(kept)


def _refused(kept: IntakePayload) -> Response:
    code = "invalid" if len(kept.errors) != 1 or kept.errors[0]["field"] else kept.errors[0]["code"]
    detail = _("This was kept, and no order was made of it; see errors.")
    body = problem(400, code=code, detail=detail, errors=kept.errors)
    return Response(body, status=400, content_type=MEDIA_TYPE)


def _taken(kept: IntakePayload) -> Response:
    case = kept.case
    if case is None:  # it was taken, so it has one
        raise LookupError(kept.pk)
    facts = {
        "number": case.number,
        "state": case.state,
        "source_number": kept.source_number,
        "outcome": kept.outcome,
    }
    answer = filled_in(kept.account.intake_mapping.answer, facts)
    return Response(answer, status=201 if kept.outcome == IntakePayload.Outcome.CREATED else 200)
