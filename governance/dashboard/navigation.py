"""The dashboard's entry in the main navigation."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from governance.common.navigation import NavItem, register
from partymembers.middleware import access_for
from partymembers.models import DESK_ROLES, Role


def enter() -> None:
    """Register the entry; done once, when Django starts."""
    register(
        NavItem(
            key="dashboard",
            label=_("Overview"),
            url_name="dashboard:overview",
            icon="chart",
            order=200,
            visible=_answers_for_figures,
        )
    )


def _answers_for_figures(request: HttpRequest) -> bool:
    """Officials, desks and heads of units; ground workers have their own phone pages."""
    if not request.user.is_authenticated:
        return False
    access = access_for(request)
    return bool(access.place_roles() & (DESK_ROLES | {Role.OFFICIAL}) or access.headed_unit_ids)
