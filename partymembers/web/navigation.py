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


def enter() -> None:
    """Register the entries; done once, when Django starts."""
    register(
        NavItem(
            key="profile",
            label=_("Me"),
            url_name="profile",
            icon="user",
            phone=True,
            order=900,
            visible=_works_on_the_ground,
        )
    )
    _enter_party()
    register_account_link(AccountLink(label=_("My page"), url_name="profile", icon="user"))
    _enter_service()
    register_posts(_posts)


def _enter_party() -> None:
    """The member's page, and the branches of a committee."""
    register(
        NavItem(
            key="branches",
            label=_("Branches"),
            url_name="party:branches",
            icon="users",
            phone=True,
            order=60,
            visible=_sits_in_a_committee,
        ),
        NavItem(
            key="party",
            label=_("My branches"),
            url_name="party:me",
            icon="flag",
            phone=True,
            order=70,
            visible=_is_member,
        ),
    )


def _sits_in_a_committee(request: HttpRequest) -> bool:
    return request.user.is_authenticated and bool(access_for(request).branches)


def _is_member(request: HttpRequest) -> bool:
    """Read with the session's user (`backends`), so that it costs no query."""
    member = getattr(request.user, "member", None)
    return member is not None and member.left_on is None


def _enter_service() -> None:
    """Volunteers, points and lists: a main entry for residents and committees, a line for everybody else."""
    register(
        NavItem(
            key="service",
            label=_("Volunteer service"),
            url_name="service:hub",
            icon="users",
            phone=True,
            order=60,
            visible=_begins_with_service,
        )
    )
    register_account_link(
        AccountLink(
            label=_("Volunteer service"), url_name="service:hub", icon="users", visible=_is_no_officer
        ),
        AccountLink(label=_("My points"), url_name="service:points", icon="star", visible=_is_no_officer),
    )


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
