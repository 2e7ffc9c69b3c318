"""Taking a backup: one moment of the database, then the files that it names, then the manifest."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from . import database, files, folders
from .manifest import DUMP, SUMS, Manifest, open_private, portal_version, sha256_of, sum_line
from .problems import BackupProblem
from .programs import Say

_PLAN = "plan"


@dataclass(frozen=True)
class Taken:
    """A backup that was made, what it says of itself, and which old ones it replaced."""

    folder: Path
    manifest: Manifest
    linked: int
    pruned: list[Path] = field(default_factory=list)


def take_backup(target: Path, *, at: datetime, say: Say, keep: int = 0, full: bool = False) -> Taken:
    """Make a backup below `target`, while the portal goes on working.

    Files that the newest backup there has already are linked to it, unless `full`. With `keep` only so many
    backups stay, but none goes for one that lost a file. Raises BackupProblem; then nothing is left of it.
    """
    began = time.monotonic()
    with folders.opened(target):
        there = folders.backups_in(target)
        former = there[-1] if there and not full else None
        with folders.draft(target, at=at) as (draft, whole):
            moment = _take_database(draft, former=there[-1] if there else None, say=say)
            copied, sums_sha256 = _take_files(draft, moment, former=former, say=say)
            finished = at + timedelta(seconds=time.monotonic() - began)
            manifest = Manifest(
                started_at=at.isoformat(),
                finished_at=finished.isoformat(),
                gezhi=portal_version(),
                server=moment.server,
                pg_dump=moment.pg_dump,
                migrations=moment.migrations,
                counts=moment.counts,
                dump_bytes=moment.dump_bytes,
                sums_sha256=sums_sha256,
                files=copied.files,
                files_bytes=copied.size,
                lost=copied.lost,
                discarded=copied.discarded,
            )
            manifest.write(draft)
        pruned = folders.prune(target, keep=keep) if keep and not copied.lost else []
    return Taken(whole, manifest, copied.linked, pruned)


@dataclass(frozen=True)
class _Moment:
    """What the snapshot said and the manifest repeats."""

    server: int
    pg_dump: int
    migrations: list[str]
    counts: dict[str, int]
    dump_bytes: int
    planned: int


def _take_database(draft: Path, *, former: Path | None, say: Say) -> _Moment:
    """Write the dump, and the list of the files that the same moment names."""
    dump = draft / DUMP
    with database.snapshot() as moment:
        folders.need_space(draft, _room_for_dump(moment, former))
        planned = files.write_plan(draft / _PLAN, moment.files())
        if planned and not Path(settings.MEDIA_ROOT).is_dir():
            raise BackupProblem(_("There is no folder of attachments %s.") % settings.MEDIA_ROOT)
        counts, migrations = moment.counts(), moment.migrations()
        say(_("Database: %(rows)d rows") % {"rows": sum(counts.values())})
        program = database.dump(moment, dump, say=say)
    return _Moment(moment.server, program.version, migrations, counts, dump.stat().st_size, planned)


def _room_for_dump(moment: database.Snapshot, former: Path | None) -> int:
    """Bytes that the dump may need: half as much again as the last one, else half of the database."""
    if former is not None:
        return (former / DUMP).stat().st_size * 3 // 2
    return moment.size() // 2


def _take_files(draft: Path, moment: _Moment, *, former: Path | None, say: Say) -> tuple[files.Copied, str]:
    """Copy what the list names, write the checksums of everything, and hash those."""
    plan = draft / _PLAN
    folders.need_space(draft, files.bytes_to_copy(plan, files.Former(former)))
    say(_("Attachments: %(files)d files") % {"files": moment.planned})
    with open_private(draft / SUMS) as sums:
        sums.write(sum_line(DUMP, sha256_of(draft / DUMP)))
        copied = files.copy_files(
            plan, moment.planned, draft, former=files.Former(former), sums=sums, say=say
        )
    plan.unlink()
    return copied, sha256_of(draft / SUMS)
