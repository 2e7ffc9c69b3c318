"""What every page of configuration shares: the system officer writes, and only through actions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypedDict

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from cases.actions.catalogue import remove_configuration, save_configuration
from governance.common.errors import DomainError
from partymembers.audit import address_of
from partymembers.models import User
from partymembers.officers import (
    CONSTRAINT_WORDS,
    ConfiguredBySystemOfficer,
    ShowsRefusals,
    officer_of,
)

_MORE_THAN_NOTHING = _("It must be more than 0.")
CONSTRAINT_WORDS.update(
    {
        "standard_limit_is_positive": ("amount", _MORE_THAN_NOTHING),
        "standard_ends_after_it_begins": ("valid_to", _("The end lies before the beginning.")),
        "stage_limit_is_positive": ("minutes", _MORE_THAN_NOTHING),
        "rung_percent_positive": ("percent", _MORE_THAN_NOTHING),
        "work_hours_in_order": ("ends", _("The end must come after the beginning.")),
    }
)


class Acting(TypedDict):
    """Who acts, when, and from where."""

    actor: User
    at: datetime
    ip: str | None


def acting(request: HttpRequest) -> Acting:
    """What every action asks, from the request."""
    return {"actor": officer_of(request), "at": timezone.now(), "ip": address_of(request)}


def for_each(
    request: HttpRequest, rows: Iterable[Any], act: Callable[[Any], object], done: Callable[[int], str]
) -> None:
    """Do something to each chosen row; say to how many, and why not to the others."""
    count = 0
    for row in rows:
        try:
            act(row)
            count += 1
        except DomainError as refusal:
            messages.error(request, f"{row}: {refusal.message}")
    if count:
        messages.success(request, done(count))


class LookedAhead:
    """A form that is checked and shown again instead of being saved."""

    is_sound = False

    def is_valid(self) -> bool:
        """No, so that nothing is saved; `is_sound` says whether it could be."""
        self.is_sound = super().is_valid()  # type: ignore[misc]
        return False


class ConfigurationAdmin(ShowsRefusals, ConfiguredBySystemOfficer, ModelAdmin):
    """A table of the configuration, written by `cases.actions.catalogue`, which checks and audits."""

    list_per_page = 50
    warn_unsaved_form = True

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save by the action."""
        save_configuration(obj, **acting(request))

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Save and remove the rows below by the action."""
        rows = formset.save(commit=False)
        for row in formset.deleted_objects:
            remove_configuration(row, **acting(request))
        for row in rows:
            save_configuration(row, **acting(request))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Remove by the action."""
        remove_configuration(obj, **acting(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Remove each by the action."""
        for row in queryset:
            remove_configuration(row, **acting(request))


class ReadOnlyAdmin(ConfiguredBySystemOfficer, ModelAdmin):
    """A list with actions: nothing is typed here."""

    list_per_page = 50
    may_delete = False
    list_display_links = None

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        """Nobody adds a row."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Everything."""
        return [field.name for field in self.opts.concrete_fields]
