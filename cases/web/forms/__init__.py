"""One form per action: what a person must bring, checked, then handed to the one action that writes.

Forms are found by the action's name in the workflow table; a door only binds one and calls `run`.
"""

from __future__ import annotations

from .base import ActionForm
from .checking import FailForm, FollowUpForm, PassForm, RateForm, ReopenForm
from .desk import (
    AcceptForm,
    CorrectMatterForm,
    CorrectPlaceForm,
    DeclineForm,
    DispatchForm,
    GrantExtensionForm,
    GrantSuspensionForm,
    MergeForm,
    ReassignForm,
    RefuseForm,
    ResumeForm,
    VoidForm,
)
from .handling import (
    AcknowledgeForm,
    AskExtensionForm,
    AskSuspensionForm,
    AssignForm,
    FinishForm,
    PartDoneForm,
    ReturnForm,
)
from .oversight import (
    AddInformationForm,
    AttachForm,
    CommentForm,
    EscalateForm,
    GiveBackForm,
    InstructForm,
    SuperviseForm,
    TakeOverForm,
    UrgeForm,
    WithdrawForm,
)
from .whistling import AnswerWhistleForm, ComeForm, EndWhistleForm, ReportWhistleForm, WhistleForm

#: The form of each action of the workflow table.
ACTION_FORMS: dict[str, type[ActionForm]] = {
    "accept": AcceptForm,
    "decline": DeclineForm,
    "merge": MergeForm,
    "dispatch": DispatchForm,
    "void": VoidForm,
    "acknowledge": AcknowledgeForm,
    "assign": AssignForm,
    "return": ReturnForm,
    "reassign": ReassignForm,
    "finish": FinishForm,
    "part_done": PartDoneForm,
    "ask_extension": AskExtensionForm,
    "ask_suspension": AskSuspensionForm,
    "grant_extension": GrantExtensionForm,
    "refuse_extension": RefuseForm,
    "grant_suspension": GrantSuspensionForm,
    "refuse_suspension": RefuseForm,
    "resume": ResumeForm,
    "check_pass": PassForm,
    "check_fail": FailForm,
    "rate": RateForm,
    "follow_up": FollowUpForm,
    "reopen": ReopenForm,
    "escalate": EscalateForm,
    "take_over": TakeOverForm,
    "give_back": GiveBackForm,
    "urge": UrgeForm,
    "supervise": SuperviseForm,
    "instruct": InstructForm,
    "comment": CommentForm,
    "attach": AttachForm,
    "correct_matter": CorrectMatterForm,
    "correct_place": CorrectPlaceForm,
    "add_information": AddInformationForm,
    "withdraw": WithdrawForm,
    "whistle": WhistleForm,
    "answer_whistle": AnswerWhistleForm,
    "come_to_whistle": ComeForm,
    "report_whistle": ReportWhistleForm,
    "end_whistle": EndWhistleForm,
}

__all__ = ["ACTION_FORMS", "ActionForm"]
