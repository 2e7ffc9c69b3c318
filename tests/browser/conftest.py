"""A real Chromium against Django's live server. A console error or a refused resource fails the test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests.browser.complaints import Complaints
from tests.browser.sending import signed_in
from tests.conftest import database_is_quiet, wait_for
from tests.factories.cases import World, make_world
from tests.factories.pictures import picture_bytes

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
        wait_for(database_is_quiet)  # the server may not be done with what pages had asked
    assert complaints == []


@pytest.fixture
def world() -> World:
    """The people and places that every page needs."""
    return make_world()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A photo as a phone stores it."""
    path = tmp_path / "IMG_0001.jpg"
    path.write_bytes(picture_bytes((800, 600)))
    return path


@pytest.fixture
def phone(open_page: Any, live_server: LiveServer, world: World) -> Page:
    """The worker's phone at the report page, standing in grid west_1."""
    lng, lat = world.city.inside(world.city.west_1)
    here = {"latitude": lat, "longitude": lng, "accuracy": 8}
    page = open_page(360, 640, geolocation=here, permissions=["geolocation"], has_touch=True)
    signed_in(page, live_server, world.worker)
    page.goto(f"{live_server.url}/report/")
    expect(page.locator("#r-where .badge")).to_have_text("西涧社区第1网格")
    return page


@pytest.fixture
def visitor(open_page: Any, live_server: LiveServer, world: World) -> Page:
    """A resident's phone at a QR code's page."""
    page: Page = open_page(390, 844)
    page.goto(f"{live_server.url}/r/{world.city.qr_code().token}/")
    return page


@pytest.fixture
def desk(open_page: Any, live_server: LiveServer, world: World) -> Page:
    """The desk's screen."""
    return signed_in(open_page(), live_server, world.desk)
