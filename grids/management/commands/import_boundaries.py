"""`manage.py import_boundaries FILE`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils import timezone

from governance.common.imports import ImportCommand, ImportReport, Progress
from grids.boundaries import SYSTEMS
from grids.importing import import_boundaries


class Command(ImportCommand):
    """Import boundaries."""

    help = "Import boundaries, and grids with theirs, from a GeoJSON FeatureCollection."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The coordinate system of the file."""
        super().add_arguments(parser)
        parser.add_argument("--system", choices=SYSTEMS, default="wgs84", help="coordinates of the file")
        parser.add_argument("--schematic", action="store_true", help="label the boundaries as schematic")

    def run(self, file: Path, *, dry_run: bool, progress: Progress, options: dict[str, Any]) -> ImportReport:
        """Import the file as of now."""
        return import_boundaries(
            file,
            at=timezone.now(),
            system=options["system"],
            is_schematic=options["schematic"],
            dry_run=dry_run,
            progress=progress,
        )
