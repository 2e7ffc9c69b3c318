"""The archive of what is deleted: gzipped JSON lines in a private folder that the portal never reads."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder


def write_batch(folder: Path, name: str, rows: Sequence[Mapping[str, Any]], *, month: str) -> Path:
    """Write rows, in order of their `id`, to `folder/name/month/first-last.jsonl.gz`; on the disk at return.

    The same batch again replaces the file; nothing half is ever under that name. Raises OSError.
    """
    into = folder / name / month
    for each in (folder, into.parent, into):
        each.mkdir(mode=0o700, exist_ok=True)  # with `parents`, those above would be open to others
    target = into / f"{rows[0]['id']:012d}-{rows[-1]['id']:012d}.jsonl.gz"
    draft = target.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    lines = (json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False) + "\n" for row in rows)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        # No time of its own in the header: the same rows are the same bytes.
        with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed:
            packed.writelines(line.encode() for line in lines)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(target)
    _settle(into)
    return target


def _settle(folder: Path) -> None:
    """Have the new name on the disk too, before the rows are gone."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
