"""The integrator's guide is walked through as it stands: every command, against the running portal."""

from __future__ import annotations

import re
import subprocess
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from pytest_django.live_server_helper import LiveServer

from cases.models import Case
from cases.relay import run_relay
from cases.workflow import State
from governance.demo.matters import CLASSES
from governance.integration.exports.running import write_exports
from partymembers.actions.service_accounts import add_service_account
from partymembers.models import ApiKey, AuditEntry, ServiceAccount
from tests.conftest import ROOT
from tests.factories.cases import NOON, World, make_world
from tests.factories.intake import hotline_mapping
from tests.factories.pictures import picture_bytes

GUIDE = ROOT / "docs" / "integrating.md"
#: What the page has of the demo city, and what the test puts in its place.
SERVER, STREET, UNIT = "http://127.0.0.1:8000", "341102001000", "D001"


def script_of(page: str, folder: Path) -> str:
    """The page's commands as one script; its Python is one program, run where its last piece stands."""
    blocks = re.findall(r"^```(bash|python)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    pieces = [code for language, code in blocks if language == "python"]
    (folder / "guide.py").write_text("\n".join(pieces), encoding="utf-8")
    lines = ["set -euo pipefail"]
    for language, code in blocks:
        if language == "bash":
            lines.append(code)
        elif code == pieces[-1]:
            lines.append(".venv/bin/python guide.py > told.txt")
    return "\n".join(lines)


def matter_of_guide() -> str:
    """What its orders are about: found by this word in curl, and by the same in Python."""
    (name,) = {unquote(word) for word in re.findall(r'matters/.*?q=([^"]+)"', GUIDE.read_text("utf-8"))}
    return name


def test_the_demo_city_leaves_the_guides_orders_to_the_desk() -> None:
    """Else they are dispatched before whoever follows the guide can accept them."""
    named = [matter for each in CLASSES for matter in each.matters if matter_of_guide() in matter.name]
    assert [matter.direct for matter in named] == [False]


@pytest.fixture
def world(transactional_db: None) -> World:
    """The people and places of the guide; the system officer has kept a mapping for the hotline."""
    cache.clear()  # rates counted by an earlier test
    world = make_world()
    world.unit.code, world.matter.name = UNIT, matter_of_guide()
    world.unit.save()
    world.matter.save()
    assert world.city.street.code == STREET
    hotline = add_service_account(
        code="hotline", name="12345热线", duty="desk", place=world.city.street, actor=None, at=NOON
    )
    hotline_mapping(hotline, world)
    return world


def test_every_command_of_the_guide_does_what_it_says(
    world: World, live_server: LiveServer, program_env: dict[str, str], tmp_path: Path
) -> None:
    for name in (".venv", "manage.py"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "photo.jpg").write_bytes(picture_bytes((800, 600)))
    page = GUIDE.read_text("utf-8").replace(SERVER, live_server.url)
    env = {**program_env, "NO_PROXY": "*", "PYTHONWARNINGS": "ignore"}
    with (tmp_path / "said").open("wb") as said:
        walk = subprocess.Popen(
            ["bash", "-c", script_of(page, tmp_path)], cwd=tmp_path, env=env, stdout=said, stderr=said
        )
        while walk.returncode is None:
            with suppress(subprocess.TimeoutExpired):
                walk.wait(0.5)
            run_relay()  # what a worker does meanwhile
            write_exports()
    told = (tmp_path / "said").read_text("utf-8")
    assert walk.returncode == 0, told[-3000:]

    orders = {case.source_number: case for case in Case.objects.exclude(source_number="")}
    by_curl, by_python = orders["12345-2026-000123"], orders["12345-2026-000124"]
    assert (by_curl.state, by_python.state) == (State.CLOSED, State.CLOSED)
    assert by_curl.attachments.count() == by_python.attachments.count() == 1
    assert set(orders) == {by_curl.source_number, by_python.source_number, "12345-2026-000125", "WX-2026-118"}
    assert list(Case.objects.filter(description="路面塌陷").values_list("attachments__width", "state")) == [
        (800, State.ACCEPTED)
    ]
    assert Case.objects.get(description="试").is_test
    feed = (tmp_path / "told.txt").read_text("utf-8").splitlines()
    assert feed[0].split() == ["12345-2026-000123", "report", "closed"]
    assert "12345-2026-000123 check_pass closed" in feed  # the other one's may not have come by then
    assert (tmp_path / "closed.csv").read_text("utf-8-sig").count("路名牌歪斜") == 2
    assert '"closed"' in told


@pytest.mark.django_db
def test_the_command_issues_keys_of_a_new_and_a_known_system_and_never_moves_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = make_world()
    asked = ["issue_api_key", "alarms", "--place", world.city.west.code, "--reads", "--scopes", "orders:read"]
    call_command(*asked, "--days", "30")
    call_command(*asked)
    keys = capsys.readouterr().out.split()
    assert [key.split("_")[1] for key in keys] == [
        *ApiKey.objects.order_by("pk").values_list("prefix", flat=True)
    ]
    account = ServiceAccount.objects.get()
    assert (account.duty, account.place, account.user.name) == ("reader", world.city.west, "alarms")
    assert AuditEntry.objects.filter(action="api_key_issued", actor=None).count() == 2
    for wrong in (
        ["alarms", "--place", world.city.east.code, "--scopes", "orders:read"],  # it acts elsewhere
        ["other", "--place", "999", "--scopes", "orders:read"],
        ["other", "--scopes", "orders:read"],
        ["other", "--place", world.city.west.code, "--scopes", "orders:read", "--days", "4000"],
    ):
        with pytest.raises(CommandError):
            call_command("issue_api_key", *wrong)
    assert (ServiceAccount.objects.count(), ApiKey.objects.count()) == (1, 2)
