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


def require_anonymous(case: Case, text: str, *, field: str) -> None:
    """Raises Invalid naming what gives the asker away: their name, a long number, a door."""
    names = {case.reporter_name, case.reporter.name if case.reporter is not None else ""}
    if any(len(name) > 1 and name in text for name in names):
        raise Invalid(_("This names the asker. Please write it without the name."), field=field)
    if _NUMBER.search(text):
        raise Invalid(_("This holds a phone or another long number. Please leave it out."), field=field)
    if _DOOR.search(text):
        raise Invalid(_("This leads to a door. Please name the compound at most."), field=field)
