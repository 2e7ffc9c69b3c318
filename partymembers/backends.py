"""Who signs in: by staff number or phone, with a password."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from partymembers.lockout import find_user
from partymembers.models import User


class StaffBackend(BaseBackend):
    """Checks the password of whoever the typed staff number or phone means.

    An unknown name costs one hash like a known one, and a disabled person fails like a wrong password, so
    the answer and its time tell nobody who exists.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """The user, or None for every kind of failure."""
        if username is None or password is None:
            return None
        user = find_user(username)
        if user is None:
            User().set_password(password)
            return None
        return user if user.check_password(password) and user.is_active else None

    def get_user(self, user_id: int) -> User | None:
        """The session's user, unless disabled since."""
        # With it whether they are a Party member or a volunteer: every page's navigation asks.
        user = User.objects.people().select_related("member", "volunteer").filter(pk=user_id).first()
        return user if user is not None and user.is_active else None
