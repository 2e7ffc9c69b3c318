"""Pages of the API by cursor: as quick on page ten thousand as on page one, and stable while rows come in."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from governance.common.errors import Invalid
from governance.common.pagination import CursorPage, paginate
from governance.common.typed import whole_number

from .asked import flag_of

LIMIT = 50
MOST = 200
#: Totals are counted so far; a larger one is said to be capped.
MOST_COUNTED = 100_000


def limit_of(request: Request, *, default: int = LIMIT) -> int:
    """How many rows a page has (`limit`). Raises Invalid."""
    given = request.query_params.get("limit", "")
    if not given:
        return default
    limit = whole_number(given)
    if limit is None or not 1 <= limit <= MOST:
        raise Invalid(_("A whole number from 1 to %(most)d.") % {"most": MOST}, field="limit")
    return limit


class ByCursor(BasePagination):
    """`limit`, `cursor` and `total=true`; the view says its order (`order`: a field, `-` for descending)."""

    order = "pk"
    #: What it reads of the address.
    parameters = frozenset({"cursor", "limit", "total"})

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> Any:
        """The rows of the page; the list they came from is kept for the links."""
        self.request = request
        counted = MOST_COUNTED if flag_of(request, "total") else None
        ask: Any = getattr(view, "order_of", None)
        order = ask(request) if ask else getattr(view, "order", self.order)
        self.page: CursorPage[Any] = paginate(
            queryset,
            order=order,
            cursor=request.query_params.get("cursor", ""),
            size=limit_of(request),
            count_up_to=counted,
        )
        return self.page.rows

    def take(self, page: CursorPage[Any], request: Request) -> list[Any]:
        """A page that the view has read by statements of its own."""
        self.request, self.page = request, page
        return page.rows

    def get_paginated_response(self, data: Any) -> Response:
        """Rows, and the addresses of the pages beside this one."""
        body = {
            "next": self._link(self.page.next_cursor),
            "previous": self._link(self.page.previous_cursor),
            "results": data,
        }
        if self.page.total is not None:
            body |= {"total": self.page.total, "total_is_capped": self.page.is_total_capped}
        return Response(body)

    def _link(self, cursor: str) -> str | None:
        if not cursor:
            return None
        return replace_query_param(self.request.build_absolute_uri(), "cursor", cursor)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """For the OpenAPI document."""
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {
                "next": {**link, "description": "Address of the next page; null on the last."},
                "previous": {**link, "description": "Address of the page before; null on the first."},
                "results": schema,
                "total": {"type": "integer", "description": "Rows in all, with total=true."},
                "total_is_capped": {
                    "type": "boolean",
                    "description": f"Whether counting stopped at {MOST_COUNTED:,}.",
                },
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """For the OpenAPI document."""
        return [
            {
                "name": "cursor",
                "in": "query",
                "schema": {"type": "string"},
                "description": "Where the page begins: taken from `next` or `previous`, never made up.",
            },
            {
                "name": "limit",
                "in": "query",
                "schema": {"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT},
                "description": "Rows a page.",
            },
            {
                "name": "total",
                "in": "query",
                "schema": {"type": "boolean", "default": False},
                "description": f"Also count all rows, up to {MOST_COUNTED:,}.",
            },
        ]
