"""What a resident with a link reads of an order: state, what happened, pictures; no staff, no remarks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db.models import Prefetch, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cases.actors import PublicReporter
from cases.models import Attachment, Case, CaseEvent, CoReporter
from cases.permissions import allowed_actions, has_rated, is_rating_open
from cases.querysets import CaseQuerySet
from cases.timeline import SAID_TO_REPORTER, look_of, without_phones
from cases.workflow import OPEN_STATES, Kind, State

#: What a resident is told of each kind of event; what is not listed stays inside.
_TOLD: Final[dict[str, str | Promise]] = {
    "report": _("Your report has come in"),
    "join": _("Somebody else saw the same"),
    "accept": _("Accepted by the community"),
    "decline": _("Not taken"),
    "dispatch": _("Sent to %(unit)s"),
    "reassign": _("Handed over to %(unit)s"),
    "acknowledge": _("Being handled"),
    "grant_suspension": _("Put off for now"),
    "resume": _("Handling goes on"),
    "finish": _("Handled, now being checked"),
    "resolve": _("Handled on the spot, now being checked"),
    "check_pass": _("Checked and closed"),
    "check_fail": _("Checked: not good yet, handled again"),
    "reopen": _("Opened again"),
    "merge": _("Joined with another report of the same"),
    "withdraw": _("Withdrawn by the reporter"),
    "void": _("Ended without handling"),
    "urge": _("Urged"),
    "rate": _("Rated"),
    "add_information": _("Information added"),
    "follow_up": _("The community asked back"),
    "ask": _("Your wish has come in"),
    "publish": _("On the wish wall"),
    "claim": _("Somebody wants to take it on"),
    "assign_wish": _("Somebody has taken it on"),
    "confirm": _("Somebody has taken it on"),
    "refuse_claim": _("On the wall again"),
    "hand_back": _("On the wall again"),
    "lapse": _("On the wall again"),
    "begin": _("Under way"),
    "deliver": _("Delivered"),
    "fail": _("Not delivered yet"),
    "close_unrated": _("Closed"),
    "thank": _("Thanked"),
    "to_branch": _("The Party branch looks for somebody"),
    "revoke": _("Ended without being fulfilled"),
}
#: What reads otherwise of a wish, which is asked and not reported.
_TOLD_OF_WISH: Final[dict[str, Promise]] = {
    "withdraw": _("You have withdrawn it"),
    "void": _("Ended without being fulfilled"),
    "revoke": _("Ended without being fulfilled"),
}
#: The kinds of events that a reporter who does not work on the order may read.
PUBLIC_KINDS: Final = frozenset(_TOLD)
#: What somebody with a link may do, in the order of the page.
PUBLIC_ACTIONS: Final = ("rate", "fail", "thank", "add_information", "urge", "withdraw")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{20,43}")


@dataclass(frozen=True)
class Followed:
    """An order as somebody with a link follows it. `own` is their own report where it was merged away."""

    case: Case
    actor: PublicReporter
    token: str
    own: Case | None = None
    co_reporter: CoReporter | None = None

    @property
    def number(self) -> str:
        """The number that this person was given."""
        return (self.own or self.case).number


@dataclass(frozen=True)
class PublicLine:
    """One line of the public timeline."""

    at: datetime
    what: str
    note: str
    tone: str
    icon: str
    pictures: list[Attachment] = field(default_factory=list)


def followed_by(token: str) -> Followed | None:
    """The order behind a link; None for an unknown one. At most three queries.

    The link of a merged report leads to the order that it was merged into, as one of its co-reporters.
    """
    if not _TOKEN.fullmatch(token):
        return None
    facts = ("matter__matter_class", "place", "community", "compound", "unit")
    rows = Case.objects.real().select_related(*facts).prefetch_related("parts", "requests", "co_reporters")
    joined = CoReporter.objects.filter(follow_token=token).first()
    own = rows.filter(follow_token=token).first()
    if joined is None:
        return Followed(own, PublicReporter(own.pk), token) if own is not None else None
    case = rows.get(pk=joined.case_id)
    return Followed(case, PublicReporter(case.pk, joined.pk), token, own=own, co_reporter=joined)


def public_actions(followed: Followed, *, at: datetime) -> list[str]:
    """What this person may do now. A co-reporter cannot withdraw somebody else's report."""
    allowed = set(allowed_actions(followed.actor, followed.case, at=at))
    if followed.co_reporter is not None:
        allowed.discard("withdraw")
    return [action for action in PUBLIC_ACTIONS if action in allowed]


def may_rate(followed: Followed, *, at: datetime) -> bool:
    """Whether this person's rating of the closed order is still open."""
    return is_rating_open(followed.case, at=at) and not has_rated(followed.actor, followed.case)


def public_timeline(followed: Followed) -> list[PublicLine]:
    """What happened, newest first; a merged report's own beginning comes before its master's; two queries."""
    shown = Attachment.objects.filter(role=Attachment.Role.AFTER).order_by("pk")
    ids = {followed.case.pk, followed.own.pk if followed.own else followed.case.pk}
    events = CaseEvent.objects.filter(case__in=ids, kind__in=_TOLD)
    events = events.prefetch_related(Prefetch("attachments", shown, to_attr="public_pictures"))
    return lines_of(events.order_by("-at", "-pk"), followed)


def lines_of(events: Iterable[CaseEvent], followed: Followed) -> list[PublicLine]:
    """The lines of events that came with `public_pictures`."""
    began = followed.own.ended_at if followed.own is not None else None
    return [_line(event, followed.case) for event in events if not _is_foreign(event, followed, began)]


def _is_foreign(event: CaseEvent, followed: Followed, began: datetime | None) -> bool:
    """What others did to the order before or beside this person: their report, words and ratings."""
    if followed.co_reporter is None:
        return False
    if event.case_id != followed.case.pk:
        return event.kind == "withdraw"
    return event.kind in ("report", "add_information", "rate", "urge", "join")


def _line(event: CaseEvent, case: Case) -> PublicLine:
    tone, icon = look_of(event.kind)
    unit = event.data.get("unit") or _("the unit responsible")
    told = _TOLD_OF_WISH.get(event.kind) if case.kind == Kind.WISH else None
    return PublicLine(
        at=event.at,
        what=str(told or _TOLD[event.kind]) % {"unit": unit},
        note=without_phones(event.note) if event.kind in SAID_TO_REPORTER else "",
        tone=tone,
        icon=icon,
        pictures=event.public_pictures,  # type: ignore[attr-defined]
    )


def pictures_of(followed: Followed) -> tuple[list[Attachment], list[Attachment]]:
    """Before and after: one's own report's pictures, and what the handling brought; one query."""
    own = followed.own or (followed.case if followed.co_reporter is None else None)
    wanted = Q(case=followed.case, role=Attachment.Role.AFTER)
    if own is not None:
        wanted |= Q(case=own, role=Attachment.Role.BEFORE)
    rows = list(Attachment.objects.filter(wanted).order_by("pk"))
    before = [row for row in rows if row.role == Attachment.Role.BEFORE]
    return before, [row for row in rows if row not in before]


def open_in_community(community_id: int | None) -> CaseQuerySet:
    """Open orders of one community: all that a QR code in it lets a resident join."""
    return Case.objects.real().filter(community_id=community_id, state__in=OPEN_STATES)


def is_over(case: Case) -> bool:
    """Whether nothing more will happen to the order by itself."""
    return case.state not in OPEN_STATES and case.state != State.CLOSED
