"""What leaves the portal: who is told of what on which channel, and how many messages become one.

Two steps, of which each may be repeated or killed. `deliveries_for` makes a row for each person, event and
channel, beside the message in the portal and in its transaction. `bundle` makes messages of what is due: what
came outside working time is one digest when work begins, many at once are one summary, the rest go singly.
They are sent by `cases.sending`. Why: docs/adr/0025-outbound-messages.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Max

from cases.models import (
    Delivery,
    DeliveryPreference,
    Notification,
    OutboundChannel,
    OutboundMessage,
    Wanted,
)
from cases.publishing import publisher

# Any constant will do, as long as nothing else in the database locks it (relay: 7240502).
BUNDLER_LOCK: Final = 7_240_503
#: Messages to one person on one channel within a window; what is more becomes one summary.
MANY: Final = 5
WINDOW: Final = timedelta(minutes=5)
#: People whose deliveries are bundled in one transaction.
PEOPLE: Final = 500

Kind: TypeAlias = OutboundMessage.Kind
Held: TypeAlias = Delivery.Held


def enabled_channels() -> list[OutboundChannel]:
    """The channels that this deployment has."""
    return [OutboundChannel(name) for name in settings.OUTBOUND_CHANNELS]


def channels_of(preference: DeliveryPreference, *, is_urgent: bool) -> list[OutboundChannel]:
    """On which of the deployment's channels somebody wants to be told; e-mail needs a confirmed address."""
    wanted = {OutboundChannel.MAIL: preference.mail, OutboundChannel.SMS: preference.sms}
    if preference.confirmed_at is None:
        wanted[OutboundChannel.MAIL] = Wanted.NONE
    enough = {Wanted.ALL, Wanted.URGENT} if is_urgent else {Wanted.ALL}
    return [channel for channel in enabled_channels() if wanted[channel] in enough]


def write_deliveries(rows: Iterable[Notification]) -> None:
    """Keep on which channels these messages go out, in the caller's transaction; a repeat changes nothing.

    Costs no query where no channel is enabled, and one where nobody wants any.
    """
    if not enabled_channels():
        return
    rows = list(rows)
    wanting = DeliveryPreference.objects.exclude(mail=Wanted.NONE, sms=Wanted.NONE)
    preferences = wanting.in_bulk({row.recipient_id for row in rows})
    made = [
        delivery
        for row in rows
        if row.recipient_id in preferences
        for delivery in _deliveries(row, preferences[row.recipient_id])
    ]
    if made:
        Delivery.objects.bulk_create(made, ignore_conflicts=True, batch_size=1000)
        transaction.on_commit(lambda: publisher.post("cases.send_outbound"))


def _deliveries(row: Notification, preference: DeliveryPreference) -> list[Delivery]:
    is_quiet = row.due_at > row.event.at
    if is_quiet and not preference.digest:
        return []
    return [
        Delivery(
            recipient_id=row.recipient_id,
            event=row.event,
            channel=channel,
            is_urgent=row.is_urgent,
            held=Held.QUIET if is_quiet else Held.NO,
            due_at=row.due_at,
        )
        for channel in channels_of(preference, is_urgent=row.is_urgent)
    ]


@dataclass(frozen=True)
class Plan:
    """What becomes of somebody's deliveries on a channel: the messages to make, or until when they wait."""

    messages: Sequence[tuple[Kind, Sequence[Delivery]]] = ()
    waiting: Sequence[Delivery] = ()
    until: datetime | None = None


def plan(due: Sequence[Delivery], recent: int, last_at: datetime | None) -> Plan:
    """Decide; pure. `recent` messages went to the person within the window, the last of them at `last_at`.

    What came in quiet hours is one digest. The rest goes singly while it stays few, else as a summary: at
    once where none went lately, where one is urgent or where they have waited already, else when the window
    is over.
    """
    quiet = [each for each in due if each.held == Held.QUIET]
    fresh = [each for each in due if each.held != Held.QUIET]
    messages: list[tuple[Kind, Sequence[Delivery]]] = [(Kind.DIGEST, quiet)] if quiet else []
    if recent + len(fresh) <= MANY:
        return Plan([*messages, *((Kind.SINGLE, [each]) for each in fresh)])
    if last_at is None or any(each.is_urgent or each.held == Held.MANY for each in fresh):
        return Plan([*messages, (Kind.SUMMARY, fresh)])
    return Plan(messages, fresh, last_at + WINDOW)


def bundle(*, at: datetime) -> int:
    """Make messages of the deliveries that are due; how many deliveries were looked at.

    0 when nothing is due or another worker is at it: so nobody's messages are counted by two at once.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [BUNDLER_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        waiting = Delivery.objects.filter(message=None, due_at__lte=at)
        people = set(waiting.order_by("due_at").values_list("recipient", flat=True)[:PEOPLE])
        due = list(waiting.filter(recipient__in=people).order_by("pk"))
        if not due:
            return 0
        _carry_out(_by_person(due), _recent(people, at), at)
        return len(due)


Who = tuple[int, str]


def _by_person(due: Iterable[Delivery]) -> dict[Who, list[Delivery]]:
    found: dict[Who, list[Delivery]] = defaultdict(list)
    for each in due:
        found[each.recipient_id, each.channel].append(each)
    return found


def _recent(people: set[int], at: datetime) -> dict[Who, tuple[int, datetime]]:
    """How many messages were made for each within the window, and when the last."""
    rows = (
        OutboundMessage.objects.filter(recipient__in=people, made_at__gt=at - WINDOW)
        .order_by()
        .values_list("recipient", "channel")
        .annotate(number=Count("pk"), last=Max("made_at"))
    )
    return {(recipient, channel): (number, last) for recipient, channel, number, last in rows}


def _carry_out(
    groups: dict[Who, list[Delivery]], recent: dict[Who, tuple[int, datetime]], at: datetime
) -> None:
    made: list[OutboundMessage] = []
    changed: list[Delivery] = []
    for (recipient, channel), due in groups.items():
        number, last_at = recent.get((recipient, channel), (0, None))
        planned = plan(due, number, last_at)
        for kind, parts in planned.messages:
            message = OutboundMessage(
                recipient_id=recipient, channel=channel, kind=kind, made_at=at, next_try_at=at
            )
            made.append(message)
            for each in parts:
                each.message = message
        for each in planned.waiting:
            each.held, each.due_at = Held.MANY, planned.until or at
        changed += due
    OutboundMessage.objects.bulk_create(made, batch_size=1000)
    for each in changed:
        each.message = each.message  # its id is known only now
    Delivery.objects.bulk_update(changed, ["message", "held", "due_at"], batch_size=500)
