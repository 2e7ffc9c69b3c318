"""The feed of changes: the log's events of some orders in global order, a bounded piece at a time.

Only what the relay has given its position is read, so that nothing ever appears below a position that a
reader has passed (`cases.relay`). How far one call reads does not depend on how much of it the reader sees:
whoever sees one community's orders in a log of a million asks again from where the empty page ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import merge
from operator import attrgetter
from typing import Final

from django.utils.translation import gettext as _

from cases.models import CaseEvent
from cases.querysets import CaseQuerySet
from governance.common.errors import Invalid
from governance.common.kept import Kept, Slot

#: Positions that one call looks at.
SPAN: Final = 5_000


@dataclass(frozen=True)
class FeedPage:
    """Events in order of position, and up to which position everything has been looked at."""

    events: Sequence[CaseEvent]
    reached: int
    has_more: bool


def top_of_log() -> int:
    """The last position there is; 0 before the first."""
    return _top().first() or 0


def changes_of(orders: CaseQuerySet, limit: int, kinds: frozenset[str] | None = None) -> Kept[CaseEvent]:
    """What `read_feed` asks about some orders for a page of `limit`, ready to be kept."""
    rows = CaseEvent.objects.filter(position__gt=Slot("after"), position__lte=Slot("end"))
    if kinds is not None:
        rows = rows.filter(kind__in=sorted(kinds))
    rows = rows.filter(case__in=orders.order_by().values("pk"))
    return Kept(rows.select_related("actor").order_by("position")[: limit + 1])


def read_feed(after: int, limit: int, *, changes: Sequence[Kept[CaseEvent]]) -> FeedPage:
    """The events behind a position, at most `limit`, of all that `changes` find; no order in two of them.

    A query, and one for each of `changes`. Raises Invalid for a position that the log has not reached: the
    reader's log was another one.
    """
    top = top_of_log()
    if after > top:
        raise Invalid(_("The feed does not reach so far. Begin anew, or with “latest”."), field="after")
    reached = min(top, after + SPAN)
    parts = [each.ask(after=after, end=reached) for each in changes] if after < top else []
    events = list(merge(*parts, key=attrgetter("position")))
    if len(events) > limit:
        events = events[:limit]
        reached = events[-1].position or reached
    return FeedPage(events, reached, reached < top)


@lru_cache(maxsize=1)
def _top() -> Kept[int | None]:
    rows = CaseEvent.objects.filter(position__isnull=False).order_by("-position")
    return Kept(rows.values_list("position", flat=True)[:1])
