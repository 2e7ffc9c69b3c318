"""The short version of `make chaos`: some orders, and every kind of fault at least once."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from governance.stack.addresses import CHECKOUT
from tests.chaos.verdict import missing_from_journal
from tests.factories.cases import bring_to, make_world

SHORT = "--orders 200 --seconds 14 --patience 6 --every 0.8 1.6 --seed 4"
FAULTS = 10


def test_orders_survive_every_kind_of_fault() -> None:
    before = set((CHECKOUT / "var").glob("chaos-*"))
    command = [sys.executable, "-m", "tests.chaos", *SHORT.split()]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=900, check=False)
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    assert "Every promise was kept." in told
    counts = {name: int(number) for name, number in re.findall(r"(\w+) (\d+)", told.split("seed 4  ")[1])}
    assert (counts["orders"], counts["acknowledged"]) == (200, 200)
    assert counts["rungs"] > 0
    faults = re.search(r"^faults: (.+)$", told, re.MULTILINE)
    assert faults is not None
    assert len(faults[1].split(", ")) == FAULTS
    assert set((CHECKOUT / "var").glob("chaos-*")) == before


@pytest.mark.django_db
def test_the_journal_finds_what_is_missing_or_doubled(tmp_path: Path) -> None:
    case = bring_to(make_world(), "dispatched", client_id="phone-1")
    journal = tmp_path / "journal"
    sound = [f"report phone-1 {case.number}", f"accept {case.number}", f"dispatch {case.number}"]
    journal.write_text("\n".join(sound) + "\n")
    assert missing_from_journal([journal]) == ([], {"report": 1, "accept": 1, "dispatch": 1})
    lost = [f"report phone-1 {case.number}0", "report phone-2 261120-000009", f"finish {case.number}"]
    for line in lost:
        journal.write_text("\n".join([*sound[1:], line]) + "\n")
        problems, _counts = missing_from_journal([journal])
        assert len(problems) == 1, line
