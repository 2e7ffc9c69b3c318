"""The attachments' part: copied after the snapshot that names them, or linked to the backup before.

A stored picture never changes under its name, and one that an order has claimed is never deleted. So every
file that the snapshot names and an order needs is still there when it is copied, however long that takes;
only an upload that nobody sent may have been discarded meanwhile.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from django.core.files.storage import default_storage
from django.db.models import Q
from django.utils.translation import gettext as _

from cases.models import Attachment

from .manifest import FILES, SUMS, is_plain_name, open_private, read_sums, sum_line
from .problems import BackupProblem
from .programs import TICK, Say

_CHUNK: Final = 1 << 20


@dataclass(frozen=True)
class Wanted:
    """A file that the snapshot names; `number` of its order and `sha256` of its content may be ''."""

    name: str
    number: str
    sha256: str


@dataclass
class Copied:
    """What became of the files."""

    files: int = 0
    linked: int = 0
    size: int = 0
    lost: list[dict[str, str]] = field(default_factory=list)
    discarded: int = 0


def write_plan(path: Path, named: Iterable[tuple[str, str, str]]) -> int:
    """Write down what is to be copied, each name once, and say how many; so the snapshot need not be held."""
    total, last = 0, None
    with open_private(path) as plan:
        for name, number, sha256 in named:
            if name == last:
                continue
            if not is_plain_name(name):
                raise BackupProblem(
                    _("Order %(number)s names a file outside of the attachments.") % {"number": number}
                )
            plan.write(f"{name}\t{number}\t{sha256}\n".encode())
            total, last = total + 1, name
    return total


def read_plan(path: Path) -> Iterator[Wanted]:
    """What `write_plan` wrote."""
    with path.open(encoding="utf-8") as plan:
        for line in plan:
            yield Wanted(*line.rstrip("\n").split("\t"))


class Former:
    """The backup before, whose files serve again: asked for names in the order of their bytes."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._sums = read_sums(folder / SUMS) if folder else iter(())
        self._next = next(self._sums, None)

    def digest_of(self, name: str) -> str:
        """The checksum that the former backup noted, or ''."""
        wanted = f"{FILES}/{name}"
        while self._next and self._next[0] < wanted:
            self._next = next(self._sums, None)
        return self._next[1] if self._next and self._next[0] == wanted else ""

    def size_of(self, name: str) -> int | None:
        """Bytes of the file that the former backup has, or None."""
        return _size(self.folder / FILES / name) if self.folder else None


def bytes_to_copy(plan: Path, former: Former) -> int:
    """The room that the copies will take: files of the plan that no link can stand for."""
    sizes = ((each.name, _size(source_of(each.name))) for each in read_plan(plan))
    return sum(size for name, size in sizes if size is not None and former.size_of(name) != size)


def source_of(name: str) -> Path:
    """Where the portal keeps a file."""
    return Path(default_storage.path(name))


def copy_files(plan: Path, total: int, into: Path, *, former: Former, sums: IO[bytes], say: Say) -> Copied:
    """Copy or link what the plan names below `into`, noting each checksum; what could not be had is told."""
    done, told = Copied(), time.monotonic()
    for number, wanted in enumerate(read_plan(plan), start=1):
        _take(wanted, into / FILES / wanted.name, former, sums, done)
        if time.monotonic() - told > TICK:
            told = time.monotonic()
            say(_("… %(number)d of %(total)d files") % {"number": number, "total": total})
    _set_discarded_apart(done)
    return done


def _take(wanted: Wanted, target: Path, former: Former, sums: IO[bytes], done: Copied) -> None:
    make_folder(target.parent)
    digest = linked = _link(wanted, target, former)
    if not linked:
        try:
            digest = copy_file(source_of(wanted.name), target)
        except (FileNotFoundError, UnreadableError) as error:
            why = "missing" if isinstance(error, FileNotFoundError) else "unreadable"
            done.lost.append(_lost(wanted, why))
            return
    if wanted.sha256 not in ("", digest):
        done.lost.append(_lost(wanted, "damaged"))
    done.files, done.linked = done.files + 1, done.linked + bool(linked)
    done.size += target.stat().st_size
    sums.write(sum_line(f"{FILES}/{wanted.name}", digest))


def _link(wanted: Wanted, target: Path, former: Former) -> str:
    """Link to the former backup's file where it is the same; its checksum, or ''."""
    digest, size = former.digest_of(wanted.name), former.size_of(wanted.name)
    if not digest or wanted.sha256 not in ("", digest) or former.folder is None:
        return ""
    if size is None or size != _size(source_of(wanted.name)):
        return ""
    try:
        os.link(former.folder / FILES / wanted.name, target)
    except OSError:
        return ""  # the disk knows no links, or not so many
    return digest


def _lost(wanted: Wanted, why: str) -> dict[str, str]:
    return {"name": wanted.name, "number": wanted.number, "why": why}


def _set_discarded_apart(done: Copied) -> None:
    """Count as discarded what no order had and whose row is gone by now: nobody misses that."""
    names = [lost["name"] for lost in done.lost if not lost["number"] and lost["why"] == "missing"]
    if not names:
        return
    rows = Attachment.objects.filter(Q(file__in=names) | Q(thumbnail__in=names))
    kept = {name for pair in rows.values_list("file", "thumbnail") for name in pair}
    gone = set(names) - kept
    done.discarded = len(gone)
    done.lost = [lost for lost in done.lost if lost["name"] not in gone]


class UnreadableError(OSError):
    """A file is there, and its disk or its owner does not give it."""


def copy_file(source: Path, target: Path) -> str:
    """Copy to a new private file and give the checksum of what was copied.

    Links are not followed: root reads folders here in which others can make them.
    Raises FileNotFoundError or UnreadableError for the source, leaving no target; OSError for the target.
    """
    digest = hashlib.sha256()
    try:
        reading = os.fdopen(os.open(source, os.O_RDONLY | os.O_NOFOLLOW), "rb")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnreadableError(error.errno, error.strerror, str(source)) from error
    with reading, open_private(target) as writing:
        while chunk := _chunk(reading, target):
            digest.update(chunk)
            writing.write(chunk)
    return digest.hexdigest()


def _chunk(reading: IO[bytes], target: Path) -> bytes:
    try:
        return reading.read(_CHUNK)
    except OSError as error:
        target.unlink()
        raise UnreadableError(error.errno, error.strerror) from error


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, closed to others."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
