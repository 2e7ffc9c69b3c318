"""The table of events: complete, honest about payloads, and printed as it is."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from cases import events
from cases.events import EVENT_KINDS, label_of, payload_problems
from cases.models import CaseEvent, Notification
from cases.workflow import WORKFLOWS
from tests.factories.cases import make_world, report


def test_every_action_of_every_workflow_is_an_event() -> None:
    actions = {action for table in WORKFLOWS.values() for action in table}
    assert actions - set(EVENT_KINDS) == set()
    assert len(actions) > 30


def test_no_kind_stands_in_the_table_twice() -> None:
    kinds = [row.kind for row in events._TABLE]
    assert [kind for kind in kinds if kinds.count(kind) > 1] == []


def test_kinds_fit_their_columns() -> None:
    longest = max(len(kind) for kind in EVENT_KINDS)
    assert longest <= (CaseEvent._meta.get_field("kind").max_length or 0)
    assert longest <= (Notification._meta.get_field("kind").max_length or 0)
    assert {row.version for row in EVENT_KINDS.values()} == {1}


@pytest.mark.parametrize(
    ("kind", "data", "problems"),
    [
        ("accept", {}, []),
        ("accept", {"standard_id": None}, []),
        ("accept", {"standard_id": 7}, []),
        ("accept", {"standard_id": "7"}, ["accept.standard_id is not a id: '7'"]),
        ("accept", {"standard_id": True}, ["accept.standard_id is not a id: True"]),
        ("accept", {"phone": "139"}, ["accept.phone is not in the table"]),
        ("merge", {}, ["merge.into_id is missing"]),
        ("merge", {"into_id": None}, ["merge.into_id is not a id: None"]),
        ("dispatch", {"unit_id": 1, "assist_ids": [2, 3]}, []),
        ("dispatch", {"unit_id": 1, "assist_ids": [2, 0]}, ["dispatch.assist_ids is not a ids: [2, 0]"]),
        ("grant_extension", {"extra": 3600}, []),
        ("grant_extension", {"extra": 1.5}, ["grant_extension.extra is not a seconds: 1.5"]),
        ("rate", {"solved": False, "satisfaction": "satisfied"}, []),
        ("rate", {"solved": 0}, ["rate.solved is not a flag: 0"]),
        ("remind", {"stage": "accept", "percent": 80, "due_at": "2026-11-20T10:24:00+08:00"}, []),
    ],
)
def test_a_payload_is_held_against_the_table(kind: str, data: dict[str, object], problems: list[str]) -> None:
    assert payload_problems(kind, data) == problems


def test_no_payload_has_room_for_a_reporter_s_person_or_words() -> None:
    fields = {name for row in EVENT_KINDS.values() for name in row.payload}
    assert (
        fields & {"reporter", "reporter_name", "reporter_phone", "name", "phone", "description", "address"}
        == set()
    )


def test_a_kind_of_a_later_version_is_called_by_its_name() -> None:
    assert label_of("of_a_later_version") == "of_a_later_version"


def test_the_page_for_integrators_is_up_to_date(settings, tmp_path: Path) -> None:
    call_command("describe_events", "--check")
    settings.BASE_DIR = tmp_path
    (tmp_path / "docs").mkdir()
    with pytest.raises(SystemExit):
        call_command("describe_events", "--check", stderr=StringIO())
    call_command("describe_events", stdout=StringIO())
    call_command("describe_events", "--check")


@pytest.mark.django_db
def test_the_relay_can_be_run_by_hand() -> None:
    report(make_world())
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("relay", "--lag", stdout=out)
    assert out.getvalue().startswith("1 events without a position since ")
    out = StringIO()
    call_command("relay", stdout=out)
    lines = out.getvalue().splitlines()
    assert lines[0].endswith(" events handed over.")
    assert "in_app: at 1, 0 behind" in lines
    call_command("relay", "--lag", stdout=StringIO())
