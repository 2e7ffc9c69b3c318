"""The question that who goes fast (`cases.pace`) answers first: a sum, one for each session."""

from __future__ import annotations

import secrets
from typing import Any, Final

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

_QUESTION: Final = "challenge"
ANSWER_FIRST: Final = gettext_lazy("Please answer the question, then send it again.")


def question(request: HttpRequest) -> str:
    """The question of this session, in words; it stays the same until it is answered."""
    asked = _asked(request)
    if asked is None:
        asked = request.session[_QUESTION] = [secrets.randbelow(8) + 2, secrets.randbelow(8) + 2]
    return _("How much is %(a)d plus %(b)d?") % {"a": asked[0], "b": asked[1]}


def is_answered(request: HttpRequest, text: str) -> bool:
    """Whether the text answers the question that this session was asked; a wrong one brings another."""
    asked = _asked(request)
    if asked is None:
        return False
    right = text.strip() == str(sum(asked))
    if not right:
        request.session.pop(_QUESTION, None)
    return right


def forget_question(request: HttpRequest) -> None:
    """An answer serves once."""
    request.session.pop(_QUESTION, None)


def _asked(request: HttpRequest) -> Any:
    asked = request.session.get(_QUESTION)
    return asked if isinstance(asked, list) and len(asked) == 2 else None
