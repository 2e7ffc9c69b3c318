"""`manage.py import_people FILE`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from governance.common.imports import ImportCommand, ImportReport, Progress
from partymembers.importing import import_people


class Command(ImportCommand):
    """Import people."""

    help = "Import people with their posts (CSV, XLSX)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where the first passwords go."""
        super().add_arguments(parser)
        parser.add_argument(
            "--passwords", type=Path, help=_("the new file for first passwords (default: beside the file)")
        )

    def run(self, file: Path, *, dry_run: bool, progress: Progress, options: dict[str, Any]) -> ImportReport:
        """Import the file as of now, and say where the first passwords are."""
        at = timezone.now()
        stamp = timezone.localtime(at).strftime("%Y%m%d-%H%M%S")
        passwords = options["passwords"] or file.with_name(f"{file.stem}-passwords-{stamp}.csv")
        report = import_people(file, passwords=passwords, at=at, dry_run=dry_run, progress=progress)
        if report.applied and passwords.exists():
            self.stdout.write(_("First passwords: %s (hand them out, then delete it)") % passwords)
        return report
