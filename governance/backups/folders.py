"""The folder that holds backups: one run at a time, drafts that look like nothing, old ones taken away."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _

from .manifest import MANIFEST
from .problems import BackupProblem

_WHOLE = re.compile(r"gezhi-\d{8}T\d{6}Z")
_DRAFT: Final = ".gezhi-draft"


@contextmanager
def opened(target: Path) -> Iterator[None]:
    """Hold the folder of backups for this run alone, made if need be, cleared of what killed runs left.

    Raises BackupProblem when another run holds it, or when it lies where the portal serves from.
    """
    media = Path(settings.MEDIA_ROOT).resolve()
    if target.resolve().is_relative_to(media):
        raise BackupProblem(_("%s lies within the attachments themselves.") % target)
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(target / ".gezhi-lock", os.O_WRONLY | os.O_CREAT, 0o600)
    except OSError as error:
        raise BackupProblem(
            _("Cannot write in %(folder)s: %(why)s") % {"folder": target, "why": error.strerror}
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(target / _DRAFT, ignore_errors=True)
        yield
    except BlockingIOError:
        raise BackupProblem(_("Another backup to %s is under way.") % target) from None
    finally:
        os.close(lock)


@contextmanager
def draft(target: Path, *, at: datetime) -> Iterator[tuple[Path, Path]]:
    """A hidden folder to fill, and the name that it gets when the block ends well; else it is deleted."""
    whole = target / f"gezhi-{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    if whole.exists():
        raise BackupProblem(_("%s is there already.") % whole)
    hidden = target / _DRAFT
    hidden.mkdir(mode=0o700)
    try:
        yield hidden, whole
        # One flush instead of one for each of a million files: what is renamed is on the disk.
        os.sync()
        hidden.rename(whole)
        os.sync()
    except BaseException:
        shutil.rmtree(hidden, ignore_errors=True)
        raise


def backups_in(target: Path) -> list[Path]:
    """The whole backups of a folder, the oldest first."""
    return sorted(
        each for each in target.iterdir() if _WHOLE.fullmatch(each.name) and (each / MANIFEST).is_file()
    )


def prune(target: Path, *, keep: int) -> list[Path]:
    """Delete all but the newest `keep` backups; which ones. Hard links keep what newer ones share."""
    old = backups_in(target)[:-keep]
    for each in old:
        # Renamed first: a deletion that is interrupted leaves a draft, not half a backup.
        shutil.rmtree(each.rename(target / _DRAFT))
    return old


def need_space(folder: Path, needed: int) -> None:
    """Raise BackupProblem when the disk of `folder` has not `needed` bytes and a little more."""
    free = shutil.disk_usage(folder).free
    if free < needed + (64 << 20):
        raise BackupProblem(
            _("Not enough room in %(folder)s: %(free)d MB are free, %(needed)d MB are needed.")
            % {"folder": folder, "free": free / 1e6, "needed": needed / 1e6 + 64}
        )
