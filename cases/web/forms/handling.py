"""The handler's forms."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.actions import handling
from cases.choices import handling_timer, spans_of
from cases.deadlines import TimerType, limit_of
from partymembers.access import users_in
from partymembers.models import User

from .base import NOTE, ActionForm, ReasonForm


class AcknowledgeForm(ActionForm):
    """The unit takes it."""

    write = staticmethod(handling.acknowledge_case)


class AssignForm(ActionForm):
    """To a colleague."""

    handler = forms.ModelChoiceField(label=_("Colleague"), queryset=User.objects.none())
    write = staticmethod(handling.assign_case)
    field_order = ("handler", "note")

    def fill(self) -> None:
        """People of the lead unit."""
        people = users_in(self.case.unit_id or 0, on=timezone.localdate(self.at))
        self.fields["handler"].queryset = people  # type: ignore[attr-defined]

    def values(self) -> dict[str, Any]:
        """With the colleague."""
        return super().values() | {"handler": self.cleaned_data["handler"]}


class ReturnForm(ReasonForm):
    """Not ours."""

    write = staticmethod(handling.return_case)


class FinishForm(ReasonForm):
    """What was done."""

    note = forms.CharField(label=_("Result"), widget=forms.Textarea(attrs=NOTE))
    photos = True
    photos_label = _("Photos of the result")
    write = staticmethod(handling.finish_case)


class PartDoneForm(ActionForm):
    """An assisting unit is done."""

    photos = True
    write = staticmethod(handling.report_part_done)


class AskExtensionForm(ReasonForm):
    """More time, in the clock's own time."""

    amount = forms.DecimalField(
        label=_("How much more"), min_value=Decimal("0.5"), max_value=Decimal(480), decimal_places=1
    )
    unit_of_time = forms.ChoiceField(label=_("In"), choices=[])
    write = staticmethod(handling.ask_extension)
    field_order = ("amount", "unit_of_time", "note")

    def fill(self) -> None:
        """Hours or days of the handling clock."""
        timer = handling_timer(self.case)
        hour, day = spans_of(timer)
        names = (
            [(hour, _("working hours")), (day, _("working days"))]
            if timer.is_working_time
            else [(hour, _("hours")), (day, _("days"))]
        )
        self.fields["unit_of_time"].choices = names  # type: ignore[attr-defined]
        self.fields["unit_of_time"].initial = day

    def values(self) -> dict[str, Any]:
        """With the span."""
        data = self.cleaned_data
        return super().values() | {"extra": limit_of(data["amount"], TimerType(data["unit_of_time"]))}


class AskSuspensionForm(ReasonForm):
    """The clock is to stand."""

    write = staticmethod(handling.ask_suspension)
