"""What the inbox shows of somebody's messages: page-ready reads, always and only their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from cases.models import Case, Notification
from cases.timeline import look_of
from cases.wording import describe
from cases.workflow import Kind
from governance.common.kept import Kept, Slot
from partymembers.access import Access
from partymembers.models import Notice, User

#: Unread messages are counted up to here; the bell then says "99+".
MOST_COUNTED = 100


@dataclass(frozen=True)
class Message:
    """One line of the inbox. Without a `number` the order is no longer the reader's to see.

    It may stand for all messages of its order: so many are `count`, and it is unread while one of them is.
    """

    pk: int
    at: datetime
    title: str
    body: str
    number: str
    tone: str
    icon: str
    is_unread: bool
    is_urgent: bool
    count: int = 1


def notifications_of(user: User, *, now: datetime) -> QuerySet[Notification]:
    """The user's messages that show by now; what quiet hours hold back is not among them."""
    return Notification.objects.filter(recipient=user, due_at__lte=now)


def unread_count(user: User, *, now: datetime) -> int:
    """How many wait to be read, with the notices that are about no order; at most MOST_COUNTED, one query."""
    return min(len(_unread().ask(user_id=user.pk, now=now)), MOST_COUNTED)


@lru_cache(maxsize=1)
def _unread() -> Kept[int]:
    """Ids, of which there are few, where a count would have Django build a second statement around it."""
    orders = Notification.objects.filter(recipient_id=Slot("user_id"), due_at__lte=Slot("now"), read_at=None)
    others = Notice.objects.filter(recipient_id=Slot("user_id"), read_at=None)
    rows = orders.order_by().values_list("pk", flat=True)[:MOST_COUNTED]
    return Kept(rows.union(others.order_by().values_list("pk", flat=True)[:MOST_COUNTED], all=True))


def newest_of_orders(rows: QuerySet[Notification]) -> QuerySet[Notification]:
    """Of these messages of one person the newest of each order."""
    later = rows.order_by().filter(case=OuterRef("case"), event__gt=OuterRef("event"))
    return rows.filter(~Exists(later))


def with_orders(rows: QuerySet[Notification]) -> QuerySet[Notification]:
    """The rows with everything that their words need."""
    return rows.select_related("event__case__matter", "event__case__place", "event__case__reporter")


def grouped_messages_of(
    rows: Iterable[Notification], shown: QuerySet[Notification], viewer: User, access: Access
) -> list[Message]:
    """The lines of an inbox that has one for each order; `shown` is what they stand for. Two queries."""
    rows = list(rows)
    of_these = shown.order_by().filter(case__in={row.case_id for row in rows}).values("case")
    counted = of_these.annotate(count=Count("pk"), unread=Count("pk", filter=Q(read_at=None)))
    groups = {group["case"]: group for group in counted} if rows else {}
    return [
        replace(line, count=groups[row.case_id]["count"], is_unread=groups[row.case_id]["unread"] > 0)
        for row, line in zip(rows, messages_of(rows, viewer, access), strict=True)
    ]


def messages_of(rows: Iterable[Notification], viewer: User, access: Access) -> list[Message]:
    """A line for each message; one query, for which of the orders the viewer may still see.

    Somebody may have been told of an order and have lost it since, with a post or to another unit: then
    the line keeps what happened and tells nothing of the order.
    """
    rows = list(rows)
    visible = Case.objects.visible_to(access).filter(pk__in={row.case_id for row in rows})
    seen = set(visible.values_list("pk", flat=True)) if rows else set()
    return [_message(row, viewer, is_visible=row.case_id in seen or _is_wish(row)) for row in rows]


def _is_wish(row: Notification) -> bool:
    """A message of a wish says nothing that its public page does not."""
    return row.event.case.kind == Kind.WISH


def _message(row: Notification, viewer: User, *, is_visible: bool) -> Message:
    title, body = describe(row.event, viewer)
    tone, icon = look_of(row.kind)
    return Message(
        pk=row.pk,
        at=row.due_at,
        title=title,
        body=body if is_visible else "",
        number=row.event.case.number if is_visible else "",
        tone=tone,
        icon=icon,
        is_unread=row.read_at is None,
        is_urgent=row.is_urgent,
    )
