"""What is not exactly the backup that was made, or has no empty place to go to, is refused untouched."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from cases.models import Case
from governance.backups import database
from governance.backups.manifest import Manifest, sha256_of
from governance.backups.problems import BackupProblem
from governance.backups.restoring import restore_backup, verify_backup
from tests.factories.cases import World

from .conftest import Elsewhere, back_up, file_of, report_with_photo
from .test_one_moment import quiet


@pytest.fixture
def backup(world: World, tmp_path: Path) -> Path:
    """A backup of two orders with photos."""
    report_with_photo(world)
    report_with_photo(world)
    return back_up(tmp_path / "backups").folder


def flip(file: Path, at: int) -> None:
    """Change one bit of one byte."""
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)


def a_photo(folder: Path) -> Path:
    """One of the pictures in a backup."""
    return sorted((folder / "files").rglob("*.jpg"))[0]


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a byte of the dump": lambda folder: flip(folder / "database.dump", 5000),
    "a cut dump": lambda folder: (folder / "database.dump").write_bytes(
        (folder / "database.dump").read_bytes()[:-10]
    ),
    "no dump": lambda folder: (folder / "database.dump").unlink(),
    "a byte of a photo": lambda folder: flip(a_photo(folder), 100),
    "no photo": lambda folder: a_photo(folder).unlink(),
    "a byte of the checksums": lambda folder: flip(folder / "SHA256SUMS", 3),
    "a line of the checksums": lambda folder: (folder / "SHA256SUMS").write_text(
        "".join((folder / "SHA256SUMS").read_text().splitlines(keepends=True)[:-1])
    ),
    "no checksums": lambda folder: (folder / "SHA256SUMS").unlink(),
    "no manifest": lambda folder: (folder / "manifest.json").unlink(),
    "half a manifest": lambda folder: (folder / "manifest.json").write_bytes(
        (folder / "manifest.json").read_bytes()[:200]
    ),
    "another count in the manifest": lambda folder: (folder / "manifest.json").write_text(
        (folder / "manifest.json").read_text().replace('"cases_case": 2', '"cases_case": 1')
    ),
    "a list for a manifest": lambda folder: (folder / "manifest.json").write_text("[]"),
}


def test_every_damage_is_found_and_nothing_is_written(
    backup: Path, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    verify_backup(backup, say=quiet)
    for name, damage in DAMAGES.items():
        damaged = tmp_path / "damaged"
        shutil.copytree(backup, damaged)
        damage(damaged)
        with pytest.raises(CommandError, match=str(damaged)):
            call_command("backup", verify=damaged, stdout=StringIO())
        with elsewhere():
            with pytest.raises(BackupProblem, match=str(damaged)):
                restore_backup(damaged, say=quiet)
            assert database.is_empty(), name
        shutil.rmtree(damaged)
    assert not (tmp_path / "restored-media").exists()


def test_a_backup_of_another_version_is_refused(backup: Path, elsewhere: Elsewhere) -> None:
    made = Manifest.read(backup)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"migrations": [*made.migrations, "cases.9999_future"]}, "cases.9999_future"),
        ({"migrations": made.migrations[1:]}, made.migrations[0]),
        ({"server": 99}, "99"),
        ({"pg_dump": 99}, "99"),
        ({"format": 2}, str(backup)),
    ]
    with elsewhere():
        for change, words in cases:
            (backup / "manifest.json").unlink()
            replace(made, **change).write(backup)
            with pytest.raises(BackupProblem, match=words):
                restore_backup(backup, say=quiet)
            assert database.is_empty()


def test_a_database_with_anything_in_it_is_refused(backup: Path, media: Path) -> None:
    Case.objects.update(description="seither geändert")
    shutil.rmtree(media)
    with pytest.raises(CommandError, match="createdb"):
        call_command("restore", backup, stdout=StringIO())
    assert set(Case.objects.values_list("description", flat=True)) == {"seither geändert"}
    assert not media.exists()


def test_a_restore_that_fails_in_the_middle_leaves_the_database_empty(
    backup: Path, elsewhere: Elsewhere
) -> None:
    """A dump that was cut before it was sealed: its tables come, its rows do not."""
    dump, sums = backup / "database.dump", backup / "SHA256SUMS"
    content, old = dump.read_bytes(), sha256_of(dump)
    dump.write_bytes(content[: len(content) * 2 // 3])
    sums.write_text(sums.read_text().replace(old, sha256_of(dump)))
    made = Manifest.read(backup)
    (backup / "manifest.json").unlink()
    replace(made, sums_sha256=sha256_of(sums)).write(backup)
    with elsewhere():
        with pytest.raises(BackupProblem, match="pg_restore: error"):
            restore_backup(backup, say=quiet)
        assert database.is_empty()


def test_a_photo_of_the_same_name_is_never_written_over(
    backup: Path, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    name = a_photo(backup).relative_to(backup / "files")
    there = tmp_path / "restored-media" / name
    there.parent.mkdir(parents=True)
    there.write_bytes(b"somebody else's")
    with elsewhere():
        with pytest.raises(BackupProblem, match=str(there)):
            restore_backup(backup, say=quiet)
        assert there.read_bytes() == b"somebody else's"
        assert database.is_empty()
        # Cleared away, the restore goes on from where it stopped.
        there.unlink()
        out = StringIO()
        call_command("restore", backup, stdout=out)
        assert "manage.py migrate --check" in out.getvalue()
        assert all(file_of(case.attachments.get()).is_file() for case in Case.objects.all())


def test_nothing_is_written_where_a_link_among_the_photos_leads(
    backup: Path, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    outside, media = tmp_path / "outside", tmp_path / "restored-media"
    outside.mkdir()
    media.mkdir()
    (media / a_photo(backup).relative_to(backup / "files").parts[0]).symlink_to(outside)
    with elsewhere():
        with pytest.raises(BackupProblem, match=str(media)):
            restore_backup(backup, say=quiet)
        assert database.is_empty()
    assert list(outside.iterdir()) == []


def test_photos_that_are_there_already_need_no_room(
    backup: Path, elsewhere: Elsewhere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database was lost, the disk with the photos is three quarters full."""
    little = shutil.disk_usage(tmp_path)._replace(free=64 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: little)
    with elsewhere():
        with pytest.raises(BackupProblem, match="67 MB"):
            restore_backup(backup, say=quiet)
        assert database.is_empty()
        shutil.copytree(backup / "files", tmp_path / "restored-media", dirs_exist_ok=True)
        restore_backup(backup, say=quiet)
        assert Case.objects.count() == 2
