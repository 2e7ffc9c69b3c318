"""What arrives outside of a form's fields: ids in hidden inputs, the words of a one-line dialog."""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils import timezone

#: No number of ours has more digits (a bigint), and Python refuses to read thousands of them.
_MOST_DIGITS = 18


def whole_number(typed: str) -> int | None:
    """A number of digits alone; None for anything else, and for more of them than any of ours has."""
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) <= _MOST_DIGITS else None


def row_id(typed: str) -> int | None:
    """The id that was sent; None for anything else, which is nobody's."""
    return whole_number(typed)


def words(typed: str, *, most: int) -> str:
    """Text as a column takes it: trimmed, at most `most` characters, without NUL (PostgreSQL has none)."""
    return typed.replace("\x00", "").strip()[:most]


def sendable(text: str) -> str:
    """Text as UTF-8 can say it: JSON may bring halves of characters."""
    return text.encode("utf-8", "replace").decode()


def readable(at: datetime) -> datetime:
    """An instant in the portal's zone. Raises OverflowError where its offset leads out of the calendar.

    Such a time could be kept, and never read again.
    """
    return timezone.localtime(at.astimezone(UTC))
