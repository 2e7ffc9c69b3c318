"""Input that is taken at its word: what is not known is refused, and nothing is guessed from another type."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

#: So many unknown fields are named, of however many came.
MOST_NAMED = 20
_LONGEST_NAME = 50
UNKNOWN = _("There is no such field here.")


class Strict(serializers.Serializer[Any]):
    """A serializer of input that refuses fields which it does not know, each by its name."""

    def to_internal_value(self, data: Any) -> Any:
        """The values. Raises ValidationError that tells of unknown fields together with all other faults."""
        if not isinstance(data, Mapping):
            return super().to_internal_value(data)
        unknown = [str(name)[:_LONGEST_NAME] for name in data if name not in self.fields]
        errors: dict[str, Any] = {
            name: [ErrorDetail(str(UNKNOWN), code="unknown_field")] for name in unknown[:MOST_NAMED]
        }
        try:
            values = super().to_internal_value(data)
        except ValidationError as error:
            errors |= dict(error.detail) if isinstance(error.detail, dict) else {"": error.detail}
        if errors:
            raise ValidationError(errors)
        return values


class Words(serializers.CharField):
    """Text, and nothing that would have to become one."""

    def to_internal_value(self, data: Any) -> str:
        """The text, stripped. Raises ValidationError for another type."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Whole(serializers.IntegerField):
    """A whole number, not one in words."""

    def to_internal_value(self, data: Any) -> int:
        """The number. Raises ValidationError for another type."""
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


class Degrees(serializers.FloatField):
    """A number, not one in words; whether it is on the earth is asked of both together."""

    def to_internal_value(self, data: Any) -> float:
        """The number. Raises ValidationError for another type."""
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        try:
            return super().to_internal_value(data)
        except OverflowError:
            self.fail("invalid")


class YesNo(serializers.BooleanField):
    """True or false, and no word for it."""

    def to_internal_value(self, data: Any) -> bool:
        """The answer. Raises ValidationError for another type."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Moment(serializers.DateTimeField):
    """An instant in RFC 3339, with its zone."""

    default_error_messages = {  # as the library declares it
        "no_zone": _("Give the time with its zone, like 2026-11-20T10:00:00+08:00.")
    }

    def enforce_timezone(self, value: datetime) -> datetime:
        """In the portal's zone. Raises ValidationError for a time without one."""
        if value.tzinfo is None:
            self.fail("no_zone")
        return super().enforce_timezone(value)

    def to_internal_value(self, value: Any) -> datetime:
        """The instant. Raises ValidationError for another type."""
        if not isinstance(value, str):
            self.fail("invalid", format="RFC 3339")
        return super().to_internal_value(value)


class Day(serializers.DateField):
    """A day, as text."""

    def to_internal_value(self, value: Any) -> date:
        """The day. Raises ValidationError for another type."""
        if not isinstance(value, str):
            self.fail("invalid", format="YYYY-MM-DD")
        return super().to_internal_value(value)
