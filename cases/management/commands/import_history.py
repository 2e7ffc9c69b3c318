"""`manage.py import_history FILE --mapping FILE.toml`: the orders of another system."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from cases.importing.history import import_history
from cases.importing.history_mapping import read_mapping
from governance.common.imports import ImportCommand, ImportReport, Progress


class Command(ImportCommand):
    """Sound rows go in beside refused ones; the same file again changes nothing."""

    help = "Import past orders of another system (CSV, XLSX), with a mapping of its columns (TOML)."
    partial = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The mapping, beside the file."""
        super().add_arguments(parser)
        parser.add_argument(
            "--mapping", type=Path, required=True, help=_("how the columns become ours, as TOML")
        )

    def run(self, file: Path, *, dry_run: bool, progress: Progress, options: dict[str, Any]) -> ImportReport:
        """Import the file as of now."""
        mapping = read_mapping(options["mapping"])
        return import_history(file, mapping, at=timezone.now(), dry_run=dry_run, progress=progress)
