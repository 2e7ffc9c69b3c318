"""The fields of an event's payload: their types, and how a row of `cases.events` writes them down."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FieldType(StrEnum):
    """How a field stands in JSON."""

    ID = "id"  # a positive integer
    IDS = "ids"  # a list of them
    TEXT = "text"
    NUMBER = "number"  # an integer
    FLAG = "flag"  # true or false
    INSTANT = "instant"  # ISO 8601 with an offset
    SECONDS = "seconds"  # an amount of time, in the clock's own time where it belongs to a clock


@dataclass(frozen=True)
class Field:
    """One field of a payload; `always` fields are never missing."""

    type: FieldType
    meaning: str
    always: bool = False

    def accepts(self, value: object) -> bool:
        """Whether the value is of the field's type; null stands for "none" in fields that may be missing."""
        if value is None:
            return not self.always
        if self.type == FieldType.FLAG:
            return isinstance(value, bool)
        if self.type == FieldType.IDS:
            return isinstance(value, list) and all(_is_id(each) for each in value)
        if self.type == FieldType.ID:
            return _is_id(value)
        if self.type in (FieldType.NUMBER, FieldType.SECONDS):
            return isinstance(value, int) and not isinstance(value, bool)
        return isinstance(value, str)


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def row_id(meaning: str, always: bool = False) -> Field:
    """A row's id."""
    return Field(FieldType.ID, meaning, always)


def row_ids(meaning: str) -> Field:
    """A list of rows' ids."""
    return Field(FieldType.IDS, meaning)


def text(meaning: str, always: bool = False) -> Field:
    """A text."""
    return Field(FieldType.TEXT, meaning, always)


def number(meaning: str, always: bool = False) -> Field:
    """An integer."""
    return Field(FieldType.NUMBER, meaning, always)


def flag(meaning: str) -> Field:
    """True or false."""
    return Field(FieldType.FLAG, meaning)


def instant(meaning: str) -> Field:
    """An instant, ISO 8601 with an offset."""
    return Field(FieldType.INSTANT, meaning)


def seconds(meaning: str) -> Field:
    """An amount of time."""
    return Field(FieldType.SECONDS, meaning)
