"""Ends what a killed supervisor left behind.

A supervisor that is killed outright cannot stop its children, and a child of a child does not notice. So this
small process, in a session of its own, holds the end of a pipe: each line `+ GROUP SIGNAL SECONDS` names a
process group, `- GROUP` one that has ended. When the pipe closes, what is still named is stopped in reverse
order: the signal, up to the seconds of grace, then SIGKILL. Standard library only; runs as a script.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time


def is_running(group: int) -> bool:
    """Whether the process group still has a member."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def stop(group: int, number: int, grace: float) -> None:
    """Signal the group, wait up to `grace` seconds, then kill what remains."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
        ends = time.monotonic() + grace
        while is_running(group) and time.monotonic() < ends:
            time.sleep(0.05)
        os.killpg(group, signal.SIGKILL)


def main() -> None:
    """Listen until the supervisor is gone, then clear up."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: dict[int, tuple[int, float]] = {}
    for line in sys.stdin:
        word, group, *rest = line.split()
        if word == "+":
            groups[int(group)] = (int(rest[0]), float(rest[1]))
        else:
            groups.pop(int(group), None)
    for group in reversed(list(groups)):
        stop(group, *groups[group])


if __name__ == "__main__":
    main()
