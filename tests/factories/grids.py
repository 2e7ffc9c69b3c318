"""A small territory for tests.

`make_city()` gives a city, a district, a street, two communities with two grids each, drawn as squares of
about 1 km, a compound and four buildings. Each community is a column of its two grids::

    32.32 +--------+--------+
          | west_2 | east_2 |
    32.31 +--------+--------+
          | west_1 | east_1 |
    32.30 +--------+--------+
        118.31   118.32   118.33
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from grids import actions, boundaries
from grids.boundaries import Located
from grids.levels import Level
from grids.models import Building, Compound, Place, PlaceKind, QrCode
from tests.factories.moulds import Mould

#: When everything here began.
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
CODE = "341100000000"
WEST, SOUTH, SIDE = 118.31, 32.30, 0.01


def square(west: float, south: float, side: float = SIDE, *, height: float | None = None) -> dict[str, Any]:
    """A GeoJSON rectangle from its south-west corner, in degrees."""
    east, north = round(west + side, 7), round(south + (side if height is None else height), 7)
    west, south = round(west, 7), round(south, 7)
    return {
        "type": "Polygon",
        "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]],
    }


def located(lng: float, lat: float) -> Located:
    """Where a position lies, on a map that is not empty."""
    found = boundaries.locate(lng, lat)
    if found is None:
        raise LookupError("the map is empty")
    return found


def make_place(parent: Place | None, level: Level, name: str = "", **fields: Any) -> Place:
    """Any place under any parent, with the next free code unless one is given."""
    return actions.add_place(
        parent=parent, level=level, name=name or str(level.label), at=fields.pop("at", BEGAN), **fields
    )


def make_building(grid: Place, name: str = "1幢", **fields: Any) -> Building:
    """A building of 60 households unless told otherwise."""
    counts = {"entrances": 2, "floors": 11, "households": 60, "residents": 150}
    return actions.add_building(grid=grid, name=name, at=BEGAN, **(counts | fields))


@dataclass
class City:
    """The places that `make_city` made."""

    city: Place
    district: Place
    street: Place
    west: Place
    east: Place
    west_1: Place
    west_2: Place
    east_1: Place
    east_2: Place
    compound: Compound
    buildings: list[Building] = field(default_factory=list)

    @property
    def communities(self) -> list[Place]:
        """West, east."""
        return [self.west, self.east]

    @property
    def grids(self) -> list[Place]:
        """The four grids in code order."""
        return [self.west_1, self.west_2, self.east_1, self.east_2]

    @property
    def building(self) -> Place:
        """The first building's place, in grid west_1 and in the compound."""
        return self.buildings[0].place

    def inside(self, place: Place) -> tuple[float, float]:
        """Longitude and latitude of a position well inside a drawn place."""
        if place.lng is None or place.lat is None:
            raise ValueError(f"{place} is not drawn")
        return place.lng, place.lat

    def qr_code(self, place: Place | None = None) -> QrCode:
        """A new QR code, on the first building unless told otherwise."""
        return actions.issue_qr_code(place=place or self.building, at=BEGAN, label="单元门")


def make_city(code: str = CODE) -> City:
    """The small territory. Another `code` (…00000000) gives a second, separate city."""
    return _city() if code == CODE else _make_city(code)


def _make_city(code: str = CODE) -> City:
    stem = code[:4]
    city = make_place(None, Level.CITY, "滁州市", code=code)
    district = make_place(city, Level.DISTRICT, "琅琊区", code=f"{stem}02000000")
    street = make_place(
        district, Level.STREET, "琅琊街道", code=f"{stem}02001000", kind=PlaceKind.SUBDISTRICT
    )
    places: dict[str, Place] = {}
    for column, (side, name) in enumerate([("west", "西涧社区"), ("east", "东门社区")]):
        west = WEST + column * SIDE
        places[side] = make_place(
            street, Level.COMMUNITY, name, kind=PlaceKind.RESIDENTIAL,
            boundary=square(west, SOUTH, SIDE, height=2 * SIDE),
        )  # fmt: skip
        for number in (1, 2):
            places[f"{side}_{number}"] = make_place(
                places[side], Level.GRID, f"{name}第{number}网格", kind=PlaceKind.GENERAL,
                boundary=square(west, SOUTH + (number - 1) * SIDE),
            )  # fmt: skip
    compound = actions.add_compound(community=places["west"], name="清流花园", address="清流路1号")
    buildings = [
        make_building(places["west_1"], "1幢", compound=compound, lng=118.314, lat=32.304),
        make_building(places["west_1"], "2幢", compound=compound, lng=118.316, lat=32.306),
        make_building(places["west_2"], "3幢"),
        make_building(places["east_1"], "1幢"),
    ]
    return City(city, district, street, compound=compound, buildings=buildings, **places)


#: The tables of a territory.
TERRITORY = (Place, Compound, Building)
_city = Mould(_make_city, TERRITORY)
