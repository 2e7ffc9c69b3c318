"""Bodies of requests: JSON within the portal's bounds, whoever sends it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BytesIO
from typing import IO, Any

from django.http import UnreadablePostError
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


def body_of(parser_context: Mapping[str, Any] | None) -> bytes:
    """The bytes that came. Raises ParseError (400) for a line that was cut, RequestDataTooBig (413)."""
    try:
        body: bytes = (parser_context or {})["request"]._request.body
    except UnreadablePostError as error:
        raise ParseError(_("The connection ended before the request did.")) from error
    return body


class BoundedJSON(JSONParser):
    """JSON no larger than `DATA_UPLOAD_MAX_MEMORY_SIZE`, and nested no deeper than Python reads it.

    The library reads the connection to its end, whatever comes, and fails where a thousand brackets open.
    """

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The value. Raises ParseError (400) or RequestDataTooBig (413)."""
        body = BytesIO(body_of(parser_context))
        try:
            return super().parse(body, media_type, {**(parser_context or {}), "encoding": "utf-8"})
        except RecursionError as error:
            raise ParseError(_("This is nested too deeply.")) from error
        except ParseError as error:
            found = error.__context__
            if not isinstance(found, json.JSONDecodeError):
                raise ParseError(_("This is no JSON in UTF-8.")) from error
            told = {"line": found.lineno, "column": found.colno}
            raise ParseError(_("This is no JSON: see line %(line)d, column %(column)d.") % told) from error
