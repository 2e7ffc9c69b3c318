"""The territory in the admin: read the tree, correct names and counts, retire, issue QR codes.

Places come in by the import commands; whatever is written here goes through `grids.actions`. This room
knows no people, so nothing is registered here: `governance.admin` does that, and says who may.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.contrib import admin, messages
from django.db.models import Model, Prefetch, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import display

from governance.common.errors import DomainError
from grids import actions
from grids.drawing import outline
from grids.levels import ORDER_LEVELS
from grids.models import Building, Compound, Place, PlaceChange, QrCode

Row = TypeVar("Row", bound=Model)


class NeverAdded:
    """Stands before the class that says who may: nothing is added or deleted, what is closed is only read."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may, unless the row is closed."""
        may = super().has_change_permission(request, obj)  # type: ignore[misc]
        return bool(may) and not (obj is not None and self.is_closed(obj))  # type: ignore[attr-defined]


class PlacesPage(ModelAdmin):
    """What the pages below share."""

    show_full_result_count = False
    list_per_page = 100

    def is_closed(self, obj: Any) -> bool:
        """Whether this row is only read."""
        return False

    def for_each(
        self, request: HttpRequest, rows: QuerySet[Row], act: Callable[[Row], object], done: str
    ) -> None:
        """Do `act` to each row by itself; a refusal becomes a message. `done` names it in the audit trail."""
        count = 0
        for row in rows:
            try:
                act(row)
            except DomainError as refusal:
                self.message_user(request, f"{row}: {refusal.message}", messages.ERROR)
            else:
                self.note_done(request, done, row)
                count += 1
        if count:
            self.message_user(request, ngettext("Done: %d", "Done: %d", count) % count, messages.SUCCESS)

    def note_done(self, request: HttpRequest, done: str, row: Any) -> None:
        """For those above, who keep the audit trail."""


class InForceFilter(admin.SimpleListFilter):
    """Places of today, unless one asks for those that ended."""

    title = _("In force")
    parameter_name = "retired"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Two beside the default."""
        return [("yes", _("Retired")), ("all", _("All"))]

    def choices(self, changelist: Any) -> Any:
        """The default is called by what it shows."""
        first, *rest = super().choices(changelist)
        return [{**first, "display": _("In force")}, *rest]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The chosen ones."""
        if self.value() == "all":
            return queryset
        return queryset.filter(retired_on__isnull=self.value() != "yes")


class PlaceAdmin(PlacesPage):
    """The tree, in code order."""

    list_display = ("tree_name", "code", "level", "kind", "places_below", "is_drawn", "retired_on")
    list_filter = (InForceFilter, "level", "kind", "is_schematic")
    search_fields = ("code__startswith", "name")
    search_help_text = _("Beginning of a code, or part of a name")
    ordering = ("path",)
    sortable_by = ()
    actions = ("retire", "issue_qr_codes")
    fields = ("code", "name", "level", "kind", "lies_in", "since", "retired_on", "position", "drawing")
    readonly_fields = ("code", "level", "lies_in", "since", "retired_on", "position", "drawing")

    def is_closed(self, obj: Place) -> bool:
        """A retired place is only read."""
        return obj.retired_on is not None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Place]:
        """Without the boundaries, which one place alone needs."""
        places: QuerySet[Place] = super().get_queryset(request)
        return places.defer("boundary")

    @admin.display(description=_("name"))
    def tree_name(self, place: Place) -> SafeString:
        """The name, further in the deeper it lies."""
        return format_html("{}{}", "\u3000" * (place.depth - 1), place.name)

    @admin.display(description=_("places below"))
    def places_below(self, place: Place) -> int:
        """How many places lie right below it, retired ones too."""
        return place.numchild

    @display(description=_("boundary"), label={"drawn": "success", "missing": "warning"})
    def is_drawn(self, place: Place) -> tuple[str, str] | None:
        """Whether it has a boundary; buildings have none."""
        if place.level not in ORDER_LEVELS:
            return None
        return ("missing", str(_("not drawn"))) if place.west is None else ("drawn", str(_("drawn")))

    @admin.display(description=_("lies in"))
    def lies_in(self, place: Place) -> str:
        """The places above, from the top down."""
        return " › ".join(above.name for above in Place.objects.above(place).only("name", "path")) or "—"

    @admin.display(description=_("position"))
    def position(self, place: Place) -> str:
        """Longitude and latitude of its middle."""
        return "—" if place.lng is None or place.lat is None else f"{place.lng:.5f}, {place.lat:.5f}"

    @admin.display(description=_("boundary"))
    def drawing(self, place: Place) -> SafeString | str:
        """Its outline, labelled when schematic."""
        if not place.boundary:
            return "—"
        if place.is_schematic:
            label = str(_("Schematic boundary"))
            return format_html("{}<br>{}", outline(place.boundary, label=label), label)
        return outline(place.boundary, label=str(_("Boundary")))

    def save_model(self, request: HttpRequest, obj: Place, form: ModelForm[Any], change: bool) -> None:
        """Correct name and kind."""
        actions.rename_place(place=obj, name=obj.name, kind=obj.kind)

    @admin.action(description=_("Retire…"), permissions=["change"])
    def retire(self, request: HttpRequest, queryset: QuerySet[Place]) -> HttpResponse | None:
        """Ask first, then end the places, the deepest first."""
        if "confirmed" not in request.POST:
            context = {
                **self.admin_site.each_context(request),
                "title": _("Retire places"),
                "places": queryset,
                "opts": self.model._meta,
            }
            return TemplateResponse(request, "admin/grids/place/retire.html", context)
        at, deepest_first = timezone.now(), queryset.order_by("-depth", "path")
        self.for_each(
            request, deepest_first, lambda place: actions.retire_place(place=place, at=at), "place_retired"
        )
        return None

    @admin.action(description=_("Issue a QR code each"), permissions=["change"])
    def issue_qr_codes(self, request: HttpRequest, queryset: QuerySet[Place]) -> None:
        """A new code for every chosen place."""
        at = timezone.now()
        self.for_each(
            request, queryset, lambda place: actions.issue_qr_code(place=place, at=at), "qr_code_issued"
        )


class BuildingAdmin(PlacesPage):
    """What is counted about buildings."""

    list_display = ("named", "code", "compound", "entrances", "floors", "households", "residents")
    list_select_related = ("place", "compound")
    search_fields = ("place__code__startswith", "place__name", "compound__name")
    ordering = ("place__path",)
    fields = ("named", "compound", "entrances", "floors", "households", "residents")
    readonly_fields = ("named",)
    autocomplete_fields = ("compound",)

    def is_closed(self, obj: Building) -> bool:
        """A retired building is only read."""
        return obj.place.retired_on is not None

    @admin.display(description=_("name"), ordering="place__name")
    def named(self, building: Building) -> str:
        """As the place is called."""
        return building.place.name

    @admin.display(description=_("division code"), ordering="place__path")
    def code(self, building: Building) -> str:
        """Its place's code."""
        return building.place.code

    def save_model(self, request: HttpRequest, obj: Building, form: ModelForm[Any], change: bool) -> None:
        """Correct compound and counts."""
        counts = {name: getattr(obj, name) for name in ("entrances", "floors", "households", "residents")}
        actions.update_building(building=obj, compound=obj.compound, **counts)


class CompoundAdmin(PlacesPage):
    """Residential compounds."""

    list_display = ("name", "community", "address")
    list_select_related = ("community",)
    search_fields = ("name", "community__name", "community__code__startswith")
    ordering = ("community__path", "name")
    readonly_fields = ("community",)

    def is_closed(self, obj: Compound) -> bool:
        """A compound of a retired community is only read."""
        return obj.community.retired_on is not None

    def save_model(self, request: HttpRequest, obj: Compound, form: ModelForm[Any], change: bool) -> None:
        """Correct name, address and position."""
        actions.update_compound(compound=obj, name=obj.name, address=obj.address, lng=obj.lng, lat=obj.lat)


class PlaceChangeAdmin(PlacesPage):
    """What became of places."""

    list_display = ("effective_at", "kind", "who", "whom", "note")
    list_filter = ("kind",)
    search_fields = ("predecessors__code__startswith", "successors__code__startswith", "predecessors__name")
    fields = ("kind", "effective_at", "who", "whom", "note", "recorded_at")
    readonly_fields = fields
    ordering = ("-effective_at", "-pk")

    def is_closed(self, obj: PlaceChange) -> bool:
        """What happened is only read."""
        return True

    def get_queryset(self, request: HttpRequest) -> QuerySet[PlaceChange]:
        """With the names on both sides."""
        names = Place.objects.only("pk", "name", "path")
        changes: QuerySet[PlaceChange] = super().get_queryset(request)
        return changes.prefetch_related(Prefetch("predecessors", names), Prefetch("successors", names))

    @admin.display(description=pgettext_lazy("territory", "from"))
    def who(self, change: PlaceChange) -> str:
        """The places that ended."""
        return _names(change.predecessors.all())

    @admin.display(description=pgettext_lazy("territory", "to"))
    def whom(self, change: PlaceChange) -> str:
        """The places that began."""
        return _names(change.successors.all())


def _names(places: Iterable[Place]) -> str:
    """The first names of a long list and how many more there are."""
    names = [place.name for place in places]
    more = f" … +{len(names) - 10}" if len(names) > 10 else ""
    return "、".join(names[:10]) + more


class QrCodeAdmin(PlacesPage):
    """QR codes on walls; the token itself is only on the print."""

    list_display = ("place", "label", "issued_at", "revoked_at")
    list_select_related = ("place",)
    search_fields = ("place__code__startswith", "place__name", "label")
    fields = ("place", "label", "issued_at", "revoked_at")
    ordering = ("-issued_at", "-pk")
    actions = ("revoke",)

    def is_closed(self, obj: QrCode) -> bool:
        """A code is revoked, never edited."""
        return True

    @admin.action(description=_("Revoke"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[QrCode]) -> None:
        """End the chosen codes."""
        at = timezone.now()
        self.for_each(
            request, queryset, lambda code: actions.revoke_qr_code(qr_code=code, at=at), "qr_code_revoked"
        )
