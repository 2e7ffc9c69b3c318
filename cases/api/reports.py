"""A new order as another system brings it: checked, joined to its rows, and handed to the one action."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request

from cases.actions.reporting import (
    MAX_ADDRESS,
    MAX_CLIENT_ID,
    MAX_DESCRIPTION,
    MAX_NAME,
    MAX_SOURCE,
    MAX_SOURCE_NUMBER,
    Contact,
    Report,
    checked_contact,
    report_case,
)
from cases.actions.wish_asking import Ask, ask_wish
from cases.api.kinds import require_kind
from cases.api.naming import MeasuredPosition, Tokens, point_of, standard_of
from cases.catalogue import standard_for
from cases.choices import matter_to_report, place_to_report
from cases.models import Case, Channel, Matter, Standard
from cases.pace import require_own_pace
from cases.workflow import Kind
from governance.common.api.strict import Moment, Strict, Whole, Words
from governance.common.errors import DomainError, Invalid, NotAllowed
from governance.common.remembering import remembered
from grids.api.crs import system_of
from partymembers.access import Access
from partymembers.api.callers import access_of_caller, user_of
from partymembers.models import ServiceAccount, User

#: What only a report has: a wish that brings it was meant otherwise.
_NOT_OF_WISHES = ("standard", "device_time", "source", "source_number")
#: Fields of the actions' refusals, by the path that the caller knows.
_TOLD_AT = {
    "kind": "matter",
    "words": "description",
    "name": "contact.name",
    "phone": "contact.phone",
    "photos": "attachments",
}


class GivenContact(Strict):
    """Who reported it to you, or for whom a wish is."""

    name = Words(max_length=MAX_NAME, required=False, allow_blank=True)
    phone = Words(max_length=30, required=False, allow_blank=True, help_text="Mobile number of the mainland.")


class NewOrder(Strict):
    """A report (kind `incident`), or a wish."""

    kind = serializers.ChoiceField(choices=Kind.choices, default=Kind.INCIDENT)
    matter = Words(max_length=40, help_text="Full code of a matter or kind of wish, like event-01-11.")
    standard = Whole(
        min_value=1,
        max_value=32767,
        required=False,
        allow_null=True,
        help_text="Number of a standard of the matter to begin with; absent: the shortest. The desk decides.",
    )
    description = Words(
        max_length=MAX_DESCRIPTION,
        required=False,
        allow_blank=True,
        help_text="What is the matter there; a wish needs it, in at most 1000 characters.",
    )
    address = Words(max_length=MAX_ADDRESS, required=False, allow_blank=True)
    position = MeasuredPosition(required=False, allow_null=True)
    place = Words(
        max_length=18,
        required=False,
        help_text="Division code of a place or building. Position or place; of both the place decides.",
    )
    channel = serializers.ChoiceField(
        choices=Channel.choices,
        required=False,
        help_text="Where it came from. Absent: hotline; of a unit's key patrol. People cannot choose.",
    )
    contact = GivenContact(required=False, allow_null=True)
    attachments = Tokens()
    client_id = Words(
        max_length=MAX_CLIENT_ID,
        required=False,
        allow_blank=True,
        help_text="Your own id of this order: sent again, the first order is answered (200).",
    )
    device_time = Moment(required=False, allow_null=True, help_text="When it was seen, by your clock.")
    source = Words(  # type: ignore[assignment]  # a field's own attribute
        max_length=MAX_SOURCE,
        required=False,
        help_text="The system that numbered it; absent: your account's code.",
    )
    source_number = Words(
        max_length=MAX_SOURCE_NUMBER,
        required=False,
        allow_blank=True,
        help_text="Its number there, once for each source: sent again, the first order is answered (200).",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """What a wish cannot have, and a source without a number."""
        errors: dict[str, Any] = {}
        if attrs["kind"] == Kind.WISH:
            for name in _NOT_OF_WISHES:
                if name in attrs:
                    errors[name] = serializers.ErrorDetail(_("A wish has none."), code="not_of_wishes")
        if errors:
            raise serializers.ValidationError(errors)
        return attrs


@dataclass(frozen=True)
class Bringer:
    """Who brings orders by this request, from where, and what was looked up for them."""

    request: Request
    user: User
    access: Access
    system: str

    @classmethod
    def of(cls, request: Request) -> Bringer:
        """The caller. Raises NotAllowed for officers, who configure and do not report."""
        access = access_of_caller(request)
        if access.officer_roles:
            raise NotAllowed(_("Officers configure, grant and audit; they do not report."))
        return cls(request, user_of(request), access, system_of(request))

    @property
    def channel(self) -> str:
        """Where this caller's orders come from unless it says otherwise."""
        if self.user.is_service:
            is_unit = self.user.service_account.duty == ServiceAccount.Duty.UNIT
            return Channel.PATROL if is_unit else Channel.HOTLINE
        is_staff = self.access.place_roles() or self.access.unit_ids
        return Channel.GRID_WORKER if is_staff else Channel.RESIDENT

    @property
    def is_resident(self) -> bool:
        """Somebody who reports for themselves: nobody vouches for how much, or in whose name."""
        return self.channel == Channel.RESIDENT


def bring(by: Bringer, data: Any, *, at: datetime, number: str = "") -> Case:
    """Take in one order; the first one where it comes again. Raises ValidationError or a DomainError."""
    given = NewOrder(data=data)
    given.is_valid(raise_exception=True)
    values = given.validated_data
    require_kind(by.request, values["kind"], "write")
    if by.is_resident:
        require_own_pace(by.user, at=at)
        if values.get("contact"):
            raise Invalid(_("You report in your own name."), field="contact")
    try:
        if values["kind"] == Kind.WISH:
            return _ask(by, values, at, number)
        return _report(by, values, at, number)
    except DomainError as error:
        error.field = _TOLD_AT.get(error.field, error.field)
        raise


def _report(by: Bringer, values: dict[str, Any], at: datetime, number: str) -> Case:
    matter = matter_to_report(values["matter"])
    numbered = values.get("source_number", "")
    position = values.get("position") or {}
    report = Report(
        matter=matter,
        standard=_standard(matter, values.get("standard"), at),
        accuracy_m=position.get("accuracy_m"),
        device_time=values.get("device_time"),
        source=_source(by, values.get("source", "")) if numbered else "",
        source_number=numbered,
        description=values.get("description", ""),
        **_common(by, values, number),
    )
    return report_case(report=report, reporter=by.user, contact=_contact(values), at=at)


def _ask(by: Bringer, values: dict[str, Any], at: datetime, number: str) -> Case:
    kind = matter_to_report(values["matter"], is_wish=True)
    ask = Ask(kind=kind, words=values.get("description", ""), **_common(by, values, number))
    return ask_wish(ask=ask, asker=by.user, contact=checked_contact(_contact(values)), at=at)


def _common(by: Bringer, values: dict[str, Any], number: str) -> dict[str, Any]:
    """What reports and wishes share."""
    position = values.get("position")
    lng, lat = point_of(position, by.system) if position else (None, None)
    return {
        "channel": _channel(by, values),
        "address": values.get("address", ""),
        "lng": lng,
        "lat": lat,
        "place": place_to_report(values["place"]) if values.get("place") else None,
        "attachments": values.get("attachments", ()),
        "client_id": values.get("client_id", ""),
        "number": number,
    }


def _source(by: Bringer, given: str) -> str:
    """Whose number it is. Raises Invalid where it is another's: whose next report would be refused for it."""
    if not by.user.is_service:
        raise Invalid(_("Only connected systems number what they report."), field="source_number")
    if given in ("", by.user.username):
        return by.user.username
    others = ServiceAccount.objects.exclude(user=by.user)
    is_anothers = others.filter(Q(user__username=given) | Q(intake_mapping__source=given))
    if remembered(("source of another", given), is_anothers.exists):
        raise Invalid(_("Another system has this source."), field="source")
    return given


def _channel(by: Bringer, values: dict[str, Any]) -> str:
    channel: str = values.get("channel", by.channel)
    if not by.user.is_service and channel != by.channel:
        raise Invalid(_("Yours is “%(channel)s”.") % {"channel": by.channel}, field="channel")
    return channel


def _standard(matter: Matter, sequence: int | None, at: datetime) -> Standard:
    """The one that was chosen, else the shortest in force; among many orders read once for each matter."""

    def read() -> Standard:
        if sequence is None:
            return standard_for(matter, at=at)
        return standard_of(matter, sequence, at=at)

    return remembered(("standard of matter", matter.pk, sequence), read)


def _contact(values: dict[str, Any]) -> Contact:
    given = values.get("contact") or {}
    return Contact(name=given.get("name", ""), phone=given.get("phone", ""))
