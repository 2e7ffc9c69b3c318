"""Inputs of the actions on incidents."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import serializers

from cases.actions.checking import Answer
from cases.actions.whistling import MOST_MINUTES
from cases.api.inputs import Ask, Input, Noted, Reasoned, Told
from cases.api.naming import Codes, GivenPosition, named_row, named_rows, point_of, standard_of
from cases.catalogue import matter_by_code
from cases.choices import (
    handling_timer,
    matters_for_correction,
    not_to_choose,
    places_for_correction,
    spans_of,
    targets_for,
    units_for,
)
from cases.deadlines import limit_of
from cases.models import Satisfaction
from cases.whistles import branches_of_city, members_of_city, units_of_city
from governance.common.api.strict import Moment, Whole, Words, YesNo
from governance.common.errors import Invalid
from grids.models import Place
from partymembers.access import users_in
from partymembers.models import User

_STANDARD = (
    "Number of the standard within the matter; it must have been in force when the order was reported."
)


class Accept(Noted):
    """Takes the standard that decides the limits."""

    standard = Whole(min_value=1, max_value=32767, required=False, allow_null=True, help_text=_STANDARD)

    def arguments(self, ask: Ask) -> dict[str, Any]:
        """With the standard."""
        given = super().arguments(ask)
        if (number := given.get("standard")) is not None:
            given["standard"] = standard_of(ask.case.matter, number, at=ask.case.reported_at)
        return given


class Merge(Noted):
    """Takes the order that this one is folded into."""

    target = Words(max_length=20, help_text="Number of an open order.")
    told_at: ClassVar[dict[str, str]] = {"target_id": "target"}

    def arguments(self, ask: Ask) -> dict[str, Any]:
        """With the target's id."""
        given = super().arguments(ask)
        found = (
            targets_for(ask.access).filter(number=given.pop("target")).values_list("pk", flat=True).first()
        )
        if found is None:
            raise Invalid(_("No open order of this number is within what you may see."), field="target")
        return given | {"target_id": found}


class Reassign(Noted):
    """Takes the unit that leads, and those that assist."""

    unit = Words(max_length=30, help_text="Code of the lead unit.")
    assisting = Codes(help_text="Codes of assisting units.")

    def arguments(self, ask: Ask) -> dict[str, Any]:
        """With the units."""
        given, units = super().arguments(ask), units_for(ask.case)
        given["unit"] = named_row(units, given["unit"], by="code", field="unit")
        given["assisting"] = named_rows(units, given.get("assisting", []), by="code", field="assisting")
        return given


class Dispatch(Reassign):
    """Takes the unit that leads, those that assist, and who handles it there."""

    handler = Words(max_length=150, required=False, help_text="Code of a person of the lead unit.")

    def arguments(self, ask: Ask) -> dict[str, Any]:
        """With the handler."""
        given = super().arguments(ask)
        if "handler" in given:
            people = users_in(given["unit"].pk, on=timezone.localdate(ask.at))
            given["handler"] = named_row(people, given["handler"], by="username", field="handler")
        return given


class Assign(Noted):
    """Takes the colleague."""

    handler = Words(max_length=150, help_text="Code of a person of the lead unit.")

    def arguments(self, ask: Ask) -> dict[str, Any]:
        """With the person."""
        given = super().arguments(ask)
        people = users_in(ask.case.unit_id or 0, on=timezone.localdate(ask.at))
        return given | {"handler": named_row(people, given["handler"], by="username", field="handler")}


class AskExtension(Reasoned):
    """Takes how much more, in the handling clock's own time."""

    amount = serializers.DecimalField(
        max_digits=4,
        decimal_places=1,
        min_value=Decimal("0.5"),
        max_value=Decimal(480),
        help_text="How much more.",
    )
    unit_of_time = serializers.ChoiceField(
        choices=("hours", "days"),
        help_text="Hours or days of the handling clock: of working time where it is.",
    )
    told_at: ClassVar[dict[str, str]] = {"extra": "amount"}

    def arguments(self, ask: Ask) -> dict[str, Any]:
        """With the span."""
        given = super().arguments(ask)
        hours, days = spans_of(handling_timer(ask.case))
        timer = days if given.pop("unit_of_time") == "days" else hours
        return given | {"extra": limit_of(given.pop("amount"), timer)}


class Rate(Noted):
    """Takes the three facts of an answer."""

    contacted = YesNo(required=False, allow_null=True, help_text="Whether somebody contacted the reporter.")
    solved = YesNo(help_text="Whether it is solved. A reporter's false opens the order again.")
    satisfaction = serializers.ChoiceField(choices=Satisfaction.choices)

    def arguments(self, ask: Ask) -> dict[str, Any]:
        """The answer."""
        given = super().arguments(ask)
        return {"answer": Answer(comment=given.pop("note", ""), **given)}


class CorrectMatter(Noted):
    """Takes the matter that it really is."""

    matter = Words(max_length=40, help_text="Full code of a matter, like event-01-11.")

    def arguments(self, ask: Ask) -> dict[str, Any]:
        """With the matter."""
        given = super().arguments(ask)
        found = matter_by_code(given["matter"])
        rows = matters_for_correction().filter(pk=found.pk if found else 0)
        if not rows.exists():
            raise not_to_choose(given["matter"], field="matter")
        return given | {"matter": found}


class CorrectPlace(Noted):
    """Takes where it really happened: a position, or a place."""

    position = GivenPosition(required=False)
    place = Words(
        max_length=18, required=False, help_text="Division code of a community or grid of the street."
    )
    address = Words(max_length=200, required=False, allow_blank=True)

    def arguments(self, ask: Ask) -> dict[str, Any]:
        """With where."""
        given = super().arguments(ask)
        if "position" not in given and "place" not in given:
            raise Invalid(_("Give a position, or the code of a place."), field="position")
        if "position" in given:
            given["lng"], given["lat"] = point_of(given.pop("position"), ask.system)
        if "place" in given:
            rows = places_for_correction(ask.case)
            given["place"] = named_row(rows, given["place"], by="code", field="place")
        return given


class Whistle(Input):
    """Takes who is called, to what, where and by when."""

    need = Words(max_length=500, help_text="What is needed.")
    meeting_point = Words(max_length=200, required=False, allow_blank=True, help_text="Where to come.")
    needed_by = Moment(help_text="Within 30 days.")
    units = Codes(help_text="Codes of units.")
    branches = Codes(help_text="Codes of branches.")
    members = Codes(help_text="Codes of Party members' accounts.")

    def arguments(self, ask: Ask) -> dict[str, Any]:
        """With the rows; whether they can be called, the action checks."""
        given, city = super().arguments(ask), Place.objects.get(pk=ask.case.city_id)
        members = User.objects.filter(pk__in=members_of_city(city).values("user"))
        called: dict[str, tuple[QuerySet[Any], str]] = {
            "units": (units_of_city(city), "code"),
            "branches": (branches_of_city(city), "code"),
            "members": (members, "username"),
        }
        for field, (rows, by) in called.items():
            given[field] = named_rows(rows, given.get(field, []), by=by, field=field)
        return given


class AnswerWhistle(Input):
    """Takes whether they come; who does not must say why."""

    coming = YesNo()
    note = Words(max_length=500, required=False, allow_blank=True, help_text="A remark, or why not.")

    def arguments(self, ask: Ask) -> dict[str, Any]:
        """With the answer."""
        given = super().arguments(ask)
        return given | {"is_coming": given.pop("coming")}


class ReportWhistle(Told):
    """Takes what was done there, and for how long."""

    note = Words(max_length=1000, help_text="What was done.")
    minutes = Whole(min_value=0, max_value=MOST_MINUTES, required=False, help_text="Minutes served.")
