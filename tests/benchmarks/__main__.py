"""`make bench`: how quick reporting, inbox, order page, API and the ladder are with 100,000 orders.

Each page is measured beside a bare view of the same middleware, session and connection: one committed INSERT,
or one indexed SELECT of fifty rows. The ratio travels from machine to machine; requests a second do not.
Fails on errors only, never on time.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from governance.stack import console
from governance.stack.problems import StackError
from tests.benchmarks import api
from tests.benchmarks.load import Browser, Sample, Script, measure
from tests.benchmarks.machine import machine_line, processor_seconds
from tests.benchmarks.stand import CHECKOUT, Stand, stand

Scripts = Sequence[Script]


@dataclass
class Course:
    """One thing that is measured, and what it is compared with."""

    key: str
    label: str
    group: str
    baseline: str
    scripts: Scripts
    samples: list[Sample] = field(default_factory=list)

    def median(self, figure: Callable[[Sample], float]) -> float:
        """The middle round's figure."""
        return statistics.median(figure(sample) for sample in self.samples)


def main(argv: list[str]) -> int:
    """Measure and print; 0 unless a request failed."""
    given = _arguments(argv)
    try:
        with stand(CHECKOUT / "var") as place:
            return _run(place, given)
    except StackError as error:
        print(f"gezhi: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000, help="orders in the database")
    parser.add_argument("--grids", type=int, default=204)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--clocks", type=int, default=1_000_000, help="running clocks of the ladder's part")
    parser.add_argument("--due", type=int, default=10_000, help="rungs that come due at once")
    parser.add_argument("--events", type=int, default=20_000, help="events of the relay's part")
    parser.add_argument("--paced", type=float, default=30.0, help="seconds with fifty events each")
    parser.add_argument(
        "--connections", type=int, nargs="+", default=[8, 64], help="of the API's part, one after another"
    )
    parser.add_argument("--rounds", type=int, default=5, help="the median of so many counts")
    parser.add_argument(
        "--without-worker", action="store_true", help="leave out the last part, beside the task worker"
    )
    parser.add_argument(
        "--hold", action="store_true", help="keep everything running afterwards, for a look by hand"
    )
    return parser.parse_args(argv)


def _run(place: Stand, given: argparse.Namespace) -> int:
    """Everything in turn; what was measured is told also where a later part fails."""
    told: list[str] = []
    try:
        errors = _measure(place, given, told)
    finally:
        if told:
            console.say("\n".join([machine_line(place.env), *told]))
    for error in errors[:5]:
        console.say(f"ERROR {error}")
    if given.hold:
        console.say(
            f"DATABASE_URL={place.env['DATABASE_URL']}\nREDIS_URL={place.env['REDIS_URL']}\nport {place.port}"
        )
        while not place.supervisor.stopping.wait(60.0):
            pass
    return 1 if errors else 0


def _measure(place: Stand, given: argparse.Namespace, told: list[str]) -> list[str]:
    """Add table after table; the requests that failed."""
    plan = _plan(place, given)
    with console.step("Web server, and everybody signs in"):
        place.start("web")
        browsers = {
            group: [_signed_in(place.port, person["username"], plan["password"]) for person in plan[group]]
            for group in ("reporters", "readers")
        }
    courses = _courses(plan)
    with console.step(f"The API at {' and '.join(map(str, given.connections))} connections"):
        told_api = api.told(place, plan | {"connections": given.connections}, browsers, seconds=given.seconds)
    _rounds(place, courses, browsers, given.seconds, given.rounds)
    costs = {c.key: _cost(browsers[c.group][0], c.scripts[0]) for c in courses}
    told += [_table(courses), _cost_table(courses, costs), told_api]
    with console.step(f"The ladder with {given.clocks:,} clocks, {given.due:,} rungs due at once"):
        told.append(_part(place, "ladder", f"--clocks={given.clocks}", f"--due={given.due}"))
    with console.step(f"The relay with {given.events:,} events"):
        told.append(_part(place, "relay", f"--events={given.events}"))
    errors = [error for c in courses for sample in c.samples for error in sample.errors]
    if not given.without_worker:
        beside = _beside_worker(place, courses, browsers, given.seconds)
        told.append(f"Reporting while worker and beat do their part: {_figures(beside)}")
        errors += beside.errors
        with console.step("From commit to message, beside worker and beat"):
            told.append(_part(place, "relay", f"--paced={given.paced}"))
    return errors


def _plan(place: Stand, given: argparse.Namespace) -> dict[str, Any]:
    """The city with its orders, and who reports and reads there."""
    plan_file = place.folder / "plan.json"
    with console.step(f"A city of {given.grids} grids with {given.orders:,} orders"):
        sizes = ["--orders", str(given.orders), "--grids", str(given.grids)]
        place.run("-m", "tests.benchmarks.prepare", *sizes, str(plan_file))
    plan: dict[str, Any] = json.loads(plan_file.read_text())
    return plan


def _signed_in(port: int, username: str, password: str) -> Browser:
    browser = Browser(port)
    browser.sign_in(username, password)
    return browser


def _courses(plan: dict[str, Any]) -> list[Course]:
    reporters, readers = plan["reporters"], plan["readers"]
    return [
        Course("insert", "bare view, one INSERT", "reporters", "insert", [_insert] * len(reporters)),
        Course("report", "reporting, the whole path", "reporters", "insert",
               [partial(_report, plan, person, random.Random(n)) for n, person in enumerate(reporters)]),
        Course("select", "bare view, one SELECT of 50", "readers", "select", [_select] * len(readers)),
        Course("inbox", "desk's inbox, 50 rows", "readers", "select", [_inbox] * len(readers)),
        Course("order", "order page", "readers", "select", [partial(_order, person) for person in readers]),
    ]  # fmt: skip


def _insert(browser: Browser, number: int) -> bytes:
    return browser.post("/bare/insert/", {"text": f"row {number}"})


def _select(browser: Browser, number: int) -> bytes:
    return browser.get("/bare/select/")


def _report(
    plan: dict[str, Any], person: dict[str, Any], draw: random.Random, browser: Browser, number: int
) -> bytes:
    """A grid worker's report at a position in their grid, as the phone's page sends it."""
    reach = plan["side"] * 0.45
    return browser.upload(
        "/report/",
        {
            "client_id": str(uuid.UUID(int=draw.getrandbits(128))),
            "matter": str(draw.choice(plan["matters"])),
            "description": f"路口东侧第{number}处，影响通行，请尽快处理",
            "address": f"映月路{number % 300 + 1}号",
            "lng": f"{person['lng'] + draw.uniform(-reach, reach):.6f}",
            "lat": f"{person['lat'] + draw.uniform(-reach, reach):.6f}",
            "accuracy": "12",
            "position": "",
            "grid": "",
            "result": "",
            "device_time": "2026-11-20T10:00:00+08:00",
        },
    )


def _inbox(browser: Browser, number: int) -> bytes:
    return browser.get("/desk/")


def _order(person: dict[str, Any], browser: Browser, number: int) -> bytes:
    return browser.get(f"/orders/{person['numbers'][number % len(person['numbers'])]}/")


def _rounds(
    place: Stand, courses: list[Course], browsers: dict[str, list[Browser]], seconds: float, rounds: int
) -> None:
    """Every course in turn, again and again, so that whatever else the machine does hits all alike."""
    roots = {pid for name in ("web", "postgres") if (pid := place.supervisor.pid(name)) is not None}
    for course in courses:
        measure(browsers[course.group], course.scripts, seconds=min(1.0, seconds))
    with console.step(f"{rounds} rounds of {len(courses)} measurements, {seconds:g} s each"):
        for _ in range(rounds):
            for course in courses:
                before = processor_seconds(roots)
                sample = measure(browsers[course.group], course.scripts, seconds=seconds)
                sample.processor = processor_seconds(roots) - before
                course.samples.append(sample)


def _part(place: Stand, module: str, *arguments: str) -> str:
    """What a part of the bench says that is a program of its own on the filled database."""
    command = [sys.executable, "-m", f"tests.benchmarks.{module}", *arguments]
    done = subprocess.run(command, env=place.env, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the part {module} failed: {done.stderr[-2000:]}")
    return done.stdout.strip()


def _beside_worker(
    place: Stand, courses: list[Course], browsers: dict[str, list[Browser]], seconds: float
) -> Sample:
    """Reporting once more, while worker and beat route, number and tell of what comes in."""
    place.start("worker", "beat")
    course = next(c for c in courses if c.key == "report")
    alive = place.folder / "worker-alive"
    begun = alive.stat().st_mtime
    with console.step("Reporting beside worker and beat"):
        while alive.stat().st_mtime == begun and not place.supervisor.stopping.wait(0.1):
            pass
        return measure(browsers[course.group], course.scripts, seconds=max(seconds, 2 * seconds))


def _ratio(of: Course, to: Course, figure: Callable[[Sample], float]) -> float:
    """The median over the rounds of one figure beside another's in the same round."""
    pairs = [(figure(mine), figure(other)) for mine, other in zip(of.samples, to.samples, strict=True)]
    return statistics.median(mine / other if other else 0.0 for mine, other in pairs)


def _table(courses: list[Course]) -> str:
    """Two ratios to the bare view: of requests a second, and of processor time a request.

    The second says the same of an idle machine, and says it still where others use the machine as well.
    """
    lines = [f"{'':30}{'req/s':>8}{'p50 ms':>9}{'p99 ms':>9}{'ratio':>8}{'cpu ms':>9}{'ratio':>8}"]
    for c in courses:
        base = next(other for other in courses if other.key == c.baseline)
        times = [c.median(lambda s: s.percentile(50)), c.median(lambda s: s.percentile(99))]
        line = f"{c.label:30}{c.median(lambda s: s.rate):8.1f}{times[0] * 1000:9.1f}{times[1] * 1000:9.1f}"
        line += f"{_ratio(c, base, lambda s: s.rate):8.2f}"
        line += f"{c.median(lambda s: s.processor_each) * 1000:9.1f}"
        lines.append(f"{line}{_ratio(base, c, lambda s: s.processor_each):8.2f}")
    return "\n".join(lines)


def _figures(sample: Sample) -> str:
    half, most = sample.percentile(50) * 1000, sample.percentile(99) * 1000
    return f"{sample.rate:.1f} req/s, p50 {half:.1f} ms, p99 {most:.1f} ms"


def _cost(browser: Browser, script: Script, times: int = 30) -> tuple[float, float, float, float]:
    """Of single requests, one at a time: statements, milliseconds in them and in all, bytes of the answer."""
    found = []
    for number in range(times):
        text = script(browser, 10_000 + number).replace(b"\r\nHost:", b"\r\nX-Tally: 1\r\nHost:", 1)
        answer = browser.request(text)
        said = answer.head.lower().split(b"x-tallied: ")[1].split(b"\r\n")[0].split()
        found.append((*(float(part) for part in said), float(len(answer.body))))
    return tuple(statistics.median(column) for column in zip(*found, strict=True))


def _cost_table(courses: list[Course], costs: dict[str, tuple[float, float, float, float]]) -> str:
    lines = [f"{'One at a time':30}{'queries':>8}{'db ms':>9}{'all ms':>9}{'bytes':>9}"]
    for c in courses:
        queries, database, whole, size = costs[c.key]
        lines.append(f"{c.label:30}{queries:8.0f}{database:9.1f}{whole:9.1f}{size:9.0f}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
