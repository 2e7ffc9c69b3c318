"""What tests of forms share: somebody signs in, fills in and presses; what was posted is held back."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from partymembers.models import User
from tests.browser.complaints import Complaints
from tests.factories.people import PASSWORD

SUBMIT = "button.btn-primary[type=submit]"


def signed_in(page: Page, live_server: LiveServer, user: User) -> Page:
    """Somebody at the page, by the form."""
    page.goto(f"{live_server.url}/login/")
    page.fill("#id_username", user.username)
    page.fill("#id_password", PASSWORD)
    page.click(SUBMIT)
    page.wait_for_url(lambda url: "/login/" not in url)
    return page


def fill(page: Page, picture: Path | None = None, words: str = "南门井盖松动") -> None:
    """A report, with or without a picture."""
    if picture:
        page.set_input_files(".shoot input", str(picture))
        expect(page.locator(".upload input[name=photos][type=hidden]")).to_have_count(1)
    page.locator("#picker [data-choose]").first.dispatch_event("click")
    page.fill("#id_description", words)


def held(page: Page, url: str) -> list[Route]:
    """Keeps back what is posted to an address, for the test to let go."""
    routes: list[Route] = []
    page.route(
        url, lambda route: routes.append(route) if route.request.method == "POST" else route.fallback()
    )
    return routes


def come(page: Page, routes: list[Route], count: int = 1) -> None:
    """Until so many were kept back; only while the test talks to the page does it hear of them."""
    for _each in range(600):
        if len(routes) >= count:
            return
        page.wait_for_timeout(50)
    pytest.fail(f"{len(routes)} of {count} were sent")


def press(page: Page, selector: str) -> None:
    """A click that waits for nothing."""
    page.evaluate("selector => { setTimeout(() => document.querySelector(selector).click()); }", selector)


def forgive(complaints: Complaints) -> None:
    """What the browser says by itself of a request that failed, which the test is about."""
    complaints.forgive("Failed to load", "htmx:", "Response Status")


def comes_back(page: Page) -> None:
    """As from the browser's memory of whole pages, which a test's browser does not keep."""
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
