"""Reads around volunteers: who serves where, teams, activities and who comes to them.

Teams and activities are announcements and stand open to everybody who is signed in; who volunteers, and who
comes to an activity, is for those who run it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from grids.models import Level, Place
from partymembers.access import Access
from partymembers.branching import led_branches
from partymembers.keepers import home_of
from partymembers.models import (
    DESK_ROLES,
    Activity,
    Branch,
    SignUp,
    Skill,
    Team,
    TeamMember,
    User,
    Volunteer,
)


@dataclass(frozen=True)
class Scope:
    """The part of the territory that a list shows, and the wider ones that it could show instead."""

    chosen: Place
    offered: list[Place]


def scope_of(user: User, access: Access, code: str = "") -> Scope | None:
    """The reader's own community, and street, district and city above it; None where there is no place.

    Whoever has no community begins at the place of their post, else at the city.
    """
    home = home_of(user) or _place_of_post(access)
    if home is None:
        offered = list(Place.objects.current().filter(depth=1).order_by("code"))
    else:
        above = Place.objects.above(home).filter(retired_on=None)
        offered = [home, *sorted(above, key=lambda place: -len(place.path))]
        offered = [p for p in offered if p.level not in (Level.GRID, Level.BUILDING)] or offered
    if not offered:
        return None
    return Scope(next((place for place in offered if place.code == code), offered[0]), offered)


def _place_of_post(access: Access) -> Place | None:
    for grant in access.grants:
        if not grant.inherited:
            return Place.objects.get(pk=grant.place_id)
    if access.branches:
        branch = Branch.objects.select_related("place").get(pk=access.branches[0].branch_id)
        return branch.place
    return None


def kept_places(access: Access) -> Q:
    """A condition on `Place`: those for which desk or committee makes the user answerable."""
    condition = Q(pk__in=[])
    for grant in access.grants:
        if grant.roles & DESK_ROLES:
            condition |= Q(path__startswith=grant.path)
    for path in _served_paths(access):
        condition |= Q(path__startswith=path)
    return condition


def _served_paths(access: Access) -> Iterable[str]:
    if not access.branches:
        return []
    served = led_branches(access).order_by().filter(place__isnull=False)
    return list(served.values_list("place__path", flat=True).distinct())


def kept_communities(access: Access) -> QuerySet[Place]:
    """Communities where the user may hold activities and found teams."""
    return Place.objects.current().filter(kept_places(access), level=Level.COMMUNITY).order_by("code")


def activities_in(place: Place, user: User, *, at: dt.datetime, past: bool = False) -> QuerySet[Activity]:
    """Activities of a place and below that are to come or under way (or over), with `taken` and `is_mine`."""
    span = Q(ends_at__lte=at) if past else Q(ends_at__gt=at)
    return shown_activities(user).filter(span, place__path__startswith=place.path)


def shown_activities(user: User) -> QuerySet[Activity]:
    """Activities with place, team, how many come, and whether the reader does."""
    mine = SignUp.objects.filter(activity=OuterRef("pk"), user=user, cancelled_at=None)
    return Activity.objects.select_related("place", "team").annotate(
        taken=Count("sign_ups", filter=Q(sign_ups__cancelled_at=None)), is_mine=Exists(mine)
    )


def my_sign_ups(user: User, *, at: dt.datetime) -> QuerySet[SignUp]:
    """What somebody comes to and is not over yet, the next one first."""
    rows = SignUp.objects.filter(
        user=user, cancelled_at=None, activity__cancelled_at=None, activity__ends_at__gt=at
    )
    return rows.select_related("activity__place").order_by("activity__starts_at", "pk")


def teams_in(place: Place, user: User) -> QuerySet[Team]:
    """Teams of a place and below, with `members` and `is_mine`."""
    mine = TeamMember.objects.filter(team=OuterRef("pk"), user=user, left_at=None)
    return (
        Team.objects.filter(place__path__startswith=place.path, dissolved_on=None)
        .select_related("place", "leader")
        .annotate(members=Count("memberships", filter=Q(memberships__left_at=None)), is_mine=Exists(mine))
        .order_by("name", "pk")
    )


def volunteers_for(access: Access, *, skill: Skill | None = None) -> QuerySet[Volunteer]:
    """The volunteers of the communities that the reader keeps; nobody else lists people."""
    communities = Place.objects.filter(kept_places(access), level=Level.COMMUNITY)
    rows = Volunteer.objects.filter(left_at=None, community__in=communities.values("pk"))
    if skill is not None:
        rows = rows.filter(skills=skill)
    return rows.select_related("user", "community").prefetch_related("skills")


def candidates(access: Access) -> QuerySet[User]:
    """Who could lead something where the user is answerable: its volunteers, and its checked-in members."""
    kept = Place.objects.filter(kept_places(access)).values("pk")
    return (
        User.objects.filter(
            Q(volunteer__left_at=None, volunteer__community__in=kept)
            | Q(member__left_on=None, member__checkin_branch__place__in=kept),
            disabled_at=None,
        )
        .distinct()
        .order_by("name", "pk")
    )
