"""Query parameters of lists: read, checked, and named by their errors."""

from __future__ import annotations

from collections.abc import Collection

from django.utils.translation import gettext as _
from rest_framework.request import Request

from governance.common.errors import Invalid
from governance.common.typed import words


def text_of(request: Request, name: str, *, most: int = 50) -> str:
    """What was asked for in words, trimmed; empty when nothing was."""
    return words(request.query_params.get(name, ""), most=most)


def choice_of(request: Request, name: str, choices: Collection[str]) -> str:
    """One of the known words, or empty when nothing was asked. Raises Invalid that names those there are."""
    if name not in request.query_params:
        return ""
    given = text_of(request, name)
    if given not in choices:
        known = ", ".join(choice for choice in choices if choice)
        raise Invalid(_("This is none of: %(known)s.") % {"known": known}, field=name)
    return given
