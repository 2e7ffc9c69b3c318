"""Reading CSV and XLSX tables row by row, and telling which cells are wrong.

Whole-file faults raise `TableError`; a fault of one row travels with the row (`Row.errors`), so that an
importer can report every bad line of a file at once. No file is believed: sizes, encodings, duplicate
headers, ragged rows, NUL characters, formulas and digits that a spreadsheet rounded off are all checked.
"""

from __future__ import annotations

import csv
import io
import math
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, BinaryIO

from django.utils.translation import gettext as _
from openpyxl import load_workbook

from governance.common.errors import Invalid

#: Largest file accepted, in bytes.
MAX_BYTES = 64 * 1024 * 1024
#: Largest total size of an XLSX once unpacked, in bytes: a small archive may hide a huge sheet.
MAX_UNPACKED_BYTES = 512 * 1024 * 1024
#: Longest text of one cell, in characters.
MAX_CELL = 100_000
#: Most data rows in one file.
MAX_ROWS = 1_000_000
#: From here on a spreadsheet's number has lost its last digits (IEEE 754 keeps 15).
_EXACT_NUMBERS = 10**15

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_XLSX_MAGIC = b"PK\x03\x04"
_XLS_MAGIC = b"\xd0\xcf\x11\xe0"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


class TableError(Invalid):
    """The file as a whole cannot be read; the message says why and what to do."""


@dataclass(frozen=True)
class RowError:
    """One reason why one row was refused. `line` counts from 1, header included; `column` may be ''."""

    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        if self.column:
            return _("line %(line)s, column %(column)s: %(reason)s") % vars(self)
        return _("line %(line)s: %(reason)s") % vars(self)


class CellError(ValueError):
    """A cell does not hold what its column asks for; `error` is ready for the report."""

    def __init__(self, error: RowError) -> None:
        super().__init__(error.reason)
        self.error = error


@dataclass(frozen=True)
class Row:
    """One line of a table: stripped texts by column name, with what is wrong with the line itself."""

    line: int
    cells: Mapping[str, str]
    errors: tuple[RowError, ...] = ()
    #: What the file itself calls a column, where that is not the name that the importer knows.
    headings: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def get(self, column: str, default: str = "") -> str:
        """The text of a column, or `default` where the file has no such column or the cell is empty."""
        return self.cells.get(column) or default

    def error(self, column: str, reason: str) -> RowError:
        """A fault of this row, to be put into a report."""
        return RowError(self.line, self.headings.get(column, column), reason)

    def text(self, column: str, *, required: bool = True, max_length: int = MAX_CELL) -> str:
        """The cell as text. Raises CellError when it is missing or too long."""
        value = self.get(column)
        if required and not value:
            raise CellError(self.error(column, _("is empty")))
        if len(value) > max_length:
            raise CellError(self.error(column, _("is longer than %d characters") % max_length))
        return value

    def integer(
        self, column: str, *, default: int | None = None, minimum: int = 0, maximum: int = 2**31 - 1
    ) -> int:
        """The cell as a whole number. Raises CellError when it is none, out of range, or missing."""
        value = self.get(column)
        if not value and default is not None:
            return default
        number = value.removesuffix(".0")
        if not _WHOLE.fullmatch(number):
            raise CellError(self.error(column, _("“%s” is not a whole number") % shorten(value)))
        return int(self._in_range(column, int(number), minimum, maximum))

    def number(self, column: str, *, minimum: float = -math.inf, maximum: float = math.inf) -> float | None:
        """The cell as a finite number; None when empty. Raises CellError otherwise."""
        value = self.get(column)
        if not value:
            return None
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise CellError(self.error(column, _("“%s” is not a number") % shorten(value)))
        return self._in_range(column, number, minimum, maximum)

    def _in_range(self, column: str, number: float, minimum: float, maximum: float) -> float:
        if minimum <= number <= maximum:
            return number
        bounds = {"minimum": minimum, "maximum": maximum}
        raise CellError(self.error(column, _("must lie between %(minimum)s and %(maximum)s") % bounds))


@dataclass(frozen=True)
class Table:
    """The header of a file and its rows, to be read once."""

    columns: tuple[str, ...]
    rows: Iterator[Row]


def shorten(text: str, length: int = 40) -> str:
    """A text short enough to be quoted in a message."""
    return text if len(text) <= length else text[: length - 1] + "…"


def read_table(
    source: Path | str | bytes | BinaryIO,
    *,
    required: Iterable[str] = (),
    aliases: Mapping[str, str] | None = None,
    max_bytes: int = MAX_BYTES,
) -> Table:
    """Open a CSV (UTF-8 with or without BOM, UTF-16 with BOM, GB18030) or XLSX file, told by its content.

    `source` is a path, the bytes, or an open binary file. `aliases` maps a header that the file may use to
    the name that the importer knows (e.g. {"名称": "name"}). The first sheet of an XLSX is read; a formula
    is an error of its row, never evaluated. Raises TableError before the first row is given; a row limit or
    a broken sheet found half-way raises TableError too, so read inside a transaction.
    """
    data = read_bytes(source, max_bytes=max_bytes)
    if _is_called_xlsx(source) and not data.startswith(_XLSX_MAGIC):
        raise TableError(_("This is no XLSX workbook, although it is named so. Save it as XLSX or CSV."))
    lines = _xlsx_lines(data) if data.startswith(_XLSX_MAGIC) else _csv_lines(data)
    first = next(lines, None)
    if first is None:
        raise TableError(_("The file is empty."))
    if any("\x00" in value for value in first[1] if isinstance(value, str)):
        raise TableError(_("The header holds NUL characters; this is not a text table."))
    header = [_text_of(value)[0] for value in first[1]]
    columns = _columns(header, required, aliases or {})
    headings = {name: own for name, own in zip(columns, header, strict=True) if name != own}
    rows = _rows(lines, columns, headings, pad=data.startswith(_XLSX_MAGIC))
    return Table(tuple(c for c in columns if c), rows)


def _is_called_xlsx(source: Path | str | bytes | BinaryIO) -> bool:
    name = source if isinstance(source, (str, Path)) else getattr(source, "name", "")
    return str(name).lower().endswith(".xlsx")


def read_bytes(source: Path | str | bytes | BinaryIO, *, max_bytes: int = MAX_BYTES) -> bytes:
    """What a path or open file holds. Raises TableError when it cannot be opened or is too large."""
    if isinstance(source, (str, Path)):
        try:
            with Path(source).open("rb") as file:
                data = file.read(max_bytes + 1)
        except OSError as error:
            reason = {"file": str(source), "reason": error.strerror or str(error)}
            raise TableError(_("%(file)s cannot be opened: %(reason)s") % reason) from error
    else:
        data = source if isinstance(source, bytes) else source.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise TableError(_("The file is larger than %d MB.") % (max_bytes // 1024 // 1024))
    if data.startswith(_XLS_MAGIC):
        raise TableError(_("This is an old XLS workbook; save it as XLSX or CSV."))
    return data


def decode(data: bytes) -> str:
    """Text in UTF-8 (with or without BOM), UTF-16 with BOM, or GB18030. Raises TableError for any other."""
    encodings = ("utf-16",) if data.startswith(_UTF16_BOMS) else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise TableError(_("The file is not text in UTF-8 or GB18030."))


def _csv_lines(data: bytes) -> Iterator[tuple[int, list[Any]]]:
    text = decode(data)
    header = text.lstrip().partition("\n")[0]
    delimiter = max(",\t;", key=header.count)
    # The default limit of 128 KiB would end the whole file; an over-long cell is refused by its row instead.
    csv.field_size_limit(MAX_UNPACKED_BYTES)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    line = 1
    try:
        for values in reader:
            if any(value.strip() for value in values):
                yield line, list(values)
            line = reader.line_num + 1
    except csv.Error as error:
        problem = {"line": line, "reason": error}
        raise TableError(
            _("The file cannot be read as CSV from line %(line)s: %(reason)s") % problem
        ) from error


def _xlsx_lines(data: bytes) -> Iterator[tuple[int, list[Any]]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED_BYTES:
                raise TableError(_("The workbook is too large once unpacked."))
        workbook = load_workbook(io.BytesIO(data), read_only=True, data_only=False)
        if not workbook.worksheets:
            raise TableError(_("The workbook has no sheet."))
        sheet = workbook.worksheets[0]
        sheet.reset_dimensions()  # some programs write a wrong size, which would hide rows
        for line, cells in enumerate(sheet.iter_rows(), start=1):
            values = [_Formula() if cell.data_type == "f" else cell.value for cell in cells]
            if any(value is not None and value != "" for value in values):
                yield line, values
    except TableError:
        raise
    except Exception as error:  # openpyxl leaks KeyError, BadZipFile, ParseError, … of a broken file
        raise TableError(_("The file cannot be read as an XLSX workbook.")) from error


class _Formula:
    """Stands where a cell holds a formula."""


def _columns(header: list[str], required: Iterable[str], aliases: Mapping[str, str]) -> list[str]:
    columns = [aliases.get(name, name) for name in header]
    counts = Counter(columns)
    twice = {own for name, own in zip(columns, header, strict=True) if name and counts[name] > 1}
    if twice:
        raise TableError(_("Columns appear more than once: %s") % ", ".join(map(shorten, sorted(twice))))
    known = {name: f"{own} ({name})" for own, name in reversed(list(aliases.items()))}  # the first one counts
    missing = [known.get(name, name) for name in required if name not in columns]
    if missing:
        raise TableError(_("Columns are missing: %s") % ", ".join(missing))
    return columns


def _rows(
    lines: Iterator[tuple[int, list[Any]]], columns: list[str], headings: Mapping[str, str], *, pad: bool
) -> Iterator[Row]:
    for count, (line, values) in enumerate(lines, start=1):
        if count > MAX_ROWS:
            raise TableError(_("The file has more than %d rows.") % MAX_ROWS)
        yield _row(line, values, columns, headings, pad=pad)


def _row(line: int, values: list[Any], columns: list[str], headings: Mapping[str, str], *, pad: bool) -> Row:
    errors: list[RowError] = []
    cells: dict[str, str] = {}
    if pad:  # a sheet has no line ends: cells that were never written are empty
        values = values + [None] * (len(columns) - len(values))
        while len(values) > len(columns) and values[-1] is None:
            values.pop()
    if len(values) != len(columns):
        counts = {"found": len(values), "expected": len(columns)}
        errors.append(RowError(line, "", _("has %(found)s cells where the header has %(expected)s") % counts))
    for column, value in zip(columns, values, strict=False):
        text, reason = _text_of(value)
        if not column and text:
            reason = _("stands in a column without a header")
        if reason:
            errors.append(RowError(line, headings.get(column, column), reason))
        if column:
            cells[column] = text
    return Row(line, cells, tuple(errors), headings)


def _text_of(value: Any) -> tuple[str, str]:  # noqa: PLR0911  # one way out for each kind of cell
    """A cell's text, and what is wrong with it ('' when nothing is)."""
    if value is None:
        return "", ""
    if isinstance(value, _Formula):
        return "", _("holds a formula; paste its value instead")
    if isinstance(value, bool):
        return str(value).lower(), ""
    if isinstance(value, float):
        if abs(value) >= _EXACT_NUMBERS:
            return "", _("is a number whose last digits the spreadsheet has lost; format the column as text")
        return (str(int(value)) if value.is_integer() else repr(value)), ""
    if isinstance(value, (datetime, date, time)):
        return value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat(), ""
    text = str(value).strip()
    if "\x00" in text:
        return text.replace("\x00", ""), _("holds NUL characters")
    if len(text) > MAX_CELL:
        return text[:MAX_CELL], _("is longer than %d characters") % MAX_CELL
    if text in {"#REF!", "#N/A", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!"}:
        return "", _("holds the spreadsheet error %s") % text
    return text, ""
