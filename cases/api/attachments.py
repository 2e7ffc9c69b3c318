"""Pictures of orders, for whoever may open them."""

from __future__ import annotations

from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request

from cases.api.kinds import OfEitherKind, open_kinds
from cases.attachments import visible_attachment
from cases.serving import picture_answer
from governance.common.api.asked import choice_of
from governance.common.errors import NotVisible
from partymembers.api.callers import access_of_caller

TOKEN = OpenApiParameter("token", str, OpenApiParameter.PATH, description="The picture's token.")
SIZE = OpenApiParameter("size", str, enum=["full", "thumbnail"], default="full", description="How large.")


class Whatever(BaseContentNegotiation):
    """A picture is a picture whatever the caller would rather have; errors are problems all the same."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """The first."""
        return next(iter(parsers), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        """The first."""
        return renderers[0], renderers[0].media_type


class AttachmentBytes(OfEitherKind):
    """One picture."""

    content_negotiation_class = Whatever
    parameters = frozenset({"size"})

    @extend_schema(
        operation_id="readAttachment",
        summary="A picture",
        parameters=[TOKEN, SIZE],
        responses={
            (200, "image/jpeg"): OpenApiTypes.BINARY,
            304: OpenApiResponse(description="The caller has it already (If-None-Match)."),
        },
    )
    def get(self, request: Request, token: str) -> HttpResponseBase:
        """The picture as JPEG, in full or at 480 pixels: of orders that the caller works on, and own."""
        size = choice_of(request, "size", ("full", "thumbnail"))
        row = visible_attachment(token, access=access_of_caller(request))
        if row.case is not None and row.case.kind not in open_kinds(request):
            raise NotVisible()
        return picture_answer(request._request, row, small=size == "thumbnail")
