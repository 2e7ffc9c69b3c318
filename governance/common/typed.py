"""What arrives outside of a form's fields: ids in hidden inputs, the words of a one-line dialog."""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils import timezone

#: No id of ours has more digits (a bigint), and Python refuses to read thousands of them.
_LONGEST_ID = 18


def row_id(typed: str) -> int | None:
    """The id that was sent; None for anything else, which is nobody's."""
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) <= _LONGEST_ID else None


def words(typed: str, *, most: int) -> str:
    """Text as a column takes it: trimmed, at most `most` characters, without NUL (PostgreSQL has none)."""
    return typed.replace("\x00", "").strip()[:most]


def readable(at: datetime) -> datetime:
    """An instant in the portal's zone. Raises OverflowError where its offset leads out of the calendar.

    Such a time could be kept, and never read again.
    """
    return timezone.localtime(at.astimezone(UTC))
