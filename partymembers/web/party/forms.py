"""The forms of branches and members."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from governance.common.forms import BaseForm
from governance.common.typed import row_id
from grids.models import Place
from partymembers.checking_in import branches_to_ask, suggested_branch
from partymembers.homes import homes
from partymembers.models import Branch, Member


class _BranchChoice(forms.ModelChoiceField):
    """A branch by its name and the place that it serves."""

    def label_from_instance(self, obj: Any) -> str:
        """Two branches may bear the same name in two places."""
        return f"{obj.name}（{obj.place.name}）" if obj.place else str(obj.name)


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
    """Where a member lives now: as near as they tell, from the community down to the building."""

    lives_at = forms.ModelChoiceField(
        Place.objects.none(),
        label=_("Where I live"),
        error_messages={"required": _("Find your community and choose it.")},
    )
    door = forms.CharField(label=_("Door"), required=False, max_length=100)
    moved_on = forms.DateField(
        label=_("Moved on"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args: Any, member: Member, chosen: int | None = None, **kwargs: Any) -> None:
        initial = {"moved_on": timezone.localdate(), "lives_at": chosen or member.lives_at_id}
        super().__init__(*args, initial=initial, **kwargs)
        self.fields["lives_at"].queryset = homes()  # type: ignore[attr-defined]

    @property
    def chosen_id(self) -> int | None:
        """The place that is ticked, whether it was typed or known."""
        return row_id(str(self["lives_at"].value() or ""))


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
