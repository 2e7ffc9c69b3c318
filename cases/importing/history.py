"""Import of the orders of another system: each row checked, bad ones told, the others taken in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from django.utils.translation import gettext as _

from cases.actions.importing import PastOrder, import_cases
from cases.catalogue import touch_catalogue
from cases.importing.history_mapping import Choice, HistoryMapping, MappingError, NewClass
from cases.models import Case, Matter, MatterClass
from cases.placing import Territory, territory_of
from cases.workflow import ENDED_STATES, State
from governance.common.imports import ImportReport, Progress, all_or_nothing, no_progress
from governance.common.tabular import CellError, Row, read_table, shorten
from grids.boundaries import locate
from grids.models import Place
from partymembers.models import Unit

#: Progress is told after so many rows.
_OFTEN = 250
_LONGEST_NAME = 100


def import_history(
    source: Path | str | bytes | BinaryIO,
    mapping: HistoryMapping,
    *,
    at: datetime,
    dry_run: bool = False,
    progress: Progress = no_progress,
) -> ImportReport:
    """Take in every sound row of a CSV or XLSX file as a past order; a repeat changes nothing.

    Orders are known by source and number: those that came before are counted as unchanged. Refused rows are
    told with line, column and reason, and hold up no other. Raises TableError or MappingError for the file
    or the mapping as a whole; nothing is written then.
    """
    report = ImportReport(dry_run=dry_run)
    table = read_table(source, required=mapping.needed())
    rows = list(table.rows)
    with all_or_nothing(report, accept_valid=True):
        reader = _Reader(mapping, at)
        orders = list(_read(reader, rows, report, progress))
        report.created = import_cases(
            orders,
            source=mapping.source,
            at=at,
            progress=lambda done: progress(len(rows) + done, len(rows) + len(orders)),
        )
        reader.note(report)
    return report


def _read(reader: _Reader, rows: list[Row], report: ImportReport, progress: Progress) -> Iterator[PastOrder]:
    """The orders of the sound rows that are new; the others are counted."""
    seen: dict[str, int] = {}
    for done, row in enumerate(rows, start=1):
        if done % _OFTEN == 0:
            progress(done, len(rows))
        if row.errors:
            report.refuse(*row.errors)
            continue
        try:
            order = reader.order(row)
            if order.number in seen:
                column, line = reader.mapping.number, seen[order.number]
                raise CellError(row.error(column, _("is the same order as in line %d") % line))
        except CellError as error:
            report.refuse(error.error)
            continue
        seen[order.number] = row.line
        if order.number in reader.known:
            report.unchanged += 1
        else:
            yield order


class _Reader:
    """Reads rows under one mapping; looks everything up once."""

    def __init__(self, mapping: HistoryMapping, at: datetime) -> None:
        self.mapping, self.at = mapping, at
        self.known = set(Case.objects.filter(source=mapping.source).values_list("source_number", flat=True))
        self.matters = self._matters()
        self.units = {unit.name: unit for unit in Unit.objects.all()} | {
            unit.code: unit for unit in Unit.objects.all()
        }
        self.territories: dict[str, Territory] = {}
        self.made_matters: list[str] = []
        self.made_units: list[str] = []
        self._check_mapping()

    def _matters(self) -> dict[str, Matter]:
        """By `section/class/code`, and by name where only one has it."""
        found: dict[str, Matter] = {}
        names: dict[str, list[Matter]] = {}
        for matter in Matter.objects.select_related("matter_class"):
            row = matter.matter_class
            found[f"{row.section}/{row.code}/{matter.code}"] = matter
            names.setdefault(matter.name, []).append(matter)
        return {name: each[0] for name, each in names.items() if len(each) == 1} | found

    def _check_mapping(self) -> None:
        """What the mapping names must exist, before any row is read."""
        for code in (*self.mapping.place.values.values(), self.mapping.place.default):
            if code and self._territory(code) is None:
                raise MappingError(_("The mapping names the place %s, which does not exist.") % shorten(code))
        for name in (*self.mapping.matter.values.values(), self.mapping.matter.default):
            if name and name not in self.matters:
                raise MappingError(
                    _("The mapping names the matter %s, which does not exist.") % shorten(name)
                )
        for name in self.mapping.unit.values.values():
            if name not in self.units:
                raise MappingError(_("The mapping names the unit %s, which does not exist.") % shorten(name))

    def order(self, row: Row) -> PastOrder:
        """The row as a past order. Raises CellError with the column that is wrong."""
        mapping, columns = self.mapping, self.mapping.columns
        number = row.text(mapping.number, max_length=100)
        state = self._state(row)
        times = {
            name: self._instant(row, name) for name in ("reported", "accepted", "handled", "closed", "due")
        }
        reported = times["reported"]
        if reported is None:
            raise CellError(row.error(columns["reported"], _("is empty")))
        self._check_times(row, state, reported, times)
        lng, lat = self._position(row)
        territory, outside = self._place(row, lng, lat)
        return PastOrder(
            number=number,
            state=state,
            channel=self._looked_up(row, mapping.channel),
            matter=self._matter(row),
            territory=territory,
            reported_at=reported,
            accepted_at=times["accepted"],
            handled_at=times["handled"],
            closed_at=times["closed"] if state in ENDED_STATES else None,
            due_at=times["due"],
            description=self._said(row, "description", 2000),
            address=self._said(row, "address", 200),
            lng=lng,
            lat=lat,
            outside_grid=outside,
            unit=self._unit(row),
        )

    def _said(self, row: Row, name: str, most: int) -> str:
        """A text of a column that may be missing, as long as it may be."""
        column = self.mapping.columns.get(name)
        return row.text(column, required=False, max_length=most) if column else ""

    def _state(self, row: Row) -> State:
        column = self.mapping.columns["state"]
        said = row.text(column)
        if said not in self.mapping.states:
            raise CellError(row.error(column, _("“%s” is not in [states] of the mapping") % shorten(said)))
        return self.mapping.states[said]

    def _instant(self, row: Row, name: str) -> datetime | None:
        column = self.mapping.columns.get(name)
        if column is None:
            return None
        try:
            return self.mapping.instant(row.get(column))
        except (ValueError, OverflowError) as error:
            told = {"text": shorten(row.get(column)), "format": self.mapping.time or "ISO 8601"}
            reason = _("“%(text)s” is not a time as the mapping says (%(format)s)") % told
            raise CellError(row.error(column, reason)) from error

    def _check_times(
        self, row: Row, state: State, reported: datetime, times: dict[str, datetime | None]
    ) -> None:
        columns = self.mapping.columns
        if reported > self.at:
            raise CellError(row.error(columns["reported"], _("lies in the future")))
        if state == State.CLOSED and times["closed"] is None:
            raise CellError(
                row.error(columns.get("closed", columns["state"]), _("is empty, though the order is closed"))
            )
        for name in ("accepted", "handled", "closed", "due"):
            told = times[name]
            if told is not None and told < reported:
                raise CellError(row.error(columns[name], _("lies before the report")))

    def _position(self, row: Row) -> tuple[float | None, float | None]:
        columns = self.mapping.columns
        if not {"lng", "lat"} <= set(columns):
            return None, None
        lng = row.number(columns["lng"], minimum=-180, maximum=180)
        lat = row.number(columns["lat"], minimum=-90, maximum=90)
        return (lng, lat) if lng is not None and lat is not None else (None, None)

    def _place(self, row: Row, lng: float | None, lat: float | None) -> tuple[Territory, bool]:
        """By code, by position, by the named column, else the default; the first that leads somewhere."""
        code = row.get(self.mapping.place_code) if self.mapping.place_code else ""
        if code:
            territory = self._territory(code)
            if territory is None:
                raise CellError(row.error(self.mapping.place_code, _("there is no place %s") % shorten(code)))
            return territory, False
        if self.mapping.by_position and lng is not None and lat is not None:
            found = locate(lng, lat)
            if found is not None and not found.outside:
                return territory_of(found.place), False
        choice = self.mapping.place
        code = choice.values.get(row.get(choice.column), "") if choice.column else ""
        territory = self._territory(code or choice.default) if code or choice.default else None
        if territory is None:
            column = choice.column or self.mapping.columns.get("lat", "")
            raise CellError(row.error(column, _("leads to no place, and the mapping has no default")))
        return territory, self.mapping.by_position and lng is not None

    def _territory(self, code: str) -> Territory | None:
        if code not in self.territories:
            place = Place.objects.current().filter(code=code).defer("boundary").first()
            if place is None:
                return None
            self.territories[code] = territory_of(place)
        return self.territories[code]

    def _looked_up(self, row: Row, choice: Choice) -> str:
        """The mapped value of a column, else the default."""
        said = row.get(choice.column) if choice.column else ""
        value = choice.values.get(said, choice.default)
        if not value:
            raise CellError(row.error(choice.column, _("“%s” is not in the mapping") % shorten(said)))
        return value

    def _matter(self, row: Row) -> Matter:
        choice = self.mapping.matter
        said = row.get(choice.column) if choice.column else ""
        name = choice.values.get(said) or (said if said in self.matters else "")
        if not name and said and self.mapping.create_class is not None:
            return self._new_matter(row, said, self.mapping.create_class)
        name = name or choice.default
        if not name:
            raise CellError(row.error(choice.column, _("“%s” is not in the mapping") % shorten(said)))
        return self.matters[name]

    def _new_matter(self, row: Row, name: str, given: NewClass) -> Matter:
        """A matter of the other system, retired at once: it is history, and nobody reports it here."""
        if len(name) > _LONGEST_NAME:
            raise CellError(
                row.error(self.mapping.matter.column, _("is longer than %d characters") % _LONGEST_NAME)
            )
        matter_class, _made = MatterClass.objects.get_or_create(
            section=given.section, code=given.code, defaults={"name": given.name}
        )
        number = matter_class.matters.count() + 1
        while matter_class.matters.filter(code=f"{number:03d}").exists():
            number += 1
        matter = Matter.objects.create(
            matter_class=matter_class, code=f"{number:03d}", name=name, retired_at=self.at, needs_photo=False
        )
        self.matters[name] = matter
        self.made_matters.append(name)
        return matter

    def _unit(self, row: Row) -> Unit | None:
        """Who led it; an unknown unit is made where the mapping says so, disabled for new orders."""
        choice = self.mapping.unit
        said = row.get(choice.column) if choice.column else ""
        name = choice.values.get(said, said)
        if not name or name in self.units:
            return self.units.get(name)
        if not self.mapping.create_units:
            return None
        if len(name) > _LONGEST_NAME:
            raise CellError(row.error(choice.column, _("is longer than %d characters") % _LONGEST_NAME))
        code = f"H{Unit.objects.filter(code__startswith='H').count() + 1:04d}"
        unit = Unit.objects.create(code=code, name=name, kind=Unit.Kind.OTHER, disabled_at=self.at)
        self.units[name] = unit
        self.made_units.append(name)
        return unit

    def note(self, report: ImportReport) -> None:
        """Say what was made besides orders."""
        if self.made_matters:
            touch_catalogue()
            report.notes.append(_("Matters made, retired: %d") % len(self.made_matters))
        if self.made_units:
            report.notes.append(_("Units made, disabled: %d") % len(self.made_units))
