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
        context = parser_context or {}
        try:
            body = context["request"]._request.body
            return super().parse(BytesIO(body), media_type, {**context, "encoding": "utf-8"})
        except UnreadablePostError as error:
            raise ParseError(_("The connection ended before the request did.")) from error
        except RecursionError as error:
            raise ParseError(_("This is nested too deeply.")) from error
        except ParseError as error:
            found = error.__context__
            if not isinstance(found, json.JSONDecodeError):
                raise ParseError(_("This is no JSON in UTF-8.")) from error
            told = {"line": found.lineno, "column": found.colno}
            raise ParseError(_("This is no JSON: see line %(line)d, column %(column)d.") % told) from error
