"""What a backup costs the second time, what it tells, and that half of one never looks like one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import FileField

from cases.models import Attachment
from governance.backups import folders
from governance.backups.database import server_version
from governance.backups.manifest import Manifest
from governance.backups.problems import BackupProblem
from governance.backups.programs import find_program
from governance.backups.restoring import verify_backup
from tests.conftest import ROOT, wait_for
from tests.factories.cases import World

from .conftest import back_up, file_of, report_with_photo, upload
from .test_one_moment import quiet


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """The folder of backups."""
    return tmp_path / "backups"


def names(target: Path) -> list[str]:
    """What lies in the folder of backups, the lock aside."""
    return sorted(each.name for each in target.iterdir() if each.name != ".gezhi-lock")


def inodes(folder: Path) -> dict[str, int]:
    """Each attachment of a backup with the number of its file on the disk."""
    files = (folder / "files").rglob("*.jpg")
    return {str(each.relative_to(folder)): each.stat().st_ino for each in files}


def test_the_next_backup_links_what_the_last_one_has(world: World, target: Path) -> None:
    case = report_with_photo(world)
    first = back_up(target)
    report_with_photo(world)
    second = back_up(target)
    full = back_up(target, full=True)

    assert (first.linked, second.linked, full.linked) == (0, 2, 0)
    assert [each.manifest.files for each in (first, second, full)] == [2, 4, 4]
    assert inodes(first.folder).items() <= inodes(second.folder).items()
    assert not inodes(full.folder).items() & inodes(second.folder).items()
    # Only the owner can read any of it.
    modes = {(each.is_dir(), each.stat().st_mode & 0o777) for each in (target, *target.rglob("*"))}
    assert modes == {(True, 0o700), (False, 0o600)}
    # What was damaged in an old backup is copied anew, for the row knows what its picture hashes to.
    copy = full.folder / "files" / case.attachments.get().file.name
    copy.write_bytes(copy.read_bytes()[:-1] + b"?")
    sums = full.folder / "SHA256SUMS"
    sums.write_text(sums.read_text().replace(case.attachments.get().sha256, "0" * 64))
    assert back_up(target).linked == 3
    verify_backup(folders.backups_in(target)[-1], say=quiet)


def test_old_backups_go_and_what_newer_ones_share_stays(world: World, target: Path) -> None:
    report_with_photo(world)
    old = [back_up(target).folder for _ in range(3)]
    taken = back_up(target, keep=2)
    assert taken.pruned == old[:2]
    assert folders.backups_in(target) == [old[2], taken.folder]
    assert verify_backup(taken.folder, say=quiet) == taken.manifest


def test_lost_and_damaged_photos_are_told_with_their_orders(
    world: World, target: Path, tmp_path: Path
) -> None:
    first = back_up(target)
    lost, damaged = report_with_photo(world), report_with_photo(world)
    file_of(lost.attachments.get()).unlink()
    file_of(damaged.attachments.get()).write_bytes(b"not what was taken")
    file_of(upload(world.worker)).unlink()
    linked = report_with_photo(world)
    elsewhere = tmp_path / "what-only-root-reads"
    elsewhere.write_text("geheim")
    thumbnail = Path(linked.attachments.get().thumbnail.path)
    thumbnail.unlink()
    thumbnail.symlink_to(elsewhere)
    out, errors = StringIO(), StringIO()

    with pytest.raises(CommandError, match="4") as stopped:
        call_command("backup", target, keep=1, stdout=out, stderr=errors)

    assert stopped.value.returncode == 3
    assert lost.number in errors.getvalue()
    assert damaged.number in errors.getvalue()
    # A backup that lacks something takes no older one's place.
    made = folders.backups_in(target)
    assert made[0] == first.folder
    assert len(made) == 2
    told = Manifest.read(made[1]).lost
    assert sorted((each["number"], each["why"]) for each in told) == sorted(
        [
            ("", "missing"),
            (lost.number, "missing"),
            (damaged.number, "damaged"),
            (linked.number, "unreadable"),
        ]
    )
    verify_backup(made[1], say=quiet)


def test_a_killed_backup_leaves_nothing_that_looks_like_one(
    world: World, target: Path, media: Path, program_env: dict[str, str]
) -> None:
    photo = file_of(report_with_photo(world).attachments.get())
    content = photo.read_bytes()
    photo.unlink()
    os.mkfifo(photo)  # reading it waits for a writer: the backup stands still in the middle of its files
    command = [sys.executable, "manage.py", "backup", str(target)]
    env = {
        **program_env,
        "GEZHI_MEDIA_ROOT": str(media),
        "DJANGO_SETTINGS_MODULE": "governance.settings.local",
    }
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL) as child:
        draft = target / ".gezhi-draft"
        wait_for((draft / "SHA256SUMS").exists)
        assert (draft / "database.dump").stat().st_size > 0
        with pytest.raises(BackupProblem, match=str(target)):
            back_up(target)  # one at a time
        child.send_signal(signal.SIGKILL)

    assert folders.backups_in(target) == []
    with pytest.raises(BackupProblem, match="manifest"):
        verify_backup(draft, say=quiet)
    photo.unlink()
    photo.write_bytes(content)
    taken = back_up(target)
    assert names(target) == [taken.folder.name]
    assert taken.manifest.lost == []


def test_a_backup_that_is_stopped_clears_up_behind_itself(world: World, target: Path, media: Path) -> None:
    report_with_photo(world)

    def stop(_text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back_up(target, stop)
    assert names(target) == []
    # Nor does it begin within the attachments, or on a disk that is too full.
    with pytest.raises(BackupProblem, match=str(media / "backups")):
        back_up(media / "backups")
    with pytest.raises(BackupProblem, match=str(target)):
        folders.need_space(target, 1 << 60)
    # Nor where the disk with the attachments is not mounted.
    media.rename(media.with_name("unmounted"))
    with pytest.raises(BackupProblem, match=str(media)):
        back_up(target)
    assert names(target) == []


def test_a_failing_pg_dump_is_told_in_its_words_and_has_no_password_on_its_line(
    world: World, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = server_version()
    program = tmp_path / "pg" / "pg_dump"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && {{ echo "pg_dump (PostgreSQL) {server}.1"; exit; }}\n'
        f'echo "$@" > {tmp_path}/line; echo "$PGPASSWORD" > {tmp_path}/password\n'
        'echo "pg_dump: error: the disk is on fire" >&2; exit 1\n'
    )
    program.chmod(0o700)
    monkeypatch.setenv("GEZHI_PG_BIN", str(program.parent))
    monkeypatch.setitem(connection.settings_dict, "PASSWORD", "Geheim-7")

    with pytest.raises(BackupProblem, match="the disk is on fire"):
        back_up(target)

    assert names(target) == []
    assert (tmp_path / "password").read_text() == "Geheim-7\n"
    assert "Geheim-7" not in (tmp_path / "line").read_text()
    assert f"dbname={connection.settings_dict['NAME']}" in (tmp_path / "line").read_text()


def test_no_program_is_new_enough_for_a_server_of_the_future() -> None:
    with pytest.raises(BackupProblem, match="120"):
        find_program("pg_restore", server=18, at_least=120)


def test_every_file_that_the_portal_keeps_is_an_attachment() -> None:
    """A file field elsewhere must be read by `Snapshot.files` first, or no backup would have it."""
    fields = {
        field
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if isinstance(field, FileField)
    }
    assert fields == {Attachment._meta.get_field("file"), Attachment._meta.get_field("thumbnail")}
