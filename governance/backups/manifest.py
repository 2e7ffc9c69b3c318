"""What a backup says of itself: `manifest.json`, and the checksums in the format of `sha256sum`.

The manifest is written last: a folder without a valid one is no backup. Its seal finds any changed byte. It
is no signature: whoever can write the folder can seal it anew, so keep copies where the portal cannot write.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext as _

from .problems import BackupProblem

MANIFEST: Final = "manifest.json"
DUMP: Final = "database.dump"
SUMS: Final = "SHA256SUMS"
FILES: Final = "files"
#: Grows when an older portal could no longer read the folder.
FORMAT: Final = 1
_SUM = re.compile(r"([0-9a-f]{64})  (.+)\n")
_NAME = re.compile(r"[\w-][\w.-]*(?:/[\w-][\w.-]*)*", re.ASCII)


@dataclass(frozen=True)
class Manifest:
    """A whole backup. Times are ISO 8601, sizes bytes; `migrations` are `app.name`, `counts` rows by table.

    `lost` are files that the database names and the folder of attachments lacked or held damaged, each
    `name`, `number` of its order and `why`; `discarded` is how many unsent uploads were deleted meanwhile.
    """

    started_at: str
    finished_at: str
    server: int
    pg_dump: int
    migrations: list[str]
    counts: dict[str, int]
    sums_sha256: str
    dump_bytes: int
    files: int
    files_bytes: int
    lost: list[dict[str, str]] = field(default_factory=list)
    discarded: int = 0
    gezhi: str = ""
    format: int = FORMAT

    def write(self, folder: Path) -> None:
        """Seal and write it, readable by its owner only."""
        content = asdict(self)
        text = json.dumps({**content, "seal": _seal(content)}, ensure_ascii=False, indent=1)
        with open_private(folder / MANIFEST) as file:
            file.write(text.encode())

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """The manifest of a backup's folder. Raises BackupProblem for none, a changed or an unknown one."""
        try:
            content = json.loads((folder / MANIFEST).read_bytes())
            seal = content.pop("seal")
            whole = seal == _seal(content)
        except FileNotFoundError:
            raise BackupProblem(_("%s is no backup: it has no manifest.json.") % folder) from None
        except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise BackupProblem(
                _("The manifest of %(folder)s cannot be read: %(why)s") % {"folder": folder, "why": error}
            ) from None
        if not whole:
            raise BackupProblem(_("The manifest of %s was changed after it was written.") % folder)
        if content["format"] != FORMAT or content.keys() != {each.name for each in fields(cls)}:
            raise BackupProblem(
                _("%s was made by a version of the portal that this one cannot read.") % folder
            )
        return cls(**content)


def _seal(content: dict[str, Any]) -> str:
    plain = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()


def portal_version() -> str:
    """The version of the portal whose code runs."""
    return str(tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text("utf-8"))["project"]["version"])


def open_private(path: Path) -> Any:
    """A new file for writing bytes that nobody else may read; FileExistsError where there is one."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def sha256_of(path: Path) -> str:
    """The checksum of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_plain_name(name: str) -> bool:
    """Whether a file's name stays within its folder and on its line."""
    return len(name) <= 500 and bool(_NAME.fullmatch(name))


def read_sums(path: Path) -> Iterator[tuple[str, str]]:
    """Name and checksum of each line, in the order of the names' bytes. Raises BackupProblem for nonsense."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            found = _SUM.fullmatch(line)
            if not found or not is_plain_name(found[2]):
                raise BackupProblem(_("%s cannot be read: it was changed.") % path)
            yield found[2], found[1]


def sum_line(name: str, digest: str) -> bytes:
    """A line that `read_sums` and `sha256sum --check` read."""
    return f"{digest}  {name}\n".encode()
