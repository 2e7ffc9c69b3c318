"""What the system officer reads on the first page: what does not mend itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import ngettext

from cases.calendars import publication_warnings
from cases.models import IntakePayload, OutboundMessage, QuarantinedClock, StuckEvent
from partymembers.officers import Notice, register_notices


@register_notices
def calendar(at: datetime) -> Iterator[Notice]:
    """Years that run, or begin soon, and whose official arrangement is not in the calendar."""
    for warning in publication_warnings(at):
        yield Notice(warning, "admin:cases_calendarday_changelist")


@register_notices
def given_up(at: datetime) -> Iterator[Notice]:
    """Events that a reader could not take and messages that did not get out, after many tries."""
    if events := StuckEvent.objects.filter(dead_at__isnull=False).count():
        told = ngettext(
            "%(count)d event was given up and waits for you.",
            "%(count)d events were given up and wait for you.",
            events,
        )
        yield Notice(told % {"count": events}, "admin:cases_stuckevent_changelist")
    if sent := OutboundMessage.objects.filter(state=OutboundMessage.State.DEAD).count():
        told = ngettext(
            "%(count)d message did not get out and waits for you.",
            "%(count)d messages did not get out and wait for you.",
            sent,
        )
        yield Notice(told % {"count": sent}, "admin:cases_outboundmessage_changelist")


@register_notices
def quarantined(at: datetime) -> Iterator[Notice]:
    """Orders whose next rung of the ladder cannot be taken."""
    if orders := QuarantinedClock.objects.waiting().count():
        told = ngettext(
            "%(count)d order cannot be escalated.", "%(count)d orders cannot be escalated.", orders
        )
        yield Notice(told % {"count": orders}, "admin:cases_quarantinedclock_changelist")


@register_notices
def refused(at: datetime) -> Iterator[Notice]:
    """Payloads of other systems of which no order was made."""
    if payloads := IntakePayload.objects.filter(outcome=IntakePayload.Outcome.REFUSED).count():
        told = ngettext(
            "%(count)d payload of another system was refused and waits for you.",
            "%(count)d payloads of other systems were refused and wait for you.",
            payloads,
        )
        yield Notice(told % {"count": payloads}, "admin:cases_intakepayload_changelist")
