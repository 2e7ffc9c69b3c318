"""`manage.py import_divisions FILE`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.utils import timezone

from governance.common.imports import ImportCommand, ImportReport, Progress
from grids.importing import import_divisions


class Command(ImportCommand):
    """Import divisions."""

    help = "Import cities, districts, streets and communities by their division codes (CSV, XLSX)."

    def run(self, file: Path, *, dry_run: bool, progress: Progress, options: dict[str, Any]) -> ImportReport:
        """Import the file as of now."""
        return import_divisions(file, at=timezone.now(), dry_run=dry_run, progress=progress)
