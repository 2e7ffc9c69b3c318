"""An order as a row of a list: all that the row says, in words.

A list has fifty of them, so what is the same in every row (labels, patterns of sentences, the shape of
addresses) is looked up once a page, and `cases/_row.html` is filled rather than rendered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any, Final

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from cases.listing import Listed, listed
from cases.models import Channel
from cases.permissions import desk_bulk_actions
from cases.queries import ClockFace
from cases.workflow import State
from governance.common.formats import due_time, local_time
from governance.common.templatetags.gezhi import badge, clock_bar, clock_light
from partymembers.access import Access

TONES: Final = {
    State.ACCEPTED: "info",
    State.DISPATCHED: "info",
    State.HANDLING: "info",
    State.CLOSED: "green",
}


@dataclass(frozen=True)
class Row:
    """An order in a list, with what a selection may undergo, and its words."""

    case: Listed
    bulk: tuple[str, ...]
    cells: dict[str, object]


def rows_of(rows: Sequence[Any], *, now: datetime, access: Access | None = None) -> list[Row]:
    """One page of `listing.columns_of`; with `access` they say what its desk may do with many at once."""
    words, abilities = _Words(now), _Abilities(access)
    found = []
    for case in listed(rows, now=now):
        bulk = abilities.of(case)
        found.append(Row(case, bulk, words.cells(case, bulk)))
    return found


class _Abilities:
    """What a desk may do to many orders at once; the same for all orders of a state and a desk."""

    def __init__(self, access: Access | None) -> None:
        self._access = access
        self._known: dict[tuple[str, str, str], tuple[str, ...]] = {}

    def of(self, case: Listed) -> tuple[str, ...]:
        if self._access is None:
            return ()
        key = case.row.kind, case.row.state, case.desk.more
        if key not in self._known:
            kind, state, path = key
            self._known[key] = desk_bulk_actions(self._access, kind=kind, state=state, desk_path=path)
        return self._known[key]


class _Words:
    """What all rows of a page share."""

    def __init__(self, now: datetime) -> None:
        self._url = reverse("cases:detail", args=["NUMBER"])
        self._due = _("%(stage)s, due %(at)s")
        self._tick = _("Tick %(matter)s %(number)s")
        self._reported = pgettext("a time", "Reported")
        self._states: dict[str, SafeString] = {}
        self._channels = {value: str(label) for value, label in Channel.choices}
        self._bars: dict[tuple[str, int], SafeString] = {}
        self._now = now

    def cells(self, case: Listed, bulk: Iterable[str]) -> dict[str, object]:
        """The row's cells; what is no SafeString is escaped where the row is filled."""
        row = case.row
        return {
            "number": case.number,
            "url": self._url.replace("NUMBER", case.number),
            "bulk": " ".join(bulk),
            "tick": self._tick % {"matter": case.matter.name, "number": case.number},
            "clock": self._clock(row, case.clock),
            "matter": case.matter.name,
            "matter_class": case.matter.more,
            "tags": format_html_join("", '<b class="tag">{}</b>', ((tag,) for tag in _tags(case))),
            "where": case.compound.name if case.compound else case.place.name,
            "address": row.address or case.place.name,
            "channel": self._channels.get(row.channel, row.channel),
            "state": self._state(row),
        }

    def _clock(self, row: Any, clock: ClockFace | None) -> str:
        if clock is None:
            words = local_time(row.reported_at, self._now), self._reported
            return format_html('<span class="main num">{}</span><span class="sub">{}</span>', *words)
        due = self._due % {"stage": clock.name, "at": due_time(clock.due_at, self._now)}
        light = clock_light(clock.light.value, clock.left, False, **{"class": "main"})
        return SafeString(f'{light}<span class="sub num">{escape(due)}</span>{self._bar(clock)}')

    def _bar(self, clock: ClockFace) -> SafeString:
        key = clock.light.value, clock.percent
        if key not in self._bars:
            self._bars[key] = clock_bar(*key)
        return self._bars[key]

    def _state(self, row: Any) -> SafeString:
        key = "request" if getattr(row, "has_request", False) else row.state
        if key not in self._states:
            is_request = key == "request"
            label = _("Request to decide") if is_request else str(State(row.state).label)
            self._states[key] = badge(label, "yellow" if is_request else TONES.get(State(row.state), ""))
        return self._states[key]


def _tags(case: Listed) -> list[str]:
    """What sets this order apart from others of its state."""
    row, tags = case.row, []
    if row.desk_id != row.community_id and row.climbs:
        tags.append(_("at %(desk)s") % {"desk": case.desk.name})
    if n := row.returns:
        tags.append(ngettext("returned %(n)s time", "returned %(n)s times", n) % {"n": n})
    if n := row.reworks:
        tags.append(ngettext("reworked %(n)s time", "reworked %(n)s times", n) % {"n": n})
    if n := row.urges:
        tags.append(ngettext("urged %(n)s time", "urged %(n)s times", n) % {"n": n})
    if row.is_supervised:
        tags.append(_("supervised"))
    return tags
