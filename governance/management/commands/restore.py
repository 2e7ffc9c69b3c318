"""`manage.py restore /var/backups/gezhi/gezhi-20261122T103000Z`."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from governance.backups.problems import BackupProblem
from governance.backups.restoring import restore_backup


class Command(BaseCommand):
    """Bring a backup back into an empty database and the folder of attachments."""

    help = "Check a backup, then restore it into the empty database of DATABASE_URL and GEZHI_MEDIA_ROOT."
    # There is no database to check yet.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which backup."""
        parser.add_argument("source", type=Path, help="folder of one backup, gezhi-…")

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore, or say what is in the way; then what to do next."""
        try:
            manifest = restore_backup(options["source"].absolute(), say=self.stdout.write)
        except (BackupProblem, OSError) as error:
            raise CommandError(str(error)) from error
        moment = timezone.localtime(datetime.fromisoformat(manifest.started_at))
        self.stdout.write(_("Restored as it was at %s. Now:") % f"{moment:%Y-%m-%d %H:%M:%S}")
        for step in (
            _("  manage.py migrate --check             the schema is whole"),
            _("  manage.py relay                       hands over what waited at that moment"),
            _("  manage.py check_invariants --files    the tables and the files agree"),
            _("  empty Valkey (FLUSHDB)                it may remember what came after that moment"),
            _("  start web, workers and beat           everybody signs in again"),
        ):
            self.stdout.write(step)
