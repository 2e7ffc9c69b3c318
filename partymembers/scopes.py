"""What a key may be allowed: to read or write one kind of thing each."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from governance.common.errors import Invalid

#: Scope → what it opens, as the security officer and the API's documentation read it.
SCOPES: dict[str, str | Promise] = {
    "places:read": gettext_lazy("Read places, boundaries, and which grid holds a point"),
    "matters:read": gettext_lazy("Read the list of matters and their standards"),
    "units:read": gettext_lazy("Read units"),
    "orders:read": gettext_lazy("Read orders, their history, clocks and pictures; phones are masked"),
    "orders:write": gettext_lazy("Report orders and act on them, with pictures"),
    "wishes:read": gettext_lazy("Read wishes"),
    "wishes:write": gettext_lazy("Ask for wishes and act on them"),
    "personal:read": gettext_lazy("Read names and phones of reporters in full; each reading is audited"),
    "members:read": gettext_lazy("Read Party members and their check-ins"),
    "points:read": gettext_lazy("Read points and what they were given for"),
    "figures:read": gettext_lazy("Read figures"),
    "events:read": gettext_lazy("Read the feed of changes"),
    "exports:write": gettext_lazy("Have lists written into files, and fetch them"),
    "intake:write": gettext_lazy("Hand in another system's orders by a mapping"),
}


def checked_scopes(given: Iterable[str]) -> list[str]:
    """The scopes in the order of the table. Raises Invalid for none at all, or one that does not exist."""
    wanted = set(given)
    if not wanted:
        raise Invalid(_("Choose at least one scope."), field="scopes")
    if unknown := wanted - SCOPES.keys():
        raise Invalid(_("There is no scope “%(name)s”.") % {"name": sorted(unknown)[0][:50]}, field="scopes")
    return [scope for scope in SCOPES if scope in wanted]
