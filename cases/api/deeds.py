"""Every action that can be called from outside: the one function that writes, and what it takes.

Which actions there are, in which states and for whom, the workflow table says alone; this one only joins each
to its function. What the portal does by itself (a claim lapses) is called by nobody and so is not here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cases.actions import checking, desk, handling, oversight, reporting, whistling, wishes
from cases.api import incident_inputs as of_incident
from cases.api import wish_inputs as of_wish
from cases.api.inputs import Input, Noted, Nothing, Pictured, Reasoned, Shown, Told
from cases.models import Case
from cases.workflow import Kind


@dataclass(frozen=True)
class Deed:
    """An action's function and input."""

    write: Callable[..., Case]
    takes: type[Input] = Noted


INCIDENT_DEEDS = {
    "accept": Deed(desk.accept_case, of_incident.Accept),
    "decline": Deed(desk.decline_case, Reasoned),
    "merge": Deed(desk.merge_case, of_incident.Merge),
    "dispatch": Deed(desk.dispatch_case, of_incident.Dispatch),
    "void": Deed(desk.void_case, Reasoned),
    "acknowledge": Deed(handling.acknowledge_case),
    "assign": Deed(handling.assign_case, of_incident.Assign),
    "return": Deed(handling.return_case, Reasoned),
    "reassign": Deed(desk.reassign_case, of_incident.Reassign),
    "finish": Deed(handling.finish_case, Told),
    "part_done": Deed(handling.report_part_done, Pictured),
    "ask_extension": Deed(handling.ask_extension, of_incident.AskExtension),
    "ask_suspension": Deed(handling.ask_suspension, Reasoned),
    "grant_extension": Deed(desk.grant_extension),
    "refuse_extension": Deed(desk.refuse_request, Reasoned),
    "grant_suspension": Deed(desk.grant_suspension),
    "refuse_suspension": Deed(desk.refuse_request, Reasoned),
    "resume": Deed(desk.resume_case),
    "check_pass": Deed(checking.pass_check, Pictured),
    "check_fail": Deed(checking.fail_check, Told),
    "rate": Deed(checking.rate_case, of_incident.Rate),
    "follow_up": Deed(checking.follow_up_case, of_incident.Rate),
    "reopen": Deed(checking.reopen_case, Reasoned),
    "escalate": Deed(oversight.escalate_case, Reasoned),
    "take_over": Deed(oversight.take_over_case),
    "give_back": Deed(oversight.give_back_case, Reasoned),
    "urge": Deed(oversight.urge_case),
    "supervise": Deed(oversight.supervise_case, Reasoned),
    "instruct": Deed(oversight.instruct_case, Reasoned),
    "comment": Deed(oversight.comment_case, Told),
    "attach": Deed(oversight.attach_to_case, Shown),
    "correct_matter": Deed(desk.correct_matter, of_incident.CorrectMatter),
    "correct_place": Deed(desk.correct_place, of_incident.CorrectPlace),
    "add_information": Deed(reporting.add_information, Told),
    "withdraw": Deed(reporting.withdraw_case),
    "whistle": Deed(whistling.whistle_case, of_incident.Whistle),
    "answer_whistle": Deed(whistling.answer_whistle, of_incident.AnswerWhistle),
    "come_to_whistle": Deed(whistling.come_to_whistle, Nothing),
    "report_whistle": Deed(whistling.report_whistle, of_incident.ReportWhistle),
    "end_whistle": Deed(whistling.end_whistle),
}

WISH_DEEDS = {
    "publish": Deed(wishes.publish_wish, of_wish.Publish),
    "decline": Deed(desk.decline_case, Reasoned),
    "edit_wish": Deed(wishes.edit_wish, of_wish.Publish),
    "claim": Deed(wishes.claim_wish, of_wish.Claim),
    "assign_wish": Deed(wishes.assign_wish, of_wish.AssignWish),
    "confirm": Deed(wishes.confirm_claim),
    "refuse_claim": Deed(wishes.refuse_claim, Reasoned),
    "begin": Deed(wishes.begin_wish),
    "deliver": Deed(wishes.deliver_wish, of_wish.Deliver),
    "hand_back": Deed(wishes.hand_back_wish, Reasoned),
    "fail": Deed(wishes.fail_delivery, Reasoned),
    "rate": Deed(wishes.rate_wish, of_wish.RateWish),
    "thank": Deed(wishes.thank_claimer, of_wish.Thank),
    "revoke": Deed(wishes.revoke_wish, Reasoned),
    "void": Deed(desk.void_case, Reasoned),
    "withdraw": Deed(reporting.withdraw_case),
    "to_branch": Deed(wishes.leave_to_branch, Nothing),
    "urge": Deed(oversight.urge_case),
    "comment": Deed(oversight.comment_case, Told),
    "add_information": Deed(reporting.add_information, Told),
}

#: By kind and action.
DEEDS: dict[str, dict[str, Deed]] = {Kind.INCIDENT: INCIDENT_DEEDS, Kind.WISH: WISH_DEEDS}
