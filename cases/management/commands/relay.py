"""Run the relay by hand: after an outage, or to see how far it is behind."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from cases.relay import lag, run_relay


class Command(BaseCommand):
    """What the workers do every few seconds, in the foreground."""

    help = "Hand every waiting event to its readers, then say how far each is. --lag only says."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take --lag and --seconds."""
        parser.add_argument("--lag", action="store_true", help="Only say how far each reader is.")
        parser.add_argument("--seconds", type=float, default=3600.0, help="Stop after so long.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, tell, and exit 1 while something waits."""
        if not options["lag"]:
            self.stdout.write(f"{run_relay(seconds=options['seconds'])} events handed over.")
        backlog = lag()
        if backlog.unsequenced:
            self.stdout.write(f"{backlog.unsequenced} events without a position since {backlog.oldest_at}.")
        for each in backlog.consumers:
            self.stdout.write(f"{each.name}: at {each.position}, {each.behind} behind")
        if not backlog.is_empty:
            raise SystemExit(1)
