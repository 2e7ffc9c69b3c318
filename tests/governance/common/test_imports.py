"""The shared import report, its transaction and its command."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from governance.common.imports import ImportCommand, ImportReport, Progress, all_or_nothing
from governance.common.tabular import RowError, TableError
from grids.models import BoundaryVersion

FAULT = RowError(2, "code", "is wrong")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("dry_run", "faults", "accept_valid", "kept"),
    [
        (False, [], False, True),
        (False, [FAULT], False, False),
        (False, [FAULT], True, True),
        (True, [], False, False),
        (True, [FAULT], True, False),
    ],
)
def test_a_fault_or_a_dry_run_undoes_everything(dry_run: bool, faults: list, accept_valid: bool, kept: bool):
    report = ImportReport(dry_run=dry_run)
    with all_or_nothing(report, accept_valid=accept_valid):
        BoundaryVersion.objects.create(pk=99, version=1)
        report.refuse(*faults)
    assert report.applied == kept
    assert BoundaryVersion.objects.filter(pk=99).exists() == kept


@pytest.mark.django_db
def test_an_exception_undoes_everything():
    report = ImportReport()

    def fail_half_way() -> None:
        with all_or_nothing(report, accept_valid=True):
            BoundaryVersion.objects.create(pk=99, version=1)
            raise TableError("half-way")

    with pytest.raises(TableError, match="half-way"):
        fail_half_way()
    assert not report.applied
    assert not BoundaryVersion.objects.filter(pk=99).exists()


def test_a_row_with_two_faults_is_refused_once():
    report = ImportReport()
    report.refuse(FAULT, RowError(2, "name", "too"), RowError(3, "", "ragged"))
    assert report.refused_rows == 2


class Command(ImportCommand):
    report = ImportReport()

    def run(self, file: Path, *, dry_run: bool, progress: Progress, options: dict[str, Any]) -> ImportReport:
        if file.name == "broken":
            raise TableError("cannot be read")
        progress(1, 2)
        self.report.dry_run = dry_run
        return self.report


def run(command: Command, *arguments: str) -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_the_report():
    command = Command()
    command.report = ImportReport(created=3)
    with translation.override("en"):
        out = run(command, "file.csv", "--dry-run")
    assert out == "Dry run: created 3, updated 0, unchanged 0, skipped 0, refused 0\n"


def test_the_command_names_each_fault_and_fails():
    command = Command()
    command.report = ImportReport(refused=[RowError(line, "code", "is wrong") for line in range(2, 300)])
    err = io.StringIO()
    with pytest.raises(CommandError):
        call_command(command, "file.csv", stdout=io.StringIO(), stderr=err)
    lines = err.getvalue().splitlines()
    assert len(lines) == 201
    assert "298" not in "".join(lines[:200])


def test_a_broken_file_ends_the_command_with_its_reason():
    with pytest.raises(CommandError, match="cannot be read"):
        call_command(Command(), "broken")
