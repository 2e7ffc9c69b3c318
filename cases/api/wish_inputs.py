"""Inputs of the actions on wishes, where they differ from those on incidents."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext as _
from rest_framework import serializers

from cases.actions.checking import Answer
from cases.actions.wishes import MOST_MINUTES, Publishing
from cases.api.inputs import Ask, Input, Noted, Reasoned, Told
from cases.api.naming import Codes, named_row, named_rows
from cases.models import Satisfaction
from cases.wish_lists import candidates
from governance.common.api.strict import Day, Whole, Words, YesNo
from governance.common.errors import Invalid
from partymembers.models import Branch, Skill, Unit


class Publish(Input):
    """Takes what the wall will show; it must name nobody and no door."""

    title = Words(max_length=40, help_text="What people see first, without a name.")
    text = Words(
        max_length=300, required=False, allow_blank=True, help_text="What is wished for, without a name."
    )
    points = Whole(min_value=0, max_value=32767, help_text="What whoever fulfils it is credited.")
    deliver_by = Day(help_text="The day by which it is wanted.")
    skills = Codes(help_text="Codes of skills that it needs.")

    def arguments(self, ask: Ask) -> dict[str, Any]:
        """The public half."""
        given = {"text": ""} | super().arguments(ask)
        offered = Skill.objects.filter(is_active=True)
        given["skills"] = named_rows(offered, given.get("skills", []), by="code", field="skills")
        return {"publishing": Publishing(**given)}


class Claim(Input):
    """Takes for which unit or branch, if not for oneself."""

    unit = Words(max_length=30, required=False, help_text="Code of a unit that you act for.")
    branch = Words(max_length=30, required=False, help_text="Code of a branch that you act for.")

    def arguments(self, ask: Ask) -> dict[str, Any]:
        """The unit or the branch."""
        given = super().arguments(ask)
        if len(given) > 1:
            raise Invalid(_("For a unit or for a branch, not for both."), field="branch")
        own = {
            "unit": Unit.objects.filter(pk__in=ask.access.unit_ids),
            "branch": Branch.objects.filter(pk__in=ask.access.branch_ids),
        }
        return {field: named_row(own[field], code, by="code", field=field) for field, code in given.items()}


class AssignWish(Noted):
    """Takes who shall do it."""

    claimant = Words(max_length=150, help_text="Code of the account of a member or volunteer of the place.")

    def arguments(self, ask: Ask) -> dict[str, Any]:
        """With the person."""
        given = super().arguments(ask)
        person = named_row(candidates(ask.case), given["claimant"], by="username", field="claimant")
        return given | {"claimant": person}


class Deliver(Told):
    """Takes what was done, and for how long."""

    minutes = Whole(min_value=0, max_value=MOST_MINUTES, required=False, help_text="Minutes served.")


class RateWish(Noted):
    """Takes how satisfied the asker is; false in `solved` says that it was not delivered."""

    solved = YesNo(required=False, allow_null=True, help_text="Whether it was delivered; absent: yes.")
    satisfaction = serializers.ChoiceField(choices=Satisfaction.choices)
    told_at: ClassVar[dict[str, str]] = {"comment": "note"}

    def arguments(self, ask: Ask) -> dict[str, Any]:
        """The answer."""
        given = super().arguments(ask)
        solved = given.get("solved") is not False
        return {
            "answer": Answer(solved=solved, satisfaction=given["satisfaction"], comment=given.get("note", ""))
        }


class Thank(Reasoned):
    """Takes a word for the claimer."""

    note = Words(max_length=300, help_text="Thanks; the claimer reads them.")
