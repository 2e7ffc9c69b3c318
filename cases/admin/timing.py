"""Limits of the stages, and the escalation ladder."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from cases.admin.base import ConfigurationAdmin
from cases.models import LadderRung, StagePolicy
from cases.workflow import Kind


class StagePolicyForm(forms.ModelForm):
    """A limit is more than nothing."""

    minutes = forms.IntegerField(
        label=gettext_lazy("limit, in minutes"),
        min_value=1,
        max_value=60 * 24 * 365,
        widget=UnfoldAdminIntegerFieldWidget(),
    )


@admin.register(StagePolicy)
class StagePolicyAdmin(ConfigurationAdmin):
    """Limits of the stages beside handling; every stage needs one."""

    form = StagePolicyForm
    list_display = ["stage", "urgency", "minutes", "timer_type"]
    list_filter = ["urgency"]
    may_delete = False


class LadderRungForm(forms.ModelForm):
    """The kind of order is chosen from those that there are."""

    kind = forms.ChoiceField(
        label=gettext_lazy("kind of order"),
        choices=[("", gettext_lazy("All")), *Kind.choices],
        required=False,
        widget=UnfoldAdminSelectWidget(),
    )


@admin.register(LadderRung)
class LadderRungAdmin(ConfigurationAdmin):
    """What happens at which share of a clock's limit."""

    form = LadderRungForm

    list_display = [
        "percent",
        "deed",
        "repeat_every",
        "kind",
        "stage",
        "urgency",
        "matter_class",
        "is_active",
    ]
    list_filter = ["is_active", "deed", "urgency", "stage"]
    list_select_related = ["matter_class"]
    autocomplete_fields = ["matter_class"]
