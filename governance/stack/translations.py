"""Compiles the translations: Django reads `.mo` files, the repository keeps only `.po`."""

from __future__ import annotations

from pathlib import Path

import polib

from .problems import StackError


def compile_catalogues(root: Path) -> int:
    """Write each `.mo` below `root` that is missing or older than its `.po`; return how many.

    Raises StackError naming the file and line of a malformed catalogue.
    """
    written = 0
    for source in sorted(root.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        try:
            catalogue = polib.pofile(str(source), encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise StackError(f"{source}: {error}") from None
        draft = target.with_suffix(".draft")
        catalogue.save_as_mofile(str(draft))
        draft.replace(target)
        written += 1
    return written
