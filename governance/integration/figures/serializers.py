"""How figures look in an answer."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from cases.models import Case
from cases.workflow import State

_ROWS = "percent, hours, points, or rows (orders, wishes) that were counted."


class Comparison(serializers.Serializer[Any]):
    """The same figure of another period."""

    value = serializers.FloatField(allow_null=True)
    numerator = serializers.FloatField(allow_null=True)
    denominator = serializers.IntegerField(allow_null=True)
    change = serializers.FloatField(
        allow_null=True,
        help_text="From then to now: in points for a rate, in percent for anything else; null where too "
        "little was counted then to say so.",
    )


class CountedPart(serializers.Serializer[Any]):
    """A set of rows that a figure is made of."""

    part = serializers.CharField(help_text="Its name, as in the list of formulas.")
    label = serializers.CharField(  # type: ignore[assignment]  # a field's own attribute
        help_text="What people call it, in the caller's language."
    )
    count = serializers.IntegerField()
    orders = serializers.URLField(
        allow_null=True, help_text="Lists exactly these orders; null where no list stands behind."
    )


class FigureValue(serializers.Serializer[Any]):
    """One figure with what it was counted from."""

    formula = serializers.CharField()
    unit = serializers.CharField(help_text=_ROWS)
    value = serializers.FloatField(
        allow_null=True, help_text="With two decimals; null where nothing was there to take a rate of."
    )
    numerator = serializers.FloatField(
        allow_null=True, help_text="Null for a duration. Basically satisfied counts 0.9."
    )
    denominator = serializers.IntegerField(allow_null=True, help_text="Null for a plain count.")
    is_small_sample = serializers.BooleanField(
        help_text="Whether fewer than 30 rows stand behind a rate or a duration: it is not ranked then."
    )
    parts = CountedPart(many=True)
    orders = serializers.URLField(
        allow_null=True, help_text="Lists exactly the orders that the figure speaks of: its denominator."
    )
    previous = Comparison(allow_null=True, help_text="The period before, with compare=previous.")
    year = Comparison(allow_null=True, help_text="The same period a year before, with compare=year.")


class Span(serializers.Serializer[Any]):
    """A stretch of time: what happened at `start` belongs to it, what happened at `end` to the next."""

    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    until = serializers.DateTimeField(help_text="Where counting stopped: now, while the period runs.")
    is_running = serializers.BooleanField()


class FigureMember(serializers.Serializer[Any]):
    """The whole, or one member of a breakdown."""

    code = serializers.CharField(
        allow_null=True,
        help_text="Of the place, unit, matter or channel; the beginning of a piece of a series; null for the "
        "whole, and for what lies in no member (placed no further down, not dispatched).",
    )
    name = serializers.CharField(allow_blank=True)
    figures = FigureValue(many=True)


class FigureAnswer(serializers.Serializer[Any]):
    """Figures of a subject in a period."""

    place = serializers.CharField(allow_null=True, help_text="Division code of the place, with all below.")
    unit = serializers.CharField(allow_null=True, help_text='Code of the lead unit; "none" for no unit.')
    matter = serializers.CharField(allow_null=True)
    channel = serializers.CharField(allow_null=True)
    period = Span()
    dimension = serializers.CharField()
    results = FigureMember(many=True)


class PartyFigureAnswer(serializers.Serializer[Any]):
    """Figures of the Party's side."""

    place = serializers.CharField(allow_null=True, help_text="Division code of the place, with all below.")
    unit = serializers.CharField(allow_null=True, help_text='Code of the work unit; "none" for no unit.')
    branch = serializers.CharField(allow_null=True, help_text="Code of the branch, with all below.")
    side = serializers.CharField(
        help_text="checkin: by the branch where members live; home: by the one at work."
    )
    period = Span()
    dimension = serializers.CharField()
    results = FigureMember(many=True)


class Formula(serializers.Serializer[Any]):
    """One figure as it is defined."""

    name = serializers.CharField()
    label = serializers.CharField(  # type: ignore[assignment]  # a field's own attribute
        help_text="What people call it, in the caller's language."
    )
    formula = serializers.CharField(help_text="In words: what is counted, over what.")
    unit = serializers.CharField(help_text=_ROWS)
    kind = serializers.CharField(help_text="rate, count, sum or duration.")
    good = serializers.CharField(help_text="Which direction is welcome: up, down, or na for neither.")
    numerator = serializers.ListField(child=serializers.CharField(), help_text="Parts that are added up.")
    denominator = serializers.CharField(allow_null=True, help_text="The part that they are divided by.")
    of = serializers.ChoiceField(choices=["orders", "party"], help_text="party: ask party-figures/ for it.")


class FormulaPart(serializers.Serializer[Any]):
    """A set of rows that figures are made of."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field's own attribute
    of = serializers.ChoiceField(choices=["orders", "party"])


class Catalogue(serializers.Serializer[Any]):
    """Every formula, and every part that they are made of."""

    formulas = Formula(many=True)
    parts = FormulaPart(many=True)


class CountedOrder(serializers.Serializer[Case]):
    """An order behind a number."""

    number = serializers.CharField()
    state = serializers.ChoiceField(choices=State.choices)
    reported_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)
