"""Whether a text may hang on the wall: it must give away nobody's name, phone, number or door."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _

from cases.models import Case
from governance.common.errors import Invalid

#: Mobile and landline numbers, identity numbers: seven or more digits, however they are grouped.
_NUMBER = re.compile(r"(?:[0-9０-９][\s\-－]?){7,}")
#: 501室, 2单元, 3幢2单元501, 5-2-301: what leads to a door. A building alone is not one.
_DOOR = re.compile(
    r"[0-9０-９一二三四五六七八九十]+\s*(?:室|单元|号房|号门)|[0-9０-９]+\s*[-－#]\s*[0-9０-９]+\s*[-－#]\s*[0-9０-９]+"
)
#: The same with what follows it, for a suggestion: 2单元501 goes as a whole.
_DOOR_AND_MORE = re.compile(rf"(?:{_DOOR.pattern})\s*[0-9０-９]*")
_BLANK = "…"


def require_anonymous(case: Case, text: str, *, field: str) -> None:
    """Raises Invalid naming what gives the asker away: their name, a long number, a door."""
    if any(name in text for name in _names(case)):
        raise Invalid(_("This names the asker. Please write it without the name."), field=field)
    if _NUMBER.search(text):
        raise Invalid(_("This holds a phone or another long number. Please leave it out."), field=field)
    if _DOOR.search(text) or (_is_door(case.address) and case.address in text):
        raise Invalid(_("This leads to a door. Please name the compound at most."), field=field)


def is_anonymous(case: Case, text: str) -> bool:
    """Whether a text gives away neither who asked nor where they live."""
    try:
        require_anonymous(case, text, field="text")
    except Invalid:
        return False
    return True


def blanked(case: Case, text: str) -> str:
    """The asker's words without name, numbers and doors: what the desk begins with when it publishes."""
    for given_away in (case.address if _is_door(case.address) else "", *_names(case)):
        if given_away:
            text = text.replace(given_away, _BLANK)
    return _DOOR_AND_MORE.sub(_BLANK, _NUMBER.sub(_BLANK, text))


def _names(case: Case) -> list[str]:
    names = {case.reporter_name, case.reporter.name if case.reporter is not None else ""}
    return [name for name in names if len(name) > 1]


def _is_door(address: str) -> bool:
    """An address with a number in it is somebody's; the name of a compound alone is not."""
    return any(letter.isdigit() for letter in address)
