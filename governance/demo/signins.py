"""The demo's sign-ins: who may be played, and whether the demo city is loaded at all."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from django.utils.translation import gettext as _

from governance.demo.names import PHONES
from governance.demo.staff import PASSWORD, SIGN_INS
from partymembers.models import Member, User, Volunteer


def demo_accounts() -> list[User]:
    """The accounts for visitors that exist and have the demo's password, in the order of SIGN_INS."""
    names = [sign.username for sign in SIGN_INS]
    found = {
        user.username: user for user in User.objects.filter(username__in=names, phone__startswith=PHONES)
    }
    return [found[name] for name in names if name in found]


def signin_table() -> str:
    """A table for the terminal; empty when the demo city is not loaded."""
    known = {user.username: user for user in demo_accounts()}
    rows = [
        (sign.username, _place(known[sign.username]), str(sign.purpose))
        for sign in SIGN_INS
        if sign.username in known
    ]
    if not rows or not known["worker"].check_password(PASSWORD):
        return ""
    head = (_("sign in as"), _("who that is"), _("comes to"))
    return (
        _("Demo city: every account has the password %(password)s") % {"password": PASSWORD}
        + "\n\n"
        + _ruled([head, *rows])
    )


def _place(user: User) -> str:
    """Role and place of the account's post."""
    post = user.posts.select_related("place", "unit", "branch").first()
    if post is None:
        return _without_post(user)
    where = post.place or post.unit or post.branch
    return f"{post.get_role_display()} · {where}" if where else str(post.get_role_display())


def _without_post(user: User) -> str:
    if Member.objects.filter(user=user).exists():
        return _("Party member")
    return _("volunteer") if Volunteer.objects.filter(user=user).exists() else _("resident")


def _ruled(rows: Sequence[tuple[str, ...]]) -> str:
    """Columns as wide as their longest cell, Chinese characters counted as two."""
    widths = [max(_width(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    return "\n".join(["  " + line.rstrip() for line in [*lines[:1], "─" * sum(widths, 4), *lines[1:]]])


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
