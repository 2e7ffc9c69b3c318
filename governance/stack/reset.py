"""`make reset`: the local data gone, and nothing else."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from . import console, paths, services
from .problems import StackError

# What the installation made (stamps) stays: only what the portal wrote goes.
LOCAL_DATA = (
    "postgres",
    "run",
    "media",
    "log",
    "secret_key",
    "signins.txt",
    "worker-alive",
    "beat-alive",
    "metrics",
    "services.json",
)


def run(var: Path, given: Mapping[str, str]) -> int:
    """Ask, then delete. Raises StackError while the portal runs or when nobody can answer."""
    claim = services.Claim(var)
    elsewhere = paths.ELSEWHERE / paths.fingerprint(var)
    doomed = [path for name in LOCAL_DATA if (path := var / name).exists()]
    doomed += [path for path in (elsewhere,) if path.exists()]
    if given.get("DATABASE_URL"):
        console.say("DATABASE_URL names a database of yours: it is not touched")
    if not doomed:
        console.say(f"Nothing to wipe in {var}")
        return 0
    if given.get("YES") != "1" and not _agrees(doomed):
        console.say("Nothing was deleted")
        return 1
    for path in doomed:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    claim.release()
    console.say("The local data is gone; the next `make up` begins with an empty database")
    return 0


def _agrees(doomed: list[Path]) -> bool:
    if not sys.stdin.isatty():
        raise StackError("`make reset` asks before it deletes: answer at a terminal, or say YES=1")
    console.say("This deletes the local database, uploads and logs for good:")
    for path in doomed:
        console.say(f"  {path}")
    return input("Type yes to delete them: ").strip().lower() == "yes"
