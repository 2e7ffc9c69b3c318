"""Notices: written once for each person and source, read by their own people."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from governance.common.errors import NotVisible
from partymembers.models import Notice, User


def tell(
    people: Iterable[User],
    *,
    kind: str,
    source: str,
    at: dt.datetime,
    url: str = "",
    **data: Any,
) -> int:
    """Leave a notice with each of these people, once for this source; how many rows were offered.

    `data` holds the facts that the words need (`partymembers.notices`), nothing that pages would mask.
    """
    rows = [
        Notice(recipient=user, kind=kind, source=source, data=data, url=url, at=at)
        for user in {user.pk: user for user in people}.values()
    ]
    return offer_notices(rows)


def offer_notices(rows: list[Notice]) -> int:
    """Write the rows that are not there yet: who was told from this source is not told again."""
    if rows:
        Notice.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    return len(rows)


def read_notice(*, notice_id: int, actor: User, at: dt.datetime) -> Notice:
    """Mark one notice as read; the first reading counts. Raises NotVisible for somebody else's."""
    notice = Notice.objects.filter(pk=notice_id, recipient=actor).first()
    if notice is None:
        raise NotVisible
    if notice.read_at is None:
        Notice.objects.filter(pk=notice.pk, read_at=None).update(read_at=at)
        notice.read_at = at
    return notice


def read_all_notices(*, actor: User, at: dt.datetime, newest_id: int) -> int:
    """Mark every notice up to the newest that was on the page; how many were unread."""
    shown = Notice.objects.filter(recipient=actor, pk__lte=newest_id, read_at=None)
    return shown.update(read_at=at)
