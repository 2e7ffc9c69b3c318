"""What may go wrong on purpose: each error has words for the person and a status for the door."""

from __future__ import annotations

from http import HTTPStatus

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


class DomainError(Exception):
    """A refusal that the person can act on; nothing has been written when it is raised.

    `message` names the remedy in the user's language, `field` the input it belongs to (or nothing),
    `code` a word that integrators may rely on, `extra` what a page needs to offer a way on.
    """

    http_status: HTTPStatus = HTTPStatus.BAD_REQUEST
    default_code = "refused"
    default_message: Text = _("This could not be done.")

    def __init__(
        self,
        message: Text | None = None,
        *,
        field: str = "",
        code: str = "",
        extra: dict[str, object] | None = None,
    ) -> None:
        self.message = self.default_message if message is None else message
        self.field = field
        self.code = code or self.default_code
        self.extra = extra or {}
        super().__init__(str(self.message))


class Invalid(DomainError):
    """The input is wrong: 400."""

    default_code = "invalid"
    default_message = _("Something in what you entered is not right.")


class NotAllowed(DomainError):
    """The person may see this but may not do that: 403."""

    http_status = HTTPStatus.FORBIDDEN
    default_code = "not_allowed"
    default_message = _("You may not do this.")


class NotVisible(DomainError):
    """It does not exist, or the person may not know that it does: 404."""

    http_status = HTTPStatus.NOT_FOUND
    default_code = "not_found"
    default_message = _("Not found, or not within what you may see.")


class WrongState(DomainError):
    """Somebody or something was faster, and the action no longer fits: 409."""

    http_status = HTTPStatus.CONFLICT
    default_code = "wrong_state"
    default_message = _("This has just been changed by somebody else, so your action did not take effect.")


class TooLarge(DomainError):
    """More than the portal takes at once: 413."""

    http_status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"
    default_message = _("This is larger than the portal accepts.")


class UnsupportedType(DomainError):
    """A file of a kind that the portal does not read: 415."""

    http_status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    default_code = "unsupported_type"
    default_message = _("This kind of file is not accepted.")


class Throttled(DomainError):
    """Too often: 429; `retry_after` in seconds."""

    http_status = HTTPStatus.TOO_MANY_REQUESTS
    default_code = "throttled"
    default_message = _("Too many attempts. Please wait a little and try again.")

    def __init__(
        self, message: Text | None = None, *, retry_after: int = 60, field: str = "", code: str = ""
    ) -> None:
        super().__init__(message, field=field, code=code)
        self.retry_after = retry_after
