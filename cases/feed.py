"""The feed of changes: the log's events of some orders in global order, a bounded piece at a time.

Only what the relay has given its position is read, so that nothing ever appears below a position that a
reader has passed (`cases.relay`). How far one call reads does not depend on how much of it the reader sees:
whoever sees one community's orders in a log of a million asks again from where the empty page ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from django.db.models import Max
from django.utils.translation import gettext as _

from cases.models import CaseEvent
from governance.common.errors import Invalid
from governance.common.kept import Kept, Slot, among

#: Which of these orders, given by id, the reader sees; one query.
Seeing = Callable[[list[int]], Iterable[int]]
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
    after: int, limit: int, *, readers: Sequence[Seeing], kinds: frozenset[str] | None = None
) -> FeedPage:
    """The events behind a position of orders that any of `readers` sees, at most `limit`.

    At most four queries, and two for each of `readers`. Raises Invalid for a position that the log has not
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
        found += _seen(reached, end, readers, kinds)
        reached = end
    if len(found) > limit:
        found = found[:limit]
        reached = found[-1][0]
    events = _events().ask(ids=[pk for _position, pk in found]) if found else []
    return FeedPage(events, reached, reached < top)


def _seen(
    after: int, end: int, readers: Sequence[Seeing], kinds: frozenset[str] | None
) -> list[tuple[int, int]]:
    """Position and id of the events in a span that are about orders among those that the reader sees."""
    rows = [row for row in _span().ask(after=after, end=end) if kinds is None or row[3] in kinds]
    ids = list({case_id for _position, _pk, case_id, _kind in rows})
    seen = {pk for sees in readers for pk in sees(ids)} if ids else frozenset()
    return [(position, pk) for position, pk, case_id, _kind in rows if position and case_id in seen]


@lru_cache(maxsize=1)
def _span() -> Kept[tuple[int | None, int, int, str]]:
    rows = CaseEvent.objects.filter(position__gt=Slot("after"), position__lte=Slot("end"))
    return Kept(rows.order_by("position").values_list("position", "pk", "case_id", "kind"))


@lru_cache(maxsize=1)
def _events() -> Kept[CaseEvent]:
    return Kept(CaseEvent.objects.filter(among()).select_related("actor").order_by("position"))
