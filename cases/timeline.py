"""An order's history as people read it: one line an event, with what it brought."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from cases.events import label_of
from cases.models import Attachment, CaseEvent
from cases.workflow import Stage
from governance.common.formats import local_time, masked_phone

#: Kinds whose remark is meant for the reporter.
SAID_TO_REPORTER: Final = frozenset({"decline"})
#: What everybody who may help reads of a wish's history, as words and times alone.
TOLD_OF_WISHES: Final = frozenset(
    {
        "publish",
        "claim",
        "assign_wish",
        "confirm",
        "refuse_claim",
        "hand_back",
        "lapse",
        "begin",
        "deliver",
        "fail",
        "rate",
        "close_unrated",
        "thank",
        "to_branch",
    }
)
_PHONE: Final = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")

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
    "whistle": ("info", "whistle"),
    "answer_whistle": ("info", "check"),
    "come_to_whistle": ("green", "walk"),
    "report_whistle": ("green", "doc"),
    "end_whistle": ("", "whistle"),
    "ask": ("info", "heart"),
    "publish": ("info", "send"),
    "edit_wish": ("", "edit"),
    "claim": ("info", "user"),
    "assign_wish": ("info", "user"),
    "confirm": ("green", "check"),
    "refuse_claim": ("red", "x"),
    "hand_back": ("yellow", "undo"),
    "lapse": ("yellow", "clock"),
    "begin": ("info", "play"),
    "deliver": ("green", "image"),
    "fail": ("red", "undo"),
    "close_unrated": ("green", "check"),
    "thank": ("green", "heart"),
    "revoke": ("red", "x"),
    "to_branch": ("yellow", "flag"),
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
    "calendar_changed": ("", "clock"),
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
    events: Iterable[CaseEvent],
    pictures: Iterable[Attachment],
    *,
    hide_reporter: bool = False,
    onlooker_id: int | None = None,
) -> list[Line]:
    """The lines of events that came with their actors (`queries.timeline`), among the order's pictures.

    `hide_reporter`: a reader who may not know who reported sees "Resident" or "Reporter" alone, and no phone.
    `onlooker_id`: who only reported or joined the order reads of all remarks their own, and what is meant
    for reporters.
    """
    brought: dict[int | None, list[Attachment]] = defaultdict(list)
    for picture in pictures:
        brought[picture.event_id].append(picture)
    lines = []
    for event in events:
        note = without_phones(event.note) if hide_reporter else event.note
        is_own = onlooker_id is None or event.actor_id == onlooker_id
        said = note if is_own or event.kind in SAID_TO_REPORTER else ""
        lines.append(_line(event, said, brought[event.pk], hide_reporter))
    return lines


def without_phones(text: str) -> str:
    """A text for those who may not know the reporter's phone: mobile numbers in it are masked."""
    return _PHONE.sub(lambda found: masked_phone(found.group()), text)


def look_of(kind: str) -> tuple[str, str]:
    """Tone and icon of an event of this kind, wherever it is shown."""
    return _LOOKS.get(kind, ("", "info"))


def _line(event: CaseEvent, note: str, pictures: list[Attachment], hide_reporter: bool) -> Line:
    tone, icon = look_of(event.kind)
    return Line(
        number=event.seq,
        at=event.at,
        what=_what(event),
        who=_who(event, hide_reporter),
        note=note,
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
    if event.kind == "calendar_changed":
        return _moved_words(label, data)
    return label


def _moved_words(label: str, data: dict[str, str | None]) -> str:
    """From when to when: the whole order's due time or, where that stayed, the running stage's."""
    for before, after in (("from_due_at", "due_at"), ("from_next_due_at", "next_due_at")):
        old, new = data.get(before), data.get(after)
        if old and new and old != new:
            told = {"what": label, "old": _instant_of(old), "new": _instant_of(new)}
            return _("%(what)s: due %(new)s instead of %(old)s") % told
    return label


def _instant_of(text: str) -> str:
    return local_time(datetime.fromisoformat(text))


def _clock_words(label: str, data: dict[str, object]) -> str:
    stage: str | Promise = str(data.get("stage", ""))
    if stage in Stage.values:
        stage = Stage(stage).label
    told = {"what": label, "stage": stage, "percent": data.get("percent", "")}
    if data.get("no_recipient"):
        return _("%(what)s: %(stage)s, %(percent)s%% of its time used; nobody was there, passed on") % told
    return _("%(what)s: %(stage)s, %(percent)s%% of its time used") % told
