"""Messages that somebody has read: their own, and nobody else's."""

from __future__ import annotations

from datetime import datetime

from cases.models import Notification
from governance.common.errors import NotVisible
from partymembers.models import User


def read_notification(*, notification_id: int, actor: User, at: datetime) -> Notification:
    """Mark one message as read; the first reading counts. Raises NotVisible for somebody else's."""
    own = Notification.objects.filter(recipient=actor, due_at__lte=at).select_related("case")
    message = own.filter(pk=notification_id).first()
    if message is None:
        raise NotVisible()
    if message.read_at is None:
        Notification.objects.filter(pk=message.pk, read_at=None).update(read_at=at)
        message.read_at = at
    return message


def read_all_notifications(*, actor: User, at: datetime, newest_id: int) -> int:
    """Mark every message up to the newest that was on the page; how many were unread.

    What arrived while the page was open stays unread.
    """
    shown = Notification.objects.filter(recipient=actor, due_at__lte=at, pk__lte=newest_id)
    return shown.filter(read_at=None).update(read_at=at)
