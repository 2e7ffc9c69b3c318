"""Rows into a file, a batch at a time: CSV and XLSX with text that no spreadsheet computes, or JSON lines."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from django.core.files.storage import default_storage
from openpyxl import Workbook
from rest_framework.utils.encoders import JSONEncoder

from governance.dashboard.export import cell
from governance.models import ExportJob

from .sources import Body, value_at

FOLDER: Final = "exports"
TYPES: Final = {
    ExportJob.Format.CSV: "text/csv; charset=utf-8",
    ExportJob.Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ExportJob.Format.JSONL: "application/jsonl",
}


class Writer(Protocol):
    """A file that is being written."""

    def write(self, bodies: Iterable[Body]) -> None:
        """Add these rows."""

    def close(self) -> None:
        """Nothing more comes."""


class _JsonLines:
    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._file = path.open("a", encoding="utf-8")

    def write(self, bodies: Iterable[Body]) -> None:
        self._file.writelines(json.dumps(body, ensure_ascii=False, cls=JSONEncoder) + "\n" for body in bodies)

    def close(self) -> None:
        self._file.close()


class _Csv:
    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._columns = columns
        # The mark at the beginning: or a spreadsheet takes UTF-8 for the local code page.
        self._file = path.open("a", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow(_heads(columns))

    def write(self, bodies: Iterable[Body]) -> None:
        self._writer.writerows(_cells(body, self._columns) for body in bodies)

    def close(self) -> None:
        self._file.close()


class _Xlsx:
    """Openpyxl keeps what is written in a file of its own until it is saved."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._path, self._columns = path, columns
        self._book = Workbook(write_only=True)
        self._sheet = self._book.create_sheet()
        self._sheet.freeze_panes = "A2"
        self._sheet.append(_heads(columns))

    def write(self, bodies: Iterable[Body]) -> None:
        for body in bodies:
            # An empty text would be a cell, and half of all are empty.
            self._sheet.append([None if each == "" else each for each in _cells(body, self._columns)])

    def close(self) -> None:
        self._book.save(self._path)


_WRITERS: Final[dict[str, type[_JsonLines | _Csv | _Xlsx]]] = {
    ExportJob.Format.CSV: _Csv,
    ExportJob.Format.XLSX: _Xlsx,
    ExportJob.Format.JSONL: _JsonLines,
}


def _heads(columns: Sequence[str]) -> list[str]:
    return [column.replace(".", "_") for column in columns]


def _cells(body: Body, columns: Sequence[str]) -> list[Any]:
    return [cell(value_at(body, column)) for column in columns]


def names_of(token: str, form: str) -> tuple[str, str]:
    """Below MEDIA_ROOT: the draft and the file of an export."""
    return f"{FOLDER}/{token}.draft", f"{FOLDER}/{token}.{form}"


def begin(name: str) -> Path:
    """An empty draft that only the portal reads; what another writer left half is gone."""
    draft = Path(default_storage.path(name))
    draft.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft.unlink(missing_ok=True)
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return draft


def writer_of(form: str, draft: Path, columns: Sequence[str]) -> Writer:
    """Writes rows of these columns into the draft."""
    return _WRITERS[form](draft, columns)


def settle(draft: str, name: str) -> tuple[int, str]:
    """Give a whole draft its name, once it is on the disk; its size in bytes and its SHA-256."""
    with default_storage.open(draft) as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    size = default_storage.size(draft)
    Path(default_storage.path(draft)).replace(default_storage.path(name))
    return size, digest


def forget_files(names: Iterable[str]) -> None:
    """Delete files, those that are not there too."""
    for name in names:
        default_storage.delete(name)
