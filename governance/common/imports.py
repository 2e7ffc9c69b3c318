"""What every import shares: its report, its all-or-nothing transaction, its management command."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils.translation import gettext as _

from governance.common.errors import DomainError
from governance.common.tabular import RowError

#: Called with the rows done so far and their total (None while it is not known).
Progress = Callable[[int, int | None], None]

#: Rows printed by a command before it only counts the rest.
SHOWN_ERRORS = 200


def no_progress(done: int, total: int | None) -> None:
    """A progress callback that tells nobody."""


@dataclass
class ImportReport:
    """What an import did, or with `dry_run` would have done, by rows of the file.

    `skipped` are rows left out on purpose (they belong to no table here), `refused` those with a fault:
    a row may be refused for several reasons. `notes` tell what else a reader should know, such as which row
    was skipped. `applied` says whether anything was written.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    refused: list[RowError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    dry_run: bool = False
    applied: bool = False

    def refuse(self, *errors: RowError) -> None:
        """Note why a row cannot go in."""
        self.refused.extend(errors)

    @property
    def refused_rows(self) -> int:
        """How many rows were refused, each counted once."""
        return len({error.line for error in self.refused})

    def __str__(self) -> str:
        counts = {
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "skipped": self.skipped,
            "refused": self.refused_rows,
        }
        return (
            _(
                "created %(created)s, updated %(updated)s, unchanged %(unchanged)s, "
                "skipped %(skipped)s, refused %(refused)s"
            )
            % counts
        )


@contextmanager
def all_or_nothing(report: ImportReport, *, accept_valid: bool = False) -> Iterator[None]:
    """A transaction that is undone when the report holds a refused row, or on a dry run.

    With `accept_valid` refused rows do not undo the others; an exception always undoes everything.
    Sets `report.applied`.
    """
    with transaction.atomic():
        yield
        report.applied = not report.dry_run and (accept_valid or not report.refused)
        if not report.applied:
            transaction.set_rollback(True)


class ImportCommand(BaseCommand):
    """`manage.py import_… FILE [--dry-run]`: progress, each refused row, exit code 1 on a fault.

    Subclasses write `run`. With `partial = True` valid rows go in beside refused ones.
    """

    partial = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The file and the dry run."""
        parser.add_argument("file", type=Path, help=_("the file to read"))
        parser.add_argument("--dry-run", action="store_true", help=_("check everything, write nothing"))

    def run(self, file: Path, *, dry_run: bool, progress: Progress, options: dict[str, Any]) -> ImportReport:
        """Import the file. Raises a DomainError, such as TableError."""
        raise NotImplementedError

    def handle(self, **options: Any) -> None:
        """Run the import and print its report."""
        try:
            report = self.run(
                options["file"], dry_run=options["dry_run"], progress=self._progress(), options=options
            )
        except DomainError as error:
            raise CommandError(str(error)) from error
        for note in report.notes:
            self.stdout.write(note)
        for fault in report.refused[:SHOWN_ERRORS]:
            self.stderr.write(str(fault))
        if len(report.refused) > SHOWN_ERRORS:
            self.stderr.write(_("… and %d more") % (len(report.refused) - SHOWN_ERRORS))
        self.stdout.write((_("Dry run: ") if report.dry_run else "") + str(report))
        if report.refused and not self.partial:
            raise CommandError(_("Nothing was imported: correct the rows above and run the command again."))
        if report.refused:
            raise CommandError(_("The rows above were refused; all others are in."))

    def _progress(self) -> Progress:
        """Writes a line to the error stream at most once a second."""
        last = time.monotonic()

        def tell(done: int, total: int | None) -> None:
            nonlocal last
            if time.monotonic() - last >= 1:
                last = time.monotonic()
                self.stderr.write(f"{done}/{total}" if total else str(done))

        return tell
