"""What a resident tells of a wish, and what they do with it later."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final
from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cases.actions import checking, reporting, wishes
from cases.actions.reporting import Contact
from cases.actions.wish_asking import MAX_WORDS, Ask
from cases.catalogue import wish_kinds
from cases.models import Channel, Matter, Satisfaction
from governance.common.errors import DomainError
from governance.common.forms import BaseForm
from governance.common.phones import MobileField
from governance.common.typed import row_id
from grids.models import Place
from partymembers.homes import Choice, homes, homes_offered

from .base import NOTE, ActionForm, ReasonForm
from .oversight import AddInformationForm, UrgeForm
from .reporting import point_of

_CLIENT_ID: Final = re.compile(r"[0-9A-Za-z-]{8,64}")
NOWHERE: Final = _("Choose your community, or set the pin.")
NAMELESS: Final = _("Please say whose phone it is: they get a link to follow the wish by.")
NOT_FOUND_AGAIN: Final = _("Please leave a phone or the door, so that whoever comes finds you.")


class AskForm(BaseForm):
    """微心愿: of what kind, in one's own words, for whom and at which door."""

    kind = forms.ChoiceField(label=_("What kind of wish"), widget=forms.RadioSelect)
    words = forms.CharField(
        label=_("What do you wish for"),
        max_length=MAX_WORDS,
        widget=forms.Textarea(attrs={"rows": 4, "maxlength": MAX_WORDS}),
        error_messages={"required": _("Please say in a sentence what is wished for.")},
    )
    name = forms.CharField(label=_("What may we call you"), required=False, max_length=50)
    phone = MobileField(label=_("Mobile phone"), required=False)
    address = forms.CharField(label=_("Door"), required=False, max_length=200)
    client_id = forms.CharField(required=False)
    field_order = ("kind", "words", "name", "phone", "address")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kinds: dict[str, Matter] = {str(kind.pk): kind for kind in wish_kinds()}
        offered = [(key, kind.name) for key, kind in self.kinds.items()]
        self.fields["kind"].choices = offered  # type: ignore[attr-defined]

    def clean_client_id(self) -> str:
        """The page's own id of this wish; anything else gets a new one, since nobody could mend it."""
        text: str = self.cleaned_data["client_id"]
        return text if _CLIENT_ID.fullmatch(text) else str(uuid4())

    def clean(self) -> dict[str, Any]:
        """Whoever comes must be able to find them."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        is_wrong = "phone" in self.errors or "address" in self.errors
        if not is_wrong and self.needs_contact() and not (data["phone"] or data["address"].strip()):
            self.add_error("phone", NOT_FOUND_AGAIN)
        return data

    def needs_contact(self) -> bool:
        """Whether nothing else says where to find them."""
        return True

    def contact(self) -> Contact:
        """For whom it is, as the order keeps them; nobody has verified the phone."""
        return Contact(name=self.cleaned_data["name"].strip(), phone=self.cleaned_data["phone"])

    def ask(self, *, channel: str, **others: Any) -> Ask:
        """What the action takes."""
        data = self.cleaned_data
        return Ask(
            kind=self.kinds[data["kind"]],
            words=data["words"],
            address=data["address"],
            client_id=data["client_id"],
            channel=channel,
            **others,
        )


class PublicAskForm(AskForm):
    """By a QR code, without an account."""

    #: People leave it empty, because nobody sees it.
    website = forms.CharField(required=False)
    answer = forms.CharField(required=False)

    def public_ask(self, *, place: Place, photos: Sequence[str], upload_key: str) -> Ask:
        """At the code's place and position, whatever the browser says."""
        where = {"place": place, "lng": place.lng, "lat": place.lat}
        return self.ask(channel=Channel.RESIDENT, attachments=photos, upload_key=upload_key, **where)


class SignedAskForm(AskForm):
    """Of somebody signed in: their own, or on somebody's behalf where they work among residents."""

    grid = forms.ModelChoiceField(
        label=_("Grid"), queryset=Place.objects.none(), required=False, empty_label=_("Please choose")
    )
    home = forms.ModelChoiceField(label=_("Community"), queryset=Place.objects.none(), required=False)
    position = forms.CharField(label=_("Position"), required=False)
    lng = forms.CharField(required=False)
    lat = forms.CharField(required=False)

    def __init__(self, *args: Any, grids: Any, on_behalf: bool, has_phone: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.on_behalf, self.has_phone = on_behalf, has_phone
        self.fields["grid"].queryset = grids  # type: ignore[attr-defined]
        self.fields["home"].queryset = homes()  # type: ignore[attr-defined]
        self.has_grids = self.fields["grid"].required = grids.exists()
        if on_behalf:
            self.fields["name"].label = pgettext_lazy("of a person", "Name")
        else:
            del self.fields["name"], self.fields["phone"]

    def clean(self) -> dict[str, Any]:
        """A position has both halves and lies on the earth; a phone of somebody else's has a name."""
        self.cleaned_data.setdefault("phone", "")
        data = super().clean()
        if self.on_behalf and data.get("phone") and not data.get("name"):
            self.add_error("name", NAMELESS)
        try:
            data["point"] = point_of(data.pop("lng", "").strip(), data.pop("lat", "").strip())
        except DomainError as error:
            data["point"] = None
            self.add_error("position", str(error.message))
        is_told = "position" in self.errors or "home" in self.errors
        if not (self.has_grids or data.get("home") or data["point"] or is_told):
            self.add_error("home", NOWHERE)
        return data

    def needs_contact(self) -> bool:
        """A resident's own phone stands in the account; on somebody's behalf it is theirs that counts."""
        return bool(self.cleaned_data.get("name")) if self.on_behalf else not self.has_phone

    def add_error(self, field: str | None, error: Any) -> None:
        """An error of a field that is not asked for stands at the door."""
        super().add_error("address" if field == "phone" and "phone" not in self.fields else field, error)

    def contact(self) -> Contact:
        """Nobody else for one's own wish."""
        return super().contact() if self.on_behalf else Contact()

    @property
    def homes(self) -> list[Choice]:
        """The place that is chosen, as the search shows it."""
        return homes_offered("", chosen=row_id(str(self["home"].value() or "")))

    def signed_ask(self, *, channel: str, photos: Sequence[str]) -> Ask:
        """The chosen grid or home; else where the pin stands."""
        lng, lat = self.cleaned_data["point"] or (None, None)
        place = self.cleaned_data["grid"] or self.cleaned_data["home"]
        where = {"place": place} if place is not None else {"lng": lng, "lat": lat}
        return self.ask(channel=channel, attachments=photos, **where)


class RateWishForm(ActionForm):
    """评单: three faces. On a closed wish "not delivered" takes the points back."""

    satisfaction = forms.ChoiceField(
        label=_("How satisfied are you"), choices=Satisfaction.choices, widget=forms.RadioSelect
    )
    solved = forms.ChoiceField(
        label=_("Was it delivered"), choices=[("yes", _("Yes")), ("no", _("No"))], required=False
    )
    note = forms.CharField(label=_("A word more"), required=False, widget=forms.Textarea(attrs=NOTE))
    write = staticmethod(wishes.rate_wish)

    def values(self) -> dict[str, Any]:
        """The answer; whoever rates without a word about it has had the wish fulfilled."""
        data = self.cleaned_data
        answer = checking.Answer(
            solved=data["solved"] != "no", satisfaction=data["satisfaction"], comment=data["note"]
        )
        return {"answer": answer}


class NotDeliveredForm(ReasonForm):
    """It is not what was wished for."""

    note = forms.CharField(label=_("What is still missing"), widget=forms.Textarea(attrs=NOTE))
    write = staticmethod(wishes.fail_delivery)


class ThankForm(ReasonForm):
    """A word for the claimer."""

    note = forms.CharField(
        label=_("Your thanks"), max_length=300, widget=forms.Textarea(attrs={"rows": 2, "maxlength": 300})
    )
    write = staticmethod(wishes.thank_claimer)


class WithdrawWishForm(ActionForm):
    """Taken back."""

    write = staticmethod(reporting.withdraw_case)


#: The form of each action that an asker takes, in the order of the page.
WISH_ASKER_FORMS: Final[dict[str, type[ActionForm]]] = {
    "rate": RateWishForm,
    "fail": NotDeliveredForm,
    "thank": ThankForm,
    "add_information": AddInformationForm,
    "urge": UrgeForm,
    "withdraw": WithdrawWishForm,
}
