"""What a door may answer to a wrong request about the territory."""

from __future__ import annotations

from http import HTTPStatus

from governance.common.errors import Invalid


class PlaceError(Invalid):
    """The territory does not allow this change; the message says why, in the user's language."""


class PlaceEnded(PlaceError):
    """The place has been retired, perhaps while the person was looking at it: 409."""

    http_status = HTTPStatus.CONFLICT
    default_code = "wrong_state"
