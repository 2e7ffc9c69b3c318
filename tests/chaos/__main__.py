"""`make chaos`, or `python -m tests.chaos --orders 2000 --seconds 300 --seed 7`."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from governance.stack import addresses, console
from governance.stack.problems import StackError
from tests.chaos.portal import CHECKOUT, Portal, portal

DRIVERS = 2


def main(arguments: list[str]) -> int:
    """Run once; 0 when every promise held."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--orders", type=int, default=int(os.environ.get("ORDERS") or 2000))
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("SECONDS") or 300))
    parser.add_argument(
        "--seed", type=int, default=int(os.environ.get("CHAOS_SEED") or secrets.randbelow(10**6))
    )
    parser.add_argument("--every", type=float, nargs=2, default=(2.0, 7.0), help="seconds between two faults")
    parser.add_argument("--patience", type=float, default=30, help="seconds for what was reported last")
    parser.add_argument("--quiet", type=float, default=240, help="seconds until nothing may wait any more")
    given = parser.parse_args(arguments)
    try:
        with portal(addresses.CHECKOUT / "var") as place:
            return _run(place, given)
    except StackError as error:
        print(f"chaos: {error}", file=sys.stderr)
        return 1


def _run(place: Portal, given: argparse.Namespace) -> int:
    os.environ.update(place.env)
    import django  # noqa: PLC0415  the settings are named only now

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415

    from tests.chaos.faults import Faults, settle  # noqa: PLC0415
    from tests.chaos.town import make_town  # noqa: PLC0415

    plan = place.folder / "plan.json"
    with console.step("A town"):
        call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
        make_town(plan)
        connection.close()
    with console.step("Web, two workers and beat"):
        place.start()
    faults = Faults(place, seed=given.seed, every=tuple(given.every), seconds=given.seconds)
    began = time.monotonic()
    with console.step(f"{given.orders} orders, seed {given.seed}"):
        faults.begin()
        failed, done = _drive(place, plan, given)
        # A kind comes off only while what it needs runs, which a busy machine takes its time to start again.
        while faults.missing and time.monotonic() < began + given.seconds + given.quiet:
            time.sleep(0.5)
        faults.end()
    if not settle(place):
        failed.append("something that was killed did not come back")
    return _judge(place, given, failed, done, faults.counts, time.monotonic() - began)


def _drive(place: Portal, plan: Path, given: argparse.Namespace) -> tuple[list[str], Counter[str]]:
    """Let the drivers work, each in a process of its own; what failed, and what they tell."""
    drivers = []
    for part in range(DRIVERS):
        numbers = {
            "port": place.port, "seed": given.seed, "part": part, "seconds": given.seconds,
            "orders": given.orders // DRIVERS + (part < given.orders % DRIVERS), "patience": given.patience,
        }  # fmt: skip
        words = [word for name, value in numbers.items() for word in (f"--{name}", str(value))]
        journal = place.folder / f"journal-{part}"
        command = [sys.executable, "-m", "tests.chaos.driver", str(plan), str(journal), *words]
        log = (place.folder / f"driver-{part}.log").open("wb")
        drivers.append(
            subprocess.Popen(command, cwd=CHECKOUT, env=place.env, stdout=subprocess.PIPE, stderr=log)
        )
    failed, done = [], Counter[str]()
    for part, driver in enumerate(drivers):
        said, _nothing = driver.communicate()
        if driver.returncode:
            last = (place.folder / f"driver-{part}.log").read_text(errors="replace")[-2000:]
            failed.append(f"driver {part} failed: {last}")
        else:
            done.update(json.loads(said))
    return failed, done


def _judge(
    place: Portal,
    given: argparse.Namespace,
    failed: list[str],
    done: Counter[str],
    faults: Counter[str],
    took: float,
) -> int:
    from tests.chaos import verdict  # noqa: PLC0415

    with console.step("Until it is quiet"):
        problems = [*failed, *(f"still waiting: {words}" for words in verdict.wait_until_quiet(given.quiet))]
    with console.step("The tables' promises, and the journal"):
        problems += verdict.broken_promises()
        journals = sorted(place.folder.glob("journal-*"))
        missing, acknowledged = verdict.missing_from_journal(journals)
        problems += missing
    told = {
        "seed": given.seed,
        "seconds": round(took),
        **verdict.counts(),
        "acknowledged": acknowledged["report"],
        "steps": sum(acknowledged.values()),
        "interrupted": done["interrupted"],
        "refused": done["refused"],
    }
    console.say("  ".join(f"{name} {value}" for name, value in told.items()))
    console.say("faults: " + ", ".join(f"{kind} {count}" for kind, count in sorted(faults.items())))
    for problem in problems:
        console.say(f"BROKEN {problem}")
    if not problems:
        console.say("Every promise was kept.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
