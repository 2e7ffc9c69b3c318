"""The forms of branches and members."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from governance.common.forms import BaseForm
from grids.models import Level, Place
from partymembers.checking_in import branches_to_ask, suggested_branch
from partymembers.models import Branch, Member


class _BranchChoice(forms.ModelChoiceField):
    """A branch by its name and the place that it serves."""

    def label_from_instance(self, obj: Any) -> str:
        """Two branches may bear the same name in two places."""
        return f"{obj.name}（{obj.place.name}）" if obj.place else str(obj.name)


class _PlaceChoice(forms.ModelChoiceField):
    """A community by its name and its street's."""

    def label_from_instance(self, obj: Any) -> str:
        """Many a city has two communities of one name."""
        return f"{self.streets.get(obj.path[: -Place.steplen], '')} {obj.name}".strip()

    streets: dict[str, str] = {}  # set by the form for its own copy of the field


class AskForm(BaseForm):
    """Ask a branch where one lives to take one in."""

    branch = _BranchChoice(Branch.objects.none(), label=_("Branch where you live"), empty_label=None)
    offer = forms.CharField(
        label=_("What I can do"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("For example repairs, tutoring, company for old people."),
    )

    def __init__(self, *args: Any, member: Member, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["branch"]
        field.queryset = branches_to_ask(member)  # type: ignore[attr-defined]
        suggested = suggested_branch(member)
        if suggested is not None:
            field.initial = suggested.pk


class MovedForm(BaseForm):
    """Where a member lives now."""

    lives_at = _PlaceChoice(Place.objects.none(), label=_("Community"), empty_label=_("Choose a community"))
    door = forms.CharField(label=_("Building and door"), required=False, max_length=100)
    moved_on = forms.DateField(
        label=_("Moved on"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args: Any, member: Member, **kwargs: Any) -> None:
        initial = {"moved_on": timezone.localdate()}
        if member.lives_at is not None and member.lives_at.level == Level.COMMUNITY:
            initial["lives_at"] = member.lives_at
        super().__init__(*args, initial=initial, **kwargs)
        places = Place.objects.defer("boundary").filter(retired_on=None)
        field = self.fields["lives_at"]
        assert isinstance(field, _PlaceChoice)  # noqa: S101  # it is declared above
        field.queryset = places.filter(level=Level.COMMUNITY)
        field.streets = dict(places.filter(level=Level.STREET).values_list("path", "name"))


class TakeInForm(BaseForm):
    """Enter a member in a branch, or transfer one from another."""

    staff_number = forms.CharField(label=_("Staff number"), max_length=50)
    status = forms.ChoiceField(label=_("Status"), choices=Member.Status.choices)
    settled_on = forms.DateField(
        label=_("Joined on"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    reason = forms.CharField(label=_("Reason"), required=False, max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, initial={"settled_on": timezone.localdate()}, **kwargs)
