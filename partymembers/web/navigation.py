"""What this room adds around every page: my page, and the posts in the account menu."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from governance.common.navigation import (
    AccountLink,
    NavItem,
    register,
    register_account_link,
    register_posts,
)
from partymembers.devices import may_trust
from partymembers.landing import current_post
from partymembers.middleware import access_for
from partymembers.registered import is_member


def enter() -> None:
    """Register the entries; done once, when Django starts."""
    entries = (
        ("service", _("Volunteer service"), "service:hub", "users", 60, True, _begins_with_service),
        ("branches", _("Branches"), "party:branches", "users", 60, True, _sits_in_a_committee),
        ("evaluations", _("Evaluations"), "party:evaluations", "doc", 65, False, _heads_a_unit),
        ("party", _("My branches"), "party:me", "flag", 70, True, _is_member),
        ("profile", _("Me"), "profile", "user", 900, True, _works_on_the_ground),
    )
    for key, label, url_name, icon, order, phone, visible in entries:
        register(
            NavItem(
                key=key, label=label, url_name=url_name, icon=icon, order=order, phone=phone, visible=visible
            )
        )
    register_account_link(AccountLink(label=_("My page"), url_name="profile", icon="user"))
    for label, url_name, icon in (
        (_("Volunteer service"), "service:hub", "users"),
        (_("My points"), "service:points", "star"),
    ):
        register_account_link(AccountLink(label=label, url_name=url_name, icon=icon, visible=_is_no_officer))
    register_posts(_posts)


def _sits_in_a_committee(request: HttpRequest) -> bool:
    return request.user.is_authenticated and bool(access_for(request).branches)


def _heads_a_unit(request: HttpRequest) -> bool:
    return request.user.is_authenticated and bool(access_for(request).headed_unit_ids)


def _is_member(request: HttpRequest) -> bool:
    return is_member(request.user)


def _begins_with_service(request: HttpRequest) -> bool:
    """Residents, members and volunteers without a post, and committees; asks nothing of the database."""
    if not request.user.is_authenticated:
        return False
    access = access_for(request)
    return access.is_empty() or bool(access.branches)


def _is_no_officer(request: HttpRequest) -> bool:
    return request.user.is_authenticated and not access_for(request).officer_roles


def _works_on_the_ground(request: HttpRequest) -> bool:
    """A phone's bottom bar shows the entry; at a desk the account menu has it."""
    return request.user.is_authenticated and may_trust(access_for(request))


def _posts(request: HttpRequest) -> list[str]:
    """The posts that the account menu lists, the current one first."""
    current = current_post(request)
    return [str(post) for post in sorted(access_for(request).posts, key=lambda post: post != current)]
