"""What an outbound message says: made when it is sent, in its reader's language, of what they may still see.

It names orders by number, matter and place, and holds no person's name, phone or words. A text message has
its order's number and a short label only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases.gateways import Letter
from cases.inbox import with_orders
from cases.models import (
    Case,
    DeliveryPreference,
    Notification,
    OutboundChannel,
    OutboundMessage,
)
from cases.outbound import channels_of
from cases.wording import describe, place_of_order
from cases.workflow import Kind
from partymembers.access import access_of

#: Lines of a summary, and characters of a text message's label.
MOST_LINES: Final = 20
MOST_LABEL: Final = 20


@dataclass(frozen=True)
class Line:
    """One event in a message."""

    title: str
    about: str
    number: str
    pk: int


def letter_of(message: OutboundMessage, *, at: datetime) -> Letter | None:
    """The letter, or None where it must not go any more.

    So it is with somebody disabled or without an address, who does not want it any more, or who may no longer
    see any of the orders.
    """
    user = message.recipient
    preference = DeliveryPreference.objects.filter(user=user).first()
    channel = OutboundChannel(message.channel)
    if preference is None or not user.is_active:
        return None
    rows = _visible(message, at)
    wanted = any(channel in channels_of(preference, is_urgent=row.is_urgent) for row in rows)
    to = preference.address if channel == OutboundChannel.MAIL else user.phone
    if not wanted or not to:
        return None
    with translation.override(preference.language):
        lines = _lines(message, rows[:MOST_LINES])
        return Letter(
            key=message.key,
            to=to,
            subject=_subject(message, lines, len(rows)),
            text=_text(lines, len(rows)),
            template=settings.SMS_TEMPLATES[message.kind],
            parameters=_parameters(message, lines, len(rows)),
        )


def _visible(message: OutboundMessage, at: datetime) -> list[Notification]:
    """The recipient's messages in the portal about these events, newest first, of orders in their scope.

    Of a wish nothing is told that its public page does not tell.
    """
    told_of = message.deliveries.values("event")
    own = Notification.objects.filter(recipient=message.recipient, event__in=told_of).order_by("-event_id")
    rows = list(own.select_related("case").only("case_id", "is_urgent", "case__kind"))
    access = access_of(message.recipient, on=timezone.localdate(at))
    visible = Case.objects.visible_to(access).filter(pk__in={row.case_id for row in rows})
    seen = set(visible.values_list("pk", flat=True))
    return [row for row in rows if row.case_id in seen or row.case.kind == Kind.WISH]


def _lines(message: OutboundMessage, rows: Sequence[Notification]) -> list[Line]:
    """What is read in full is only what is named: a digest may stand for thousands."""
    whole = with_orders(Notification.objects.filter(pk__in=[row.pk for row in rows])).order_by("-event_id")
    return [
        Line(
            title=describe(row.event, message.recipient)[0],
            about=place_of_order(row.event.case),
            number=row.event.case.number,
            pk=row.pk,
        )
        for row in whole
    ]


def _subject(message: OutboundMessage, lines: Sequence[Line], count: int) -> str:
    if message.kind == OutboundMessage.Kind.SINGLE:
        return f"{lines[0].title} {lines[0].number}"
    if message.kind == OutboundMessage.Kind.DIGEST:
        told = ngettext("%(count)s message since work ended", "%(count)s messages since work ended", count)
    else:
        told = ngettext("%(count)s new message", "%(count)s new messages", count)
    return told % {"count": count}


def _text(lines: Sequence[Line], count: int) -> str:
    origin = settings.ORIGIN
    one = reverse("cases:notification_open", args=[lines[0].pk]) if count == 1 else ""
    context = {
        "lines": lines,
        "more": count - len(lines),
        "link": f"{origin}{one or reverse('cases:notifications')}" if origin else "",
        "settings_link": f"{origin}{reverse('cases:notification_settings')}" if origin else "",
    }
    return render_to_string("cases/mail_message.txt", context).strip() + "\n"


def _parameters(message: OutboundMessage, lines: Sequence[Line], count: int) -> dict[str, str]:
    if message.kind == OutboundMessage.Kind.SINGLE:
        return {"number": lines[0].number, "label": Truncator(lines[0].title).chars(MOST_LABEL)}
    return {"count": str(count), "label": _("Gezhi")}
