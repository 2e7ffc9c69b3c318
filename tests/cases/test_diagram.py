"""The page of the workflows says what the table says."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import translation

from cases.diagram import as_markdown
from cases.workflow import INCIDENT_RULES, WISH_RULES


def test_the_page_of_the_workflows_is_up_to_date(settings, tmp_path: Path) -> None:
    call_command("draw_workflows", "--check")
    settings.BASE_DIR = tmp_path
    (tmp_path / "docs").mkdir()
    with pytest.raises(SystemExit):
        call_command("draw_workflows", "--check", stderr=StringIO())
    call_command("draw_workflows", stdout=StringIO())
    call_command("draw_workflows", "--check")


def test_every_action_has_one_row_and_every_state_stands_in_the_drawing() -> None:
    with translation.override("en"):
        lines = as_markdown().splitlines()
    rows = [line.split("`")[1] for line in lines if line.startswith("| `")]
    assert sorted(rows) == sorted(rule.action for rule in (*INCIDENT_RULES, *WISH_RULES))
    page = "\n".join(lines)
    drawings = [part.split("```")[0].splitlines() for part in page.split("```mermaid\n")[1:]]
    for drawing, rules in zip(drawings, (INCIDENT_RULES, WISH_RULES), strict=True):
        states = {word for line in drawing[1:] for word in line.split(":")[0].split() if word.isalpha()}
        moved = {state.value for rule in rules for move in rule.moves.items() for state in move}
        assert states == {"direction", "LR"} | moved


def test_a_row_names_who_from_where_to_where_and_what_it_needs() -> None:
    with translation.override("en"):
        lines = as_markdown().splitlines()
    assert (
        "| `check_fail` Fail the check | desk, desk above, ground staff of the place | handled → handling "
        "| a reason or text | never by the person who finished it |"
    ) in lines
    assert "    accepted --> voided: void, withdraw" in lines
