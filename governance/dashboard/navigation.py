"""The dashboard's entries in the main navigation."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from governance.common.navigation import NavItem, register
from governance.figures.party.subjects import reads_party_figures
from partymembers.middleware import access_for
from partymembers.models import DESK_ROLES, Role


def enter() -> None:
    """Register the entries; done once, when Django starts."""
    register(
        NavItem(
            key="dashboard",
            label=_("Overview"),
            url_name="dashboard:overview",
            icon="chart",
            order=200,
            visible=_answers_for_figures,
        ),
        NavItem(
            key="party_figures",
            label=_("Party building"),
            url_name="dashboard:party",
            icon="flag",
            order=210,
            visible=_answers_for_people,
        ),
    )


def _answers_for_figures(request: HttpRequest) -> bool:
    """Officials, desks and heads of units; ground workers have their own phone pages."""
    if not request.user.is_authenticated:
        return False
    access = access_for(request)
    return bool(access.place_roles() & (DESK_ROLES | {Role.OFFICIAL}) or access.headed_unit_ids)


def _answers_for_people(request: HttpRequest) -> bool:
    """Officials, desks, committees of branches and heads of units; asks nothing of the database."""
    return request.user.is_authenticated and reads_party_figures(access_for(request))
