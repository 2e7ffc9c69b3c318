"""`manage.py backup /var/backups/gezhi --keep 14`, `manage.py backup --verify /var/backups/gezhi/gezhi-…`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from governance.backups.problems import BackupProblem
from governance.backups.restoring import verify_backup
from governance.backups.taking import Taken, take_backup

#: Exit code of a backup that was made and yet lacks files of orders.
INCOMPLETE: Final = 3
#: How many lost files are named on the screen; the manifest has all.
_SHOWN: Final = 20
_WHY: Final = {
    "missing": gettext_lazy("Order %(number)s: %(name)s is missing."),
    "unreadable": gettext_lazy("Order %(number)s: %(name)s cannot be read."),
    "damaged": gettext_lazy("Order %(number)s: %(name)s is damaged."),
}


class Command(BaseCommand):
    """Back up the database and the attachments of one moment, or check such a backup."""

    help = "Back up database and attachments below TARGET while the portal works; --verify SOURCE checks one."
    # A portal with a fault in its configuration is just the one to be backed up.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to, and how many to keep; or what to verify."""
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("target", type=Path, nargs="?", help="folder that holds the backups")
        what.add_argument("--verify", type=Path, metavar="SOURCE", help="check a backup without restoring it")
        parser.add_argument("--keep", type=int, default=0, help="then delete all but so many of the newest")
        parser.add_argument(
            "--full", action="store_true", help="copy every file anew instead of linking to the backup before"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, tell what became of it; exit code 1 for no backup, 3 for one that lacks files."""
        if options["keep"] < 0:
            raise CommandError(_("--keep takes how many backups stay."))
        try:
            if options["verify"]:
                verify_backup(options["verify"], say=self.stdout.write)
                return
            taken = take_backup(
                options["target"].absolute(),
                at=timezone.now(),
                say=self.stdout.write,
                keep=options["keep"],
                full=options["full"],
            )
        except (BackupProblem, OSError) as error:
            raise CommandError(str(error)) from error
        self._tell(taken)

    def _tell(self, taken: Taken) -> None:
        manifest = taken.manifest
        for old in taken.pruned:
            self.stdout.write(_("Deleted %s") % old)
        numbers = {"rows": sum(manifest.counts.values()), "files": manifest.files, "linked": taken.linked}
        self.stdout.write(_("%(rows)d rows, %(files)d files, %(linked)d of them linked.") % numbers)
        self.stdout.write(str(taken.folder))
        if not manifest.lost:
            return
        for lost in manifest.lost[:_SHOWN]:
            self.stderr.write(_WHY[lost["why"]] % {"name": lost["name"], "number": lost["number"] or "–"})
        raise CommandError(
            _("The backup was made, but %d files are not as they should be (manifest.json lists them).")
            % len(manifest.lost),
            returncode=INCOMPLETE,
        )
