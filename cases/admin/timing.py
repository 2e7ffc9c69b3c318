"""Limits of the stages, the escalation ladder, the work calendar and the working hours."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import action
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from cases.actions.catalogue import import_calendar_year
from cases.admin.base import ConfigurationAdmin, acting
from cases.calendars import LIBRARY, is_published, publication_warnings
from cases.models import CalendarDay, LadderRung, StagePolicy, WorkHours
from cases.workflow import Kind
from governance.common.errors import DomainError


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


class YearForm(forms.Form):
    """Which year to take from the library."""

    year = forms.IntegerField(
        label=gettext_lazy("Year"), min_value=2001, max_value=2100, widget=UnfoldAdminIntegerFieldWidget()
    )


@admin.register(CalendarDay)
class CalendarDayAdmin(ConfigurationAdmin):
    """Days that differ from their weekday; a day that somebody typed is never overwritten by an import."""

    list_display = ["date", "name", "is_workday", "source"]
    list_filter = ["is_workday", "source"]
    date_hierarchy = "date"
    fields = ["date", "is_workday", "name"]
    search_fields = ["name"]
    actions_list = ["import_year"]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list, with a warning above it for each year that is not published."""
        if request.method == "GET":
            for warning in publication_warnings(timezone.now()):
                messages.warning(request, warning)
        return super().changelist_view(request, extra_context)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """A day of the library that somebody corrected is theirs from then on."""
        if obj.source == LIBRARY:
            obj.source = ""
        super().save_model(request, obj, form, change)

    @action(description=gettext_lazy("Import a year"), url_path="import-year", permissions=["add"])
    def import_year(self, request: HttpRequest) -> HttpResponse:
        """Take a year's holidays and make-up workdays from the library."""
        form = YearForm(request.POST or None, initial={"year": timezone.localdate().year + 1})
        if request.method == "POST" and form.is_valid():
            try:
                self._import(request, form.cleaned_data["year"])
                return redirect(reverse("admin:cases_calendarday_changelist"))
            except DomainError as refusal:
                form.add_error("year", str(refusal.message))
        context = {
            **self.admin_site.each_context(request),
            "form": form,
            "opts": self.model._meta,
            "title": _("Import a year"),
        }
        return render(request, "admin/cases/import_year.html", context)

    def _import(self, request: HttpRequest, year: int) -> None:
        count = import_calendar_year(year=year, **acting(request))
        told = ngettext("%(year)s: %(count)d day written.", "%(year)s: %(count)d days written.", count)
        messages.success(request, told % {"year": year, "count": count})
        if not is_published(year):
            messages.warning(
                request, _("%(year)s is not published yet: make-up workdays are missing.") % {"year": year}
            )


@admin.register(WorkHours)
class WorkHoursAdmin(ConfigurationAdmin):
    """The stretches of a workday."""

    list_display = ["starts", "ends"]
