"""What is old goes, in batches, archived first; what must stay stays, and nothing that went is told again."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from cases.actions.intake import take_in
from cases.calendars import forget_calendar
from cases.models import (
    CaseEvent,
    ConsumerCursor,
    Delivery,
    Notification,
    OutboundChannel,
    OutboundMessage,
)
from cases.notify import IN_APP
from cases.relay import run_relay
from governance.celery import BEAT_SCHEDULE
from governance.retention import forgetting
from governance.retention.archive import write_batch
from governance.retention.forgetting import LOCK, count_old_rows, forget_old_rows
from governance.retention.rules import RULES
from governance.retention.tasks import forget
from partymembers.audit import record_access
from partymembers.models import AuditEntry, Notice, User
from tests.conftest import wait_for
from tests.factories.cases import NOON, World, make_world, report
from tests.factories.intake import hotline_mapping, hotline_payload
from tests.factories.keys import service_account
from tests.factories.people import make_user

pytestmark = pytest.mark.django_db
#: Orders are reported at NOON; the last instant when their messages stay, and one when they may go.
LAST_DAY = NOON + timedelta(days=365)
LATER = LAST_DAY + timedelta(days=1)


@pytest.fixture
def world() -> World:
    forget_calendar()
    return make_world()


def told(world: World, number: int = 1) -> list[Notification]:
    """Messages of fresh orders, one an order, each to the desk that has to accept it."""
    for _ in range(number):
        report(world, at=NOON)
    run_relay(seconds=60)
    rows = list(Notification.objects.filter(recipient=world.desk, event__kind="report").order_by("pk"))
    Notification.objects.exclude(pk__in=[row.pk for row in rows]).delete()
    return rows


def archived(folder: Path, name: str) -> list[dict[str, Any]]:
    """The rows in the archive, in the order of its files."""
    files = sorted((folder / name).rglob("*.jsonl.gz"))
    return [json.loads(line) for file in files for line in gzip.open(file, "rt", encoding="utf-8")]


def test_read_messages_and_those_that_are_not_urgent_go_and_urgent_unread_ones_stay(world: World) -> None:
    _plain, read, urgent, urgent_read = told(world, 4)
    Notification.objects.filter(pk__in=[urgent.pk, urgent_read.pk]).update(is_urgent=True)
    Notification.objects.filter(pk__in=[read.pk, urgent_read.pk]).update(read_at=NOON)
    events = CaseEvent.objects.count()

    assert forget_old_rows(at=LAST_DAY)["notifications"] == 0
    assert count_old_rows(at=LATER)["notifications"] == 3
    assert forget_old_rows(at=LATER)["notifications"] == 3
    assert list(Notification.objects.all()) == [urgent]
    assert forget_old_rows(at=LATER)["notifications"] == 0
    assert CaseEvent.objects.count() == events


def test_what_other_systems_handed_in_goes_and_the_archive_names_nobody(
    world: World, settings: Settings, tmp_path: Path
) -> None:
    settings.ARCHIVE_ROOT = tmp_path / "archive"
    account = service_account(place=world.city.city)
    hotline_mapping(account, world)
    kept = take_in(account=account, body=json.dumps(hotline_payload(world)).encode(), at=NOON)
    assert forget_old_rows(at=LAST_DAY)["payloads"] == 0
    assert forget_old_rows(at=LATER)["payloads"] == 1
    assert kept.case is not None
    (row,) = archived(settings.ARCHIVE_ROOT, "payloads")
    told = {"outcome": "created", "source_number": "WX-1", "case__number": kept.case.number, "tries": 1}
    assert row == told | {name: row[name] for name in ("id", "received_at", "account__user__username")}
    assert kept.case.reporter_phone == "13812345678", "what counts is in the order"


def test_with_zero_days_every_message_stays(world: World, settings: Settings) -> None:
    told(world)
    settings.KEEP_MESSAGES_DAYS = 0
    assert set(forget_old_rows(at=LATER).values()) == {0}
    assert Notification.objects.count() == 1


def test_a_message_that_went_is_not_told_again(world: World) -> None:
    """The row guards its event while the reader may come by again; behind the reader nothing comes twice."""
    (message,) = told(world)
    behind = ConsumerCursor.objects.filter(pk=IN_APP.name)
    at = message.event.position
    behind.update(position=at - 1)
    assert forget_old_rows(at=LATER)["notifications"] == 0
    run_relay(seconds=60)
    assert list(Notification.objects.filter(event=message.event, recipient=world.desk)) == [message]

    assert forget_old_rows(at=LATER)["notifications"] > 0
    run_relay(seconds=60)
    assert Notification.objects.filter(event=message.event).count() == 0


def test_what_goes_is_archived_first_in_files_that_only_their_owner_reads(
    world: World, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ARCHIVE_ROOT = tmp_path / "archive"
    monkeypatch.setattr(forgetting, "BATCH", 2)
    rows = told(world, 3)
    assert forget_old_rows(at=LATER)["notifications"] == 3

    kept = archived(tmp_path / "archive", "notifications")
    assert kept == [
        {
            "id": row.pk,
            "case__number": row.case.number,
            "recipient__username": world.desk.username,
            "event_id": row.event_id,
            "kind": "report",
            "is_urgent": False,
            "due_at": row.due_at.isoformat().replace("+00:00", "Z"),
            "read_at": None,
        }
        for row in rows
    ]
    month = tmp_path / "archive" / "notifications" / "2026-11"
    assert len(list(month.iterdir())) == 2
    modes = {(each.is_dir(), each.stat().st_mode & 0o777) for each in (tmp_path / "archive").rglob("*")}
    assert modes == {(True, 0o700), (False, 0o600)}


def test_without_room_for_the_archive_nothing_goes(world: World, settings: Settings, tmp_path: Path) -> None:
    told(world)
    (tmp_path / "archive").write_text("a file where the folder should be")
    settings.ARCHIVE_ROOT = tmp_path / "archive"
    Notification.objects.update(due_at=NOON - timedelta(days=800))
    with pytest.raises(CommandError, match="archive"):
        call_command("forget_old_rows", stdout=StringIO())
    assert Notification.objects.count() == 1


def test_a_batch_that_was_interrupted_before_its_rows_went_is_written_over(tmp_path: Path) -> None:
    rows = [{"id": 7, "at": NOON}, {"id": 9, "at": NOON}]
    first = write_batch(tmp_path, "audit", rows, month="2026-11")
    content = first.read_bytes()
    first.with_suffix(".draft").write_bytes(b"half")
    assert write_batch(tmp_path, "audit", rows, month="2026-11") == first
    assert first.read_bytes() == content
    assert [each.name for each in first.parent.iterdir()] == ["000000000007-000000000009.jsonl.gz"]


def test_a_run_takes_batches_until_its_time_is_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "BATCH", 2)
    told(world, 5)
    assert forget_old_rows(at=LATER, seconds=0)["notifications"] == 0
    assert forget_old_rows(at=LATER)["notifications"] == 5


def test_notices_go_whether_read_or_not(world: World) -> None:
    for number, age in enumerate((364, 366)):
        Notice.objects.create(
            recipient=world.desk, kind="check_in_due", source=f"n{number}", at=LATER - timedelta(days=age)
        )
    assert forget_old_rows(at=LATER)["notices"] == 1
    assert Notice.objects.get().source == "n0"


def test_what_left_the_portal_goes_with_its_deliveries_and_what_waits_stays(world: World) -> None:
    (message,) = told(world)
    Notification.objects.update(is_urgent=True)
    letters = [letter(world.desk, message.event, state) for state in OutboundMessage.State.values[:2]]
    waiting, _sent = letters
    done = forget_old_rows(at=LATER)
    assert (done["deliveries"], done["outbound_messages"]) == (1, 1)
    assert list(OutboundMessage.objects.all()) == [waiting]
    assert Delivery.objects.get().message == waiting


def letter(user: User, event: CaseEvent, state: str) -> OutboundMessage:
    """A message of NOON about the event, on a channel of its own."""
    is_over = state != OutboundMessage.State.WAITING
    channel = OutboundChannel.MAIL if is_over else OutboundChannel.SMS
    made = OutboundMessage.objects.create(
        recipient=user,
        channel=channel,
        kind=OutboundMessage.Kind.SINGLE,
        state=state,
        made_at=NOON,
        next_try_at=NOON,
        ended_at=NOON if is_over else None,
    )
    Delivery.objects.create(recipient=user, event=event, channel=channel, due_at=NOON, message=made)
    return made


def test_no_message_takes_deliveries_along_that_were_not_archived(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run holds the lock when the deliveries would go, and no longer when their message would."""
    (message,) = told(world)
    letter(world.desk, message.event, OutboundMessage.State.SENT)
    other = connection.get_new_connection(connection.get_connection_params())

    def meanwhile(statement: str, old: Callable[[dt.datetime], Any]) -> Callable[[dt.datetime], Any]:
        def asked(before: dt.datetime) -> Any:
            with other.cursor() as cursor:
                cursor.execute(statement)
            return old(before)

        return asked

    said = {"deliveries": f"SELECT pg_advisory_xact_lock({LOCK})", "outbound_messages": "ROLLBACK"}
    rules = [
        replace(rule, old=meanwhile(said[rule.name], rule.old)) if rule.name in said else rule
        for rule in RULES
        if rule.name not in ("notifications", "notices")  # the test is one transaction: it keeps its lock
    ]
    monkeypatch.setattr(forgetting, "RULES", rules)
    try:
        assert forget_old_rows(at=LATER)["outbound_messages"] == 0
    finally:
        other.close()
    assert (OutboundMessage.objects.count(), Delivery.objects.count()) == (1, 1)


def test_audit_entries_stay_for_ever_unless_asked_and_half_a_year_in_any_case(settings: Settings) -> None:
    now = dt.datetime.now(dt.UTC)
    for days in (10, 183, 190, 400):
        record_access(None, "signed_in", at=now - timedelta(days=days))
    assert forget_old_rows(at=now)["audit"] == 0
    settings.KEEP_AUDIT_DAYS = 300
    assert forget_old_rows(at=now)["audit"] == 1
    settings.KEEP_AUDIT_DAYS = 1  # no environment gives this; the rule does not trust it either
    assert forget_old_rows(at=now)["audit"] == 1
    left = AuditEntry.objects.filter(action="signed_in").values_list("at", flat=True)
    assert sorted((now - at).days for at in left) == [10, 183]
    told_of = AuditEntry.objects.filter(action="audit_entries_forgotten")
    assert [entry.data["entries"] for entry in told_of] == [1, 1]


def test_sessions_that_ran_out_go_at_once_and_leave_nothing_in_the_archive(
    settings: Settings, tmp_path: Path
) -> None:
    settings.ARCHIVE_ROOT = tmp_path / "archive"
    for key, minutes in (("a", -1), ("b", 1)):
        Session.objects.create(
            session_key=key, session_data="", expire_date=NOON + timedelta(minutes=minutes)
        )
    assert forget_old_rows(at=NOON)["sessions"] == 1
    assert Session.objects.get().pk == "b"
    assert not (tmp_path / "archive").exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_runs_one_does_it() -> None:
    user = make_user()
    Notice.objects.create(recipient=user, kind="check_in_due", source="old", at=NOON)
    other = connection.get_new_connection(connection.get_connection_params())
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        assert forget_old_rows(at=LATER)["notices"] == 0
    finally:
        other.close()
    wait_for(lambda: forget_old_rows(at=LATER)["notices"] == 1)  # the server learns a moment later


def test_the_command_counts_before_it_deletes_and_beat_does_the_same() -> None:
    Notice.objects.create(
        recipient=make_user(), kind="check_in_due", source="old", at=NOON - timedelta(days=4000)
    )
    out = StringIO()
    call_command("forget_old_rows", "--dry-run", stdout=out)
    assert Notice.objects.count() == 1
    assert len(out.getvalue().splitlines()) == len(RULES)
    assert BEAT_SCHEDULE["forget-old-rows"]["task"] == forget.name
    forget()
    assert Notice.objects.count() == 0
