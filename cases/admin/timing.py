"""Limits of the stages beside handling."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from cases.admin.base import ConfigurationAdmin
from cases.models import StagePolicy


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
