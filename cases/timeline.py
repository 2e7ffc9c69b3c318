"""An order's history as people read it: one line an event, with what it brought."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from cases.events import label_of
from cases.models import Attachment, CaseEvent
from cases.workflow import Stage

#: How an event looks: tone of its dot, icon. What is not listed is plain.
_LOOKS: dict[str, tuple[str, str]] = {
    "report": ("info", "camera"),
    "resolve": ("green", "check"),
    "join": ("info", "users"),
    "co_report": ("info", "merge"),
    "route": ("", "route"),
    "accept": ("green", "check"),
    "decline": ("red", "x"),
    "merge": ("info", "merge"),
    "dispatch": ("info", "route"),
    "void": ("red", "x"),
    "withdraw": ("red", "undo"),
    "acknowledge": ("info", "check"),
    "assign": ("info", "user"),
    "return": ("red", "undo"),
    "reassign": ("info", "route"),
    "finish": ("info", "image"),
    "part_done": ("info", "check"),
    "ask_extension": ("yellow", "clock"),
    "ask_suspension": ("yellow", "pause"),
    "grant_extension": ("green", "clock"),
    "grant_suspension": ("", "pause"),
    "refuse_extension": ("red", "x"),
    "refuse_suspension": ("red", "x"),
    "resume": ("green", "play"),
    "check_pass": ("green", "check"),
    "check_fail": ("red", "undo"),
    "rate": ("green", "smile"),
    "follow_up": ("green", "phone"),
    "reopen": ("red", "undo"),
    "escalate": ("yellow", "up"),
    "take_over": ("yellow", "up"),
    "give_back": ("", "down"),
    "urge": ("yellow", "bell"),
    "supervise": ("yellow", "eye"),
    "instruct": ("red", "flag"),
    "comment": ("", "msg"),
    "attach": ("", "image"),
    "correct_matter": ("", "edit"),
    "correct_place": ("", "pin"),
    "add_information": ("", "msg"),
    "remind": ("yellow", "clock"),
    "late": ("red", "clock"),
    "climb": ("red", "up"),
    "handler_cleared": ("yellow", "user"),
    "place_changed": ("", "pin"),
    "merged_news": ("info", "merge"),
    "import": ("", "download"),
}


@dataclass(frozen=True)
class Line:
    """One event of the timeline."""

    number: int
    at: datetime
    what: str
    who: str
    note: str
    tone: str
    icon: str
    by_system: bool
    pictures: list[Attachment]


def lines_of(
    events: Iterable[CaseEvent], pictures: Iterable[Attachment], *, hide_reporter: bool = False
) -> list[Line]:
    """The lines of events that came with their actors (`queries.timeline`), among the order's pictures.

    `hide_reporter`: a reader who may not know who reported sees "Resident" or "Reporter" alone.
    """
    brought: dict[int | None, list[Attachment]] = defaultdict(list)
    for picture in pictures:
        brought[picture.event_id].append(picture)
    return [_line(event, brought[event.pk], hide_reporter) for event in events]


def look_of(kind: str) -> tuple[str, str]:
    """Tone and icon of an event of this kind, wherever it is shown."""
    return _LOOKS.get(kind, ("", "info"))


def _line(event: CaseEvent, pictures: list[Attachment], hide_reporter: bool) -> Line:
    tone, icon = look_of(event.kind)
    return Line(
        number=event.seq,
        at=event.at,
        what=_what(event),
        who=_who(event, hide_reporter),
        note=event.note,
        tone=tone,
        icon=icon,
        by_system=event.actor_kind == CaseEvent.ActorKind.SYSTEM,
        pictures=pictures,
    )


def _who(event: CaseEvent, hide_reporter: bool) -> str:
    if event.actor_kind == CaseEvent.ActorKind.SYSTEM:
        return ""
    if event.actor is None:
        return _("Resident")
    if hide_reporter and event.kind in ("report", "add_information", "rate", "withdraw", "join"):
        return _("Reporter")
    return event.actor.name


def _what(event: CaseEvent) -> str:
    label, data = str(label_of(event.kind)), event.data
    if event.kind in ("dispatch", "reassign", "route") and data.get("unit"):
        return _("%(what)s: %(unit)s") % {"what": label, "unit": data["unit"]}
    if event.kind == "return" and data.get("from_unit"):
        return _("%(what)s by %(unit)s") % {"what": label, "unit": data["from_unit"]}
    if event.kind == "merge":
        return _("%(what)s into %(number)s") % {"what": label, "number": data.get("into_number", "")}
    if event.kind in ("remind", "late", "climb"):
        return _clock_words(label, data)
    return label


def _clock_words(label: str, data: dict[str, object]) -> str:
    stage: str | Promise = str(data.get("stage", ""))
    if stage in Stage.values:
        stage = Stage(stage).label
    return _("%(what)s: %(stage)s, %(percent)s%% of its time used") % {
        "what": label,
        "stage": stage,
        "percent": data.get("percent", ""),
    }
