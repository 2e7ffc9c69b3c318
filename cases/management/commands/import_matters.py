"""`manage.py import_matters FILE`: classes, matters and standards of a catalogue."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime, time
from pathlib import Path
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from cases.importing.limits import parse_units
from cases.importing.matters import Owners, import_matters
from governance.common.imports import ImportCommand, ImportReport, Progress
from governance.common.tabular import TableError


class Command(ImportCommand):
    """Import a catalogue; the same file again changes nothing."""

    help = "Import a catalogue of matters: one row a standard with its class, matter and limit (CSV, XLSX)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Units, owners and the first day of new versions, beside the file."""
        super().add_arguments(parser)
        parser.add_argument(
            "--units",
            nargs="+",
            default=[],
            metavar="UNIT=TIMER",
            help=_("what the sheet's units mean, such as 天=natural_day"),
        )
        parser.add_argument(
            "--owner-roles",
            choices=[choice.value for choice in Owners],
            default=Owners.FIRST.value,
            help=_("which kind of owner a row gives: the one named first, the whole text, or none"),
        )
        parser.add_argument(
            "--valid-from", metavar="YYYY-MM-DD", help=_("first day of new versions; now, if not given")
        )

    def run(self, file: Path, *, dry_run: bool, progress: Progress, options: dict[str, Any]) -> ImportReport:
        """Import the file as of now."""
        try:
            units = parse_units(options["units"])
        except ValueError as error:
            raise TableError(str(error)) from error
        return import_matters(
            file,
            at=timezone.now(),
            units=units,
            owners=Owners(options["owner_roles"]),
            valid_from=_first_moment(options["valid_from"]),
            dry_run=dry_run,
            progress=progress,
        )


def _first_moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None:
        raise TableError(_("“%s” is not a date like 2026-01-01.") % text)
    return timezone.make_aware(datetime.combine(day, time.min))
