"""The front door says what is so: its tables are made from the code, and the way it shows can be walked."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from governance.demo.staff import PASSWORD, SIGN_INS
from governance.settings.environment import as_markdown

ROOT = Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def section(title: str) -> str:
    """The text below a heading, up to the next of its rank."""
    return README.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_the_configuration_table_is_the_one_that_the_settings_read():
    assert as_markdown() in section("Configuration")


def test_the_sign_ins_are_those_of_the_demo_city():
    told = section("Two commands")
    assert re.findall(r"^\| `(\w+)` \|", told, re.MULTILINE) == [sign.username for sign in SIGN_INS]
    assert f"`{PASSWORD}`" in told


def test_an_incident_travels_through_eight_files():
    way = re.findall(
        r"^\| (\d) \| \[([\w./]+)\]\(([\w./]+)\) \|", section("How an incident travels"), re.MULTILINE
    )
    assert [number for number, _text, _path in way] == [str(number) for number in range(1, 9)]
    assert [text for _number, text, _path in way] == [path for _number, _text, path in way]
    kinds = [
        "templates/",
        "urls.py",
        "cases/web/",
        "forms/",
        "cases/actions/",
        "relay.py",
        "figures/",
        "dashboard/",
    ]
    assert [kind in path for kind, (_number, _text, path) in zip(kinds, way, strict=True)] == [True] * 8


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("cases.web.reporting", "report"),
        ("cases.web.forms.reporting", "ReportForm"),
        ("cases.actions.reporting", "report_case"),
        ("governance.figures.queries", "overview"),
        ("governance.figures.queries", "counted_cases"),
        ("governance.dashboard.views", "overview"),
        ("governance.dashboard.views", "cases"),
    ],
)
def test_what_the_way_names_is_there(module: str, name: str):
    assert f"`{name}`" in section("How an incident travels")
    assert callable(getattr(importlib.import_module(module), name))


def test_every_command_of_the_makefile_that_is_named_exists():
    known = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    documents = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", *map(str, ROOT.glob("docs/*.md")))]
    named = {word for each in documents for word in re.findall(r"`make ([a-z]+)", each.read_text("utf-8"))}
    assert named - known == set()


def test_every_management_command_that_is_named_exists():
    known = {path.stem for path in ROOT.glob("*/management/commands/*.py")}
    django = {"check", "migrate", "collectstatic", "shell", "makemigrations"}
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
    named = {
        word
        for each in documents
        for word in re.findall(r"manage\.py ([a-z_]+)(?![a-z_…])", each.read_text("utf-8"))
    }
    assert named - known - django == set()


def test_the_picture_is_there_and_small():
    picture = ROOT / "docs" / "images" / "dashboard.png"
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert picture.stat().st_size <= 300 * 1024
