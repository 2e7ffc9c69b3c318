"""How much of the territory a caller of the API reads."""

from __future__ import annotations

from rest_framework.request import Request

from grids.api.reach import EVERYWHERE, NOWHERE, Reach
from partymembers.access import Access
from partymembers.api.callers import access_of_caller
from partymembers.models import Unit


def reach_of_caller(request: Request) -> Reach:
    """What may be read of places: by a person all of them, by a connected system its own.

    Names and boundaries are public, and every person may report from anywhere; a system is still given no
    more than it was connected for.
    """
    access = access_of_caller(request)
    return reach_of(access) if access.is_service else EVERYWHERE


def reach_of(access: Access) -> Reach:
    """The places of one's posts with all below, or those that one's units serve; one query for units.

    A unit that serves no place in particular serves the whole city.
    """
    paths = [grant.path for grant in access.grants]
    if access.unit_ids:
        serving = Unit.objects.filter(pk__in=access.unit_ids)
        served = [path or "" for path in serving.values_list("place__path", flat=True)]
        if "" in served:
            return EVERYWHERE
        paths += served
    return Reach(tuple(sorted(set(paths)))) if paths else NOWHERE
