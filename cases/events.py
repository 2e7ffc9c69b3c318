"""Every kind of event: its version, what it is called, what its payload holds, and whom it concerns.

One table feeds the actions, the notices, the public changes feed, webhooks and docs/events.md. A consumer
ignores what it does not know; a change that would mislead an old reader raises the kind's version.
Payloads name rows by id and the name they had then; none holds a reporter's name, phone or words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cases.payloads import Field
from cases.payloads import flag as _flag
from cases.payloads import instant as _instant
from cases.payloads import number as _number
from cases.payloads import row_id as _id
from cases.payloads import row_ids as _ids
from cases.payloads import seconds as _seconds
from cases.payloads import text as _text


class Circle(StrEnum):
    """A group of people around an order (`cases.circles` says who stands in them)."""

    HOLDER = "holder"  # whoever must act next
    DESK = "desk"  # staff of the desk that holds the order
    LEAD = "lead"  # the handler, or everybody in the lead unit while it has assigned none
    HEAD = "head"  # head of the lead unit
    ASSIST = "assist"  # people of the assisting units
    REPORTERS = "reporters"  # reporter and co-reporters with an account
    GROUND = "ground"  # grid workers, leaders and guides of the place
    SUPERVISORS = "supervisors"  # who supervised, instructed or whistled
    FORMER_DESK = "former_desk"  # the desk that held it before this event
    CALLED = "called"  # who is whistled to the order: units, committees of branches, members
    CLAIMER = "claimer"  # who has claimed the wish
    FORMER_CLAIMER = "former_claimer"  # whose claim this event ended
    BRANCH = "branch"  # committee of the branch that the wish falls to
    FORMER_LEAD = "former_lead"  # the unit, or handler, that it was taken from


@dataclass(frozen=True)
class EventKind:
    """One row of the table. `audience` is who learns of it; never the actor, nobody of an import."""

    kind: str
    label: str | Promise
    payload: Mapping[str, Field] = field(default_factory=dict)
    audience: tuple[Circle, ...] = ()
    version: int = 1


_DESKS = {
    "from_desk_id": _id("desk that held the order", always=True),
    "to_desk_id": _id("desk that holds it now", always=True),
}
_CLOCK = {
    "clock_id": _id("clock whose rung was taken"),
    "stage": _text("stage that the clock measures", always=True),
    "round": _number("round of that stage"),
    "percent": _number("percent of the limit at which the rung stands", always=True),
    "due_at": _instant("when the clock is due"),
    "quiet": _flag("outside working time and not urgent: told from the next working moment"),
    "no_recipient": _flag("nobody was there whom it concerns, or at the next desk: it went further up"),
}
_TOLD_ABOVE = {"told_desk_id": _id("nearest desk above in which somebody is, told instead")}
_REQUEST = {"request_id": _id("the request")}
_UNIT = {
    "unit_id": _id("lead unit", always=True),
    "unit": _text("its name"),
    "handler_id": _id("person it was sent to"),
    "assist_ids": _ids("assisting units"),
}
_FEEDBACK = {
    "contacted": _flag("whether the reporter was reached"),
    "solved": _flag("whether the matter is solved"),
    "satisfaction": _text("satisfied, basically or dissatisfied"),
    "co_reporter_id": _id("co-reporter who rated"),
}

_CLAIM = {
    "claim_id": _id("the claim", always=True),
    "claimer_id": _id("who claimed it, or to whom it was assigned", always=True),
    "unit_id": _id("unit for which they claim"),
    "branch_id": _id("branch for which they claim"),
}
_PUBLISHED = {
    "points": _number("points that it brings", always=True),
    "title": _text("title on the wall", always=True),
}

_H, _D, _L, _R = Circle.HOLDER, Circle.DESK, Circle.LEAD, Circle.REPORTERS

_TABLE: tuple[EventKind, ...] = (
    EventKind(
        "report",
        _("Reported"),
        {
            "channel": _text("where it came from"),
            "matter_id": _id("matter"),
            "place_id": _id("place where it happened"),
            "desk_id": _id("desk that holds it"),
            "outside_grid": _flag("outside every grid"),
        },
        (_H,),
    ),
    EventKind("resolve", _("Resolved on the spot"), {}, (_H,)),
    EventKind("join", _("Joined by another reporter"), {"co_reporter_id": _id("the co-reporter")}),
    EventKind(
        "co_report", _("Another order merged into this one"), {"case_id": _id("the merged order")}, (_H,)
    ),
    EventKind(
        "route",
        _("Routed"),
        {
            "unit_id": _id("suggested unit; none where no rule matched"),
            "unit": _text("its name"),
            "direct": _flag("dispatched without the desk"),
        },
    ),
    EventKind("accept", _("Accepted"), {"standard_id": _id("standard that applies")}, (_R,)),
    EventKind("decline", _("Declined"), {}, (_R,)),
    EventKind(
        "merge",
        _("Merged"),
        {"into_id": _id("order it was merged into", always=True), "into_number": _text("its number")},
        (_R,),
    ),
    EventKind("dispatch", _("Dispatched"), _UNIT, (_L, Circle.ASSIST)),
    EventKind("void", _("Voided"), {}, (_R, _D, Circle.CLAIMER)),
    EventKind("withdraw", _("Withdrawn by the reporter"), {}, (_D, Circle.CLAIMER)),
    EventKind("acknowledge", _("Acknowledged")),
    EventKind(
        "assign",
        _("Assigned to a colleague"),
        {"handler_id": _id("who handles it now", always=True), "from_handler_id": _id("who did before")},
        (_L, Circle.FORMER_LEAD),
    ),
    EventKind(
        "return",
        _("Returned to the desk"),
        {
            "from_unit_id": _id("unit that gave it back, or from which it was taken"),
            "from_unit": _text("its name"),
            "cause": _text("unit_disabled or nobody_left where the portal took it back"),
        },
        (_D,),
    ),
    EventKind(
        "reassign",
        _("Reassigned"),
        {**_UNIT, "from_unit_id": _id("unit before"), "from_handler_id": _id("handler before")},
        (_L, Circle.ASSIST, Circle.FORMER_LEAD),
    ),
    EventKind(
        "handler_cleared",
        _("Without a handler"),
        {
            "from_handler_id": _id("handler who can no longer act", always=True),
            "cause": _text("user_disabled or post_ended", always=True),
        },
        (_L, Circle.HEAD),
    ),
    EventKind(
        "finish",
        _("Finished, awaiting the check"),
        {"unit_id": _id("lead unit")},
        (_H,),
    ),
    EventKind("part_done", _("An assisting unit is done"), {"unit_id": _id("that unit")}, (_L,)),
    EventKind("ask_extension", _("Extension asked for"), {**_REQUEST, "extra": _seconds("asked")}, (_D,)),
    EventKind("ask_suspension", _("Suspension asked for"), _REQUEST, (_D,)),
    EventKind(
        "grant_extension",
        _("Extension granted"),
        {**_REQUEST, "extra": _seconds("granted"), "due_at": _instant("the whole order's new due time")},
        (_L,),
    ),
    EventKind("refuse_extension", _("Extension refused"), _REQUEST, (_L,)),
    EventKind("grant_suspension", _("Suspended"), _REQUEST, (_L, _R)),
    EventKind("refuse_suspension", _("Suspension refused"), _REQUEST, (_L,)),
    EventKind("resume", _("Resumed"), {"due_at": _instant("the whole order's new due time")}, (_L,)),
    EventKind(
        "calendar_changed",
        _("Due times follow the work calendar"),
        {
            "from_due_at": _instant("when the whole order was due"),
            "due_at": _instant("when it is due now"),
            "from_next_due_at": _instant("when the running stage was due"),
            "next_due_at": _instant("when the running clock that is due first is due now"),
            "stages": _text("stages whose clocks moved, comma-separated", always=True),
        },
    ),
    EventKind("check_pass", _("Closed"), {}, (_L, _R, Circle.SUPERVISORS)),
    EventKind("check_fail", _("Check failed, to be done again"), {}, (_L, Circle.HEAD)),
    EventKind("rate", _("Rated"), _FEEDBACK, (_L, Circle.CLAIMER, _D)),
    EventKind("follow_up", _("Followed up"), _FEEDBACK),
    EventKind(
        "reopen",
        _("Reopened"),
        {"cause": _text("rated_unsolved or look_back")},
        (_L, Circle.HEAD, _D, _R, Circle.SUPERVISORS),
    ),
    EventKind("escalate", _("Escalated"), _DESKS, (_D, Circle.FORMER_DESK)),
    EventKind("take_over", _("Taken over by the desk above"), _DESKS, (_D, Circle.FORMER_DESK)),
    EventKind("give_back", _("Given back down"), _DESKS, (_D,)),
    EventKind(
        "urge",
        _("Urged"),
        {"co_reporter_id": _id("the co-reporter who urged by a link; none for anybody else")},
        (_H, Circle.HEAD),
    ),
    EventKind("supervise", _("Supervised"), {}, (_H, _D, Circle.HEAD)),
    EventKind("instruct", _("Instruction by an official"), {}, (_H, _D, Circle.HEAD)),
    EventKind(
        "whistle",
        _("Whistled"),
        {
            "whistle_id": _id("the whistle", always=True),
            "unit_ids": _ids("units that are called"),
            "branch_ids": _ids("branches that are called"),
            "member_ids": _ids("members that are called"),
            "needed_by": _instant("by when they are needed"),
        },
        (Circle.CALLED,),
    ),
    EventKind(
        "answer_whistle",
        _("Whistle answered"),
        {"call_id": _id("the call", always=True), "answer": _text("coming or cannot", always=True)},
        (_D, Circle.SUPERVISORS),
    ),
    EventKind(
        "come_to_whistle",
        _("Came to the whistle"),
        {"call_id": _id("the call", always=True)},
        (_D, Circle.SUPERVISORS),
    ),
    EventKind(
        "report_whistle",
        _("Reported what was done"),
        {"call_id": _id("the call", always=True)},
        (_D, Circle.SUPERVISORS),
    ),
    EventKind("end_whistle", _("Whistle ended"), {}, (Circle.CALLED,)),
    EventKind("comment", _("Comment"), {}, (_D, _L, Circle.ASSIST)),
    EventKind("attach", _("Pictures added"), {}),
    EventKind(
        "correct_matter",
        _("Matter corrected"),
        {
            "matter_id": _id("matter now", always=True),
            "from_matter_id": _id("matter before"),
            "standard_id": _id("standard that applies"),
        },
        (_L,),
    ),
    EventKind(
        "correct_place",
        _("Place corrected"),
        {
            "place_id": _id("place now", always=True),
            "from_place_id": _id("place before"),
            "to_desk_id": _id("desk that holds it now"),
            "from_desk_id": _id("desk that held it"),
        },
        (_D, _L),
    ),
    EventKind(
        "place_changed",
        _("Moved with its place"),
        {
            "place_id": _id("place now", always=True),
            "from_place_id": _id("place before", always=True),
            "to_desk_id": _id("desk that holds it now", always=True),
            "from_desk_id": _id("desk that held it", always=True),
            "change_id": _id("change of the territory"),
        },
        (_D,),
    ),
    EventKind("add_information", _("Information added by the reporter"), {}, (_H,)),
    EventKind("remind", _("Nearly due"), {**_CLOCK, **_TOLD_ABOVE}, (_H,)),
    EventKind("late", _("Late"), {**_CLOCK, **_TOLD_ABOVE}, (_H, Circle.HEAD, _D)),
    EventKind(
        "climb", _("Late: the desk above takes over"), {**_CLOCK, **_DESKS}, (_D, Circle.FORMER_DESK, _H)
    ),
    EventKind(
        "merged_news",
        _("News of the order it was merged into"),
        {
            "master_id": _id("that order", always=True),
            "master_number": _text("its number", always=True),
            "news": _text("kind of the event there", always=True),
            "state": _text("state of that order after it", always=True),
        },
    ),
    EventKind(
        "ask",
        _("Wish asked"),
        {
            "channel": _text("where it came from"),
            "matter_id": _id("kind of wish"),
            "place_id": _id("place"),
            "desk_id": _id("desk that vets it"),
        },
        (_H,),
    ),
    EventKind("publish", _("Published"), _PUBLISHED, (_R,)),
    EventKind("edit_wish", _("Published text changed"), _PUBLISHED),
    EventKind("claim", _("Claimed"), _CLAIM, (_D, Circle.BRANCH)),
    EventKind("assign_wish", _("Assigned"), _CLAIM, (Circle.CLAIMER, _R)),
    EventKind("confirm", _("Claim confirmed"), _CLAIM, (Circle.CLAIMER, _R)),
    EventKind("refuse_claim", _("Claim refused"), _CLAIM, (Circle.FORMER_CLAIMER,)),
    EventKind("hand_back", _("Handed back"), _CLAIM, (_D, Circle.BRANCH)),
    EventKind("lapse", _("Claim lapsed"), _CLAIM, (Circle.FORMER_CLAIMER, _D)),
    EventKind("begin", _("Begun"), {}, (_R,)),
    EventKind("deliver", _("Delivered"), {}, (_R, _D)),
    EventKind("fail", _("Not delivered yet"), {}, (Circle.CLAIMER, _D)),
    EventKind("close_unrated", _("Closed without a rating"), {}, (Circle.CLAIMER, _R)),
    EventKind("thank", _("Thanks"), {}, (Circle.CLAIMER,)),
    EventKind("revoke", _("Points taken back"), {}, (Circle.CLAIMER, _R)),
    EventKind(
        "to_branch",
        _("Left to the branch"),
        {"branch_id": _id("the branch; none where no branch serves the place")},
        (Circle.BRANCH, _D),
    ),
    EventKind(
        "put_right",
        _("Put right by the portal"),
        {"what": _text("what was put right: clocks", always=True)},
    ),
    EventKind("import", _("Imported from another system"), {"source": _text("name of that system")}),
)

#: The table, by kind.
EVENT_KINDS: dict[str, EventKind] = {row.kind: row for row in _TABLE}


def label_of(kind: str) -> str | Promise:
    """What an event of this kind is called; the kind itself where the table no longer knows it."""
    row = EVENT_KINDS.get(kind)
    return row.label if row else kind


def payload_problems(kind: str, data: Mapping[str, Any]) -> list[str]:
    """What a payload lacks or has too much, a line each; nothing for a sound one. KeyError: unknown kind."""
    fields = EVENT_KINDS[kind].payload
    missing = [f"{kind}.{name} is missing" for name, f in fields.items() if f.always and name not in data]
    wrong = [
        f"{kind}.{name} is not a {fields[name].type}: {value!r}"
        for name, value in data.items()
        if name in fields and not fields[name].accepts(value)
    ]
    return missing + wrong + [f"{kind}.{name} is not in the table" for name in data if name not in fields]
