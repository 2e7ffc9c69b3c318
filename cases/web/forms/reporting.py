"""Forms that bring a new order: of somebody signed in, and of a resident at a QR code."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from cases.actions.reporting import MAX_DESCRIPTION, MAX_NAME, Contact, Report
from cases.catalogue import MatterLeaf, length_of, matter_leaf
from cases.models import Channel
from governance.common.errors import DomainError, Invalid
from governance.common.forms import BaseForm
from governance.common.phones import MobileField
from governance.common.typed import readable
from grids.coordinates import check_position
from grids.models import Place

NO_MATTER = _("Please choose a matter. If unsure, take “other”.")
MATTER_GONE = _("This matter is not in the list any more. Please choose again.")
_CLIENT_ID: Final = re.compile(r"[0-9A-Za-z-]{8,64}")
_DIGITS: Final = re.compile(r"[0-9]{1,15}", re.ASCII)
#: Inputs that nobody types; what is wrong with one stands above the form.
_UNSEEN: Final = frozenset({"client_id", "device_time", "accuracy", "lng", "lat"})
UNSEEN_WRONG = _("The page sent something that it cannot have meant. Please open it anew and send it again.")
GRID_GONE = _("The grid that was chosen is not one of yours any more. Please choose again or set the pin.")
#: Fields of an action's error that this form shows elsewhere.
_SHOWN_AT: Final = {"after": "on_spot", "attachments": "", "place": "position"}


class MatterField(forms.CharField):
    """The id of a matter that can be reported; cleans to the matter with its standards."""

    def clean(self, value: Any) -> MatterLeaf:
        """The matter; refuses what is no id, retired or unknown with words that say what to do."""
        text = super().clean(value)
        leaf = matter_leaf(int(text)) if _DIGITS.fullmatch(text) else None
        if leaf is None:
            raise ValidationError(MATTER_GONE, code="matter_gone")
        return leaf


class ReportForm(BaseForm):
    """A problem seen: what, where, in whose words. Photos come beside it (`posted_photos`)."""

    matter = MatterField(label=_("Matter"), error_messages={"required": NO_MATTER})
    description = forms.CharField(
        label=_("What is the matter there"),
        required=False,
        max_length=MAX_DESCRIPTION,
    )
    address = forms.CharField(label=_("Address"), required=False, max_length=200)
    position = forms.CharField(label=_("Position"), required=False)
    lng = forms.CharField(required=False)
    lat = forms.CharField(required=False)
    accuracy = forms.CharField(required=False)
    grid = forms.ModelChoiceField(
        label=_("Grid"),
        queryset=Place.objects.none(),
        required=False,
        error_messages={"invalid_choice": GRID_GONE},
    )
    on_spot = forms.BooleanField(label=_("Resolved on the spot"), required=False)
    result = forms.CharField(
        label=_("What was done"),
        required=False,
        max_length=MAX_DESCRIPTION,
    )
    client_id = forms.CharField(required=False)
    device_time = forms.CharField(required=False)

    def __init__(self, *args: Any, grids: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if grids is not None:
            self.fields["grid"].queryset = grids  # type: ignore[attr-defined]

    def add_error(self, field: str | None, error: Any) -> None:
        """As ever, but above the form where no page shows the field: nobody could find the place."""
        if field in _UNSEEN:
            field, error = None, UNSEEN_WRONG
        elif field == "grid":
            field = None
        if field is not None or str(error) not in map(str, self.non_field_errors()):
            super().add_error(field, error)

    def clean_client_id(self) -> str:
        """The page's own id of this report; anything else gets a new one, since nobody could mend it."""
        text: str = self.cleaned_data["client_id"]
        return text if _CLIENT_ID.fullmatch(text) else str(uuid4())

    def clean_accuracy(self) -> float | None:
        """Metres around the position; what is no number is left out."""
        metres = number_of(self.cleaned_data["accuracy"])
        return metres if metres is not None and 0 <= metres <= 100_000 else None

    def clean_device_time(self) -> datetime | None:
        """The phone's own time, kept beside the server's; what is no time is left out."""
        return time_of(self.cleaned_data["device_time"])

    def clean(self) -> dict[str, Any]:
        """A position has both halves and lies on the earth."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        lng, lat = str(data.pop("lng", "")).strip(), str(data.pop("lat", "")).strip()
        try:
            data["point"] = point_of(lng, lat)
        except DomainError as error:
            data["point"] = None
            self.add_error("position", str(error.message))
        return data

    @property
    def point_text(self) -> str:
        """`lat,lng` of a position that can be shown on the map again; empty for none."""
        try:
            point = point_of(str(self["lng"].value() or ""), str(self["lat"].value() or ""))
        except DomainError:
            return ""
        return f"{point[1]:.6f},{point[0]:.6f}" if point else ""

    def add_domain_error(self, error: DomainError) -> None:
        """Show a domain error where the person can mend it."""
        field = _SHOWN_AT.get(error.field, error.field)
        self.add_error(field if field in self.fields else None, str(error.message))

    def report(
        self,
        *,
        at: datetime,
        channel: str,
        photos: Sequence[str],
        after: Sequence[str] = (),
        **more: Any,
    ) -> Report:
        """What the action takes. A place is only used where there is no position."""
        data = self.cleaned_data
        lng, lat = data["point"] or (None, None)
        on_spot = data.get("on_spot", False)
        done = {"result": data["result"], "after_attachments": after} if on_spot else {}
        if on_spot and not data["result"].strip():
            raise Invalid(_("Please say in a sentence what was done."), field="result")
        values: dict[str, Any] = {
            "matter": data["matter"].matter,
            "standard": min(data["matter"].standards_at(at), key=length_of, default=None),
            "channel": channel,
            "description": data["description"],
            "address": data.get("address", ""),
            "lng": lng,
            "lat": lat,
            "accuracy_m": data.get("accuracy"),
            "place": data.get("grid") if data["point"] is None else None,
            "attachments": photos,
            "client_id": data["client_id"],
            "device_time": data["device_time"],
        }
        return Report(**(values | done | more))


class PublicReportForm(ReportForm):
    """The same from a resident at a QR code, who may leave a name and a phone.

    The code says where: no place that a browser sends is even read. On the spot only staff resolve.
    """

    on_spot = result = None  # type: ignore[assignment]
    position = lng = lat = accuracy = grid = address = None  # type: ignore[assignment]

    name = forms.CharField(
        label=_("What may we call you"),
        required=False,
        max_length=MAX_NAME,
    )
    phone = MobileField(label=_("Mobile phone"), required=False)
    #: People leave it empty, because nobody sees it.
    website = forms.CharField(required=False)
    answer = forms.CharField(required=False)

    def contact(self) -> Contact:
        """The reporter as the order keeps them; nobody has verified the phone."""
        return Contact(name=self.cleaned_data["name"].strip(), phone=self.cleaned_data["phone"])

    def public_report(self, *, at: datetime, place: Place, photos: Sequence[str], upload_key: str) -> Report:
        """At the code's place and position, whatever the browser says."""
        where: dict[str, Any] = {"place": place, "lng": place.lng, "lat": place.lat}
        return self.report(at=at, channel=Channel.RESIDENT, photos=photos, upload_key=upload_key, **where)


class JoinForm(ReportForm):
    """What somebody with an account adds to "the same one": words and photos.

    Its matter and place are those of the order; what the page sends of them is only shown again.
    """

    matter = forms.CharField(label=_("Matter"), required=False)  # type: ignore[assignment]
    grid = forms.CharField(label=_("Grid"), required=False)  # type: ignore[assignment]

    def clean(self) -> dict[str, Any]:
        """No position is asked for."""
        return self.cleaned_data


class PublicJoinForm(PublicReportForm):
    """The same from a resident at a QR code."""

    matter = forms.CharField(label=_("Matter"), required=False)  # type: ignore[assignment]


class FollowForm(BaseForm):
    """The number of a report and the phone that was left with it."""

    number = forms.CharField(label=_("Order number"), max_length=20)
    phone = MobileField(label=_("Mobile phone that you left"))
    answer = forms.CharField(required=False)


def number_of(text: str) -> float | None:
    """A finite number, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def point_of(lng: str, lat: str) -> tuple[float, float] | None:
    """Longitude and latitude as they were sent; None for neither. Raises Invalid for half or a wrong one."""
    if not lng and not lat:
        return None
    east, north = number_of(lng), number_of(lat)
    if east is None or north is None:
        raise Invalid(_("This is no position. Please set the pin again."), field="position")
    check_position(east, north)
    return east, north


def time_of(text: str) -> datetime | None:
    """An instant in ISO 8601; one without an offset is the portal's own time. None for anything else."""
    try:
        found = parse_datetime(text.strip()[:40])
        if found is None:
            return None
        aware = timezone.make_aware(found) if timezone.is_naive(found) else found
        return readable(aware)
    except (ValueError, OverflowError):
        return None
