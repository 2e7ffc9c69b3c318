"""What a notice says: its words are made when it is read, in the reader's language.

Other modules of this room add their kinds to `KINDS`: title, body and look of each, filled in from `data`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from partymembers.models import Notice, User


@dataclass(frozen=True)
class Kind:
    """How notices of one kind look and read; `%(name)s` in the words are keys of `data`."""

    title: Promise
    body: Promise | str = ""
    tone: str = ""
    icon: str = "bell"


KINDS: dict[str, Kind] = {
    "activity_moved": Kind(
        _("“%(title)s” has another time or meeting point"),
        _("Please look at the activity again."),
        "yellow",
        "cal",
    ),
    "activity_cancelled": Kind(_("“%(title)s” is cancelled"), _("Reason: %(reason)s"), "red", "cal"),
    "check_in_due": Kind(
        _("Check in where you live by %(due_on)s"),
        _("Members check in at the community where they live within a month of joining or moving."),
        "yellow",
        "clock",
    ),
    "check_in_overdue": Kind(
        _("Your check-in has been overdue since %(due_on)s"),
        _("Ask the branch where you live; if you have moved, say where to."),
        "red",
        "clock",
    ),
    "check_in_asked": Kind(
        _("%(who)s asks to check in"), _("At %(branch)s. Accept or refuse the request."), "info", "user"
    ),
    "check_in_accepted": Kind(
        _("You are checked in at %(branch)s"), _("Your points are credited."), "green", "check"
    ),
    "check_in_refused": Kind(
        _("%(branch)s did not accept your check-in"), _("Reason: %(reason)s"), "red", "x"
    ),
    "transferred": Kind(_("Your home branch is now %(branch)s"), "", "info", "users"),
    "transferred_out": Kind(_("%(who)s now belongs to %(branch)s"), "", "info", "users"),
    "evaluations_reported": Kind(
        _("%(branch)s has reported the evaluations of %(year)s"),
        _("%(count)s of your people were graded."),
        "info",
        "doc",
    ),
}
#: What a kind that nobody has named reads as: it is never an empty line.
_UNKNOWN = Kind(_("A message"))


@dataclass(frozen=True)
class NoticeLine:
    """One notice in words."""

    pk: int
    at: datetime
    title: str
    body: str
    tone: str
    icon: str
    url: str
    is_unread: bool


def notices_of(user: User) -> QuerySet[Notice]:
    """The user's own notices, newest first."""
    return Notice.objects.filter(recipient=user)


def lines_of(rows: Iterable[Notice]) -> list[NoticeLine]:
    """The notices in words; no query."""
    return [_line(row) for row in rows]


def _line(row: Notice) -> NoticeLine:
    kind = KINDS.get(row.kind, _UNKNOWN)
    facts: Mapping[str, Any] = defaultdict(str, row.data)
    return NoticeLine(
        pk=row.pk,
        at=row.at,
        title=str(kind.title) % facts,
        body=str(kind.body) % facts,
        tone=kind.tone,
        icon=kind.icon,
        url=row.url,
        is_unread=row.read_at is None,
    )
