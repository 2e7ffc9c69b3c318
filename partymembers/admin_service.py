"""The officers' pages of the volunteers' side: earning rules, skills, stations and their items, teams.

The ledger is not here: only actions move points, and PostgreSQL refuses to change what was written.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from partymembers.models import EarningRule, Skill, Station, StationItem, Team
from partymembers.officers import ConfiguredBySystemOfficer


@admin.register(EarningRule)
class EarningRuleAdmin(ConfiguredBySystemOfficer, ModelAdmin):
    """What earns how many points; a rule is switched off, not deleted, since awards name it."""

    list_display = ["name", "code", "points", "per", "cap_per_day", "is_active"]
    may_delete = False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Code that awards by a rule knows its code."""
        return ["code"] if obj else []


@admin.register(Skill)
class SkillAdmin(ConfiguredBySystemOfficer, ModelAdmin):
    """The one list of skills, of volunteers and of wishes; switched off, not deleted."""

    list_display = ["name", "code", "icon", "is_active"]
    search_fields = ["name", "code"]
    may_delete = False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Addresses and translations of data name the code."""
        return ["code"] if obj else []


class StationItemInline(ConfiguredBySystemOfficer, TabularInline):
    """What is on the shelf and what it costs; the stock is changed at the station, where it is counted."""

    model = StationItem
    fields = ["name", "points", "is_offered", "stock"]
    readonly_fields = ["stock"]
    extra = 0
    may_delete = False


@admin.register(Station)
class StationAdmin(ConfiguredBySystemOfficer, ModelAdmin):
    """Stations with their items; one is closed for good by a date, its history stays."""

    list_display = ["name", "place", "address", "closed_on"]
    search_fields = ["name", "place__name"]
    list_select_related = ["place"]
    autocomplete_fields = ["place"]
    inlines = [StationItemInline]
    may_delete = False


@admin.register(Team)
class TeamAdmin(ConfiguredBySystemOfficer, ModelAdmin):
    """Teams as desks and committees founded them: name and purpose may be corrected here."""

    list_display = ["name", "place", "leader", "founded_on", "dissolved_on"]
    search_fields = ["name", "place__name"]
    list_select_related = ["place", "leader"]
    fields = ["name", "purpose", "place", "leader", "founded_on", "dissolved_on"]
    readonly_fields = ["place", "leader", "founded_on", "dissolved_on"]
    may_delete = False

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        """Desk and committee found teams."""
        return False
