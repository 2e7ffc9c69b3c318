"""Import of boundaries, and of grids that come with theirs, from a GeoJSON FeatureCollection."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.utils import timezone
from django.utils.translation import gettext as _

from governance.common.imports import ImportReport, Progress, all_or_nothing, no_progress
from governance.common.tabular import CellError, RowError, TableError, decode, read_bytes
from grids import codes
from grids.boundaries import SYSTEMS, Boundary, BoundaryError, clean_boundary, raise_version
from grids.codes import CodeError
from grids.errors import PlaceError
from grids.importing.bulk import create_places, update_rows
from grids.levels import Level
from grids.models import Place, PlaceChange, PlaceKind
from grids.querysets import put_under
from grids.writing import checked_name, record_change

#: What a feature's `kind` may say of a grid, beside the kinds' own names.
KINDS = {
    "综合": PlaceKind.GENERAL,
    "综合网格": PlaceKind.GENERAL,
    "专属": PlaceKind.DEDICATED,
    "专属网格": PlaceKind.DEDICATED,
    "微网格": PlaceKind.MICRO,
}
GRID_KINDS = (PlaceKind.UNSPECIFIED, PlaceKind.GENERAL, PlaceKind.DEDICATED, PlaceKind.MICRO)
#: Names of coordinate systems in an old-style `crs` member that mean WGS-84 or what equals it here.
_WGS84_NAMES = ("CRS84", "4326", "4490")


def import_boundaries(
    source: Path | str | bytes | BinaryIO,
    *,
    at: datetime,
    system: str = "wgs84",
    is_schematic: bool = False,
    dry_run: bool = False,
    progress: Progress = no_progress,
) -> ImportReport:
    """Draw the places that a FeatureCollection names by the property `code`.

    A grid that is not there yet is created when the feature has a `name`; `kind` (general, dedicated, micro)
    and `parent` (the code of the large grid around it) are optional. `system` is "wgs84" or "gcj02". Faults
    name the feature by its number in the file. Any refused feature undoes the whole import. Raises
    TableError when the file is no FeatureCollection.
    """
    if system not in SYSTEMS:
        raise TableError(_("The coordinate system must be one of: %s.") % ", ".join(SYSTEMS))
    report = ImportReport(dry_run=dry_run)
    features = read_features(source)
    with all_or_nothing(report):
        _Boundaries(report, at, system, is_schematic).take(features, progress)
    return report


def read_features(source: Path | str | bytes | BinaryIO) -> list[object]:
    """The features of a GeoJSON file. Raises TableError when it is not a FeatureCollection in WGS-84."""
    try:
        collection = json.loads(decode(read_bytes(source)))
    except (ValueError, RecursionError) as error:
        raise TableError(_("The file is not valid JSON.")) from error
    if not isinstance(collection, dict) or collection.get("type") != "FeatureCollection":
        raise TableError(_("The file is not a GeoJSON FeatureCollection."))
    if "crs" in collection and not str(_crs_name(collection["crs"])).endswith(_WGS84_NAMES):
        raise TableError(_("The file names another coordinate system than WGS-84 or CGCS2000."))
    features = collection.get("features")
    if not isinstance(features, list):
        raise TableError(_("The FeatureCollection has no list of features."))
    return features


def _crs_name(crs: object) -> object:
    properties = crs.get("properties") if isinstance(crs, dict) else None
    return properties.get("name") if isinstance(properties, dict) else None


class _Boundaries:
    """One import under way."""

    def __init__(self, report: ImportReport, at: datetime, system: str, is_schematic: bool) -> None:
        self.report, self.at, self.system, self.is_schematic = report, at, system, is_schematic
        self.seen: dict[str, int] = {}
        self.known = {place.code: place for place in Place.objects.exclude(level=Level.BUILDING).order_by()}
        self.created: list[Place] = []
        self.updated: list[Place] = []
        self.redrawn: list[Place] = []

    def take(self, features: list[object], progress: Progress) -> None:
        """Check every feature, large grids before the small ones inside them, then write."""
        numbered = [
            (number, _properties(feature), feature) for number, feature in enumerate(features, start=1)
        ]
        numbered.sort(key=lambda item: bool(item[1].get("parent")))
        for done, (number, properties, feature) in enumerate(numbered, start=1):
            try:
                self._take_feature(number, properties, feature)
            except CellError as error:
                self.report.refuse(error.error)
            except BoundaryError as error:
                self.report.refuse(RowError(number, "geometry", str(error)))
            except (CodeError, PlaceError) as error:
                self.report.refuse(RowError(number, "properties", str(error)))
            progress(done, len(features))
        self.report.refused.sort(key=lambda error: error.line)
        self._write()

    def _write(self) -> None:
        create_places(self.created)
        fields = ["boundary", "west", "south", "east", "north", "lng", "lat", "is_schematic"]
        update_rows(self.updated, fields)
        if self.redrawn:
            note = _("Import of boundaries")
            record_change(PlaceChange.Kind.BOUNDARY, self.redrawn, self.redrawn, at=self.at, note=note)
        if self.created or self.updated:
            raise_version()

    def _take_feature(self, number: int, properties: Mapping[str, Any], feature: object) -> None:
        code = _text(number, properties, "code")
        if code in self.seen:
            reason = _("is the same code as in feature %d") % self.seen[code]
            raise CellError(RowError(number, "code", reason))
        self.seen[code] = number
        boundary = clean_boundary(feature, system=self.system)
        place = self.known.get(code)
        if place is None:
            self._create(number, properties, boundary)
        elif place.retired_on:
            raise CellError(RowError(number, "code", _("belongs to a retired place")))
        else:
            self._update(place, boundary)

    def _create(self, number: int, properties: Mapping[str, Any], boundary: Boundary) -> None:
        code = codes.parse(_text(number, properties, "code"))
        if code.level is not Level.GRID:
            raise CellError(RowError(number, "code", _("names no place; import the divisions first")))
        above = _text(number, properties, "parent", required=False) or code.parent or ""
        parent = self.known.get(above)
        if parent is None or parent.retired_on:
            raise CellError(RowError(number, "code", _("has no parent: there is no place %s") % above))
        kind = _text(number, properties, "kind", required=False)
        if KINDS.get(kind, kind) not in GRID_KINDS:
            raise CellError(RowError(number, "kind", _("is not a kind of grid")))
        place = Place(
            code=code.text, name=checked_name(_text(number, properties, "name")), level=Level.GRID,
            kind=KINDS.get(kind, kind), since=timezone.localdate(self.at), is_schematic=self.is_schematic,
            **boundary.as_fields(),
        )  # fmt: skip
        put_under(place, parent)
        self.known[place.code] = place
        self.created.append(place)
        self.report.created += 1

    def _update(self, place: Place, boundary: Boundary) -> None:
        if place.boundary == boundary.geojson and place.is_schematic == self.is_schematic:
            self.report.unchanged += 1
            return
        if place.boundary:
            self.redrawn.append(place)
        for field, value in boundary.as_fields().items():
            setattr(place, field, value)
        place.is_schematic = self.is_schematic
        self.updated.append(place)
        self.report.updated += 1


def _properties(feature: object) -> Mapping[str, Any]:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    return properties if isinstance(properties, dict) else {}


def _text(number: int, properties: Mapping[str, Any], name: str, *, required: bool = True) -> str:
    value = properties.get(name)
    text = str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    if required and not text:
        raise CellError(RowError(number, name, _("is empty")))
    return text
