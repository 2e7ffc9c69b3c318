"""Checking a backup, and bringing it back into an empty place."""

from __future__ import annotations

import os
import time
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from . import database, files, folders
from .manifest import DUMP, FILES, SUMS, Manifest, read_sums, sha256_of
from .problems import BackupProblem
from .programs import TICK, Program, Say, find_program

#: How many names a message lists.
_NAMED = 3


def verify_backup(source: Path, *, say: Say) -> Manifest:
    """Read every byte of a backup and compare it with what was noted. Raises BackupProblem if any differs."""
    manifest = Manifest.read(source)
    sums = source / SUMS
    if not sums.is_file() or sha256_of(sums) != manifest.sums_sha256:
        raise BackupProblem(_("%s is missing or was changed.") % sums)
    total, checked, told = manifest.files + 1, 0, time.monotonic()
    for name, digest in read_sums(sums):
        path = source / name
        if not path.is_file() or sha256_of(path) != digest:
            raise BackupProblem(_("%s is missing or was changed.") % path)
        checked += 1
        if time.monotonic() - told > TICK:
            told = time.monotonic()
            say(_("… %(number)d of %(total)d files") % {"number": checked, "total": total})
    if checked != total:
        raise BackupProblem(_("%s is missing or was changed.") % sums)
    say(_("Every checksum is right: the database and %(files)d files.") % {"files": manifest.files})
    return manifest


def restore_backup(source: Path, *, say: Say) -> Manifest:
    """Bring database and attachments back, the files first, so that no row ever lacks what it names.

    Only into an empty database, by the version of the portal that the backup is of; everything is checked
    before anything is written, and the database comes whole or not at all. Raises BackupProblem.
    """
    manifest = verify_backup(source, say=say)
    program = _check_fit(manifest)
    _put_back(source, manifest, say=say)
    say(_("Database: %(rows)d rows") % {"rows": sum(manifest.counts.values())})
    database.load(source / DUMP, program=program, say=say)
    database.compare_counts(manifest.counts)
    return manifest


def _check_fit(manifest: Manifest) -> Program:
    """Refuse what could not be restored here whole. Gives the program that does it."""
    server = database.server_version()
    if server < manifest.server:
        raise BackupProblem(
            _("The backup comes from PostgreSQL %(old)d; this server is %(new)d and may not understand it.")
            % {"old": manifest.server, "new": server}
        )
    _check_schema(manifest)
    if not database.is_empty():
        raise BackupProblem(
            _(
                "The database is not empty, and nothing was changed. "
                "Make a new one (createdb) and name it in DATABASE_URL."
            )
        )
    return find_program("pg_restore", server=server, at_least=manifest.pg_dump)


def _check_schema(manifest: Manifest) -> None:
    known, made = set(database.known_migrations()), set(manifest.migrations)
    if known == made:
        return
    newer, older = sorted(made - known), sorted(known - made)
    text = (
        _("The backup is of a newer portal (version %(version)s); this one does not know %(names)s.")
        if newer
        else _("The backup is of an older portal (version %(version)s); it lacks %(names)s.")
    )
    names = ", ".join((newer or older)[:_NAMED])
    remedy = _("Install that version, restore, then upgrade.")
    raise BackupProblem(f"{text % {'version': manifest.gezhi, 'names': names}} {remedy}")


def _put_back(source: Path, manifest: Manifest, *, say: Say) -> None:
    """Copy the files to where the portal looks for them; those that are there already, and the same, stay."""
    media = Path(settings.MEDIA_ROOT)
    files.make_folder(media)
    folders.need_space(media, _room_for_files(source))
    say(_("Attachments: %(files)d files") % {"files": manifest.files})
    done, told = 0, time.monotonic()
    for name, digest in read_sums(source / SUMS):
        if name == DUMP:
            continue
        _put_one(source / name, _target_of(name), digest, media)
        done += 1
        if time.monotonic() - told > TICK:
            told = time.monotonic()
            say(_("… %(number)d of %(total)d files") % {"number": done, "total": manifest.files})


def _target_of(name: str) -> Path:
    return files.source_of(name.removeprefix(f"{FILES}/"))


def _room_for_files(source: Path) -> int:
    """Bytes of the files that are not there yet: a disk that holds them all needs no room for them again."""
    names = (name for name, _digest in read_sums(source / SUMS) if name != DUMP)
    return sum((source / name).stat().st_size for name in names if not _target_of(name).exists())


def _put_one(file: Path, target: Path, digest: str, media: Path) -> None:
    # The folder is the portal's, and root writes here: not to where a link in it leads.
    is_inside = target.parent.resolve().is_relative_to(media.resolve())
    if target.exists() or not is_inside:
        if is_inside and sha256_of(target) == digest:
            return
        raise BackupProblem(
            _("%s is there already and is another file: give the restored portal a folder of its own.")
            % target
        )
    _make_owned_folder(target.parent, media)
    # A name of its own until it is whole, so that an interrupted restore can be repeated.
    draft = target.with_name(f".{target.name}.draft")
    draft.unlink(missing_ok=True)
    if files.copy_file(file, draft) != digest:
        draft.unlink()
        raise BackupProblem(_("%s is missing or was changed.") % file)
    _give_to_owner(draft, media)
    draft.rename(target)


def _make_owned_folder(folder: Path, media: Path) -> None:
    if folder.is_dir():
        return
    _make_owned_folder(folder.parent, media)
    folder.mkdir(mode=0o700, exist_ok=True)
    _give_to_owner(folder, media)


def _give_to_owner(path: Path, media: Path) -> None:
    """Root restores for the portal's user, whose folder it is."""
    if os.geteuid() == 0:
        owner = media.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
