"""Forms of the whistle: whom the desk calls, and what the called say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.actions import whistling
from cases.web.forms.candidates import Candidate, candidates
from partymembers.models import Branch, Unit, User

from .base import NOTE, ActionForm, ReasonForm

LOCAL = "%Y-%m-%dT%H:%M"
#: By when somebody is needed, unless the desk says otherwise.
_SOON = timedelta(hours=2)


class Picked(forms.MultipleHiddenInput):
    """Chosen in the search beside the form, which prints the boxes itself."""

    def render(self, *_args: Any, **_kwargs: Any) -> Any:
        """Nothing: a hidden value would stay when its box is unticked."""
        return ""


def _picked(rows: Any) -> forms.ModelMultipleChoiceField:
    return forms.ModelMultipleChoiceField(
        label=_("Who is called"), queryset=rows, required=False, widget=Picked
    )


class WhistleForm(ActionForm):
    """Who is called, to what, where and by when."""

    need = forms.CharField(
        label=_("What is needed"), max_length=500, widget=forms.Textarea(attrs={"rows": 2, "maxlength": 500})
    )
    meeting_point = forms.CharField(label=_("Where to come"), max_length=200, required=False)
    needed_by = forms.DateTimeField(
        label=_("Needed by"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL)
    )
    units = _picked(Unit.objects.filter(disabled_at=None))
    branches = _picked(Branch.objects.filter(dissolved_on=None))
    members = _picked(User.objects.filter(member__left_on=None, member__isnull=False))
    #: Printed above the fields: the search, with what is chosen ticked.
    picker = "cases/_whistle_pick.html"
    field_order = ("need", "meeting_point", "needed_by")
    write = staticmethod(whistling.whistle_case)

    def fill(self) -> None:
        """No remark of its own; the order's address as the place to come to."""
        del self.fields["note"]
        self.fields["meeting_point"].initial = self.case.address
        self.fields["needed_by"].initial = timezone.localtime(self.at + _SOON)
        for name in ("units", "branches", "members"):
            field = cast(forms.ModelMultipleChoiceField, self.fields[name])
            field.error_messages["invalid_choice"] = _("Somebody chosen can no longer be called.")

    def clean(self) -> dict[str, Any]:
        """That nobody is chosen is told together with what else is missing."""
        if not any(self._chosen().values()):
            self.add_error("units", _("Choose who is called."))
        return dict(super().clean() or self.cleaned_data)

    @property
    def candidates(self) -> list[Candidate]:
        """Whom the search offers at first, and who was ticked when the form came back."""
        return candidates(self.case, "", self._chosen())

    def _chosen(self) -> dict[str, list[str]]:
        names = ("units", "branches", "members")
        return {name: self.data.getlist(name) if self.is_bound else [] for name in names}  # type: ignore[attr-defined]

    def values(self) -> dict[str, Any]:
        """Everything; the action checks who can be called."""
        return dict(self.cleaned_data)


class AnswerWhistleForm(ActionForm):
    """Coming, or not and why."""

    coming = forms.ChoiceField(
        label=_("Your answer"),
        choices=[("yes", _("Coming")), ("no", _("Cannot come"))],
        widget=forms.RadioSelect,
    )
    note = forms.CharField(
        label=_("Remark"),
        required=False,
        max_length=500,
        help_text=_("If you cannot come, please say why."),
        widget=forms.Textarea(attrs=NOTE | {"maxlength": 500}),
    )
    field_order = ("coming", "note")
    write = staticmethod(whistling.answer_whistle)

    def values(self) -> dict[str, Any]:
        """With the answer."""
        return super().values() | {"is_coming": self.cleaned_data["coming"] == "yes"}


class ComeForm(ActionForm):
    """There now."""

    warning = _("The desk is told that you are there now.")
    write = staticmethod(whistling.come_to_whistle)

    def fill(self) -> None:
        """Nothing to say."""
        del self.fields["note"]

    def values(self) -> dict[str, Any]:
        """Nothing beside."""
        return {}


class ReportWhistleForm(ReasonForm):
    """What was done there, and for how long."""

    note = forms.CharField(
        label=_("What was done"), max_length=1000, widget=forms.Textarea(attrs=NOTE | {"maxlength": 1000})
    )
    minutes = forms.IntegerField(
        label=_("Minutes served"), min_value=0, max_value=whistling.MOST_MINUTES, required=False
    )
    photos = True
    field_order = ("note", "minutes")
    write = staticmethod(whistling.report_whistle)

    def values(self) -> dict[str, Any]:
        """With the minutes."""
        return super().values() | {"minutes": self.cleaned_data["minutes"] or 0}


class EndWhistleForm(ActionForm):
    """No longer needed."""

    warning = _("Who has not answered no longer has to.")
    write = staticmethod(whistling.end_whistle)
