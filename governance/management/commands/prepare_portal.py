"""`manage.py prepare_portal`: what has to be true of the database before the portal serves."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import BaseCommand, call_command, get_commands

from governance.demo import unfinished
from governance.demo.staff import is_half_loaded


class Command(BaseCommand):
    """Migrates; fills a database without users with the demo city; writes down the demo sign-ins."""

    # The whole configuration is checked by `make test`; a start need not wait for that.
    requires_system_checks: list[str] = []
    help = "Migrate, and fill an empty database with the demo city."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The switch for an empty portal, and where the sign-ins go."""
        parser.add_argument("--no-demo", action="store_true", help="leave an empty database empty")
        parser.add_argument("--signins", type=Path, help="file for the demo city's sign-ins")

    def handle(self, *args: Any, no_demo: bool, signins: Path | None, **options: Any) -> None:
        """Do each part only where it is needed; a demo city that an interruption left half is made anew."""
        if unfinished.is_unfinished():
            self.stderr.write("The last start was interrupted while the demo city was made: making it anew")
            unfinished.start_over()
        call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
        known = get_commands()
        if (
            not no_demo
            and "load_demo" in known
            and (is_half_loaded() or not get_user_model().objects.exists())
        ):
            unfinished.begin()
            call_command("load_demo")
            unfinished.finish()
        if signins is not None:
            signins.unlink(missing_ok=True)
            if not no_demo and "demo_signins" in known:
                with signins.open("w", encoding="utf-8") as file:
                    call_command("demo_signins", stdout=file)
