"""What every action form shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from cases.actors import Actor
from cases.models import Case
from governance.common.forms import BaseForm
from partymembers.access import Access

Run = Callable[..., Case]
NOTE = {"rows": 3, "maxlength": 2000}


class ActionForm(BaseForm):
    """The plainest action: no field at all, or a remark. Subclasses add what theirs needs."""

    note = forms.CharField(label=_("Remark"), required=False, widget=forms.Textarea(attrs=NOTE))

    #: The write; takes case_id, actor, at, note and what `values` adds.
    write: ClassVar[Run]
    #: Whether photos may (or must) come with it.
    photos: ClassVar[bool] = False
    photos_label: ClassVar[Any] = _("Photos")
    #: A part of its own above the fields, where boxes alone would not do.
    picker: ClassVar[str] = ""
    #: The consequence, for what cannot be undone.
    warning: ClassVar[Any] = ""

    def __init__(
        self, *args: Any, case: Case, actor: Actor, access: Access, at: datetime, **kwargs: Any
    ) -> None:
        self.case, self.actor, self.access, self.at = case, actor, access, at
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, forms.ModelChoiceField) and field.empty_label is not None:
                field.empty_label = _("Please choose")
        self.fill()

    def fill(self) -> None:
        """Set choices and first values from the order."""

    def values(self) -> dict[str, Any]:
        """What goes to the action beside case, actor and time."""
        return {"note": self.cleaned_data["note"]}

    def run(self, *, photos: Sequence[str] = ()) -> Case:
        """Call the action. Raises a DomainError, and then nothing has been written."""
        extra = {"attachments": photos} if self.photos else {}
        write = type(self).write
        return write(case_id=self.case.pk, actor=self.actor, at=self.at, **self.values(), **extra)


class ReasonForm(ActionForm):
    """An action that must say why."""

    note = forms.CharField(label=_("Reason"), widget=forms.Textarea(attrs=NOTE))
