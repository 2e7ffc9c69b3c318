"""A real Chromium against Django's live server. A console error or a refused resource fails the test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.conftest import wait_for

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome")
#: When a wait is given up (ms): Playwright's own 5 s are too few for a busy machine.
PATIENCE = 60_000
expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Every test of this folder needs a browser, so `-m "not browser"` leaves out all of them."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


class Complaints(list[str]):
    """What the browser complained of, without what is forgiven, whenever it is said."""

    def __init__(self) -> None:
        super().__init__()
        self._forgiven: list[str] = []

    def forgive(self, *beginnings: str) -> None:
        """Let complaints pass that begin so: those of before, and those that are still on their way."""
        self._forgiven += beginnings
        self[:] = [said for said in self if not said.startswith(beginnings)]

    def hear(self, said: str) -> None:
        """Keep a complaint unless it is forgiven."""
        if not said.startswith(tuple(self._forgiven)):
            self.append(said)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all browser tests of a process."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.fail("no Chromium on PATH: install chromium and fonts-noto-cjk (Debian), or Google Chrome")
    # Playwright's event loop lives in this thread, which Django takes for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def complaints() -> Complaints:
    """What the browser complained of; a test that expects a complaint forgives it."""
    return Complaints()


@pytest.fixture
def open_page(request: pytest.FixtureRequest, chromium: Browser, complaints: Complaints) -> Iterator[Any]:
    """Opens pages in a context of their own: `open_page(width=390, height=844, **context_options)`."""
    contexts: list[BrowserContext] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.hear(message.text)

    def open_one(width: int = 1440, height: int = 900, **options: Any) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            **options,
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.hear(str(error)))
        return page

    yield open_one
    for context in contexts:
        context.close()
    if "live_server" in request.fixturenames:
        wait_for(_is_quiet)
    assert complaints == []


def _is_quiet() -> bool:
    """Whether the server is done with what pages had asked: emptying the tables next could deadlock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND state <> 'idle'"
        )
        return cursor.fetchone() == (0,)
