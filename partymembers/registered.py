"""Whether who is signed in is a Party member or a volunteer: asked by every page's navigation, at no cost.

Both are read with the session's user (`partymembers.backends`). Actions ask the database (`keepers.serves`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser


def is_member(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether they are a Party member who has not left."""
    member = getattr(user, "member", None)
    return member is not None and member.left_on is None


def is_registered(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether they are a member, or a volunteer who has not left."""
    volunteer = getattr(user, "volunteer", None)
    return is_member(user) or (volunteer is not None and volunteer.left_at is None)
