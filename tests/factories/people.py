"""People for tests: users in a post, and units."""

from __future__ import annotations

import datetime as dt
from itertools import count
from typing import Any

from grids.models import Place
from partymembers.models import OFFICER_ROLES, UNIT_ROLES, Post, Role, Substitution, Unit, User

_numbers = count(1)

#: The password of every user that `make_user` makes.
PASSWORD = "correct-Horse-7-battery"
#: Posts made here are in force from this day.
LONG_AGO = dt.date(2025, 1, 1)


def make_unit(name: str = "市政养护所", *, place: Place | None = None, **fields: Any) -> Unit:
    """A unit with a code of its own."""
    fields.setdefault("code", f"U{next(_numbers):05d}")
    return Unit.objects.create(name=name, place=place, **fields)


def make_user(
    name: str = "王小明",
    *,
    role: Role | None = None,
    place: Place | None = None,
    unit: Unit | None = None,
    since: dt.date = LONG_AGO,
    until: dt.date | None = None,
    **fields: Any,
) -> User:
    """A user who may sign in with `PASSWORD`, and holds the post if a role is named."""
    number = next(_numbers)
    fields.setdefault("username", f"T{number:05d}")
    fields.setdefault("phone", f"139{number:08d}")
    user = User.objects.create_user(password=PASSWORD, name=name, **fields)
    if role is not None:
        make_post(user, role=role, place=place, unit=unit, since=since, until=until)
    return user


def make_post(
    user: User,
    *,
    role: Role,
    place: Place | None = None,
    unit: Unit | None = None,
    since: dt.date = LONG_AGO,
    until: dt.date | None = None,
) -> Post:
    """A post of the user, written without asking who grants it."""
    if role in UNIT_ROLES and unit is None:
        raise ValueError(f"{role} is held in a unit")
    if role not in UNIT_ROLES | OFFICER_ROLES and place is None:
        raise ValueError(f"{role} is held over a place")
    return Post.objects.create(user=user, role=role, place=place, unit=unit, starts_on=since, ends_on=until)


def make_substitute(post: Post, user: User, *, since: dt.date, until: dt.date) -> Substitution:
    """The user acts in the post between two dates, both included."""
    return Substitution.objects.create(post=post, substitute=user, starts_on=since, ends_on=until)
