"""Rules of the house that no linter knows: what stands where, how long it may be, what no file may say."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = ("governance", "cases", "partymembers", "grids")

#: What stands at the top. A new entry is a decision: it belongs into docs/adr/ first.
TOP = {
    # the rooms, and what they are made of
    *ROOMS,
    "templates",
    "static",
    "locale",
    "tests",
    # the commands
    "Makefile",
    "manage.py",
    "scripts",
    ".ci",
    # what is written for people
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "LICENSE",
    "docs",
    # what is installed, and how it is run elsewhere
    "requirements.in",
    "requirements.txt",
    "requirements-dev.in",
    "requirements-dev.txt",
    "package.json",
    "package-lock.json",
    "pyproject.toml",
    "Dockerfile",
    "docker-compose.yml",
    ".dockerignore",
    ".editorconfig",
    ".gitignore",
}
LONGEST_MODULE = 400
LONGEST_FUNCTION = 35
#: Names that say nothing of what is inside.
NAMELESS = {"utils", "helpers", "services", "misc", "common_utils", "manager2"}
#: Promises to finish later, and tests that are switched off. Written apart, so that this file has none.
UNFINISHED = re.compile(
    r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b|pytest\.mark\.(?:sk" r"ip|xf" r"ail)\b|pytest\.sk" r"ip\("
)
#: Folders of one person's machine, and hosts that only an installation reaches.
FOREIGN = re.compile(
    r"(?<![\w.])/(?:wo"
    r"rk|ro"
    r"ot|ho"
    r"me/\w+)/[\w.]|\bpypi\."
    r"org|registry\.npmjs\."
    r"org|pythonhosted\."
    r"org"
)
#: Lock files name where each file came from; that is what they are for.
LOCKS = {"package-lock.json", "requirements.txt", "requirements-dev.txt", "scripts/node.txt"}
BINARY = {".png", ".jpg", ".jpeg", ".heic", ".xlsx", ".ico", ".woff2", ".gz"}


@cache
def files() -> tuple[str, ...]:
    """Every file of the checkout that is not ignored."""
    told = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if told.returncode:  # an archive without its history
        found = (path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*") if path.is_file())
        hidden = (".venv/", "var/", "node_modules/", "static/vendor/", "staticfiles/")
        return tuple(sorted(name for name in found if not name.startswith(hidden) and "/." not in name))
    return tuple(sorted(name for name in told.stdout.split("\0") if name and (ROOT / name).is_file()))


def texts() -> Iterator[tuple[str, str]]:
    """Every file that people write, with its text."""
    for name in files():
        if Path(name).suffix not in BINARY and name not in LOCKS:
            yield name, (ROOT / name).read_text("utf-8")


def modules(*folders: str) -> Iterator[str]:
    """Python modules of these folders, without migrations."""
    for name in files():
        if name.endswith(".py") and name.split("/")[0] in folders and "/migrations/" not in name:
            yield name


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    """`file:line` of every match in the tree."""
    return [
        f"{name}:{number}"
        for name, text in texts()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def functions(name: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a module."""
    for node in ast.walk(ast.parse((ROOT / name).read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def body_length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the name to the end, its docstring aside: that one is for whoever calls."""
    docstring = node.body[0]
    said = ast.get_docstring(node, clean=False) is not None
    aside = (docstring.end_lineno or 0) - docstring.lineno + 1 if said else 0
    return (node.end_lineno or node.lineno) - node.lineno + 1 - aside


def test_the_top_holds_what_was_agreed():
    assert {name.split("/")[0] for name in files()} - TOP == set()


def test_every_room_is_there():
    assert {room for room in ROOMS if f"{room}/__init__.py" in files()} == set(ROOMS)


def test_no_module_is_longer_than_one_reads_at_once():
    lengths = {name: (ROOT / name).read_text("utf-8").count("\n") for name in modules(*ROOMS, "scripts")}
    assert {name: length for name, length in lengths.items() if length > LONGEST_MODULE} == {}


def test_no_function_is_longer_than_a_screen():
    lengths = {
        f"{name}:{node.name}": body_length(node)
        for name in modules(*ROOMS, "scripts")
        for node in functions(name)
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}


def test_no_module_has_a_name_that_says_nothing():
    # In the stack, services are servers: PostgreSQL and Valkey.
    inside = [name for name in modules(*ROOMS) if name != "governance/stack/services.py"]
    assert [name for name in inside if set(Path(name).with_suffix("").parts) & NAMELESS] == []


def test_nothing_is_left_unfinished():
    assert lines_with(UNFINISHED) == []


def test_no_file_names_a_machine_or_where_packages_come_from():
    assert lines_with(FOREIGN) == []


def test_documents_link_only_to_what_is_there():
    broken = []
    for name, text in texts():
        if name.endswith(".md"):
            for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", text):
                if not (ROOT / name).parent.joinpath(target).exists():
                    broken.append(f"{name} → {target}")
    assert broken == []


def test_documents_name_only_files_that_are_there():
    """A path in backticks is as good as a link to whoever reads on paper."""
    known = re.compile(rf"`((?:{'|'.join(ROOMS)}|templates|static|tests|scripts|docs|locale)/[\w./-]+)`")
    missing = [
        f"{name} → {path}"
        for name, text in texts()
        if name.endswith(".md")
        for path in known.findall(text)
        if not (ROOT / path).exists() and path.split("/")[:2] != ["static", "vendor"]
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("see /ro" + "ot/notes.txt", True),
        ("cd /wo" + "rk/here", True),
        ("https://pypi." + "org/simple", True),
        ("docs/wo" + "rk/flow", False),
        ("static/ho" + "me/x", False),
    ],
)
def test_the_search_for_foreign_places_finds_them(text: str, is_found: bool):
    assert bool(FOREIGN.search(text)) == is_found


def test_the_search_for_unfinished_things_finds_them():
    assert [bool(UNFINISHED.search(text)) for text in ("# TO" + "DO: later", "a todolist", "XX" + "X")] == [
        True,
        False,
        True,
    ]
