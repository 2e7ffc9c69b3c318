"""Rows as other systems name them; what cannot be chosen is refused like what is not there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from cases.attachments import MOST_AT_ONCE
from cases.catalogue import NOT_ITS_STANDARD, standards_at
from cases.choices import not_to_choose
from cases.models import Matter, Standard
from governance.common.api.strict import Degrees, Strict, Words
from governance.common.errors import Invalid
from grids.api.crs import SYSTEMS, WGS84
from grids.coordinates import point_in


class Codes(serializers.ListField):
    """Several rows by their codes, each once."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=Words(max_length=150), required=False, max_length=20, **kwargs)


class Tokens(serializers.ListField):
    """Pictures that were uploaded before."""

    def __init__(self, *, required: bool = False) -> None:
        super().__init__(
            child=Words(max_length=64),
            required=required,
            min_length=1 if required else 0,
            max_length=MOST_AT_ONCE,
            help_text="Tokens of pictures that you uploaded before and that no order has yet.",
        )


class GivenPosition(Strict):
    """Where, by coordinates."""

    lng = Degrees(min_value=-180, max_value=180, help_text="Degrees east.")
    lat = Degrees(min_value=-90, max_value=90, help_text="Degrees north.")
    crs = serializers.ChoiceField(
        choices=SYSTEMS,
        required=False,
        help_text="Coordinate system; without it that of the address, or wgs84.",
    )


class MeasuredPosition(GivenPosition):
    """Where, by coordinates, and how surely."""

    accuracy_m = Degrees(
        min_value=0, max_value=100_000, required=False, allow_null=True, help_text="Metres around it."
    )


def point_of(position: Mapping[str, Any], system: str = WGS84) -> tuple[float, float]:
    """A given position in WGS-84; `system` is what the address says. Raises Invalid."""
    return point_in(position["lng"], position["lat"], position.get("crs", system), field="position")


def named_row(rows: QuerySet[Any], code: str, *, by: str, field: str) -> Any:
    """The row of that code among those that may be chosen. Raises Invalid that names the field."""
    row = rows.filter(**{by: code}).first()
    if row is None:
        raise not_to_choose(code, field=field)
    return row


def named_rows(rows: QuerySet[Any], codes: Sequence[str], *, by: str, field: str) -> list[Any]:
    """The rows of those codes, in their order; one query. Raises Invalid that names the first wrong one."""
    if not codes:
        return []
    found = {getattr(row, by): row for row in rows.filter(**{f"{by}__in": codes})}
    for number, code in enumerate(codes):
        if code not in found:
            raise not_to_choose(code, field=f"{field}.{number}")
    return [found[code] for code in dict.fromkeys(codes)]


def standard_of(matter: Matter, sequence: int, *, at: datetime) -> Standard:
    """The matter's standard with that number which was in force then. Raises Invalid."""
    row = standards_at(matter, at).filter(sequence=sequence).first()
    if row is None:
        raise Invalid(NOT_ITS_STANDARD, field="standard")
    return row
