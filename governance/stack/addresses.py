"""Where the running services of this checkout are, for programs started beside `make up`."""

from __future__ import annotations

import json
import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent
FILE = CHECKOUT / "var" / "services.json"


def is_alive(pid: int) -> bool:
    """Whether a process of this number exists (whoever owns it)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def publish(values: dict[str, str], file: Path = FILE) -> None:
    """Write down the addresses, readable by the owner only, until `withdraw`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps({"pid": os.getpid(), "values": values}))
    draft.replace(file)


def published(file: Path = FILE) -> dict[str, str]:
    """The addresses that a living `make up` published; {} when there is none."""
    try:
        said = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return dict(said["values"]) if is_alive(said["pid"]) else {}


def withdraw(file: Path = FILE) -> None:
    """Forget the published addresses."""
    file.unlink(missing_ok=True)
