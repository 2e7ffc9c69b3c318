"""The city of the bench: twelve communities, some two hundred grids, people in every role."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction

from cases.deadlines import TimerType
from cases.models import Matter
from grids import actions
from grids.models import Compound, Level, Place, PlaceKind
from partymembers.models import Post, Role, Unit, User
from tests.factories.cases import World
from tests.factories.catalogue import make_class, make_ladder, make_matter, make_policies, make_standard
from tests.factories.grids import City, make_building, make_place, square
from tests.factories.people import LONG_AGO, PASSWORD, make_unit

COMMUNITIES = 12
#: South-west corner and the side of a grid, in degrees.
WEST, SOUTH, SIDE = 118.20, 32.20, 0.004
UNITS = 30
CLASSES = 12
THINGS = (
    "井盖",
    "路灯",
    "护栏",
    "垃圾箱",
    "路面",
    "绿化带",
    "广告牌",
    "消防栓",
    "楼道灯",
    "下水道",
    "电动车",
    "围墙",
)
TROUBLES = ("缺失", "破损", "堵塞", "占道", "污损", "松动", "倾斜", "积水")


@dataclass
class BenchCity:
    """What orders are made in, and who signs in."""

    world: World
    grids: list[Place]
    communities: list[Place]
    workers: dict[int, User]
    desks: dict[int, User]
    units: list[tuple[Unit, User]]
    matters: list[Matter]


@transaction.atomic
def make_bench_city(*, grids: int) -> BenchCity:
    """Places, people and a catalogue of about two hundred matters."""
    top = make_place(None, Level.CITY, "滁州市", code="341100000000")
    district = make_place(top, Level.DISTRICT, "琅琊区", code="341102000000")
    streets = [
        make_place(district, Level.STREET, f"第{n}街道", kind=PlaceKind.SUBDISTRICT) for n in (1, 2, 3)
    ]
    width = max(1, -(-grids // COMMUNITIES))
    communities = [_community(streets[row * 3 // COMMUNITIES], row, width) for row in range(COMMUNITIES)]
    cells = [_grid(communities[n % COMMUNITIES], n % COMMUNITIES, n // COMMUNITIES) for n in range(grids)]
    compounds = [
        actions.add_compound(community=place, name=f"{place}花园", address="") for place in communities
    ]
    for number, grid in enumerate(cells):
        make_building(grid, "1幢", compound=compounds[number % COMMUNITIES])
    make_policies()
    make_ladder()
    people = _People()
    workers = {grid.pk: people.add("网格员", role=Role.GRID_WORKER, place=grid) for grid in cells}
    desks = {place.pk: people.add("书记", role=Role.SECRETARY, place=place) for place in communities}
    for street in streets:
        desks[street.pk] = people.add("街道", role=Role.DESK, place=street)
    units = [_unit(people, number) for number in range(UNITS)]
    matters = _catalogue(top, units)
    world = _world(
        people, top, district, streets[0], communities, cells, compounds, units, matters, workers, desks
    )
    return BenchCity(world, cells, communities, workers, desks, units, matters)


def _community(street: Place, row: int, width: int) -> Place:
    box = square(WEST, SOUTH + row * SIDE, width * SIDE, height=SIDE)
    name = f"第{row + 1}社区"
    return make_place(street, Level.COMMUNITY, name, kind=PlaceKind.RESIDENTIAL, boundary=box)


def _grid(community: Place, row: int, column: int) -> Place:
    box = square(WEST + column * SIDE, SOUTH + row * SIDE, SIDE)
    name = f"{community}第{column + 1}网格"
    return make_place(community, Level.GRID, name, kind=PlaceKind.GENERAL, boundary=box)


class _People:
    """Makes users; all share one hash, because hashing is slow on purpose."""

    def __init__(self) -> None:
        self._hash = make_password(PASSWORD)
        self._count = 0

    def add(self, name: str, **post: Any) -> User:
        self._count += 1
        user = User(
            username=f"B{self._count:05d}", name=f"{name}{self._count}", phone=f"139{self._count:08d}"
        )
        user.password = self._hash
        user.save()
        if post:
            Post.objects.create(user=user, starts_on=LONG_AGO, **post)
        return user


def _unit(people: _People, number: int) -> tuple[Unit, User]:
    unit = make_unit(f"第{number + 1}处置单位")
    return unit, people.add("处置", role=Role.HANDLER, unit=unit)


def _catalogue(top: Place, units: list[tuple[Unit, User]]) -> list[Matter]:
    """Every thing with every trouble, and two or three standards each."""
    draw = random.Random(1)
    classes = [make_class(f"第{n + 1}大类", code=f"{n + 1:02d}") for n in range(CLASSES)]
    matters = []
    for number, (thing, trouble) in enumerate((t, u) for t in THINGS for u in TROUBLES):
        for suffix in ("", "（背街）"):
            matter = make_matter(
                name=f"{thing}{trouble}{suffix}", amount=draw.choice((4, 8, 24)), timer=TimerType.WORK_HOUR,
                matter_class=classes[number % CLASSES], unit=draw.choice(units)[0], place=top,
            )  # fmt: skip
            make_standard(matter, "影响通行", amount=2)
            matters.append(matter)
    return matters


def _world(
    people: _People, top: Place, district: Place, street: Place, communities: list[Place], cells: list[Place],
    compounds: list[Compound], units: list[tuple[Unit, User]], matters: list[Matter],
    workers: dict[int, User], desks: dict[int, User],
) -> World:  # fmt: skip
    """The people of the story tests, so that orders are brought through the same steps."""
    west, east = communities[0], communities[1]
    west_1, east_1 = cells[0], cells[1 % len(cells)]
    city = City(top, district, street, west, east, west_1, west_1, east_1, east_1, compounds[0])
    return World(
        city=city, matter=matters[0], unit=units[0][0], assisting=units[1][0], other_unit=units[2][0],
        worker=workers[west_1.pk], second_worker=workers[west_1.pk],
        desk=desks[west.pk], second_desk=desks[west.pk], street_desk=desks[street.pk],
        district_desk=people.add("区", role=Role.DESK, place=district),
        city_desk=people.add("市", role=Role.DESK, place=top),
        handler=units[0][1], second_handler=units[0][1],
        head=people.add("所长", role=Role.UNIT_HEAD, unit=units[0][0]), assistant=units[1][1],
        official=people.add("市长", role=Role.OFFICIAL, place=top), resident=people.add("居民"),
        other_worker=workers[east_1.pk], other_desk=desks[east.pk], other_handler=units[2][1],
        system_officer=people.add("系统", role=Role.SYSTEM_OFFICER),
    )  # fmt: skip
