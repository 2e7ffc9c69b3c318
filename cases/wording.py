"""What a message about an event says, in the language of whoever reads it.

Nothing is stored but the event: title and body are made when the message is read. They hold no name, phone,
address or words of a reporter; a reason is quoted only where somebody in office gave it.
"""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.events import label_of
from cases.models import Case, CaseEvent
from cases.wish_text import is_anonymous
from cases.workflow import Kind, Stage, State
from partymembers.models import User

#: Characters of a reason that a message quotes.
QUOTED = 60

_TITLES: dict[str, Promise] = {
    "report": gettext_lazy("New order to accept"),
    "co_report": gettext_lazy("Another order was merged into this one"),
    "accept": gettext_lazy("Your report was accepted"),
    "decline": gettext_lazy("Your report was not taken on"),
    "merge": gettext_lazy("Your report was merged into order %(into_number)s"),
    "dispatch": gettext_lazy("New order for %(unit)s"),
    "void": gettext_lazy("The order was voided"),
    "withdraw": gettext_lazy("The reporter withdrew the order"),
    "assign": gettext_lazy("The order was assigned to a colleague"),
    "return": gettext_lazy("%(from_unit)s returned the order"),
    "reassign": gettext_lazy("Reassigned to %(unit)s"),
    "handler_cleared": gettext_lazy("The handler can no longer act: please assign a colleague"),
    "finish": gettext_lazy("Handled: please check on the spot"),
    "resolve": gettext_lazy("Resolved on the spot: please check"),
    "part_done": gettext_lazy("An assisting unit has done its part"),
    "ask_extension": gettext_lazy("An extension is asked for: please decide"),
    "ask_suspension": gettext_lazy("A suspension is asked for: please decide"),
    "grant_extension": gettext_lazy("The extension was granted"),
    "refuse_extension": gettext_lazy("The extension was refused"),
    "grant_suspension": gettext_lazy("The order was suspended"),
    "refuse_suspension": gettext_lazy("The suspension was refused"),
    "resume": gettext_lazy("The order goes on: its clock runs again"),
    "check_pass": gettext_lazy("Checked and closed"),
    "check_fail": gettext_lazy("The check failed: please do it again"),
    "rate": gettext_lazy("The reporter rated the result"),
    "reopen": gettext_lazy("The order was reopened"),
    "escalate": gettext_lazy("The order was escalated"),
    "take_over": gettext_lazy("The desk above took the order over"),
    "give_back": gettext_lazy("The order was given back to your desk"),
    "urge": gettext_lazy("You are urged to act"),
    "supervise": gettext_lazy("The order is now supervised"),
    "instruct": gettext_lazy("An official wrote an instruction"),
    "comment": gettext_lazy("New comment"),
    "correct_matter": gettext_lazy("The matter was corrected"),
    "correct_place": gettext_lazy("The place was corrected"),
    "place_changed": gettext_lazy("The order came to your desk with its place"),
    "add_information": gettext_lazy("The reporter added information"),
    "whistle": gettext_lazy("You are whistled to an order: please answer"),
    "answer_whistle": gettext_lazy("A whistle was answered"),
    "come_to_whistle": gettext_lazy("Somebody came to the whistle"),
    "report_whistle": gettext_lazy("Somebody reported what was done at the whistle"),
    "end_whistle": gettext_lazy("The whistle has ended"),
    "ask": gettext_lazy("A new wish to vet"),
    "publish": gettext_lazy("The wish is on the wall"),
    "claim": gettext_lazy("A wish was claimed: please confirm"),
    "assign_wish": gettext_lazy("A wish was assigned to you"),
    "confirm": gettext_lazy("Your claim is confirmed: you may begin"),
    "refuse_claim": gettext_lazy("Your claim was not confirmed"),
    "hand_back": gettext_lazy("A wish was handed back and is on the wall again"),
    "lapse": gettext_lazy("A claim lapsed: it was not begun in time"),
    "begin": gettext_lazy("Your wish is under way"),
    "deliver": gettext_lazy("The wish was delivered: please rate"),
    "fail": gettext_lazy("Not delivered yet: please make it good"),
    "close_unrated": gettext_lazy("The wish closed without a rating"),
    "thank": gettext_lazy("You were thanked"),
    "revoke": gettext_lazy("The wish was cancelled and its points taken back"),
    "to_branch": gettext_lazy("Nobody has claimed this wish: please assign it"),
    "remind": gettext_lazy("Nearly due: %(stage)s"),
    "late": gettext_lazy("Late: %(stage)s"),
    "climb": gettext_lazy("Late: %(stage)s. The desk above takes over"),
}
#: What a reporter reads where staff reads something else.
_TO_REPORTER: dict[str, Promise] = {
    "check_pass": gettext_lazy("Your report is closed: please rate the result"),
    "grant_suspension": gettext_lazy("Your report is suspended for now"),
    "reopen": gettext_lazy("Your report is being handled again"),
    "void": gettext_lazy("Your report was voided"),
    "publish": gettext_lazy("Your wish is on the wall"),
    "assign_wish": gettext_lazy("Somebody has taken on your wish"),
    "confirm": gettext_lazy("Somebody has taken on your wish"),
    "deliver": gettext_lazy("Your wish was delivered: please rate"),
}
#: Kinds whose note is a reason or remark of somebody in office.
_QUOTES = frozenset(
    {
        "decline",
        "void",
        "return",
        "ask_extension",
        "ask_suspension",
        "refuse_extension",
        "refuse_suspension",
        "check_fail",
        "escalate",
        "give_back",
        "supervise",
        "instruct",
        "comment",
        "whistle",
        "answer_whistle",
        "refuse_claim",
        "hand_back",
        "revoke",
    }
)


def describe(event: CaseEvent, viewer: User) -> tuple[str, str]:
    """Title and body of the message about an event; needs the event's order with its matter and place."""
    parts = [event.case.number, place_of_order(event.case)]
    if _may_quote(event):
        parts.append(_("“%(reason)s”") % {"reason": Truncator(event.note).chars(QUOTED)})
    return _title(event, viewer), " · ".join(parts)


def place_of_order(case: Case) -> str:
    """What an order is about and where, in a few words that name nobody."""
    return f"{case.matter.name} · {case.place.name}"


def _may_quote(event: CaseEvent) -> bool:
    """Whether the note is a reason of somebody in office; of a wish, none that names the asker or a door."""
    if event.kind not in _QUOTES or not event.note or event.actor_kind == CaseEvent.ActorKind.PUBLIC:
        return False
    return event.case.kind != Kind.WISH or is_anonymous(event.case, event.note)


def _title(event: CaseEvent, viewer: User) -> str:
    title: str | Promise = _TITLES.get(event.kind) or label_of(event.kind)
    if event.case.reporter_id == viewer.pk:
        title = _TO_REPORTER.get(event.kind, title)
    if event.kind == "assign" and event.data.get("handler_id") == viewer.pk:
        title = gettext_lazy("The order was assigned to you")
    if event.kind == "return" and event.data.get("cause"):
        title = gettext_lazy("Taken back from %(from_unit)s, which can no longer act")
    return str(title) % _facts(event)


def _facts(event: CaseEvent) -> dict[str, str]:
    """What titles may name; a fact that the event lacks reads as a general word."""
    stage = event.data.get("stage")
    return {
        "into_number": event.data.get("into_number") or "",
        "unit": event.data.get("unit") or _("your unit"),
        "from_unit": event.data.get("from_unit") or _("The unit"),
        "stage": str(Stage(stage).label) if stage in Stage else "",
        "state": str(State(event.to_state).label) if event.to_state in State else "",
    }
