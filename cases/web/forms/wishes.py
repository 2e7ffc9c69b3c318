"""Forms of those who fulfil wishes, and of the committee that confirms and assigns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cases.actions import wishes
from cases.wish_lists import MOST_PEOPLE, Candidate, candidates, described
from partymembers.models import Branch, Unit, User

from .base import NOTE, ActionForm, ReasonForm
from .oversight import CommentForm

MYSELF = "me"


class ClaimForm(ActionForm):
    """For oneself, or for a unit or branch that one acts for."""

    for_whom = forms.ChoiceField(label=_("I take it on for"), choices=[], widget=forms.RadioSelect)
    write = staticmethod(wishes.claim_wish)
    field_order = ("for_whom",)

    def fill(self) -> None:
        """One's units and branches; who has none is not asked."""
        del self.fields["note"]
        units = Unit.objects.filter(pk__in=self.access.unit_ids).order_by("pk")
        branches = Branch.objects.filter(pk__in=self.access.branch_ids).order_by("path")
        self.sides: dict[str, tuple[str, Unit | Branch]] = {
            **{f"unit-{unit.pk}": ("unit", unit) for unit in units},
            **{f"branch-{branch.pk}": ("branch", branch) for branch in branches},
        }
        if not self.sides:
            del self.fields["for_whom"]
            return
        choices = [(MYSELF, _("myself")), *((key, str(side)) for key, (_kind, side) in self.sides.items())]
        field = cast(forms.ChoiceField, self.fields["for_whom"])
        field.choices, field.initial = choices, MYSELF

    def values(self) -> dict[str, Any]:
        """The unit or branch, if it is for one."""
        chosen = self.sides.get(self.cleaned_data.get("for_whom", MYSELF))
        return {chosen[0]: chosen[1]} if chosen else {}


class HandBackForm(ReasonForm):
    """It cannot be done after all."""

    note = forms.CharField(
        label=_("Why"),
        help_text=_("The desk reads it. Please name nobody."),
        widget=forms.Textarea(attrs=NOTE),
    )
    write = staticmethod(wishes.hand_back_wish)


class BeginForm(ActionForm):
    """Setting out."""

    write = staticmethod(wishes.begin_wish)


class DeliverForm(ReasonForm):
    """What was done, and how long it took."""

    note = forms.CharField(label=pgettext_lazy("a wish", "What was done"), widget=forms.Textarea(attrs=NOTE))
    minutes = forms.IntegerField(
        label=_("Minutes served"),
        min_value=0,
        max_value=wishes.MOST_MINUTES,
        required=False,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    photos = True
    photos_label = pgettext_lazy("a wish", "Photos of the result")
    write = staticmethod(wishes.deliver_wish)

    def values(self) -> dict[str, Any]:
        """With the minutes."""
        return super().values() | {"minutes": self.cleaned_data["minutes"] or 0}


class ConfirmForm(ActionForm):
    """One tap."""

    write = staticmethod(wishes.confirm_claim)


class RefuseClaimForm(ReasonForm):
    """It does not fit."""

    write = staticmethod(wishes.refuse_claim)


class AssignWishForm(ActionForm):
    """To somebody of the branch: the words narrow the list, `find` shows it again."""

    words = forms.CharField(
        label=_("Search by name, branch or skill"),
        required=False,
        max_length=50,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    claimant = forms.ModelChoiceField(
        label=_("Who shall do it"),
        queryset=User.objects.none(),
        widget=forms.RadioSelect,
        empty_label=None,
        error_messages={"required": _("Please choose who shall do it.")},
    )
    write = staticmethod(wishes.assign_wish)
    field_order = ("words", "claimant", "note")
    people: Sequence[Candidate] = ()

    def fill(self) -> None:
        """The people that the words find, those whose skills fit first."""
        words = str((self.data if self.is_bound else self.initial).get("words", ""))
        found = list(candidates(self.case, words=words[:50])[:MOST_PEOPLE])
        self.people = described(found, self.case)
        field = cast("forms.ModelChoiceField[User]", self.fields["claimant"])
        field.queryset = candidates(self.case)
        choices = [(row.user.pk, f"{row.user.name} · {row.where}") for row in self.people]
        field.choices = choices

    def values(self) -> dict[str, Any]:
        """With the person."""
        return super().values() | {"claimant": self.cleaned_data["claimant"]}


#: What claimers and committees do, by the action's name; the desk's own forms are beside its page.
WISH_FORMS: dict[str, type[ActionForm]] = {
    "claim": ClaimForm,
    "begin": BeginForm,
    "deliver": DeliverForm,
    "hand_back": HandBackForm,
    "confirm": ConfirmForm,
    "refuse_claim": RefuseClaimForm,
    "assign_wish": AssignWishForm,
    "comment": CommentForm,
}
