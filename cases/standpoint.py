"""From where somebody helps: their community if they have one, and the one city whose wishes concern them."""

from __future__ import annotations

from dataclasses import dataclass

from grids.models import Level, Place
from partymembers.access import Access
from partymembers.keepers import home_of
from partymembers.models import Branch, Member, Unit, User


@dataclass(frozen=True)
class Standpoint:
    """From where somebody looks at the wall: their community if they have one, and the city that it is of."""

    home: Place | None
    city_id: int | None

    @property
    def position(self) -> tuple[float, float] | None:
        """The middle of the community, if it is drawn."""
        if self.home is None or self.home.lng is None or self.home.lat is None:
            return None
        return self.home.lng, self.home.lat


def standpoint(user: User, access: Access) -> Standpoint:
    """Where somebody serves: as volunteer or member, else where their unit or branch does; a few queries."""
    home = home_of(user)
    place = home or _place_of_posts(access) or _place_of_home_branch(user) or _place_of_grants(access)
    if place is not None:
        steps = range(Place.steplen, len(place.path) + 1, Place.steplen)
        cities = Place.objects.filter(path__in=[place.path[:end] for end in steps], level=Level.CITY)
    else:
        cities = Place.objects.filter(level=Level.CITY)
    found = list(cities.values_list("pk", flat=True)[:2])
    return Standpoint(home, found[0] if len(found) == 1 else None)


def _place_of_posts(access: Access) -> Place | None:
    if access.branches:
        leads = Branch.objects.filter(pk__in=access.branch_ids, place__isnull=False)
        branch = leads.select_related("place").order_by("-path").first()
        if branch is not None:
            return branch.place
    if access.unit_ids:
        units = Unit.objects.filter(pk__in=access.unit_ids, place__isnull=False)
        unit = units.select_related("place").order_by("pk").first()
        if unit is not None:
            return unit.place
    return None


def _place_of_home_branch(user: User) -> Place | None:
    """A member who serves nowhere yet looks from where the nearest committee above their branch serves."""
    member = Member.objects.filter(user=user, left_on=None).select_related("home_branch").first()
    if member is None:
        return None
    path = member.home_branch.path
    above = [path[:end] for end in range(Branch.steplen, len(path) + 1, Branch.steplen)]
    nearest = Branch.objects.filter(path__in=above, place__isnull=False).select_related("place")
    branch = nearest.order_by("-path").first()
    return branch.place if branch is not None else None


def _place_of_grants(access: Access) -> Place | None:
    """Who works in a place and is neither member nor volunteer looks from there: the desk reads the needs."""
    first = min((grant for grant in access.grants if not grant.inherited), key=lambda g: g.path, default=None)
    return Place.objects.filter(pk=first.place_id).first() if first is not None else None
