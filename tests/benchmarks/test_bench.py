"""The bench runs: no figure is judged here, only that every page that it measures answers."""

from __future__ import annotations

import re
import subprocess
import sys

from governance.stack.addresses import CHECKOUT
from tests.benchmarks.load import Answer, Sample

SMALL = "--orders 300 --grids 24 --clocks 2000 --due 90 --events 200 --seconds 0.2 --rounds 1"
SMALL += " --without-worker --connections 1 2"
PAGES = (
    "bare view, one INSERT",
    "reporting, the whole path",
    "bare view, one SELECT of 50",
    "desk's inbox, 50 rows",
    "order page",
)


def test_a_small_run_measures_every_page_and_leaves_nothing_behind() -> None:
    before = set((CHECKOUT / "var").glob("bench-*"))
    command = [sys.executable, "-m", "tests.benchmarks", *SMALL.split()]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for page in PAGES:
        figures = re.search(rf"^{re.escape(page)} +([\d.]+)( +[\d.]+){{5}}$", done.stdout, re.MULTILINE)
        assert figures is not None, done.stdout
        assert float(figures[1]) > 0
    assert re.search(r"^relay, all readers, one process +[1-9]\d* events a second", done.stdout, re.MULTILINE)
    assert "fsync on, synchronous_commit on" in done.stdout
    idle = r"^idle sweep +[\d.]+ ms in 2 statements, at best [\d.]+ ms$"
    assert re.search(idle, done.stdout, re.MULTILINE), done.stdout
    taken = r"^rungs taken, (\d) at once +\d+ a second, 90 due; of processors"
    assert re.findall(taken, done.stdout, re.MULTILINE) == ["1", "2"], done.stdout
    for course in ("API: create an order", "API: list of 50", "API: one order", "API: 50 changes"):
        assert len(re.findall(rf"^{course} +[1-9][\d.]*( +[\d.]+){{5}}$", done.stdout, re.MULTILINE)) == 2
    assert re.search(r"^API: the city list +page 1: [\d.]+ ms$", done.stdout, re.MULTILINE), done.stdout
    assert set((CHECKOUT / "var").glob("bench-*")) == before


def test_percentiles_are_of_the_requests_in_order() -> None:
    sample = Sample(seconds=2.0, times=[0.004, 0.001, 0.003, 0.002])
    assert sample.rate == 2.0
    assert sample.percentile(50) == 0.003
    assert sample.percentile(99) == 0.004
    assert Sample().percentile(99) == 0.0


def test_refusals_are_no_answers() -> None:
    assert [Answer(status, b"", b"").is_fine for status in (200, 201, 302, 400, 404, 500)] == [
        True, True, True, False, False, False,
    ]  # fmt: skip
