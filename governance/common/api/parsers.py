"""Bodies of requests: JSON within the portal's bounds, whoever sends it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import IO, Any

from django.http import UnreadablePostError
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import DataAndFiles, JSONParser, MultiPartParser


def body_of(parser_context: Mapping[str, Any] | None) -> bytes:
    """The bytes that came. Raises ParseError (400) for a line that was cut, RequestDataTooBig (413)."""
    try:
        body: bytes = (parser_context or {})["request"]._request.body
    except UnreadablePostError as error:
        raise ParseError(_("The connection ended before the request did.")) from error
    return body


class BoundedJSON(JSONParser):
    """JSON no larger than `DATA_UPLOAD_MAX_MEMORY_SIZE`, nested no deeper than Python reads it, unambiguous.

    The library reads the connection to its end, whatever comes, and fails where a thousand brackets open.
    """

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The value. Raises ParseError (400) or RequestDataTooBig (413)."""
        try:
            value: dict[str, Any] = json.loads(
                body_of(parser_context).decode(), object_pairs_hook=_each_once, parse_constant=_no_number
            )
        except RecursionError as error:
            raise ParseError(_("This is nested too deeply.")) from error
        except json.JSONDecodeError as error:
            told = {"line": error.lineno, "column": error.colno}
            raise ParseError(_("This is no JSON: see line %(line)d, column %(column)d.") % told) from error
        except ValueError as error:
            raise ParseError(_("This is no JSON in UTF-8.")) from error
        return value


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, none of whose names comes twice: of two values nobody knows which was meant."""
    value = dict(pairs)
    if len(value) < len(pairs):
        names = Counter(name for name, _value in pairs)
        told = next(name for name, times in names.items() if times > 1)
        raise ParseError(_("“%(name)s” comes twice in one object.") % {"name": told[:50]})
    return value


def _no_number(constant: str) -> float:
    """NaN and Infinity, which Python writes and JSON does not have. Raises ValueError."""
    raise ValueError(constant)


class FormInParts(MultiPartParser):
    """A form with files, whose faults are told in the caller's language."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> DataAndFiles[Any, Any]:
        """Fields and files. Raises ParseError (400)."""
        try:
            return super().parse(stream, media_type, parser_context)
        except ParseError as error:
            raise ParseError(_("This is no form as multipart/form-data has it.")) from error
