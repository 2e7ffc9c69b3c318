"""The desk's forms."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from cases.actions import desk
from cases.catalogue import standards_at
from cases.choices import matters_for_correction, places_for_correction, targets_for, units_for
from cases.models import Case, Matter, Standard
from cases.queries import near_duplicates
from cases.workflow import State
from governance.common.formats import distance
from grids.models import Place
from partymembers.access import Access
from partymembers.models import Unit

from .base import ActionForm, ReasonForm


class StandardChoice(forms.ModelChoiceField):
    """Standards by their condition and limit."""

    def label_from_instance(self, obj: Any) -> str:
        """ "Damaged · 4 working hours"."""
        standard = cast(Standard, obj)
        amount = f"{standard.amount.normalize():f}"
        return f"{standard.condition or standard.matter.name} · {amount} {standard.get_timer_type_display()}"


class AcceptForm(ActionForm):
    """The desk picks the standard; its limits apply from now on."""

    standard = StandardChoice(label=_("Standard"), queryset=Standard.objects.none(), required=False)
    write = staticmethod(desk.accept_case)

    def fill(self) -> None:
        """Standards that were in force when the order was reported."""
        choices = standards_at(self.case.matter, self.case.reported_at).select_related("matter")
        field = cast(StandardChoice, self.fields["standard"])
        field.queryset, field.initial = choices, self.case.standard_id

    def values(self) -> dict[str, Any]:
        """With the standard."""
        return super().values() | {"standard": self.cleaned_data["standard"]}


def offered_standards(form: ActionForm) -> list[Standard]:
    """What an accept form offers, which from now on asks the database no second time."""
    field = cast(StandardChoice, form.fields["standard"])
    rows = list(field.queryset or ())
    field.choices = [("", field.empty_label or ""), *((r.pk, field.label_from_instance(r)) for r in rows)]
    return rows


class DeclineForm(ReasonForm):
    """Not taken on."""

    warning = _("The order ends here; the reporter is told your reason.")
    write = staticmethod(desk.decline_case)


class MergeForm(ActionForm):
    """Into another open order: one of the same matter nearby, or any by its number."""

    near = forms.ChoiceField(label=_("Same matter nearby"), required=False, widget=forms.RadioSelect)
    target = forms.CharField(label=_("Merge into order"), max_length=20, required=False)
    warning = _("A merger cannot be taken back; both reporters follow the other order's news.")
    write = staticmethod(desk.merge_case)
    field_order = ("near", "target", "note")
    target_id: int | None = None

    def fill(self) -> None:
        """The orders nearby as choices; where there are none, only the number is asked for."""
        found = likely_targets(self.case, self.access)
        if not found:
            del self.fields["near"]
            self.fields["target"].required = True
            return
        choices = [(each.number, _described(each)) for each in found]
        cast(forms.ChoiceField, self.fields["near"]).choices = choices
        self.fields["target"].label = _("Or another order, by its number")

    def clean(self) -> dict[str, Any]:
        """The id of an open order that the actor may see; a number typed by hand counts before a choice."""
        data = super().clean() or self.cleaned_data
        if "target" in self.errors:
            return data
        number = data["target"].strip() or data.get("near", "")
        if not number:
            raise forms.ValidationError(_("Please choose an order, or type its number."))
        self.target_id = targets_for(self.access).filter(number=number).values_list("pk", flat=True).first()
        if self.target_id is None:
            self.add_error("target", _("No open order of this number is within what you may see."))
        return data

    def values(self) -> dict[str, Any]:
        """With the target's id."""
        return super().values() | {"target_id": self.target_id}


def likely_targets(case: Case, access: Access) -> list[Case]:
    """Open orders of the same matter nearby, offered for a merger while the order is new."""
    if case.lng is None or case.lat is None or case.state != State.REPORTED:
        return []
    return near_duplicates(
        Case.objects.visible_to(access).exclude(pk=case.pk),
        matter_id=case.matter_id,
        lng=case.lng,
        lat=case.lat,
        since=case.reported_at - timedelta(days=30),
    )


def _described(case: Case) -> str:
    """ "261120-000070 · 5 Wenchang Road · 12 m"."""
    metres = case.distance_m  # type: ignore[attr-defined]  # `near_duplicates` wrote it
    return f"{case.number} · {case.address or case.place.name} · {distance(metres)}"


class UnitForm(ActionForm):
    """A lead unit, and units that assist."""

    unit = forms.ModelChoiceField(label=_("Lead unit"), queryset=Unit.objects.none())
    assisting = forms.ModelMultipleChoiceField(
        label=_("Assisting units"),
        queryset=Unit.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    field_order = ("unit", "assisting", "note")

    def fill(self) -> None:
        """Units that serve the order's place or everywhere; the suggestion first."""
        units = units_for(self.case)
        lead, assisting = cast(Any, self.fields["unit"]), cast(Any, self.fields["assisting"])
        lead.queryset = assisting.queryset = units
        lead.initial = self.case.suggested_unit_id

        @cache
        def offered() -> list[tuple[int, str]]:
            """Both fields show the same rows: asked for once, when the first is drawn."""
            return [(unit.pk, str(unit)) for unit in units]

        taken = self.taken_unit_id()
        lead.choices = lambda: [("", lead.empty_label), *(each for each in offered() if each[0] != taken)]
        assisting.choices = offered

    def taken_unit_id(self) -> int | None:
        """The unit that cannot be chosen to lead, because it does already."""
        return None

    def values(self) -> dict[str, Any]:
        """With the units."""
        data = self.cleaned_data
        return super().values() | {"unit": data["unit"], "assisting": data["assisting"]}


class DispatchForm(UnitForm):
    """Send it out."""

    write = staticmethod(desk.dispatch_case)


class ReassignForm(UnitForm):
    """Another unit leads; no clock moves."""

    write = staticmethod(desk.reassign_case)

    def fill(self) -> None:
        """Not the unit that has it."""
        super().fill()
        lead = cast(Any, self.fields["unit"])
        offered = lead.choices
        lead.queryset, lead.initial = units_for(self.case).exclude(pk=self.case.unit_id or 0), None
        lead.choices = offered

    def taken_unit_id(self) -> int | None:
        """The lead unit."""
        return self.case.unit_id


class VoidForm(ReasonForm):
    """Ended by a desk above."""

    warning = _("The order ends here and counts in no figure of handling.")
    write = staticmethod(desk.void_case)


class GrantExtensionForm(ActionForm):
    """What was asked."""

    write = staticmethod(desk.grant_extension)


class GrantSuspensionForm(ActionForm):
    """The clocks stand from now."""

    write = staticmethod(desk.grant_suspension)


class RefuseForm(ReasonForm):
    """A request is refused."""

    write = staticmethod(desk.refuse_request)


class ResumeForm(ActionForm):
    """The clocks run on."""

    write = staticmethod(desk.resume_case)


class CorrectMatterForm(ActionForm):
    """Another matter, and its standard."""

    matter = forms.ModelChoiceField(label=_("Matter"), queryset=Matter.objects.none())
    field_order = ("matter", "note")
    write = staticmethod(desk.correct_matter)

    def fill(self) -> None:
        """Matters in force."""
        self.fields["matter"].queryset = matters_for_correction()  # type: ignore[attr-defined]
        self.fields["matter"].initial = self.case.matter_id

    def values(self) -> dict[str, Any]:
        """With the matter."""
        return super().values() | {"matter": self.cleaned_data["matter"]}


class CorrectPlaceForm(ActionForm):
    """Where it really happened: a pin, or a place."""

    lng = forms.FloatField(required=False, min_value=-180, max_value=180, widget=forms.HiddenInput)
    lat = forms.FloatField(required=False, min_value=-90, max_value=90, widget=forms.HiddenInput)
    place = forms.ModelChoiceField(
        label=_("Grid"), queryset=Place.objects.none(), required=False, help_text=_("Or move the pin.")
    )
    address = forms.CharField(label=_("Address"), max_length=200, required=False)
    field_order = ("place", "address", "note")
    write = staticmethod(desk.correct_place)

    def fill(self) -> None:
        """Grids of the order's street."""
        self.fields["place"].queryset = places_for_correction(self.case)  # type: ignore[attr-defined]
        self.fields["address"].initial = self.case.address

    def clean(self) -> dict[str, Any]:
        """Either a pin or a place."""
        data = super().clean() or self.cleaned_data
        if data.get("place") is None and (data.get("lng") is None or data.get("lat") is None):
            raise forms.ValidationError(_("Please move the pin, or choose a grid."))
        return data

    def values(self) -> dict[str, Any]:
        """With where."""
        data = self.cleaned_data
        return super().values() | {k: data[k] for k in ("lng", "lat", "place", "address")}
