"""Compiles the message catalogues; needs no gettext on the machine."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE_DIR = Path(__file__).resolve().parents[2] / "locale"


def compile_catalogs(locale_dir: Path = LOCALE_DIR) -> list[Path]:
    """Compile every `*/LC_MESSAGES/*.po` that is newer than its `.mo`; returns what was written.

    Entries without a translation and fuzzy ones are left out, so that they show their English msgid.
    """
    written: list[Path] = []
    for source in sorted(locale_dir.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        with source.open("rb") as lines:
            catalog = read_po(lines, locale=source.parts[-3])
        compiled = BytesIO()
        write_mo(compiled, catalog)
        draft = target.with_name(f"{target.name}.{os.getpid()}")
        draft.write_bytes(compiled.getvalue())
        draft.replace(target)
        written.append(target)
    return written
