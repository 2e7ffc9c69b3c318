"""An order as a row of a list: all that the row says, in words.

A list has fifty of them, so what is the same in every row (labels, patterns of sentences, the shape of
addresses) is looked up once a page, and the template only prints.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases.models import Case
from cases.permissions import desk_bulk_actions
from cases.queries import ClockFace, ball
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
    """An order in a list, with its leading clock, what a selection may undergo, and its words."""

    case: Case
    clock: ClockFace | None
    bulk: tuple[str, ...]
    #: A dictionary, because a template reads one much quicker than attributes.
    cells: dict[str, object]


def rows_of(cases: Iterable[Case], *, now: datetime, access: Access | None = None) -> list[Row]:
    """The rows of one page; with `access` they say what its desk may do with many at once."""
    words = _Words()
    rows = []
    for case in cases:
        clock = ball(case, now=now)
        bulk = desk_bulk_actions(access, case) if access is not None else ()
        rows.append(Row(case, clock, bulk, words.cells(case, clock, bulk)))
    return rows


class _Words:
    """What all rows of a page share."""

    def __init__(self) -> None:
        self._url = reverse("cases:detail", args=["NUMBER"])
        self._due = _("%(stage)s, due %(at)s")
        self._tick = _("Tick %(matter)s %(number)s")
        self._reported = _("Reported")
        self._states: dict[str, str] = {}

    def cells(self, case: Case, clock: ClockFace | None, bulk: Iterable[str]) -> dict[str, object]:
        """The row's cells; what is no SafeString is escaped by the template."""
        return {
            "number": case.number,
            "url": self._url.replace("NUMBER", case.number),
            "bulk": " ".join(bulk),
            "tick": self._tick % {"matter": case.matter.name, "number": case.number},
            "clock": self._clock(case, clock),
            "matter": case.matter.name,
            "matter_class": case.matter.matter_class.name,
            "tags": _tags(case),
            "where": case.compound.name if case.compound else case.place.name,
            "address": case.address or case.place.name,
            "channel": case.get_channel_display(),
            "state": self._state(case),
        }

    def _clock(self, case: Case, clock: ClockFace | None) -> str:
        if clock is None:
            words = local_time(case.reported_at), self._reported
            return format_html('<span class="main num">{}</span><span class="sub">{}</span>', *words)
        light = clock.light.value
        return format_html(
            '{}<span class="sub num">{}</span>{}',
            clock_light(light, clock.left, False, **{"class": "main"}),
            self._due % {"stage": clock.name, "at": due_time(clock.due_at)},
            clock_bar(light, clock.percent),
        )

    def _state(self, case: Case) -> str:
        key = "request" if getattr(case, "has_request", False) else case.state
        if key not in self._states:
            is_request = key == "request"
            label = _("Request to decide") if is_request else case.get_state_display()
            self._states[key] = badge(label, "yellow" if is_request else TONES.get(State(case.state), ""))
        return self._states[key]


def _tags(case: Case) -> list[str]:
    """What sets this order apart from others of its state."""
    tags = []
    if case.desk_id != case.community_id and case.climbs:
        tags.append(_("at %(desk)s") % {"desk": case.desk.name})
    if n := case.returns:
        tags.append(ngettext("returned %(n)s time", "returned %(n)s times", n) % {"n": n})
    if n := case.reworks:
        tags.append(ngettext("reworked %(n)s time", "reworked %(n)s times", n) % {"n": n})
    if n := case.urges:
        tags.append(ngettext("urged %(n)s time", "urged %(n)s times", n) % {"n": n})
    if case.is_supervised:
        tags.append(_("supervised"))
    return tags
