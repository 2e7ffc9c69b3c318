"""The demo city read back from the database, for whoever goes on living in it."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from shapely.geometry import Polygon, shape

from cases.models import Matter
from governance.demo.catalogue import Listed
from governance.demo.divisions import CITY, DISTRICT, STREETS
from governance.demo.matters import CLASSES
from governance.demo.pictures import store_pictures
from governance.demo.signins import demo_accounts
from governance.demo.staff import SIGN_INS, gather
from governance.demo.territory import Territory
from governance.demo.units import units_by_key
from governance.demo.world import World
from grids.levels import Level
from grids.models import Building, Place
from partymembers.access import in_force
from partymembers.models import Post, User


def read_world(*, now: datetime, seed: int) -> World | None:
    """The demo city as it is now; None where it was not loaded, or not all of it is left."""
    if len(demo_accounts()) < len(SIGN_INS):
        return None
    territory = _territory()
    if territory is None:
        return None
    units = units_by_key(territory)
    posts = Post.objects.filter(in_force(timezone.localdate(now)), user__disabled_at=None)
    people = list(User.objects.people().filter(disabled_at=None))
    staff = gather(people, list(posts.select_related("user")))
    return World(seed, now, territory, units, staff, _listed(), store_pictures())


def _territory() -> Territory | None:
    places = {place.code: place for place in Place.objects.current().exclude(level=Level.BUILDING)}
    if CITY[0] not in places or DISTRICT[0] not in places:
        return None
    made = Territory(places[CITY[0]], places[DISTRICT[0]])
    made.streets = [places[code] for code, _name in STREETS if code in places]
    made.communities = [places[code] for row in STREETS.values() for code, _name in row if code in places]
    for place in places.values():
        drawn = shape(place.boundary) if place.level == Level.GRID and place.boundary else None
        if isinstance(drawn, Polygon):
            made.grids.append(place)
            made.shapes[place.pk] = drawn
    by_path = {grid.path: grid.pk for grid in made.grids}
    for building in Building.objects.select_related("place", "compound"):
        grid_id = by_path.get(building.place.path[: -Place.steplen])
        if grid_id is not None:
            made.buildings.setdefault(grid_id, []).append(building)
    made.grids = [grid for grid in made.grids if grid.pk in made.buildings]
    whole = len(made.streets) == len(STREETS)
    return made if whole and made.grids else None


def _listed() -> list[Listed]:
    """The matters of the demo's catalogue that can still be reported."""
    rows = Matter.objects.filter(retired_at=None).select_related("matter_class").prefetch_related("standards")
    found = {(row.matter_class.section, row.matter_class.code, row.code): row for row in rows}
    listed = []
    for given_class in CLASSES:
        for given in given_class.matters:
            row = found.get((given_class.section, given_class.code, given.code))
            standards = tuple(each for each in row.standards.all() if each.valid_to is None) if row else ()
            if row is not None and standards:
                listed.append(Listed(row, given, standards))
    return listed
