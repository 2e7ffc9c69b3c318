"""Opens the territory's pages to the officers; `grids` itself knows no people."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_noop

from grids import admin as pages
from grids.models import Building, Compound, Place, PlaceChange, QrCode
from partymembers.audit import address_of, record_access
from partymembers.officers import ConfiguredBySystemOfficer, ShowsRefusals, officer_of

#: What the admin's theme says and has no Chinese for: named here so that our catalogue carries it.
WORDS_OF_THE_THEME = (
    gettext_noop("Type to search"),
    gettext_noop("No results found"),
    gettext_noop("This page yielded into no results. Create a new item or reset your filters."),
    gettext_noop("Reset filters"),
    gettext_noop("Select value"),
    gettext_noop("Select action"),
    gettext_noop("Select all rows"),
    gettext_noop("Select record"),
    gettext_noop("Select action to run"),
    gettext_noop("Go back"),
    gettext_noop("Filters"),
    gettext_noop(" By %(filter_title)s "),
    gettext_noop("Apply Filters"),
    gettext_noop("Select %s"),
    gettext_noop("Select %s to change"),
    gettext_noop("Select %s to view"),
)


class Territory(ShowsRefusals, pages.NeverAdded, ConfiguredBySystemOfficer):
    """The system officer corrects, the others look; each thing done goes into the audit trail."""

    def note_done(self, request: HttpRequest, done: str, row: Any) -> None:
        """Write down what was done to which row."""
        record_access(officer_of(request), done, row, address_of(request), at=timezone.now(), name=str(row))


@admin.register(Place)
class PlaceAdmin(Territory, pages.PlaceAdmin):
    """The tree of places."""


@admin.register(Building)
class BuildingAdmin(Territory, pages.BuildingAdmin):
    """Buildings."""


@admin.register(Compound)
class CompoundAdmin(Territory, pages.CompoundAdmin):
    """Residential compounds."""


@admin.register(PlaceChange)
class PlaceChangeAdmin(Territory, pages.PlaceChangeAdmin):
    """What became of places."""


@admin.register(QrCode)
class QrCodeAdmin(Territory, pages.QrCodeAdmin):
    """QR codes on walls."""
