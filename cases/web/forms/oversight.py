"""Forms of watching over, and of the reporter."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from cases.actions import oversight, reporting

from .base import NOTE, ActionForm, ReasonForm


class EscalateForm(ReasonForm):
    """To the desk above."""

    write = staticmethod(oversight.escalate_case)


class TakeOverForm(ActionForm):
    """To my desk."""

    write = staticmethod(oversight.take_over_case)


class GiveBackForm(ReasonForm):
    """Down again."""

    write = staticmethod(oversight.give_back_case)


class UrgeForm(ActionForm):
    """Hurry."""

    write = staticmethod(oversight.urge_case)


class SuperviseForm(ReasonForm):
    """Watched until it ends."""

    write = staticmethod(oversight.supervise_case)


class InstructForm(ReasonForm):
    """批示."""

    note = forms.CharField(label=_("Instruction"), widget=forms.Textarea(attrs=NOTE))
    write = staticmethod(oversight.instruct_case)


class CommentForm(ReasonForm):
    """For everybody who works on it."""

    note = forms.CharField(label=_("Comment"), widget=forms.Textarea(attrs=NOTE))
    photos = True
    write = staticmethod(oversight.comment_case)


class AttachForm(ActionForm):
    """Pictures."""

    photos = True
    write = staticmethod(oversight.attach_to_case)


class AddInformationForm(ReasonForm):
    """What the reporter knows."""

    note = forms.CharField(label=_("What you know"), widget=forms.Textarea(attrs=NOTE))
    photos = True
    write = staticmethod(reporting.add_information)


class WithdrawForm(ActionForm):
    """Taken back."""

    warning = _("The order ends here.")
    write = staticmethod(reporting.withdraw_case)
