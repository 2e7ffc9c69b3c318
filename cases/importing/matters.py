"""Import of a catalogue of matters: classes, matters and standards, versioned and repeatable.

A standard is never overwritten: where a row has changed, the old standard ends and a new one begins. A row is
known again by its matter and its condition; where the condition itself was reworded, by its turn in the list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases.catalogue import touch_catalogue
from cases.deadlines import TimerType
from cases.importing.limits import DEFAULT_UNITS, ReadLimit, parse_limit
from cases.models import Matter, MatterClass, OwnerRole, Standard
from governance.common.imports import ImportReport, Progress, all_or_nothing, no_progress
from governance.common.tabular import CellError, Row, read_table
from partymembers.audit import record_access
from partymembers.models import User

REQUIRED: Final = ("kind", "big_code", "big_name", "small_code", "small_name", "time_limit")
#: Headers that sheets use, and what they are here.
ALIASES: Final = {
    "类别": "kind",
    "部件/事件": "kind",
    "大类代码": "big_code",
    "大类编码": "big_code",
    "大类名称": "big_name",
    "大类": "big_name",
    "小类代码": "small_code",
    "小类编码": "small_code",
    "小类名称": "small_name",
    "小类": "small_name",
    "责任单位": "handle_unit",
    "处置单位": "handle_unit",
    "立案条件": "register_condition",
    "结案条件": "close_condition",
    "处置时限": "time_limit",
    "时限": "time_limit",
    "俗称": "keywords",
}
SECTIONS: Final = {
    "部件": MatterClass.Section.COMPONENT,
    "component": MatterClass.Section.COMPONENT,
    "事件": MatterClass.Section.EVENT,
    "event": MatterClass.Section.EVENT,
}
_CODE: Final = re.compile(r"[0-9A-Za-z]{1,10}")
_BETWEEN_OWNERS: Final = re.compile(r"[、,，;；\n]+")


class Owners(StrEnum):
    """What becomes of the column that names who is responsible.

    FIRST: the one named first becomes the kind of owner, which is then mapped to units per place; the whole
    text is kept for the desk to read. WHOLE: the whole text becomes the kind of owner. NONE: left alone.
    """

    FIRST = "first"
    WHOLE = "whole"
    NONE = "none"


class MatterKey(NamedTuple):
    """What a matter is known by: the two halves of a catalogue reuse each other's numbers."""

    section: str
    big_code: str
    small_code: str


@dataclass(frozen=True)
class Line:
    """One row of the file, read."""

    row: Row
    key: MatterKey
    big_name: str
    small_name: str
    condition: str
    close_condition: str
    limit: ReadLimit
    owners: str
    keywords: str


def import_matters(
    source: Path | str | bytes | BinaryIO,
    *,
    at: datetime,
    units: Mapping[str, TimerType] = DEFAULT_UNITS,
    owners: Owners = Owners.FIRST,
    valid_from: datetime | None = None,
    actor: User | None = None,
    dry_run: bool = False,
    progress: Progress = no_progress,
) -> ImportReport:
    """Take a catalogue (CSV, XLSX) whose rows are standards; any refused row undoes the whole import.

    New versions are valid from `valid_from`, by default `at`. The same file again changes nothing. Standards
    of the file's matters that it no longer lists end; matters that it does not name stay as they are.
    Raises TableError when the file cannot be read at all.
    """
    report = ImportReport(dry_run=dry_run)
    table = read_table(source, required=REQUIRED, aliases=ALIASES)
    with all_or_nothing(report):
        lines = list(_read(table.rows, units, report))
        if not report.refused:
            importing = _Importing(report, valid_from or at, owners, has_keywords="keywords" in table.columns)
            importing.take(lines, progress)
            record_access(
                actor,
                "catalogue_imported",
                "catalogue",
                at=at,
                created=report.created,
                updated=report.updated,
                ended=importing.gone,
            )
    return report


def _read(rows: Iterable[Row], units: Mapping[str, TimerType], report: ImportReport) -> Iterable[Line]:
    """The rows that are right in themselves and fit those before them; the others are refused."""
    seen = _Seen()
    for row in rows:
        if row.errors:
            report.refuse(*row.errors)
            continue
        try:
            line = _line(row, units)
            seen.check(line)
        except CellError as error:
            report.refuse(error.error)
            continue
        if line.limit.tail:
            said = {"line": row.line, "text": row["time_limit"], "tail": line.limit.tail}
            report.notes.append(_("line %(line)s: “%(text)s” is read without “%(tail)s”") % said)
        yield line


def _line(row: Row, units: Mapping[str, TimerType]) -> Line:
    section = SECTIONS.get(row.text("kind").lower())
    if section is None:
        raise CellError(row.error("kind", _("must be one of: %s") % "、".join(SECTIONS)))
    try:
        limit = parse_limit(row.text("time_limit"), units)
    except CellError:
        raise
    except ValueError as error:
        raise CellError(row.error("time_limit", str(error))) from error
    return Line(
        row=row,
        key=MatterKey(section, _code(row, "big_code"), _code(row, "small_code")),
        big_name=row.text("big_name", max_length=100),
        small_name=row.text("small_name", max_length=100),
        condition=row.text("register_condition", required=False, max_length=2000),
        close_condition=row.text("close_condition", required=False, max_length=2000),
        limit=limit,
        owners="、".join(_owners(row.text("handle_unit", required=False, max_length=300))),
        keywords=" ".join(row.text("keywords", required=False, max_length=300).split()),
    )


def _code(row: Row, column: str) -> str:
    code = row.text(column)
    if not _CODE.fullmatch(code):
        raise CellError(row.error(column, _("must be letters and digits, ten at most")))
    return code.zfill(2) if code.isdigit() else code  # a spreadsheet makes 1 of 01


def _owners(text: str) -> list[str]:
    return [name.strip() for name in _BETWEEN_OWNERS.split(text) if name.strip()]


class _Seen:
    """What the rows so far have said, so that a later one cannot say otherwise."""

    def __init__(self) -> None:
        self.names: dict[tuple[str, ...], tuple[str, int]] = {}
        self.conditions: dict[tuple[MatterKey, str], int] = {}

    def check(self, line: Line) -> None:
        """Raises CellError for a code with two names and for a condition that stands twice."""
        self._same_name(line, line.key[:2], line.big_name, "big_name")
        self._same_name(line, line.key, line.small_name, "small_name")
        first = self.conditions.setdefault((line.key, line.condition), line.row.line)
        if first != line.row.line:
            reason = _("is the same matter and condition as in line %d") % first
            raise CellError(line.row.error("register_condition", reason))

    def _same_name(self, line: Line, code: tuple[str, ...], name: str, column: str) -> None:
        known, first = self.names.setdefault(code, (name, line.row.line))
        if known != name:
            said = {"name": known, "line": first}
            reason = _("this code is named “%(name)s” in line %(line)s") % said
            raise CellError(line.row.error(column, reason))


class _Importing:
    """One import under way, after every row was read."""

    def __init__(
        self, report: ImportReport, valid_from: datetime, owners: Owners, *, has_keywords: bool
    ) -> None:
        self.report, self.valid_from, self.owners, self.has_keywords = (
            report,
            valid_from,
            owners,
            has_keywords,
        )
        self.renamed: set[MatterKey] = set()
        self.begun: list[Standard] = []
        self.ended: list[Standard] = []
        #: How many of those the file no longer lists.
        self.gone = 0

    def take(self, lines: Sequence[Line], progress: Progress) -> None:
        """Write classes and matters, compare every matter's standards, then end and begin versions."""
        touch_catalogue()  # its row is locked from here on, so that two imports come one after the other
        classes = self._classes(lines)
        matters = self._matters(lines, classes)
        self.roles = self._roles(lines)
        shelves: dict[MatterKey, list[Line]] = {}
        for line in lines:
            shelves.setdefault(line.key, []).append(line)
        kept = self._standards(matters.values())
        done = 0
        for key, own in shelves.items():
            self._compare(key, matters[key], own, kept.get(matters[key].pk, []))
            done += len(own)
            progress(done, len(lines))
        if not self.report.refused:
            self._write()
            self._note(classes, matters)

    def _classes(self, lines: Sequence[Line]) -> dict[tuple[str, str], MatterClass]:
        known = {(row.section, row.code): row for row in MatterClass.objects.all()}
        for line in lines:
            code = line.key[:2]
            if code not in known:
                known[code] = MatterClass.objects.create(section=code[0], code=code[1], name=line.big_name)
            elif known[code].name != line.big_name:
                known[code].name = line.big_name
                known[code].save(update_fields=["name"])
                self.renamed.add(line.key)
        named = {line.key[:2] for line in lines}
        return {code: row for code, row in known.items() if code in named}

    def _matters(
        self, lines: Sequence[Line], classes: Mapping[tuple[str, str], MatterClass]
    ) -> dict[MatterKey, Matter]:
        rows = Matter.objects.filter(matter_class__in=classes.values()).select_related("matter_class")
        known = {MatterKey(row.matter_class.section, row.matter_class.code, row.code): row for row in rows}
        named: dict[MatterKey, Matter] = {}
        new: list[Matter] = []
        for line in lines:
            if line.key in named:
                continue
            matter = known.get(line.key)
            if matter is None:
                matter = Matter(matter_class=classes[line.key[:2]], code=line.key.small_code)
                self._describe(matter, line)
                new.append(matter)
            elif self._describe(matter, line):
                matter.save(update_fields=["name", "keywords"])
                self.renamed.add(line.key)
            named[line.key] = matter
        Matter.objects.bulk_create(new)
        return named

    def _describe(self, matter: Matter, line: Line) -> bool:
        """Name and everyday words as the file has them; whether that changed anything."""
        before = (matter.name, matter.keywords)
        matter.name = line.small_name
        if self.has_keywords:
            matter.keywords = line.keywords
        return before != (matter.name, matter.keywords)

    def _roles(self, lines: Sequence[Line]) -> dict[str, OwnerRole]:
        names = {name for line in lines if (name := self._role_name(line))}
        OwnerRole.objects.bulk_create((OwnerRole(name=name) for name in sorted(names)), ignore_conflicts=True)
        return {role.name: role for role in OwnerRole.objects.filter(name__in=names)}

    def _role_name(self, line: Line) -> str:
        if self.owners == Owners.NONE:
            return ""
        return (line.owners if self.owners == Owners.WHOLE else line.owners.split("、")[0])[:200]

    def _standards(self, matters: Iterable[Matter]) -> dict[int, list[Standard]]:
        rows = Standard.objects.filter(matter__in=[row.pk for row in matters]).order_by("sequence")
        by_matter: dict[int, list[Standard]] = {}
        for row in rows:
            by_matter.setdefault(row.matter_id, []).append(row)
        return by_matter

    def _compare(self, key: MatterKey, matter: Matter, lines: list[Line], every: list[Standard]) -> None:
        """Pair the file's rows with the standards in force, and note what begins and what ends."""
        left = [row for row in every if row.valid_to is None]
        pairs: list[tuple[Line, Standard | None]] = []
        reworded: list[Line] = []
        for line in lines:
            same = next((row for row in left if row.condition == line.condition), None)
            if same is None:
                reworded.append(line)
            else:
                left.remove(same)
                pairs.append((line, same))
        turns = iter(left)
        pairs += [(line, next(turns, None)) for line in reworded]
        sequence = max((row.sequence for row in every), default=0)
        for line, old in pairs:
            if old is None:
                sequence += 1
                self.begun.append(self._standard(matter, sequence, line, None))
                self.report.created += 1
            else:
                self._revise(key, line, old, self._standard(matter, old.sequence, line, old))
        for gone in turns:
            self.gone += 1
            self._end(gone, lines[-1])

    def _revise(self, key: MatterKey, line: Line, old: Standard, new: Standard) -> None:
        if _facts(old) != _facts(new):
            self._end(old, line)
            self.begun.append(new)
            self.report.updated += 1
        elif key in self.renamed:
            self.report.updated += 1
        else:
            self.report.unchanged += 1

    def _end(self, old: Standard, line: Line) -> None:
        if old.valid_from >= self.valid_from:
            began = timezone.localtime(old.valid_from).strftime("%Y-%m-%d %H:%M")
            reason = _("the standard in force began at %s; a new version must begin later") % began
            self.report.refuse(line.row.error("", reason))
        old.valid_to = self.valid_from
        self.ended.append(old)

    def _standard(self, matter: Matter, sequence: int, line: Line, old: Standard | None) -> Standard:
        role = self.roles.get(self._role_name(line))
        role_id, owners = role.pk if role else None, line.owners
        if self.owners == Owners.NONE:
            role_id, owners = (old.owner_role_id, old.owners) if old else (None, "")
        return Standard(
            matter=matter,
            sequence=sequence,
            condition=line.condition,
            close_condition=line.close_condition,
            amount=line.limit.amount,
            timer_type=line.limit.timer,
            urgency=line.limit.urgency,
            owner_role_id=role_id,
            owners=owners,
            valid_from=self.valid_from,
        )

    def _write(self) -> None:
        """The old end before the new begin: only one of each may be in force."""
        Standard.objects.bulk_update(self.ended, ["valid_to"], batch_size=500)
        Standard.objects.bulk_create(self.begun, batch_size=500)

    def _note(
        self, classes: Mapping[tuple[str, str], MatterClass], matters: Mapping[MatterKey, Matter]
    ) -> None:
        said = {"classes": len(classes), "matters": len(matters)}
        self.report.notes.append(_("%(classes)s classes, %(matters)s matters") % said)
        if self.gone:
            told = ngettext(
                "%d standard that the file no longer lists has ended",
                "%d standards that the file no longer lists have ended",
                self.gone,
            )
            self.report.notes.append(told % self.gone)
        retired = [str(row) for row in matters.values() if row.retired_at is not None]
        if retired:
            self.report.notes.append(_("still retired: %s") % "、".join(retired))


def _facts(row: Standard) -> tuple[object, ...]:
    """What makes a standard another one when it changes."""
    return (
        row.condition,
        row.close_condition,
        row.amount,
        row.timer_type,
        row.urgency,
        row.owner_role_id,
        row.owners,
    )
