"""What the desk does with a wish: vet and publish it, decide on claims, assign it, end it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.actions import desk, wishes
from cases.actions.wish_points import most_points
from cases.wish_text import blanked
from partymembers.models import Skill

from .base import NOTE, ActionForm, ReasonForm
from .oversight import CommentForm, UrgeForm
from .wishes import AssignWishForm

_TITLE: Final = 40
_TEXT: Final = 300
_USUAL_POINTS: Final = 20
_USUAL_WAIT: Final = timedelta(days=14)


class PublishForm(ActionForm):
    """What the wall shows. It begins with the asker's words, without what would give them away."""

    title = forms.CharField(
        label=_("Title"), max_length=_TITLE, help_text=_("What people see first, without a name.")
    )
    text = forms.CharField(
        label=_("What is wished for"),
        max_length=_TEXT,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5, "maxlength": _TEXT}),
        help_text=_("No name, no phone, no door: the compound at most."),
    )
    skills = forms.ModelMultipleChoiceField(
        label=_("Skills needed"),
        queryset=Skill.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    points = forms.IntegerField(label=_("Points"), min_value=0)
    deliver_by = forms.DateField(label=_("Wanted by"), widget=forms.DateInput(attrs={"type": "date"}))
    field_order = ("title", "text", "points", "deliver_by", "skills")
    note = None  # type: ignore[assignment]  # what is published says it all
    write = staticmethod(wishes.publish_wish)

    def fill(self) -> None:
        """What hangs on the wall already, else a suggestion."""
        wish, most = self.case.wish, most_points()
        self.fields["skills"].queryset = Skill.objects.filter(is_active=True)  # type: ignore[attr-defined]
        self.fields["points"].widget.attrs["max"] = most
        self.fields["points"].help_text = _("At most %(most)d.") % {"most": most}
        if wish.published_at is not None:
            self.initial = {
                "title": wish.title,
                "text": wish.text,
                "points": wish.points,
                "deliver_by": _iso(wish.deliver_by),
                "skills": [skill.pk for skill in wish.skills.all()],
            }
            return
        self.initial = {
            "title": str(self.case.matter)[:_TITLE],
            "text": blanked(self.case, self.case.description)[:_TEXT],
            "points": min(_USUAL_POINTS, most),
            "deliver_by": _iso(timezone.localdate(self.at) + _USUAL_WAIT),
        }

    def values(self) -> dict[str, Any]:
        """The public half."""
        data = self.cleaned_data
        fields = ("title", "text", "points", "deliver_by", "skills")
        return {"publishing": wishes.Publishing(**{name: data[name] for name in fields})}


def _iso(day: Any) -> str:
    """A day as the browser's date field wants it, in every language."""
    return day.isoformat() if day is not None else ""


class EditForm(PublishForm):
    """While nobody has claimed it."""

    write = staticmethod(wishes.edit_wish)


class DeclineWishForm(ReasonForm):
    """Not taken on."""

    warning = _("The wish ends here; the asker reads your reason. This cannot be taken back.")
    write = staticmethod(desk.decline_case)


class ConfirmClaimForm(ActionForm):
    """One tap."""

    write = staticmethod(wishes.confirm_claim)


class RefuseClaimForm(ReasonForm):
    """Back to the wall."""

    warning = _("The wish returns to the wall; whoever claimed it reads your reason.")
    write = staticmethod(wishes.refuse_claim)


class AssignForm(AssignWishForm):
    """To a member of the branch or a volunteer of the community."""

    warning = _("It needs no confirmation: they read name, phone and door from now on.")


class LeaveForm(ActionForm):
    """The branch looks for somebody; the wish stays on the wall."""

    note = None  # type: ignore[assignment]
    write = staticmethod(wishes.leave_to_branch)

    def values(self) -> dict[str, Any]:
        """Nothing beside case, actor and time."""
        return {}


class FailForm(ReasonForm):
    """The claimer makes it good."""

    note = forms.CharField(label=_("What is still missing"), widget=forms.Textarea(attrs=NOTE))
    write = staticmethod(wishes.fail_delivery)


class RevokeForm(ReasonForm):
    """It turned out not to hold."""

    warning = _("The wish is voided and its points are taken back. This cannot be taken back.")
    write = staticmethod(wishes.revoke_wish)


class CancelForm(ReasonForm):
    """No longer needed, or not to be done."""

    warning = _("The wish ends here, and its claim with it. This cannot be taken back.")
    write = staticmethod(desk.void_case)


#: The form of each action that a desk takes on a wish, in the order of the page's buttons.
WISH_DESK_FORMS: Final[dict[str, type[ActionForm]]] = {
    "publish": PublishForm,
    "confirm": ConfirmClaimForm,
    "refuse_claim": RefuseClaimForm,
    "assign_wish": AssignForm,
    "edit_wish": EditForm,
    "to_branch": LeaveForm,
    "fail": FailForm,
    "urge": UrgeForm,
    "comment": CommentForm,
    "decline": DeclineWishForm,
    "void": CancelForm,
    "revoke": RevokeForm,
}
