"""Messages that somebody has read: their own, and nobody else's."""

from __future__ import annotations

from datetime import datetime

from cases.models import Notification
from governance.common.errors import NotVisible
from partymembers.models import User


def read_notification(*, notification_id: int, actor: User, at: datetime) -> Notification:
    """Mark a message as read, with the earlier ones of its order; the first reading counts.

    Raises NotVisible for somebody else's.
    """
    own = Notification.objects.filter(recipient=actor, due_at__lte=at).select_related("case")
    message = own.filter(pk=notification_id).first()
    if message is None:
        raise NotVisible()
    earlier = own.filter(case=message.case_id, event__lte=message.event_id, read_at=None)
    earlier.order_by().update(read_at=at)
    message.read_at = message.read_at or at
    return message


def read_all_notifications(*, actor: User, at: datetime, newest_id: int) -> int:
    """Mark every message up to the newest that was on the page; how many were unread.

    What arrived while the page was open stays unread.
    """
    shown = Notification.objects.filter(recipient=actor, due_at__lte=at, pk__lte=newest_id)
    return shown.filter(read_at=None).update(read_at=at)
