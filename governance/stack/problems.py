"""The one error of this package."""

from __future__ import annotations


class StackError(Exception):
    """Something that the person can mend; its text is one clear line, shown without a traceback."""
