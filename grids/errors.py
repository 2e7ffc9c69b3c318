"""What a door may answer to a wrong request about the territory."""

from __future__ import annotations


class PlaceError(ValueError):
    """The territory does not allow this change; the message says why, in the user's language."""
