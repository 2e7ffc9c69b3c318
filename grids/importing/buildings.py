"""Import of buildings with their counts, from CSV or XLSX."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.utils import timezone
from django.utils.translation import gettext as _

from governance.common.imports import ImportReport, Progress, all_or_nothing, no_progress
from governance.common.tabular import CellError, Row, TableError, read_table
from grids import codes
from grids.boundaries import SYSTEMS
from grids.codes import CodeError
from grids.coordinates import gcj02_to_wgs84
from grids.errors import PlaceError
from grids.importing.bulk import BATCH, create_places, update_rows
from grids.levels import Level
from grids.models import Building, Compound, Place
from grids.querysets import put_under
from grids.writing import checked_name

ALIASES = {
    "编码": "code",
    "楼栋编码": "code",
    "名称": "name",
    "楼栋": "name",
    "网格编码": "grid",
    "grid_code": "grid",
    "小区": "compound",
    "单元数": "entrances",
    "楼层数": "floors",
    "户数": "households",
    "人数": "residents",
    "人口": "residents",
    "经度": "lng",
    "纬度": "lat",
}
#: Columns of counts and the largest number that fits each.
COUNTS = {"entrances": 32_767, "floors": 32_767, "households": 2**31 - 1, "residents": 2**31 - 1}


def import_buildings(
    source: Path | str | bytes | BinaryIO,
    *,
    at: datetime,
    system: str = "wgs84",
    dry_run: bool = False,
    progress: Progress = no_progress,
) -> ImportReport:
    """Add or correct buildings from a table with columns name and code or grid.

    Optional columns: compound (created in the community when new), entrances, floors, households,
    residents, lng, lat in `system`. An empty cell leaves an existing building's value as it is. A row
    without a code means the building of that name in its grid, or a new one under the next free code. Any
    refused row undoes the whole import. Raises TableError when the file cannot be read.
    """
    if system not in SYSTEMS:
        raise TableError(_("The coordinate system must be one of: %s.") % ", ".join(SYSTEMS))
    report = ImportReport(dry_run=dry_run)
    table = read_table(source, required=["name"], aliases=ALIASES)
    if not {"code", "grid"} & set(table.columns):
        raise TableError(_("Columns are missing: %s") % _("code or grid"))
    with all_or_nothing(report):
        _Buildings(report, at, system).take([*table.rows], progress)
    return report


class _Buildings:
    """One import under way."""

    def __init__(self, report: ImportReport, at: datetime, system: str) -> None:
        self.report, self.at, self.system = report, at, system
        self.seen: dict[str, int] = {}
        places = Place.objects.order_by()
        self.grids = {place.code: place for place in places.at_level(Level.GRID).defer("boundary")}
        self.places = {place.code: place for place in places.at_level(Level.BUILDING)}
        self.taken: dict[str, list[str]] = {}
        self.by_name: dict[tuple[str, str], Place] = {}
        for code, place in self.places.items():
            self.taken.setdefault(code[:15], []).append(code)
            if place.retired_on is None:
                self.by_name.setdefault((code[:15], place.name), place)
        self.buildings = {building.place_id: building for building in Building.objects.all()}
        self.communities = dict(places.at_level(Level.COMMUNITY).values_list("code", "pk"))
        compounds = Compound.objects.values_list("community_id", "name", "pk")
        self.compounds = {(community, name): pk for community, name, pk in compounds}
        self.new: list[tuple[Place, dict[str, Any]]] = []
        self.changed_places: list[Place] = []
        self.changed_buildings: list[Building] = []

    def take(self, rows: list[Row], progress: Progress) -> None:
        """Check every row, those with a code first so that no next code meets them, then write."""
        ordered = sorted(rows, key=lambda row: not row.get("code"))
        for done, row in enumerate(ordered, start=1):
            if row.errors:
                self.report.refuse(*row.errors)
                continue
            try:
                self._take_row(row)
            except CellError as error:
                self.report.refuse(error.error)
            except CodeError as error:
                self.report.refuse(row.error("code", str(error)))
            except PlaceError as error:
                self.report.refuse(row.error("name", str(error)))
            progress(done, len(rows))
        self.report.refused.sort(key=lambda error: error.line)
        self._write()

    def _write(self) -> None:
        create_places([place for place, _fields in self.new])
        created = [Building(place=place, **fields) for place, fields in self.new]
        Building.objects.bulk_create(created, batch_size=BATCH)
        update_rows(self.changed_places, ["name", "lng", "lat"])
        fields = ["compound", *COUNTS]
        update_rows(self.changed_buildings, fields)

    def _take_row(self, row: Row) -> None:
        name = checked_name(row.text("name"))
        grid = self._grid(row)
        code = row.get("code")
        place = self.places.get(code) if code else self.by_name.get((grid.code, name))
        key = place.code if place else code or f"{grid.code} {name}"
        if key in self.seen:
            raise CellError(row.error("code", _("is the same building as in line %d") % self.seen[key]))
        position, counts = self._position(row), self._counts(row)
        self.seen[key] = row.line
        if place is None:
            fields = counts | self._compound(row, grid)
            self._create(row.line, Place(code=code, name=name), grid, position, fields)
        elif place.retired_on:
            raise CellError(row.error("code", _("belongs to a retired place; a code is never used twice")))
        else:
            self._update(place, name, position, counts | self._compound(row, grid))

    def _grid(self, row: Row) -> Place:
        code, said = row.get("code"), row.get("grid")
        if code and codes.level_of(code) is not Level.BUILDING:
            raise CellError(row.error("code", _("is not the code of a building (18 digits)")))
        if code and said and not code.startswith(said):
            raise CellError(row.error("grid", _("does not fit the building's code")))
        wanted = said or code[:15]
        if not wanted:
            raise CellError(row.error("grid", _("is empty")))
        grid = self.grids.get(wanted)
        if grid is None or grid.retired_on:
            raise CellError(row.error("grid" if said else "code", _("there is no grid %s") % wanted))
        return grid

    def _counts(self, row: Row) -> dict[str, Any]:
        filled = {column: top for column, top in COUNTS.items() if row.get(column)}
        return {column: row.integer(column, maximum=top) for column, top in filled.items()}

    def _position(self, row: Row) -> tuple[float, float] | None:
        lng = row.number("lng", minimum=-180, maximum=180)
        lat = row.number("lat", minimum=-90, maximum=90)
        if lng is None and lat is None:
            return None
        if lng is None or lat is None:
            raise CellError(row.error("lat" if lat is None else "lng", _("is empty")))
        return gcj02_to_wgs84(lng, lat) if self.system == "gcj02" else (lng, lat)

    def _compound(self, row: Row, grid: Place) -> dict[str, Any]:
        name = row.text("compound", required=False, max_length=100)
        if not name:
            return {}
        community = self.communities[grid.code[: codes.DIVISION_LENGTH]]
        if (community, name) not in self.compounds:
            created = Compound.objects.create(community_id=community, name=name)
            self.compounds[community, name] = created.pk
        return {"compound_id": self.compounds[community, name]}

    def _create(
        self,
        line: int,
        place: Place,
        grid: Place,
        position: tuple[float, float] | None,
        fields: dict[str, Any],
    ) -> None:
        taken = self.taken.setdefault(grid.code, [])
        place.level = Level.BUILDING
        place.code = place.code or codes.next_code(grid.code, taken)
        place.since = timezone.localdate(self.at)
        place.lng, place.lat = position or (None, None)
        put_under(place, grid)
        taken.append(place.code)
        self.seen.setdefault(f"{grid.code} {place.name}", line)
        self.new.append((place, fields))
        self.report.created += 1

    def _update(
        self, place: Place, name: str, position: tuple[float, float] | None, fields: dict[str, Any]
    ) -> None:
        building = self.buildings[place.pk]
        lng, lat = position or (place.lng, place.lat)
        moved = (place.name, place.lng, place.lat) != (name, lng, lat)
        changed = {field: value for field, value in fields.items() if getattr(building, field) != value}
        if not moved and not changed:
            self.report.unchanged += 1
            return
        if moved:
            place.name, place.lng, place.lat = name, lng, lat
            self.changed_places.append(place)
        if changed:
            for field, value in changed.items():
                setattr(building, field, value)
            self.changed_buildings.append(building)
        self.report.updated += 1
