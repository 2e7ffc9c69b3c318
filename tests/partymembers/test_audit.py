"""The audit trail only grows, and holds no secrets."""

from __future__ import annotations

import datetime as dt
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, connection, transaction
from django.test import RequestFactory
from django.utils import translation
from django.utils.translation import gettext_lazy

from partymembers.audit import (
    address_of,
    forget_old_entries,
    label_of,
    masked_changes,
    read_personal,
    record_access,
    target_of,
)
from partymembers.models import AuditEntry
from tests.factories.people import make_unit, make_user
from tests.partymembers.conftest import DAY, NOW, City

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> None:
    """No other time than the real one: PostgreSQL guards the trail by its own clock."""


def test_an_entry_keeps_plain_values() -> None:
    actor = make_user(username="W01")
    entry = record_access(
        actor,
        "changed",
        actor,
        "10.0.0.7",
        at=NOW,
        day=NOW.date(),
        instant=NOW,
        words=[gettext_lazy("Sign in"), {"a": 1.5, "b": None}],
        person=actor,
    )
    entry.refresh_from_db()
    assert (entry.at, entry.actor, entry.target, entry.ip) == (NOW, actor, "user:W01", "10.0.0.7")
    assert (entry.data["day"], entry.data["instant"]) == ("2026-11-20", "2026-11-20T10:24:00+08:00")
    assert entry.data["words"][1] == {"a": 1.5, "b": None}
    assert entry.data["person"] == str(actor)


def test_actions_read_as_words() -> None:
    with translation.override("en"):
        assert label_of("signed_in") == "Signed in"
        assert label_of("unit_changed") == "unit changed"
        assert [label_of(action) for action in ("unit_eaten", "nothing_added", "x")] == [
            "unit_eaten",
            "nothing_added",
            "x",
        ]


def test_targets_are_named_by_code_or_staff_number(town: City) -> None:
    assert target_of(make_user(username="W01")) == "user:W01"
    assert target_of(make_unit(code="U-7")) == "unit:U-7"
    assert target_of(town.here) == "place:990101001001"
    assert target_of("x" * 300) == "x" * 100


def test_personal_fields_are_masked_and_secrets_left_out() -> None:
    changes = {
        "phone": ("13812345678", None),
        "name": ("欧阳小明", "王明"),
        "password": ("a", "b"),
        "kind": ("x", "y"),
    }
    assert masked_changes(changes) == {
        "phone": ["138****5678", None],
        "name": ["欧阳某某", "王某某"],
        "password": ["••••", "••••"],
        "kind": ["x", "y"],
    }


def test_opening_a_phone_leaves_a_trace_without_the_phone() -> None:
    reader = make_user(username="W01")
    value = read_personal(
        reader, what="phone", value="13812345678", target="case:261120-000001", at=NOW, ip="10.0.0.7"
    )
    assert value == "13812345678"
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target, entry.data) == (
        "personal_data_opened",
        "case:261120-000001",
        {"what": "phone"},
    )


@pytest.mark.parametrize("attempt", ["update", "delete", "retention_of_a_young_one", "retention_update"])
def test_postgresql_refuses_to_change_an_entry(attempt: str) -> None:
    entry = record_access(None, "signed_in", "user:W01", at=dt.datetime.now(dt.UTC))
    statements = {
        "update": "UPDATE partymembers_auditentry SET action = 'x'",
        "delete": "DELETE FROM partymembers_auditentry",
        "retention_of_a_young_one": "SET LOCAL gezhi.retention = 'on'; DELETE FROM partymembers_auditentry",
        "retention_update": "SET LOCAL gezhi.retention = 'on'; UPDATE partymembers_auditentry SET ip = NULL",
    }
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statements[attempt])
    entry.refresh_from_db()
    assert entry.action == "signed_in"


def test_the_orm_cannot_change_an_entry_either() -> None:
    entry = record_access(None, "signed_in", at=NOW)
    entry.action = "x"
    for attempt in (entry.save, entry.delete, AuditEntry.objects.all().delete):
        with pytest.raises(IntegrityError), transaction.atomic():
            attempt()
    assert AuditEntry.objects.get().action == "signed_in"


def test_only_old_entries_can_be_forgotten() -> None:
    now = dt.datetime.now(dt.UTC)
    for age in (1, 100, 200, 400):
        record_access(None, f"age_{age}", at=now - age * DAY)
    assert forget_old_entries(before=now - 300 * DAY) == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        forget_old_entries(before=now - 90 * DAY)
    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["age_1", "age_100", "age_200"]
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEntry.objects.filter(action="age_200").delete()  # the door has closed again


def test_the_command_keeps_half_a_year_and_leaves_a_trace() -> None:
    now = dt.datetime.now(dt.UTC)
    for age in (100, 200, 400):
        record_access(None, f"age_{age}", at=now - age * DAY)
    with pytest.raises(CommandError):
        call_command("forget_audit_entries", keep_days=183, stdout=StringIO())
    call_command("forget_audit_entries", stdout=StringIO())
    call_command("forget_audit_entries", keep_days=184, stdout=StringIO())
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["age_100", "audit_entries_forgotten", "audit_entries_forgotten"]
    assert [entry.data["entries"] for entry in AuditEntry.objects.order_by("pk")[1:]] == [1, 1]


@pytest.mark.parametrize(
    ("address", "seen"), [("10.0.0.7", "10.0.0.7"), ("::1", "::1"), ("", None), ("unix:", None)]
)
def test_addresses(address: str, seen: str | None) -> None:
    assert address_of(RequestFactory().get("/", REMOTE_ADDR=address)) == seen
