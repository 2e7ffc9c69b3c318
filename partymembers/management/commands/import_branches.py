"""`manage.py import_branches FILE`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.utils import timezone

from governance.common.imports import ImportCommand, ImportReport, Progress
from partymembers.party_importing import import_branches


class Command(ImportCommand):
    """Import branches."""

    help = "Import Party branches (CSV, XLSX)."

    def run(self, file: Path, *, dry_run: bool, progress: Progress, options: dict[str, Any]) -> ImportReport:
        """Import the file as of now."""
        return import_branches(file, at=timezone.now(), dry_run=dry_run, progress=progress)
