"""`manage.py forget_old_rows`: what beat does every few hours, in the foreground."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from governance.retention.forgetting import count_old_rows, forget_old_rows


class Command(BaseCommand):
    """Archive and delete what is kept no longer."""

    help = "Delete what is kept no longer: messages, audit entries, sessions, exports. As the settings say."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whether only to count, and how long it may take."""
        parser.add_argument("--dry-run", action="store_true", help="only say how many rows would go")
        parser.add_argument("--seconds", type=float, default=3600.0, help="stop after so long")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and say how many rows of each kind."""
        now = timezone.now()
        try:
            done = (
                count_old_rows(at=now)
                if options["dry_run"]
                else forget_old_rows(at=now, seconds=options["seconds"])
            )
        except OSError as error:
            raise CommandError(_("The archive cannot be written: %s") % error) from error
        words = (
            _("%(count)d rows of %(name)s would go.")
            if options["dry_run"]
            else _("%(count)d rows of %(name)s deleted.")
        )
        for name, count in done.items():
            self.stdout.write(words % {"count": count, "name": name})
