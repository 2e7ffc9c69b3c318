"""Import of division codes: cities, districts, streets and communities from one table."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from django.utils import timezone
from django.utils.translation import gettext as _

from governance.common.imports import ImportReport, Progress, all_or_nothing, no_progress
from governance.common.tabular import CellError, Row, read_table
from grids import codes
from grids.codes import CodeError
from grids.importing.bulk import create_places, update_rows
from grids.levels import Level
from grids.models import Place, PlaceKind
from grids.querysets import put_under

ALIASES = {
    "区划代码": "code",
    "代码": "code",
    "编码": "code",
    "名称": "name",
    "级别": "level",
    "层级": "level",
    "上级代码": "parent_code",
}
#: What a file's `level` column may say, and the level and kind that it means.
LEVELS: dict[str, tuple[Level, PlaceKind | None]] = {
    "city": (Level.CITY, None),
    "county": (Level.DISTRICT, None),
    "district": (Level.DISTRICT, None),
    "street": (Level.STREET, None),
    "town": (Level.STREET, None),
    "community": (Level.COMMUNITY, PlaceKind.RESIDENTIAL),
    "village": (Level.COMMUNITY, PlaceKind.VILLAGE),
    "other": (Level.COMMUNITY, PlaceKind.UNSPECIFIED),
}
PROVINCE = "province"
#: Levels that are no divisions.
BELOW = (Level.GRID, Level.BUILDING)
_OFFICES = ("办事处", "人民政府", "政府")
_ZONES = (
    "开发区",
    "工业园",
    "园区",
    "产业园",
    "管委会",
    "管理委员会",
    "管理区",
    "名胜区",
    "高新区",
    "创城",
    "服务中心",
)


def kind_of(name: str, level: Level) -> PlaceKind:
    """What kind of district, street or community bears such a name; unspecified for any other."""
    for office in _OFFICES:
        name = name.removesuffix(office)
    if level is Level.STREET:
        for ending, kind in {
            "街道": PlaceKind.SUBDISTRICT,
            "镇": PlaceKind.TOWN,
            "乡": PlaceKind.TOWNSHIP,
        }.items():
            if name.endswith(ending):
                return kind
    if level in {Level.DISTRICT, Level.STREET}:
        return PlaceKind.ZONE if name.endswith(_ZONES) else PlaceKind.UNSPECIFIED
    if level is Level.COMMUNITY:
        stem = name.removesuffix("委员会").removesuffix("委会").removesuffix("民")
        if stem.endswith("村"):
            return PlaceKind.VILLAGE
        if stem.endswith(("社区", "居")):
            return PlaceKind.RESIDENTIAL
    return PlaceKind.UNSPECIFIED


def import_divisions(
    source: Path | str | bytes | BinaryIO,
    *,
    at: datetime,
    dry_run: bool = False,
    progress: Progress = no_progress,
) -> ImportReport:
    """Add or rename the divisions of a table with columns code, name and, if it has them, level, parent_code.

    A province's row is skipped and named; places that the file does not name stay as they are. Any refused
    row undoes the whole import. Raises TableError when the file cannot be read.
    """
    report = ImportReport(dry_run=dry_run)
    table = read_table(source, required=["code", "name"], aliases=ALIASES)
    with all_or_nothing(report):
        _Divisions(report, at).take([*table.rows], progress)
    return report


class _Divisions:
    """One import under way."""

    def __init__(self, report: ImportReport, at: datetime) -> None:
        self.report = report
        self.since = timezone.localdate(at)
        self.seen: dict[str, int] = {}
        self.known = {place.code: place for place in Place.objects.exclude(level__in=BELOW).order_by()}
        self.created: list[Place] = []
        self.updated: list[Place] = []

    def take(self, rows: list[Row], progress: Progress) -> None:
        """Check every row, parents before children, then write."""
        for done, row in enumerate(sorted(rows, key=lambda row: row.get("code")), start=1):
            if row.errors:
                self.report.refuse(*row.errors)
                continue
            try:
                self._take_row(row)
            except CellError as error:
                self.report.refuse(error.error)
            except CodeError as error:
                self.report.refuse(row.error("code", str(error)))
            progress(done, len(rows))
        self.report.refused.sort(key=lambda error: error.line)
        create_places(self.created)
        update_rows(self.updated, ["name", "kind"])

    def _take_row(self, row: Row) -> None:
        code, name = row.text("code"), row.text("name", max_length=100)
        if row.get("level") == PROVINCE or codes.is_province(code):
            self.report.skipped += 1
            skipped = {"line": row.line, "name": name}
            self.report.notes.append(
                _("line %(line)s: %(name)s is a province and was skipped; the tree begins at the city")
                % skipped
            )
            return
        if code in self.seen:
            raise CellError(row.error("code", _("is the same code as in line %d") % self.seen[code]))
        level, kind = self._level(row, code, name)
        self.seen[code] = row.line
        existing = self.known.get(code)
        if existing is None:
            self._create(row, Place(code=code, name=name, level=level, kind=kind, since=self.since))
        else:
            self._update(row, existing, name, kind)

    def _level(self, row: Row, code: str, name: str) -> tuple[Level, PlaceKind]:
        level, said = codes.level_of(code), row.get("level")
        if level.rank > Level.COMMUNITY.rank:
            raise CellError(row.error("code", _("is the code of a grid or building, not of a division")))
        if not said:
            return level, kind_of(name, level)
        if said not in LEVELS:
            raise CellError(row.error("level", _("must be one of: %s") % ", ".join([PROVINCE, *LEVELS])))
        expected, kind = LEVELS[said]
        if expected is not level:
            names = {"level": level.label, "expected": expected.label}
            raise CellError(
                row.error("code", _("is the code of a %(level)s, but the row says %(expected)s") % names)
            )
        return level, kind_of(name, level) if kind is None else kind

    def _create(self, row: Row, place: Place) -> None:
        above = codes.parent_code(place.code)
        said = row.get("parent_code")
        if said and above and said != above:
            raise CellError(row.error("parent_code", _("does not fit the code, whose parent is %s") % above))
        parent = self.known.get(above) if above else None
        if above and (parent is None or parent.retired_on):
            raise CellError(
                row.error("code", _("has no parent: %s is neither in this file nor in the portal") % above)
            )
        put_under(place, parent)
        self.known[place.code] = place
        self.created.append(place)
        self.report.created += 1

    def _update(self, row: Row, place: Place, name: str, kind: PlaceKind) -> None:
        if place.retired_on:
            raise CellError(row.error("code", _("belongs to a retired place; a code is never used twice")))
        if (place.name, place.kind) == (name, kind):
            self.report.unchanged += 1
            return
        place.name, place.kind = name, kind
        self.updated.append(place)
        self.report.updated += 1
