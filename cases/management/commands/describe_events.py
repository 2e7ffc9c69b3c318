"""Write docs/events.md from the table of events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils import translation

from cases.event_page import as_markdown


class Command(BaseCommand):
    """Keep the integrator's page of events and payloads as the code has them."""

    help = "Write docs/events.md; with --check only say whether it is up to date."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take --check."""
        parser.add_argument("--check", action="store_true", help="Write nothing; exit 1 when it is not.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the page, or compare it."""
        path = Path(settings.BASE_DIR) / "docs" / "events.md"
        with translation.override("en"):
            text = as_markdown()
        if not options["check"]:
            path.write_text(text, encoding="utf-8")
            self.stdout.write(f"{path} written.")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            self.stderr.write("docs/events.md is out of date: run manage.py describe_events")
            raise SystemExit(1)
