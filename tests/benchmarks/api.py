"""How quick the API is: create, list, detail and changes, at 8 and 64 connections, beside bare views.

A list's page is also read far back: by cursor each costs the same, and this shows whether it does.
"""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from tests.benchmarks.load import Browser, Sample, Script, measure
from tests.benchmarks.machine import processor_seconds
from tests.benchmarks.stand import Stand

#: Pages of fifty that lie before those whose time is told.
DEPTHS = (0, 100, 1_000, 10_000)
ORDERS = "/api/v1/orders/"
_LOOKS = 15
_MOST = 200


def told(place: Stand, plan: dict[str, Any], browsers: dict[str, list[Browser]], *, seconds: float) -> str:
    """The tables, as `make bench` prints them. Raises RuntimeError for an answer that is none."""
    lines = []
    for connections in plan["connections"]:
        head = f"API, {connections} connections"
        lines.append(f"{head:30}{'req/s':>8}{'p50 ms':>9}{'p99 ms':>9}{'ratio':>8}{'cpu ms':>9}{'ratio':>8}")
        base = {
            "insert": _sampled(place, browsers["reporters"], _bare_insert, connections, seconds),
            "select": _sampled(place, browsers["readers"], _bare_select, connections, seconds),
        }
        for name, against, script in _courses(plan):
            sample = _sampled(place, [Browser(place.port)], script, connections, seconds)
            lines.append(_line(name, sample, base[against]))
    return "\n".join([*lines, _far_pages(place.port, plan)])


def _courses(plan: dict[str, Any]) -> list[tuple[str, str, Script]]:
    return [
        ("API: create an order", "insert", partial(_create, plan, random.Random(3))),
        ("API: list of 50", "select", partial(_get, plan["keys"]["community"], f"{ORDERS}?limit=50")),
        ("API: one order", "select", partial(_detail, plan)),
        ("API: 50 changes", "select", partial(_get, plan["keys"]["community"], "/api/v1/events/?limit=50")),
    ]


def _sampled(
    place: Stand, signed_in: Sequence[Browser], script: Script, connections: int, seconds: float
) -> Sample:
    """One measurement with so many connections, which share the sign-ins there are."""
    browsers = []
    for number in range(connections):
        browser = Browser(place.port)
        browser.cookies = dict(signed_in[number % len(signed_in)].cookies)
        browsers.append(browser)
    roots = {pid for name in ("web", "postgres") if (pid := place.supervisor.pid(name)) is not None}
    measure(browsers, [script] * connections, seconds=min(1.0, seconds))
    before = processor_seconds(roots)
    sample = measure(browsers, [script] * connections, seconds=seconds)
    sample.processor = processor_seconds(roots) - before
    for browser in browsers:
        browser.close()
    if sample.errors:
        raise RuntimeError(f"{len(sample.errors)} requests failed, as {sample.errors[0]}")
    return sample


def _line(name: str, sample: Sample, base: Sample) -> str:
    half, most = sample.percentile(50) * 1000, sample.percentile(99) * 1000
    line = f"{name:30}{sample.rate:8.1f}{half:9.1f}{most:9.1f}{sample.rate / base.rate:8.2f}"
    line += f"{sample.processor_each * 1000:9.1f}"
    ratio = base.processor_each / sample.processor_each if sample.processor_each else 0.0
    return f"{line}{ratio:8.2f}"


def _bare_insert(browser: Browser, number: int) -> bytes:
    return browser.post("/bare/insert/", {"text": f"row {number}"})


def _bare_select(browser: Browser, number: int) -> bytes:
    return browser.get("/bare/select/")


def _get(key: str, path: str, browser: Browser, number: int = 0) -> bytes:
    return browser.get(path, Authorization=f"Bearer {key}", Accept="application/json")


def _detail(plan: dict[str, Any], browser: Browser, number: int) -> bytes:
    numbers = plan["readers"][0]["numbers"]
    return _get(plan["keys"]["community"], f"{ORDERS}{numbers[number % len(numbers)]}/", browser)


def _create(plan: dict[str, Any], draw: random.Random, browser: Browser, number: int) -> bytes:
    """A call that a hotline hands in."""
    person, reach = draw.choice(plan["reporters"]), plan["side"] * 0.45
    body = {
        "matter": draw.choice(plan["matter_codes"]),
        "description": f"来电反映路口东侧第{number}处影响通行",
        "address": f"映月路{number % 300 + 1}号",
        "position": {
            "lng": round(person["lng"] + draw.uniform(-reach, reach), 6),
            "lat": round(person["lat"] + draw.uniform(-reach, reach), 6),
        },
        "contact": {"name": "王女士", "phone": "13812345678"},
        "channel": "hotline",
    }
    return browser.send_json(ORDERS, body, Authorization=f"Bearer {plan['keys']['city']}")


def _far_pages(port: int, plan: dict[str, Any]) -> str:
    """Milliseconds of a page of fifty, one at a time, at several depths of the whole city's list."""
    browser, key = Browser(port), plan["keys"]["city"]
    parts, reached, cursor = [], 0, ""
    for depth in DEPTHS:
        cursor = _walked(browser, key, cursor, (depth * 50 - reached) // _MOST)
        reached = depth * 50
        if depth and not cursor:
            break
        path = f"{ORDERS}?limit=50&cursor={cursor}"
        times = []
        for _ in range(_LOOKS):
            began = time.perf_counter()
            if not browser.request(_get(key, path, browser)).is_fine:
                raise RuntimeError(f"page {depth} was refused")
            times.append(time.perf_counter() - began)
        parts.append(f"page {max(depth, 1):,}: {statistics.median(times) * 1000:.1f} ms")
    return f"{'API: the city list':30}{', '.join(parts)}"


def _walked(browser: Browser, key: str, cursor: str, pages: int) -> str:
    """The cursor so many large pages on; empty where the list ends before."""
    for _ in range(pages):
        answer = browser.request(_get(key, f"{ORDERS}?fields=number&limit={_MOST}&cursor={cursor}", browser))
        if not answer.is_fine:
            raise RuntimeError(f"{answer.status} while paging")
        following = json.loads(answer.body)["next"]
        if not following:
            return ""
        cursor = following.partition("cursor=")[2].partition("&")[0]
    return cursor
