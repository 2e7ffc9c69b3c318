"""Query parameters of lists: read, checked, and named by their errors."""

from __future__ import annotations

from collections.abc import Collection

from django.utils.translation import gettext as _
from rest_framework.request import Request

from governance.common.errors import Invalid
from governance.common.typed import words

#: Longer than any code, and than what people look for.
_LONGEST = 50


def require_known(request: Request, known: Collection[str], repeatable: Collection[str] = ()) -> None:
    """Pass a query of known names, each given once unless it is `repeatable`. Raises Invalid that names it.

    One that was passed over would give more rows than were asked for, and nobody would notice.
    """
    if unknown := sorted(set(request.query_params) - set(known)):
        told = {
            "names": ", ".join(name[:50] for name in unknown[:5]),
            "known": ", ".join(sorted(known)) or "—",
        }
        raise Invalid(_("Not known here: %(names)s. Known: %(known)s.") % told, field=unknown[0][:50])
    for name, values in request.query_params.lists():
        if len(values) > 1 and name not in repeatable:
            raise Invalid(_("This may be given once."), field=name)


def text_of(request: Request, name: str) -> str:
    """What was asked for in words, trimmed; empty when nothing was.

    Raises Invalid for too many: cut off, they would find more than was asked for.
    """
    text = words(request.query_params.get(name, ""), most=_LONGEST + 1)
    if len(text) > _LONGEST:
        raise Invalid(_("At most %(limit)d characters.") % {"limit": _LONGEST}, field=name)
    return text


def choice_of(request: Request, name: str, choices: Collection[str]) -> str:
    """One of the known words, or empty when nothing was asked. Raises Invalid that names those there are."""
    if name not in request.query_params:
        return ""
    given = text_of(request, name)
    if given not in choices:
        known = ", ".join(choice for choice in choices if choice)
        raise Invalid(_("This is none of: %(known)s.") % {"known": known}, field=name)
    return given


def no_such_code(code: str, *, field: str) -> Invalid:
    """The refusal of a code that names nothing, or nothing that the caller may read: both sound alike."""
    return Invalid(_("There is no such code: %(code)s.") % {"code": code[:_LONGEST]}, field=field)


def flag_of(request: Request, name: str) -> bool:
    """A query parameter that is `true` or `false`; absent is false. Raises Invalid."""
    given = request.query_params.get(name, "false")
    if given not in ("true", "false"):
        raise Invalid(_("Either true or false."), field=name)
    return given == "true"
