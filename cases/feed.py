"""The feed of changes: the log's events of some orders in global order, a bounded piece at a time.

Only what the relay has given its position is read, so that nothing ever appears below a position that a
reader has passed (`cases.relay`). How far one call reads does not depend on how much of it the reader sees:
whoever sees one community's orders in a log of a million asks again from where the empty page ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Max
from django.utils.translation import gettext as _

from cases.models import CaseEvent
from cases.querysets import CaseQuerySet
from governance.common.errors import Invalid

#: Positions that one call looks at, in two goes: readers who see much are served by the first.
SPANS: Final = (500, 4500)


@dataclass(frozen=True)
class FeedPage:
    """Events in order of position, and up to which position everything has been looked at."""

    events: Sequence[CaseEvent]
    reached: int
    has_more: bool


def top_of_log() -> int:
    """The last position there is; 0 before the first."""
    return CaseEvent.objects.aggregate(top=Max("position"))["top"] or 0


def read_feed(
    after: int, limit: int, *, among: Sequence[CaseQuerySet], kinds: frozenset[str] | None = None
) -> FeedPage:
    """The events behind a position of orders in any of `among`, at most `limit`.

    At most four queries, and two for each of `among`. Raises Invalid for a position that the log has not
    reached: the reader's log was another one.
    """
    top, reached = top_of_log(), after
    if after > top:
        raise Invalid(_("The feed does not reach so far. Begin anew, or with “latest”."), field="after")
    found: list[tuple[int, int]] = []
    for span in SPANS:
        if reached == top or len(found) > limit:
            break
        end = min(top, reached + span)
        found += _seen(reached, end, among, kinds)
        reached = end
    if len(found) > limit:
        found = found[:limit]
        reached = found[-1][0]
    events = CaseEvent.objects.filter(pk__in=[pk for _position, pk in found]).select_related("actor")
    return FeedPage(list(events.order_by("position")), reached, reached < top)


def _seen(
    after: int, end: int, among: Sequence[CaseQuerySet], kinds: frozenset[str] | None
) -> list[tuple[int, int]]:
    """Position and id of the events in a span that are about orders among those that the reader sees."""
    rows = CaseEvent.objects.filter(position__gt=after, position__lte=end)
    if kinds is not None:
        rows = rows.filter(kind__in=kinds)
    events = list(rows.order_by("position").values_list("position", "pk", "case_id"))
    ids = {case_id for _position, _pk, case_id in events}
    seen = {
        pk
        for orders in among
        for pk in (orders.filter(pk__in=ids).order_by().values_list("pk", flat=True) if ids else ())
    }
    return [(position, pk) for position, pk, case_id in events if position and case_id in seen]
