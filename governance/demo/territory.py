"""The demo city's places: real names and codes, drawn boundaries, invented compounds and buildings."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils import timezone
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from governance.demo import drawing
from governance.demo.divisions import CITY, DISTRICT, STREETS
from grids import actions, boundaries, codes
from grids.boundaries import clean_boundary
from grids.importing.bulk import create_places
from grids.levels import Level
from grids.models import Building, Compound, Place, PlaceKind
from grids.querysets import put_under

#: Where each street about lies on the drawn map, in the order of STREETS.
_SEATS: Final = (
    (-0.30, 0.00),
    (-0.05, -0.45),
    (0.25, 0.25),
    (0.45, -0.35),
    (-0.72, -0.15),
    (-0.05, 0.12),
    (0.05, -0.12),
    (0.30, 0.80),
    (-0.35, 0.70),
)
_FIRST: Final = [
    "锦绣",
    "清流",
    "丰乐",
    "琅琊",
    "东方",
    "凤凰",
    "紫薇",
    "明湖",
    "花山",
    "龙蟠",
    "北湖",
    "天长",
    "鼓楼",
    "新安",
    "同乐",
    "和顺",
    "翠微",
    "望江",
    "学府",
    "金桂",
]
_SECOND: Final = ["花园", "家园", "佳苑", "新村", "名邸", "小区", "雅居", "公寓"]
#: Roads of the demo city; invented.
ROADS: Final = [
    "映溪路",
    "文昌路",
    "建安路",
    "育新街",
    "工农路",
    "花山东路",
    "望湖路",
    "学府路",
    "南苑路",
    "清园路",
    "龙山路",
    "百合路",
    "迎春街",
    "湖心路",
    "银杏路",
    "西门街",
    "仁爱巷",
    "丰收路",
    "车站街",
    "新生巷",
]


@dataclass
class Territory:
    """What was made, by level; communities know their street by path."""

    city: Place
    district: Place
    streets: list[Place] = field(default_factory=list)
    communities: list[Place] = field(default_factory=list)
    grids: list[Place] = field(default_factory=list)
    #: Of each grid id, its polygon: orders happen inside.
    shapes: dict[int, Polygon] = field(default_factory=dict)
    #: Of each grid id, its buildings.
    buildings: dict[int, list[Building]] = field(default_factory=dict)

    def below(self, place: Place, among: Sequence[Place]) -> list[Place]:
        """Those of `among` that lie at or below a place."""
        return [each for each in among if each.path.startswith(place.path)]


@transaction.atomic
def make_territory(*, seed: int, at: datetime) -> Territory:
    """City, district, streets, communities, about 200 grids, their compounds, buildings and QR codes."""
    rng = random.Random(f"{seed} territory")
    sizes = [[rng.choice((4, 4, 5, 5)) for _each in communities] for communities in STREETS.values()]
    wants = [drawing.Want(at, tuple(size)) for at, size in zip(_SEATS, sizes, strict=True)]
    drawn = drawing.draw_map(wants, seed)
    whole = drawing.joined([grid for street in drawn for part in street.communities for grid in part])
    city = _place(CITY, Level.CITY, None, at)
    district = _place(DISTRICT, Level.DISTRICT, city, at, shape=whole)
    made = Territory(city, district)
    for (given, communities), street in zip(STREETS.items(), drawn, strict=True):
        _add_street(made, given, communities, street, at)
    create_places([city, district, *made.streets, *made.communities, *made.grids])
    made.shapes = {grid.pk: shape for grid, shape in zip(made.grids, _polygons(drawn), strict=True)}
    _add_buildings(made, rng, at)
    boundaries.raise_version()
    return made


def _polygons(drawn: Sequence[drawing.Drawn]) -> list[Polygon]:
    return [grid for street in drawn for part in street.communities for grid in part]


def _place(
    given: tuple[str, str],
    level: Level,
    parent: Place | None,
    at: datetime,
    *,
    kind: str = "",
    shape: BaseGeometry | None = None,
) -> Place:
    """A place that is not saved yet, with its boundary marked as schematic."""
    place = Place(code=given[0], name=given[1], level=level, kind=kind, since=timezone.localdate(at))
    if shape is not None:
        place.is_schematic = True
        for name, value in clean_boundary(drawing.geojson(shape)).as_fields().items():
            setattr(place, name, value)
    put_under(place, parent)
    return place


def _add_street(
    made: Territory,
    given: tuple[str, str],
    communities: Sequence[tuple[str, str]],
    drawn: drawing.Drawn,
    at: datetime,
) -> None:
    kind = PlaceKind.ZONE if given[1].endswith("区") else PlaceKind.SUBDISTRICT
    whole = drawing.joined([grid for part in drawn.communities for grid in part])
    street = _place(given, Level.STREET, made.district, at, kind=kind, shape=whole)
    made.streets.append(street)
    for named, part in zip(communities, drawn.communities, strict=True):
        kind = PlaceKind.VILLAGE if named[1].endswith("村") else PlaceKind.RESIDENTIAL
        community = _place(named, Level.COMMUNITY, street, at, kind=kind, shape=drawing.joined(part))
        made.communities.append(community)
        for number, shape in enumerate(part, start=1):
            dedicated = number == len(part) == 5
            kind = PlaceKind.DEDICATED if dedicated else PlaceKind.GENERAL
            name = f"{named[1]}第{number}网格"
            code = codes.compose(community.code, Level.GRID, number)
            made.grids.append(_place((code, name), Level.GRID, community, at, kind=kind, shape=shape))


def _add_buildings(made: Territory, rng: random.Random, at: datetime) -> None:
    """Two or three compounds a community, four buildings a grid, a QR code on every third one."""
    places: list[Place] = []
    details: list[Building] = []
    for community in made.communities:
        compounds = _compounds(community, rng)
        for grid in made.below(community, made.grids):
            compound = rng.choice(compounds)
            for number in range(1, 5):
                spot = point_inside(made.shapes[grid.pk], rng)
                code = codes.compose(grid.code, Level.BUILDING, number)
                place = _place((code, f"{number + 4 * rng.randrange(5)}幢"), Level.BUILDING, grid, at)
                place.lng, place.lat = spot
                places.append(place)
                details.append(_building(place, compound, rng))
    create_places(places)
    Building.objects.bulk_create(details)
    for detail in details:
        parent = next(
            g for g in made.below(made.district, made.grids) if detail.place.path.startswith(g.path)
        )
        made.buildings.setdefault(parent.pk, []).append(detail)
    for detail in details[::3]:
        actions.issue_qr_code(place=detail.place, at=at, label=f"{detail.compound}{detail.place.name}单元门")


def _building(place: Place, compound: Compound, rng: random.Random) -> Building:
    floors = rng.choice((5, 6, 6, 7, 11, 17, 18))
    households = floors * rng.choice((4, 6, 8))
    return Building(
        place=place,
        compound=compound,
        entrances=rng.randint(1, 4),
        floors=floors,
        households=households,
        residents=round(households * 2.6),
    )


def _compounds(community: Place, rng: random.Random) -> list[Compound]:
    names = rng.sample([first + second for first in _FIRST for second in _SECOND], rng.choice((2, 3, 3)))
    rows = [
        Compound(community=community, name=name, address=f"{rng.choice(ROADS)}{rng.randint(1, 240)}号")
        for name in names
    ]
    return Compound.objects.bulk_create(rows)


def point_inside(shape: Polygon, rng: random.Random) -> tuple[float, float]:
    """A position in the polygon, away from its edge."""
    middle = shape.centroid
    ring = shape.exterior.coords
    x, y = ring[rng.randrange(len(ring) - 1)][:2]
    share = 0.75 * rng.random() ** 0.5
    return round(middle.x + share * (x - middle.x), 6), round(middle.y + share * (y - middle.y), 6)
