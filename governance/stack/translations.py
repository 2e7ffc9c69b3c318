"""Compiles the translations: Django reads `.mo` files, the repository keeps only `.po`."""

from __future__ import annotations

import gettext
import struct
from hashlib import sha256
from pathlib import Path

import polib

from .problems import StackError

#: Header of a compiled catalogue: the SHA-256 of the `.po` that it was made of.
SOURCE = "X-Source-SHA256"


def compile_catalogues(root: Path) -> int:
    """Write each `.mo` below `root` that was not made of its `.po` as it stands; return how many.

    Contents are compared, not times: a checkout of another branch, or an unpacked archive, may leave a `.po`
    that is older than the `.mo` of the one before. Raises StackError naming the file and line of a malformed
    catalogue.
    """
    written = 0
    for source in sorted(root.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        try:
            content = source.read_bytes()
            digest = sha256(content).hexdigest()
            if _made_of(target) == digest:
                continue
            catalogue = polib.pofile(content.decode("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise StackError(f"{source}: {error}") from None
        catalogue.metadata[SOURCE] = digest
        draft = target.with_suffix(".draft")
        catalogue.save_as_mofile(str(draft))
        draft.replace(target)
        written += 1
    return written


def _made_of(compiled: Path) -> str:
    """The digest that a compiled catalogue carries; nothing where it has none or cannot be read."""
    try:
        with compiled.open("rb") as file:
            return str(gettext.GNUTranslations(file).info().get(SOURCE.lower(), ""))
    except (OSError, ValueError, UnicodeError, LookupError, struct.error):
        return ""
