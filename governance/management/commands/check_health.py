"""`manage.py check_health`: the checks of `/readyz` on the command line."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from governance.health import look


class Command(BaseCommand):
    """For people on duty, and for whatever wants an exit code."""

    help = "Say of each part of the portal whether it is well; exit 1 when one is not."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the names of the parts that count, or none for all."""
        parser.add_argument("parts", nargs="*", help="the parts that count, such as beat or queue:urgent")

    def handle(self, *args: Any, parts: list[str], **options: Any) -> None:
        """Look, say, and exit."""
        every = look()
        if wrong := set(parts) - {check.name for check in every}:
            raise CommandError(_("There is no check %s.") % ", ".join(sorted(wrong)))
        found = [check for check in every if not parts or check.name in parts]
        for check in found:
            age = "" if check.age is None else f"{check.age:8.1f} s"
            limit = "" if check.limit is None else f"of {check.limit:.0f} s"
            self.stdout.write(f"{'ok' if check.ok else 'FAILS':8} {check.name:14} {age} {limit}".rstrip())
        if not all(check.ok for check in found):
            raise SystemExit(1)
