"""The services of a test run: fast rather than durable, in a folder of their own below `var`."""

from __future__ import annotations

import os
from pathlib import Path

from governance.settings import environment

from . import services
from .problems import StackError
from .processes import Supervisor

_started: list[tuple[Supervisor, services.Claim]] = []


def claim_folder(var: Path) -> tuple[Path, services.Claim]:
    """The first free folder among `var/test`, `var/test-2`, …: runs side by side do not meet."""
    for number in range(1, 20):
        folder = var / ("test" if number == 1 else f"test-{number}")
        try:
            return folder, services.Claim(folder)
        except StackError:
            continue
    raise StackError(f"no free test folder in {var}")


def start_services(var: Path) -> dict[str, str]:
    """Start what the environment does not name; return the addresses. Idempotent within a process."""
    given = {**environment.read_file(environment.BASE_DIR / ".env"), **os.environ}
    wanted = {name: given[name] for name in ("DATABASE_URL", "REDIS_URL") if given.get(name)}
    if len(wanted) == 2:
        return wanted
    folder, claim = claim_folder(var)
    supervisor = Supervisor()
    _started.append((supervisor, claim))
    programs = Path(given["GEZHI_PG_BIN"]) if given.get("GEZHI_PG_BIN") else None
    return services.start(supervisor, folder, wanted, fast=True, programs=programs)


def stop_services() -> None:
    """Stop what `start_services` started; nothing of it remains."""
    while _started:
        supervisor, claim = _started.pop()
        supervisor.stop(loud=False)
        claim.release()
