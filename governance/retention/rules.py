"""Which rows are old, table by table. Nothing here deletes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Q, QuerySet

from cases.models import ConsumerCursor, Delivery, IntakePayload, Notification, OutboundMessage
from cases.notify import IN_APP
from governance.integration.exports.writing import names_of
from governance.models import ExportJob
from partymembers.api.idempotency import KEPT_DAYS
from partymembers.audit import SHORTEST_RETENTION
from partymembers.models import AuditEntry, IdempotentRequest, Notice

#: Of an order, as the archive names it: no words, no names, no phones.
_ABOUT: Final = ("recipient__username", "event_id")


@dataclass(frozen=True)
class Rule:
    """A kind of rows: which are old at an instant, and what the archive keeps of each.

    `name` is its folder in the archive; without `columns` nothing is archived. `dated` is the column whose
    month the archive files it under. `keep` is None where such rows are kept for ever. `is_guarded` is what
    the database lets nobody delete but for its age.
    """

    name: str
    keep: Callable[[], timedelta | None]
    old: Callable[[datetime], QuerySet[Any]]
    columns: tuple[str, ...] = ()
    dated: str = ""
    is_guarded: bool = False
    #: Names below MEDIA_ROOT of the files that go with a row.
    files: Callable[[Any], Iterable[str]] | None = None

    def due(self, at: datetime) -> QuerySet[Any] | None:
        """The rows that may go at `at`, in order of their keys; None when all are kept."""
        keep = self.keep()
        return None if keep is None else self.old(at - keep).order_by("pk")


def _messages() -> timedelta | None:
    return _days(settings.KEEP_MESSAGES_DAYS)


def _audit() -> timedelta | None:
    days = _days(settings.KEEP_AUDIT_DAYS)
    return days and max(days, SHORTEST_RETENTION)


def _days(number: int) -> timedelta | None:
    return timedelta(days=number) if number else None


def _nothing() -> timedelta:
    return timedelta()


def old_notifications(before: datetime) -> QuerySet[Notification]:
    """Messages of before that were read, or are not urgent; of events that their reader has behind it.

    A row is what keeps its event from being told twice. Behind the reader's cursor no event comes again, so
    the row is needed no longer; before it, it stays, however old.
    """
    passed = ConsumerCursor.objects.filter(pk=IN_APP.name).values_list("position", flat=True).first()
    seen = Notification.objects.filter(due_at__lt=before, event__position__lte=passed or 0)
    return seen.filter(Q(read_at__isnull=False) | Q(is_urgent=False))


def old_notices(before: datetime) -> QuerySet[Notice]:
    """Messages of before that are about no order. Reminders repeat by the week, so none is offered again."""
    return Notice.objects.filter(at__lt=before)


def old_messages(before: datetime) -> QuerySet[OutboundMessage]:
    """E-mails and text messages that were over before: sent, given up or dropped."""
    return OutboundMessage.objects.filter(ended_at__lt=before).exclude(state=OutboundMessage.State.WAITING)


def old_deliveries(before: datetime) -> QuerySet[Delivery]:
    """What those messages told of; the relay has left the events behind long before they were sent."""
    return Delivery.objects.filter(message__in=old_messages(before))


def old_sessions(before: datetime) -> QuerySet[Session]:
    """Sessions that have run out: nobody can use them."""
    return Session.objects.filter(expire_date__lt=before)


def old_requests(before: datetime) -> QuerySet[IdempotentRequest]:
    """Answers to repeatable requests that a repeat gets no more."""
    return IdempotentRequest.objects.filter(at__lt=before)


def old_exports(before: datetime) -> QuerySet[ExportJob]:
    """Exports that nobody may fetch any more; one that was never written goes by then, too."""
    return ExportJob.objects.filter(expires_at__lt=before)


def old_payloads(before: datetime) -> QuerySet[IntakePayload]:
    """What other systems handed in before: it tells of residents, and what counts of it is in the order."""
    return IntakePayload.objects.filter(received_at__lt=before)


def files_of_export(job: ExportJob) -> Iterable[str]:
    """The file, and what a writer that was killed may have left."""
    return names_of(job.token, job.format)


def old_entries(before: datetime) -> QuerySet[AuditEntry]:
    """Audit entries of before."""
    return AuditEntry.objects.filter(at__lt=before)


RULES: Final = (
    Rule(
        "notifications",
        _messages,
        old_notifications,
        ("case__number", *_ABOUT, "kind", "is_urgent", "due_at", "read_at"),
        "due_at",
    ),
    Rule("notices", _messages, old_notices, ("recipient__username", "kind", "source", "at", "read_at"), "at"),
    Rule("deliveries", _messages, old_deliveries, (*_ABOUT, "channel", "message_id", "due_at"), "due_at"),
    Rule(
        "outbound_messages",
        _messages,
        old_messages,
        ("recipient__username", "channel", "kind", "state", "made_at", "ended_at", "tries", "error"),
        "made_at",
    ),
    Rule(
        "audit", _audit, old_entries, ("at", "actor__username", "action", "target", "ip", "data"), "at", True
    ),
    Rule(
        "payloads",
        _messages,
        old_payloads,
        ("account__user__username", "source_number", "outcome", "case__number", "received_at", "tries"),
        "received_at",
    ),
    Rule("sessions", _nothing, old_sessions),
    Rule("repeatable_requests", lambda: timedelta(days=KEPT_DAYS), old_requests),
    Rule("exports", _nothing, old_exports, files=files_of_export),
)
