"""The orders' entries around every page: what each person's day consists of."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from cases.web.today import todo_count
from cases.web.wish_desk import waiting_count
from governance.common.navigation import (
    AccountLink,
    NavItem,
    Search,
    register,
    register_account_link,
    register_search,
)
from partymembers.devices import may_trust
from partymembers.middleware import access_for
from partymembers.models import GROUND_ROLES
from partymembers.registered import is_member, is_registered


def enter() -> None:
    """Register the entries; done once, when Django starts."""
    register(*_work(), *_called(), *_reports())
    register_account_link(
        AccountLink(label=_("My wishes"), url_name="cases:my_wishes", icon="heart", visible=_may_report)
    )
    register_account_link(
        AccountLink(label=_("QR codes"), url_name="cases:qr_codes", icon="qr", visible=_staffs_a_desk)
    )
    register_search(
        Search(
            url_name="cases:search",
            placeholder=_("Order number, place, phone tail"),
            visible=_sees_orders,
        )
    )


def _work() -> tuple[NavItem, ...]:
    return (
        NavItem(
            key="today",
            label=_("To do"),
            url_name="cases:today",
            icon="todo",
            phone=True,
            order=10,
            visible=_works_on_the_ground,
            badge=todo_count,
            holds=("cases:search",),
        ),
        NavItem(
            key="desk",
            label=_("Desk"),
            url_name="cases:desk",
            icon="list",
            order=20,
            visible=_staffs_a_desk,
            holds=("cases:search",),
        ),
        NavItem(
            key="wish_desk",
            label=_("Wishes"),
            url_name="cases:wish_desk",
            icon="heart",
            order=25,
            visible=_staffs_a_desk,
            badge=waiting_count,
        ),
    )


def _called() -> tuple[NavItem, ...]:
    return (
        NavItem(
            key="handling",
            label=_("To handle"),
            url_name="cases:handling",
            icon="todo",
            phone=True,
            order=30,
            visible=_is_in_a_unit,
            holds=("cases:search",),
        ),
        NavItem(
            key="whistles",
            label=_("Whistles"),
            url_name="cases:whistles",
            icon="whistle",
            phone=True,
            order=35,
            visible=_may_be_whistled,
        ),
    )


def _reports() -> tuple[NavItem, ...]:
    return (
        NavItem(
            key="report",
            label=_("Report"),
            url_name="cases:report",
            icon="camera",
            phone=True,
            order=40,
            visible=_may_report,
        ),
        NavItem(
            key="wishes",
            label=_("Wishes"),
            url_name="cases:wishes",
            icon="heart",
            phone=True,
            order=45,
            visible=_may_help,
        ),
        NavItem(
            key="mine",
            label=_("My reports"),
            url_name="cases:mine",
            icon="doc",
            phone=True,
            order=50,
            visible=_may_report,
            holds=("cases:search",),
        ),
    )


def _works_on_the_ground(request: HttpRequest) -> bool:
    return request.user.is_authenticated and bool(access_for(request).place_roles() & GROUND_ROLES)


def _staffs_a_desk(request: HttpRequest) -> bool:
    return request.user.is_authenticated and bool(access_for(request).desk_place_ids)


def _is_in_a_unit(request: HttpRequest) -> bool:
    return request.user.is_authenticated and bool(access_for(request).unit_ids)


def _may_be_whistled(request: HttpRequest) -> bool:
    """People of units, committees of branches, members; known with the session's user, without a query."""
    if not request.user.is_authenticated:
        return False
    access = access_for(request)
    return bool(access.unit_ids or access.branch_ids) or is_member(request.user)


def _may_report(request: HttpRequest) -> bool:
    """Everybody but the three officers, who touch no orders."""
    return request.user.is_authenticated and not access_for(request).officer_roles


def _may_help(request: HttpRequest) -> bool:
    """Members, volunteers, people of units and of committees: whoever may take on a wish."""
    if not request.user.is_authenticated:
        return False
    access = access_for(request)
    if access.officer_roles:
        return False
    return bool(access.unit_ids or access.branches) or is_registered(request.user)


def _sees_orders(request: HttpRequest) -> bool:
    """Ground staff search on their phones from the list; a resident has only their own reports."""
    access = access_for(request)
    return bool(access.grants or access.unit_ids) and not may_trust(access)
