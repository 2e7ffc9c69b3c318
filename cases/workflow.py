"""States, actions and who may do what: a table, no queries.

The table feeds the checks, the buttons, the API, the diagram in the docs and the tests.
Sources: the loop of PRODUCT.md and "Who may act on an incident" of DECISIONS.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Kind(TextChoices):
    """Each kind of order has its own table; all go through the same engine."""

    INCIDENT = "incident", _("Incident")
    WISH = "wish", _("Wish")


class State(TextChoices):
    """States of an order; the second half is a wish's own (it shares closed, declined and voided)."""

    REPORTED = "reported", _("Reported")
    ACCEPTED = "accepted", _("Accepted")
    DISPATCHED = "dispatched", _("Dispatched")
    HANDLING = "handling", _("Being handled")
    SUSPENDED = "suspended", _("Suspended")
    HANDLED = "handled", _("Awaiting check")
    CLOSED = "closed", _("Closed")
    DECLINED = "declined", _("Declined")
    MERGED = "merged", _("Merged")
    VOIDED = "voided", _("Voided")

    ASKED = "asked", pgettext_lazy("wish", "Asked")
    PUBLISHED = "published", _("On the wall")
    CLAIMED = "claimed", _("Claimed")
    CONFIRMED = "confirmed", _("Claim confirmed")
    BEGUN = "begun", _("Under way")
    DELIVERED = "delivered", _("Delivered")


#: States of an incident in which somebody holds the ball and a clock may run.
OPEN_STATES = (
    State.REPORTED,
    State.ACCEPTED,
    State.DISPATCHED,
    State.HANDLING,
    State.SUSPENDED,
    State.HANDLED,
)
#: The same of a wish. Kept apart, so that no list of incidents shows a resident's wish.
WISH_OPEN_STATES = (
    State.ASKED,
    State.PUBLISHED,
    State.CLAIMED,
    State.CONFIRMED,
    State.BEGUN,
    State.DELIVERED,
)
#: A wish that somebody has taken on; the claimer sees the asker from `CONFIRMED` on.
WISH_TAKEN_STATES = (State.CLAIMED, State.CONFIRMED, State.BEGUN, State.DELIVERED)
#: In these an order may still be without a route: a report just taken in, or accepted before a worker came.
UNROUTED_STATES = (State.REPORTED, State.ACCEPTED)
#: States that an order does not leave (a closed one may be reopened).
ENDED_STATES = (State.CLOSED, State.DECLINED, State.MERGED, State.VOIDED)
#: Ended without having been handled: outside the due and closed figures.
EXCLUDED_STATES = (State.DECLINED, State.MERGED, State.VOIDED)


class Stage(TextChoices):
    """What a clock measures."""

    ACCEPT = "accept", _("Accept")
    DISPATCH = "dispatch", _("Dispatch")
    ACKNOWLEDGE = "acknowledge", _("Acknowledge")
    HANDLE = "handle", _("Handle")
    CHECK = "check", _("Check")
    DECIDE = "decide", _("Decide a request")
    VET = "vet", _("Vet a wish")
    CLAIM = "claim", _("Find somebody")
    CONFIRM = "confirm", _("Confirm the claim")
    BEGIN = "begin", _("Begin")
    DELIVER = "deliver", _("Deliver")
    RATE = "rate", _("Rate")
    ANSWER = "answer", _("Answer a whistle")
    WHOLE = "whole", _("Whole order")


class Relation(StrEnum):
    """How an actor stands to an order; one actor may stand in several ways."""

    DESK = "desk"  # staff of the place that holds it
    DESK_ABOVE = "desk_above"  # staff of a place above that one
    LEAD = "lead"  # a member of the lead unit
    ASSIST = "assist"  # a member of an assisting unit
    GROUND = "ground"  # grid worker, leader or guide of the place
    REPORTER = "reporter"  # who reported it, or joined the report
    OFFICIAL = "official"  # an official over the place
    CLAIMER = "claimer"  # who has claimed the wish, for themselves or for their unit or branch
    HELPER = "helper"  # member, volunteer, unit or branch: whoever may claim a wish
    CALLED = "called"  # whoever is whistled to it, or acts for the unit or branch that is
    BRANCH = "branch"  # committee of the branch that the wish falls to
    SYSTEM = "system"  # the portal itself


class Needs(StrEnum):
    """What an action must bring."""

    REASON = "reason"
    UNIT = "unit"
    TARGET = "target"
    RESULT = "result"
    ANSWER = "answer"
    PUBLISHING = "publishing"
    CLAIMANT = "claimant"
    CALLED = "called"


@dataclass(frozen=True)
class Rule:
    """One action of a workflow.

    `moves` maps a state to the state after; an action that leaves the state as it is maps
    each state in which it is allowed to itself.
    """

    action: str
    label: str | Promise
    moves: dict[State, State]
    who: frozenset[Relation]
    needs: frozenset[Needs] = field(default_factory=frozenset)
    undoable: bool = True
    #: Who finished an order never does this to it.
    not_finisher: bool = False
    #: Done with the whole selection in the desk's list.
    bulk: bool = False

    def allowed_in(self, state: str) -> bool:
        """Whether the state lets anybody do this at all."""
        return state in self.moves


def _stay(*states: State) -> dict[State, State]:
    return {state: state for state in states}


_DESKS = frozenset({Relation.DESK, Relation.DESK_ABOVE})
_DESKS_AND_SYSTEM = _DESKS | {Relation.SYSTEM}
_STAFF = _DESKS | {Relation.LEAD, Relation.ASSIST, Relation.GROUND}
_RUNNING = (State.REPORTED, State.ACCEPTED, State.DISPATCHED, State.HANDLING, State.HANDLED)
_REASON = frozenset({Needs.REASON})

INCIDENT_RULES: tuple[Rule, ...] = (
    Rule("accept", _("Accept"), {State.REPORTED: State.ACCEPTED}, _DESKS_AND_SYSTEM, bulk=True),
    Rule(
        "decline", _("Decline"), {State.REPORTED: State.DECLINED}, _DESKS, _REASON, undoable=False, bulk=True
    ),
    Rule(
        "merge", _("Merge"), {State.REPORTED: State.MERGED}, _DESKS, frozenset({Needs.TARGET}), undoable=False
    ),
    Rule(
        "dispatch",
        _("Dispatch"),
        {State.ACCEPTED: State.DISPATCHED},
        _DESKS_AND_SYSTEM,
        frozenset({Needs.UNIT}),
        bulk=True,
    ),
    Rule(
        "void",
        _("Void"),
        {State.ACCEPTED: State.VOIDED},
        frozenset({Relation.DESK_ABOVE}),
        _REASON,
        undoable=False,
    ),
    Rule("acknowledge", _("Acknowledge"), {State.DISPATCHED: State.HANDLING}, frozenset({Relation.LEAD})),
    Rule(
        "assign",
        _("Assign to a colleague"),
        _stay(State.DISPATCHED, State.HANDLING),
        frozenset({Relation.LEAD}),
    ),
    Rule(
        "return",
        _("Return"),
        {State.DISPATCHED: State.ACCEPTED, State.HANDLING: State.ACCEPTED},
        frozenset({Relation.LEAD, Relation.SYSTEM}),
        _REASON,
    ),
    Rule("reassign", _("Reassign"), _stay(State.DISPATCHED, State.HANDLING), _DESKS, frozenset({Needs.UNIT})),
    Rule(
        "finish",
        _("Finish"),
        {State.HANDLING: State.HANDLED},
        frozenset({Relation.LEAD}),
        frozenset({Needs.RESULT}),
    ),
    Rule("part_done", _("Our part is done"), _stay(State.HANDLING), frozenset({Relation.ASSIST})),
    Rule(
        "ask_extension", _("Ask for an extension"), _stay(State.HANDLING), frozenset({Relation.LEAD}), _REASON
    ),
    Rule(
        "ask_suspension", _("Ask for suspension"), _stay(State.HANDLING), frozenset({Relation.LEAD}), _REASON
    ),
    Rule("grant_extension", _("Grant the extension"), _stay(State.HANDLING), _DESKS),
    Rule("refuse_extension", _("Refuse the extension"), _stay(State.HANDLING), _DESKS, _REASON),
    Rule("grant_suspension", _("Grant the suspension"), {State.HANDLING: State.SUSPENDED}, _DESKS),
    Rule("refuse_suspension", _("Refuse the suspension"), _stay(State.HANDLING), _DESKS, _REASON),
    Rule("resume", _("Resume"), {State.SUSPENDED: State.HANDLING}, _DESKS),
    Rule(
        "check_pass",
        _("Pass the check"),
        {State.HANDLED: State.CLOSED},
        _DESKS | {Relation.GROUND},
        not_finisher=True,
    ),
    Rule(
        "check_fail",
        _("Fail the check"),
        {State.HANDLED: State.HANDLING},
        _DESKS | {Relation.GROUND},
        _REASON,
        not_finisher=True,
    ),
    Rule("rate", _("Rate"), _stay(State.CLOSED), frozenset({Relation.REPORTER}), frozenset({Needs.ANSWER})),
    Rule("follow_up", _("Follow up"), _stay(State.CLOSED), _DESKS, frozenset({Needs.ANSWER})),
    Rule(
        "reopen",
        _("Look back and reopen"),
        {State.CLOSED: State.HANDLING},
        _DESKS_AND_SYSTEM,  # the system, when the reporter says that it is not solved
        _REASON,
    ),
    Rule("escalate", _("Escalate"), _stay(*_RUNNING), _DESKS_AND_SYSTEM, _REASON),
    Rule("take_over", _("Take over"), _stay(*_RUNNING), frozenset({Relation.DESK_ABOVE})),
    Rule("give_back", _("Give back down"), _stay(*_RUNNING), _DESKS, _REASON),
    Rule("urge", _("Urge"), _stay(*_RUNNING), _DESKS | {Relation.REPORTER}),
    Rule(
        "supervise",
        _("Supervise"),
        _stay(*OPEN_STATES),
        frozenset({Relation.DESK_ABOVE, Relation.OFFICIAL}),
        _REASON,
    ),
    Rule(
        "instruct",
        _("Write an instruction"),
        _stay(*OPEN_STATES, State.CLOSED),
        frozenset({Relation.OFFICIAL}),
        _REASON,
    ),
    Rule("whistle", _("Whistle"), _stay(*_RUNNING), _DESKS, frozenset({Needs.CALLED})),
    Rule("answer_whistle", _("Answer the whistle"), _stay(*OPEN_STATES), frozenset({Relation.CALLED})),
    Rule("come_to_whistle", _("I have come"), _stay(*OPEN_STATES), frozenset({Relation.CALLED})),
    Rule(
        "report_whistle",
        _("Report what was done"),
        _stay(*OPEN_STATES, State.CLOSED),  # who came may say so after the order was closed
        frozenset({Relation.CALLED}),
        _REASON,
    ),
    Rule("end_whistle", _("End the whistle"), _stay(*OPEN_STATES), _DESKS),
    Rule("comment", _("Comment"), _stay(*OPEN_STATES, State.CLOSED), _STAFF, _REASON),
    Rule("attach", _("Attach"), _stay(*OPEN_STATES), _STAFF),
    Rule("correct_matter", _("Correct the matter"), _stay(*_RUNNING), _DESKS),
    Rule("correct_place", _("Correct the place"), _stay(*_RUNNING), _DESKS),
    Rule(
        "add_information", _("Add information"), _stay(*OPEN_STATES), frozenset({Relation.REPORTER}), _REASON
    ),
    Rule(
        "withdraw",
        _("Withdraw"),
        {State.REPORTED: State.VOIDED, State.ACCEPTED: State.VOIDED},
        frozenset({Relation.REPORTER}),
        undoable=False,
    ),
)

_BEFORE_DELIVERY = (State.PUBLISHED, State.CLAIMED, State.CONFIRMED, State.BEGUN)
_DESKS_AND_BRANCH = _DESKS | {Relation.BRANCH}
_CLAIMER = frozenset({Relation.CLAIMER})
_ASKER = frozenset({Relation.REPORTER})

#: asked → published → claimed → confirmed → begun → delivered → closed ("Wishes" of DECISIONS.md).
WISH_RULES: tuple[Rule, ...] = (
    Rule("publish", _("Publish"), {State.ASKED: State.PUBLISHED}, _DESKS, frozenset({Needs.PUBLISHING})),
    Rule("decline", _("Decline"), {State.ASKED: State.DECLINED}, _DESKS, _REASON, undoable=False),
    Rule(
        "edit_wish",
        _("Change what is published"),
        _stay(State.PUBLISHED),
        _DESKS,
        frozenset({Needs.PUBLISHING}),
    ),
    Rule("claim", _("Claim"), {State.PUBLISHED: State.CLAIMED}, frozenset({Relation.HELPER})),
    Rule(
        "assign_wish",
        _("Assign"),
        {State.PUBLISHED: State.CONFIRMED},
        _DESKS_AND_BRANCH,
        frozenset({Needs.CLAIMANT}),
    ),
    Rule("confirm", _("Confirm the claim"), {State.CLAIMED: State.CONFIRMED}, _DESKS_AND_BRANCH),
    Rule("refuse_claim", _("Refuse the claim"), {State.CLAIMED: State.PUBLISHED}, _DESKS_AND_BRANCH, _REASON),
    Rule("begin", _("Begin"), {State.CONFIRMED: State.BEGUN}, _CLAIMER),
    Rule(
        "deliver",
        _("Deliver"),
        {State.BEGUN: State.DELIVERED, State.CONFIRMED: State.DELIVERED},
        _CLAIMER,
        frozenset({Needs.RESULT}),
    ),
    Rule(
        "hand_back",
        _("Hand back"),
        {State.CLAIMED: State.PUBLISHED, State.CONFIRMED: State.PUBLISHED, State.BEGUN: State.PUBLISHED},
        _CLAIMER,
        _REASON,
    ),
    Rule(
        "lapse",
        _("Lapse"),
        {State.CLAIMED: State.PUBLISHED, State.CONFIRMED: State.PUBLISHED, State.BEGUN: State.PUBLISHED},
        frozenset({Relation.SYSTEM}),
    ),
    Rule("fail", _("Not delivered"), {State.DELIVERED: State.BEGUN}, _DESKS | _ASKER, _REASON),
    Rule(
        "rate",
        _("Rate"),
        {State.DELIVERED: State.CLOSED, State.CLOSED: State.CLOSED},
        _ASKER,
        frozenset({Needs.ANSWER}),
    ),
    Rule("close_unrated", _("Close"), {State.DELIVERED: State.CLOSED}, frozenset({Relation.SYSTEM})),
    Rule("thank", _("Say thanks"), _stay(State.CLOSED), _ASKER, _REASON),
    Rule("revoke", _("Take the points back"), {State.CLOSED: State.VOIDED}, _DESKS, _REASON, undoable=False),
    Rule(
        "void",
        pgettext_lazy("wish", "Cancel"),
        dict.fromkeys((State.ASKED, *_BEFORE_DELIVERY), State.VOIDED),
        _DESKS,
        _REASON,
        undoable=False,
    ),
    Rule(
        "withdraw",
        _("Withdraw"),
        dict.fromkeys((State.ASKED, State.PUBLISHED, State.CLAIMED, State.CONFIRMED), State.VOIDED),
        _ASKER,
        undoable=False,
    ),
    Rule("to_branch", _("Leave it to the branch"), _stay(State.PUBLISHED), _DESKS_AND_SYSTEM),
    Rule("urge", _("Urge"), _stay(State.ASKED, *_BEFORE_DELIVERY), _DESKS | _ASKER),
    Rule(
        "comment", _("Comment"), _stay(*WISH_OPEN_STATES, State.CLOSED), _DESKS_AND_BRANCH | _CLAIMER, _REASON
    ),
    Rule("add_information", _("Add information"), _stay(*WISH_OPEN_STATES), _ASKER, _REASON),
)

#: The table of each kind, by action.
WORKFLOWS: dict[str, dict[str, Rule]] = {
    Kind.INCIDENT: {rule.action: rule for rule in INCIDENT_RULES},
    Kind.WISH: {rule.action: rule for rule in WISH_RULES},
}


def rule_of(kind: str, action: str) -> Rule:
    """The row of an action; KeyError if the kind has no such action."""
    return WORKFLOWS[kind][action]
