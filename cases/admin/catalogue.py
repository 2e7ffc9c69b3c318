"""Classes, matters, standards, kinds of owner, and who is responsible where."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextareaWidget,
)

from cases.actions.catalogue import (
    STANDARD_FACTS,
    add_standard,
    end_standard,
    restore_matter,
    retire_matter,
    revise_standard,
)
from cases.admin.base import ConfigurationAdmin, acting, for_each
from cases.models import Matter, MatterClass, OwnerRole, Responsibility, Standard
from grids.models import Place
from partymembers.models import Unit
from partymembers.officers import ConfiguredBySystemOfficer


@admin.register(MatterClass)
class MatterClassAdmin(ConfigurationAdmin):
    """Major classes; they stay for ever."""

    list_display = ["name", "section", "code", "shown_matters"]
    list_filter = ["section"]
    search_fields = ["name", "code"]
    may_delete = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[MatterClass]:
        """Classes with the number of their matters."""
        live = Count("matters", filter=Q(matters__retired_at=None))
        return super().get_queryset(request).annotate(live_matters=live)

    @display(description=_("matters"))
    def shown_matters(self, row: MatterClass) -> int:
        """Matters that are not retired."""
        return int(getattr(row, "live_matters", 0))


class StandardsInline(ConfiguredBySystemOfficer, TabularInline):
    """A matter's standards, to read; each opens the page on which it is revised."""

    model = Standard
    fields = readonly_fields = [
        "sequence", "condition", "amount", "timer_type", "urgency", "owner_role", "valid_from", "valid_to",
    ]  # fmt: skip
    ordering = ["sequence", "valid_from"]
    show_change_link = True
    extra = 0
    max_num = 0
    may_delete = False


@admin.register(Matter)
class MatterAdmin(ConfigurationAdmin):
    """Matters; they are retired, never deleted."""

    list_display = [
        "name",
        "code",
        "matter_class",
        "keywords",
        "direct_dispatch",
        "needs_photo",
        "retired_at",
    ]
    list_filter = [
        ("retired_at", admin.EmptyFieldListFilter),
        "direct_dispatch",
        "is_fallback",
        "matter_class",
    ]
    list_select_related = ["matter_class"]
    search_fields = ["name", "keywords", "code", "matter_class__name"]
    fields = [
        "matter_class", "code", "name", "keywords",
        "direct_dispatch", "needs_photo", "is_fallback", "retired_at",
    ]  # fmt: skip
    readonly_fields = ["retired_at"]
    inlines = [StandardsInline]
    actions = ["retire_chosen", "restore_chosen"]
    may_delete = False

    @admin.action(description=_("Retire the chosen matters"), permissions=["change"])
    def retire_chosen(self, request: HttpRequest, queryset: QuerySet[Matter]) -> None:
        """Offer them to no reporter any more."""
        for_each(
            request,
            queryset,
            lambda row: retire_matter(matter_id=row.pk, **acting(request)),
            lambda count: ngettext("%d matter is retired.", "%d matters are retired.", count) % count,
        )

    @admin.action(description=_("Offer the chosen matters again"), permissions=["change"])
    def restore_chosen(self, request: HttpRequest, queryset: QuerySet[Matter]) -> None:
        """Take their retirement back."""
        for_each(
            request,
            queryset,
            lambda row: restore_matter(matter_id=row.pk, **acting(request)),
            lambda count: (
                ngettext("%d matter is offered again.", "%d matters are offered again.", count) % count
            ),
        )


class StandardForm(forms.ModelForm):
    """What a version says, and from when; what it follows stays as it is."""

    amount = forms.DecimalField(
        label=_("time limit"),
        min_value=Decimal("0.01"),
        max_digits=7,
        decimal_places=2,
        widget=UnfoldAdminDecimalFieldWidget(),
    )
    begins = forms.SplitDateTimeField(
        label=_("new version from"),
        required=False,
        widget=UnfoldAdminSplitDateTimeWidget(),
        help_text=_("Empty: at once. Orders keep the version that they were born under."),
    )

    class Meta:
        model = Standard
        fields = ["matter", *STANDARD_FACTS]
        widgets = {
            "condition": UnfoldAdminTextareaWidget(attrs={"rows": 3}),
            "close_condition": UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        }


class InForceFilter(admin.SimpleListFilter):
    """Versions in force (the usual list), or those that have ended too."""

    title = _("in force")
    parameter_name = "ended"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """One choice beside "in force"."""
        return [("1", _("Ended too"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Hide ended versions unless they are asked for."""
        if self.value() == "1":
            return queryset
        return queryset.filter(Q(valid_to=None) | Q(valid_to__gt=timezone.now()))


@admin.register(Standard)
class StandardAdmin(ConfigurationAdmin):
    """Standards; saving one ends it and begins its next version."""

    form = StandardForm
    list_display = [
        "shown_condition", "matter", "amount", "timer_type",
        "urgency", "owner_role", "valid_from", "valid_to",
    ]  # fmt: skip
    list_filter = [InForceFilter, "urgency", "timer_type", "matter__matter_class"]
    list_select_related = ["matter", "owner_role"]
    search_fields = ["condition", "matter__name", "owners"]
    fields = ["matter", *STANDARD_FACTS, "begins"]
    autocomplete_fields = ["matter", "owner_role"]
    actions = ["end_chosen"]
    may_delete = False

    @display(description=_("condition to register"))
    def shown_condition(self, row: Standard) -> str:
        """The condition, cut to a line."""
        text = str(row)
        return text if len(text) <= 40 else f"{text[:39]}…"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A version that has an end is history."""
        return super().has_change_permission(request, obj) and (obj is None or obj.valid_to is None)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """What may be typed; of history only what there is to see."""
        fields = ["matter", *STANDARD_FACTS]
        if not self.has_change_permission(request, obj):
            return ["sequence", *fields, "valid_from", "valid_to"]
        return [*fields, "begins"] if obj is None else ["sequence", *fields, "valid_from", "begins"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """A version stays with its matter."""
        return [] if obj is None else ["sequence", "matter", "valid_from"]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Begin a standard, or end this version and begin the next."""
        begins = form.cleaned_data.get("begins")
        if not change:
            obj.valid_from = begins
            add_standard(obj, **acting(request))
            return
        facts = {name: getattr(obj, name) for name in STANDARD_FACTS}
        new = revise_standard(standard_id=obj.pk, valid_from=begins, **facts, **acting(request))
        obj.pk = new.pk

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """ "Save and continue" opens the version that holds now."""
        response = super().response_change(request, obj)
        if "_continue" in request.POST:
            return redirect(reverse("admin:cases_standard_change", args=[obj.pk]))
        return response

    @admin.action(description=_("End the chosen standards"), permissions=["change"])
    def end_chosen(self, request: HttpRequest, queryset: QuerySet[Standard]) -> None:
        """End them without a next version."""
        for_each(
            request,
            queryset,
            lambda row: end_standard(standard_id=row.pk, **acting(request)),
            lambda count: ngettext("%d standard has ended.", "%d standards have ended.", count) % count,
        )


class ResponsibilityForm(forms.ModelForm):
    """Exactly one of matter, kind of owner and major class."""

    class Meta:
        model = Responsibility
        fields = ["matter", "owner_role", "matter_class", "place", "unit"]

    def clean(self) -> dict[str, Any] | None:
        """Say it in words before the table's own rule does."""
        cleaned = super().clean() or {}
        subjects = [cleaned.get(name) for name in ("matter", "owner_role", "matter_class")]
        if sum(subject is not None for subject in subjects) != 1 and not self.errors:
            raise ValidationError(_("Choose one matter, or one kind of owner, or one major class."))
        return cleaned


def searched(site: admin.AdminSite, *fields: str) -> list[str]:
    """Places and units are searched for where the site lists them: there are too many to choose from."""
    found = [name for name, model in (("place", Place), ("unit", Unit)) if site.is_registered(model)]
    return [*fields, *found]


@admin.register(Responsibility)
class ResponsibilityAdmin(ConfigurationAdmin):
    """Which unit answers for what, in which place and below."""

    form = ResponsibilityForm
    list_display = ["__str__", "shown_kind", "place", "unit"]
    list_select_related = ["matter", "matter_class", "owner_role", "place", "unit"]
    list_filter = [
        ("matter", admin.EmptyFieldListFilter),
        ("owner_role", admin.EmptyFieldListFilter),
        ("matter_class", admin.EmptyFieldListFilter),
        ("unit", admin.RelatedOnlyFieldListFilter),
    ]
    search_fields = ["matter__name", "owner_role__name", "matter_class__name", "place__name", "unit__name"]

    def get_autocomplete_fields(self, request: HttpRequest) -> list[str]:
        """Everything that a city has many of."""
        return searched(self.admin_site, "matter", "owner_role", "matter_class")

    @display(description=_("rule for"))
    def shown_kind(self, row: Responsibility) -> str:
        """What kind of rule it is, from the most specific."""
        if row.matter_id is not None:
            return str(Matter._meta.verbose_name)
        return str((OwnerRole if row.owner_role_id is not None else MatterClass)._meta.verbose_name)


class OwnedInline(ConfiguredBySystemOfficer, TabularInline):
    """The units that are this kind of owner, by place."""

    model = Responsibility
    fields = ["place", "unit"]
    extra = 0

    def get_autocomplete_fields(self, request: HttpRequest) -> list[str]:
        """Places and units."""
        return searched(self.admin_site)


@admin.register(OwnerRole)
class OwnerRoleAdmin(ConfigurationAdmin):
    """Kinds of owner that standards name, mapped to units per place."""

    list_display = ["name", "shown_standards", "shown_places"]
    search_fields = ["name"]
    inlines = [OwnedInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[OwnerRole]:
        """Kinds with how much hangs on each."""
        return (
            super()
            .get_queryset(request)
            .annotate(
                live_standards=Count("standards", filter=Q(standards__valid_to=None), distinct=True),
                mapped_places=Count("responsibilities", distinct=True),
            )
        )

    @display(description=_("standards"))
    def shown_standards(self, row: OwnerRole) -> int:
        """Standards in force that name it."""
        return int(getattr(row, "live_standards", 0))

    @display(description=_("places mapped"))
    def shown_places(self, row: OwnerRole) -> int:
        """Places for which a unit is named."""
        return int(getattr(row, "mapped_places", 0))
