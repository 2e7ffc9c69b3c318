"""`manage.py import_members FILE`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.utils import timezone

from governance.common.imports import ImportCommand, ImportReport, Progress
from partymembers.party_importing import import_members


class Command(ImportCommand):
    """Import members."""

    help = "Import Party members (CSV, XLSX)."

    def run(self, file: Path, *, dry_run: bool, progress: Progress, options: dict[str, Any]) -> ImportReport:
        """Import the file as of now."""
        return import_members(file, at=timezone.now(), dry_run=dry_run, progress=progress)
