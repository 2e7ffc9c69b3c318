"""The work calendar and the working hours."""

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
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from cases.actions.catalogue import import_calendar_year
from cases.admin.base import ConfigurationAdmin, acting
from cases.calendars import LIBRARY, is_published, publication_warnings
from cases.models import CalendarDay, WorkHours
from cases.recalculation import unfinished_change
from governance.common.errors import DomainError

_PAGE = "admin:cases_calendarday_changelist"


class YearForm(forms.Form):
    """Which year to take from the library."""

    year = forms.IntegerField(
        label=gettext_lazy("Year"), min_value=2001, max_value=2100, widget=UnfoldAdminIntegerFieldWidget()
    )


@admin.register(CalendarDay)
class CalendarDayAdmin(ConfigurationAdmin):
    """Days that differ from their weekday; a day that somebody typed is never overwritten by an import."""

    list_display = ["date", "name", "is_workday", "origin"]
    list_filter = ["is_workday"]
    date_hierarchy = "date"
    fields = ["date", "is_workday", "name"]
    search_fields = ["name"]
    actions_list = ["import_year"]

    @admin.display(description=gettext_lazy("source"), ordering="source")
    def origin(self, row: CalendarDay) -> str:
        """Where the day comes from, in words."""
        return _("Holiday library") if row.source == LIBRARY else row.source or _("By hand")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list; above it each year that is not published, and how far open orders have followed."""
        if request.method != "POST":
            for warning in publication_warnings(timezone.now()):
                messages.warning(request, warning)
            if (told := _progress()) is not None:
                messages.info(request, told)
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
                return redirect(reverse(_PAGE))
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


def _progress() -> str | None:
    """How far the due times of open orders have followed the last change; None when they all have."""
    change = unfinished_change()
    if change is None:
        return None
    if not change.looked_at:
        return _("The due times of open orders follow the calendar: this begins within a minute.")
    return _(
        "The due times of open orders follow the calendar: %(looked_at)d looked at, %(moved)d moved so far."
    ) % {"looked_at": change.looked_at, "moved": change.moved}


@admin.register(WorkHours)
class WorkHoursAdmin(ConfigurationAdmin):
    """The stretches of a workday."""

    list_display = ["starts", "ends"]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list; above it how far open orders have followed a change."""
        if request.method != "POST" and (told := _progress()) is not None:
            messages.info(request, told)
        return super().changelist_view(request, extra_context)
