"""Forms after the handling: check, rate, follow up, reopen."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cases.actions import checking
from cases.models import Satisfaction

from .base import NOTE, ActionForm, ReasonForm


class PassForm(ActionForm):
    """It holds."""

    photos = True
    photos_label = _("How it looks now")
    write = staticmethod(checking.pass_check)


class FailForm(ReasonForm):
    """It does not."""

    note = forms.CharField(label=_("What is still missing"), widget=forms.Textarea(attrs=NOTE))
    photos = True
    photos_label = _("How it looks now")
    write = staticmethod(checking.fail_check)


_YES_NO = [("yes", _("Yes")), ("no", _("No"))]


class AnswerForm(ActionForm):
    """Three facts and a word."""

    contacted = forms.ChoiceField(
        label=_("Did somebody contact you"), choices=_YES_NO, required=False, widget=forms.RadioSelect
    )
    solved = forms.ChoiceField(label=_("Is it solved"), choices=_YES_NO, widget=forms.RadioSelect)
    satisfaction = forms.ChoiceField(
        label=_("How satisfied are you"), choices=Satisfaction.choices, widget=forms.RadioSelect
    )
    note = forms.CharField(label=_("A word more"), required=False, widget=forms.Textarea(attrs=NOTE))
    field_order = ("contacted", "solved", "satisfaction", "note")

    def values(self) -> dict[str, Any]:
        """The answer."""
        data = self.cleaned_data
        said = {"yes": True, "no": False}
        return {
            "answer": checking.Answer(
                contacted=said.get(data["contacted"]),
                solved=said.get(data["solved"]),
                satisfaction=data["satisfaction"],
                comment=data["note"],
            )
        }


class RateForm(AnswerForm):
    """By the reporter."""

    write = staticmethod(checking.rate_case)


class FollowUpForm(AnswerForm):
    """By the desk, after asking the reporter."""

    contacted = forms.ChoiceField(
        label=_("Was the reporter contacted"), choices=_YES_NO, required=False, widget=forms.RadioSelect
    )
    satisfaction = forms.ChoiceField(
        label=_("How satisfied is the reporter"), choices=Satisfaction.choices, widget=forms.RadioSelect
    )
    write = staticmethod(checking.follow_up_case)


class ReopenForm(ReasonForm):
    """It did not hold."""

    warning = _("The order goes back to its handler; until it is closed again it counts as not closed.")
    write = staticmethod(checking.reopen_case)
