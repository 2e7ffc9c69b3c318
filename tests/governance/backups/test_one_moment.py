"""A city is backed up while people go on reporting, and stands up elsewhere as it was at that moment."""

from __future__ import annotations

import os
from io import StringIO
from pathlib import Path
from threading import Event, Thread

import pytest
from django.core.management import call_command
from django.db import InternalError, connection, transaction
from django.urls import reverse

from cases.attachments import discard_picture
from cases.models import Attachment, Case, CaseEvent
from cases.relay import run_relay
from governance.backups.database import count_rows
from governance.backups.restoring import restore_backup
from tests.conftest import wait_for
from tests.factories.cases import World, report
from tests.factories.scene import signed_in

from .conftest import Elsewhere, back_up, report_with_photo, upload


def quiet(_text: str) -> None:
    """Nobody listens."""


class People:
    """Somebody who reports orders with photos in a thread of their own until told to stop."""

    def __init__(self, world: World) -> None:
        self.world, self.reported, self._enough = world, list[Case](), Event()
        self.failure: BaseException | None = None
        self._thread = Thread(target=self._report)

    def __enter__(self) -> People:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._enough.set()
        self._thread.join(timeout=60)

    def wait_for_more(self, orders: int = 3) -> None:
        """Until so many further orders are committed."""
        wanted = len(self.reported) + orders
        wait_for(lambda: self.failure or len(self.reported) >= wanted)

    def _report(self) -> None:
        try:
            while not self._enough.wait(0.05):
                self.reported.append(report_with_photo(self.world))
        except BaseException as error:
            self.failure = error
        finally:
            connection.close()


def test_a_city_at_work_is_restored_as_it_was_at_one_moment(
    world: World, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    before = [report_with_photo(world) for _ in range(6)]
    unsent, kept = upload(world.worker), upload(world.worker)
    said: list[str] = []

    def say(text: str) -> None:
        """At each step of the backup people go on: they report, and throw a photo away."""
        said.append(text)
        people.wait_for_more()
        discard_picture(unsent.token, by=world.worker)

    with People(world) as people:
        people.wait_for_more()
        taken = back_up(tmp_path / "backups", say)
        people.wait_for_more()
    assert people.failure is None
    assert len(said) >= 2  # more on a slow machine: signs of life
    manifest = taken.manifest
    # The photo that was thrown away after the snapshot is a row in the dump, and no loss.
    assert (manifest.lost, manifest.discarded) == ([], 2)
    rows = manifest.counts
    assert len(before) + 3 <= rows["cases_case"] <= Case.objects.count() - 6
    # One photo may have been on its way to its order.
    assert rows["cases_attachment"] - rows["cases_case"] in (2, 3)
    assert manifest.files == 2 * (rows["cases_attachment"] - 1)

    with elsewhere():
        restored = restore_backup(taken.folder, say=quiet)
        assert restored == manifest
        assert count_rows(connection) == rows
        check_pictures(kept_out=unsent.pk)
        check_life(world, before[0], kept)


def check_pictures(*, kept_out: int) -> None:
    """Every picture of the restored city is served to those who may see it, and to nobody else."""
    user = Case.objects.order_by("pk")[0].reporter
    assert user is not None
    client = signed_in(user)
    for row in Attachment.objects.exclude(pk=kept_out):
        for name in ("cases:attachment", "cases:attachment_thumbnail"):
            response = client.get(reverse(name, args=[row.token]))
            assert response.status_code == 200
            assert response.getvalue().startswith(b"\xff\xd8")
        assert os.stat(row.file.path).st_mode & 0o777 == 0o600
    assert os.stat(Path(row.file.path).parent).st_mode & 0o777 == 0o700


def check_life(world: World, old: Case, kept: Attachment) -> None:
    """The restored city works on: events stay as they are, numbers go on, an old upload can be sent."""
    with pytest.raises(InternalError, match="append"), transaction.atomic():
        CaseEvent.objects.filter(case=old).update(note="gefälscht")
    numbers = set(Case.objects.values_list("number", flat=True))
    fresh = report(world, at=old.reported_at, attachments=[kept.token])
    assert fresh.number not in numbers
    run_relay(seconds=30)
    out = StringIO()
    call_command("check_invariants", "--files", stdout=out)
    call_command("migrate", "--check", stdout=out)
