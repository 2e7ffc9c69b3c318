"""`python -m governance.stack up|worker|beat|test-services|reset|status|translations`."""

from __future__ import annotations

import argparse
import os
import sys

from governance.settings.environment import BASE_DIR, Environment, read_file

from . import addresses, console, reset, tasks, testing, translations, up
from .problems import StackError


def status() -> int:
    """Say where the services of this checkout are; 1 when they do not run."""
    found = addresses.published()
    for name, value in found.items():
        console.say(f"export {name}='{value}'")
    if not found:
        console.say("Gezhi does not run from this checkout")
    return 0 if found else 1


def test_services() -> int:
    """Keep the services of the tests up until Ctrl-C, for many short test runs."""
    from .processes import Supervisor  # noqa: PLC0415

    found = testing.start_services(addresses.CHECKOUT / "var")
    for name, value in found.items():
        console.say(f"export {name}='{value}'")
    waiting = Supervisor()
    waiting.take_signals()
    waiting.watch()
    waiting.stop()
    testing.stop_services()
    return 0


def main(arguments: list[str]) -> int:
    """Run one command; what the person can mend is one line, without a traceback."""
    parser = argparse.ArgumentParser(prog="python -m governance.stack", description=__doc__)
    commands = ["up", "worker", "beat", "test-services", "reset", "status", "translations"]
    parser.add_argument("command", choices=commands)
    parser.add_argument("queues", nargs="*", help="of a worker: the queues that it empties; all without any")
    parsed = parser.parse_args(arguments)
    command = parsed.command
    given = {**read_file(BASE_DIR / ".env"), **os.environ}
    try:
        if command == "up":
            return up.run(given, Environment(given))
        if command in ("worker", "beat"):
            return tasks.run(command, given, Environment(given), parsed.queues)
        if command == "reset":
            return reset.run(up.VAR, given)
        if command == "translations":
            translations.compile_catalogues(BASE_DIR / "locale")
            return 0
        return status() if command == "status" else test_services()
    except StackError as error:
        print(f"gezhi: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
