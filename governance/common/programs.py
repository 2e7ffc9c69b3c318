"""Who reads an answer: people get pages, programs get problems."""

from __future__ import annotations

from django.http import HttpRequest

#: All that programs ask for lies below it.
_API = "/api/"


def is_of_program(request: HttpRequest) -> bool:
    """Whether the request is for the API."""
    return request.path.startswith(_API)
