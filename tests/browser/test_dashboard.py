"""The dashboard in a real browser: changing what is shown in place, down to an order, on every width."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlparse

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from cases.models import Case
from cases.workflow import State
from partymembers.models import Role
from tests.factories.catalogue import make_matter
from tests.factories.grids import City, make_city
from tests.factories.people import make_unit, make_user
from tests.governance.figures.histories import closed_order, order

pytestmark = pytest.mark.django_db(transaction=True)

DAY = timedelta(days=1)


@pytest.fixture
def city() -> City:
    """This month: the west closes in time, the east does not; one order is late."""
    city, matter, unit = make_city(), make_matter(name="暴露垃圾"), make_unit()
    now = timezone.now()
    first = timezone.localtime(now).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    at = max(first, now - 3 * DAY) - 2 * DAY
    Case.objects.bulk_create(
        [closed_order(city.west_1, matter, at, took=DAY, limit=2 * DAY, unit=unit) for _ in range(40)]
        + [closed_order(city.east_1, matter, at, took=3 * DAY, limit=2 * DAY, unit=unit) for _ in range(31)]
        + [order(city.east_1, matter, at, state=State.HANDLING, unit=unit, next_due_at=now - DAY)]
    )
    return city


@pytest.fixture
def official(city: City) -> str:
    """The session of an official over the street."""
    client = Client()
    client.force_login(make_user("街道领导", role=Role.OFFICIAL, place=city.street))
    return client.cookies["sessionid"].value


def enter(page: Any, session: str, url: str) -> None:
    host = urlparse(url).hostname
    page.context.add_cookies([{"name": "sessionid", "value": session, "domain": host, "path": "/"}])
    page.goto(url)


def test_period_metric_and_place_change_in_place_and_in_the_address(
    live_server: Any, open_page: Any, official: str, city: City
) -> None:
    page = open_page()
    enter(page, official, f"{live_server.url}/dashboard/")
    expect(page.locator(".chart svg")).to_be_visible()
    page.evaluate("window.stays = true")
    page.click("#metric-resolution")
    expect(page).to_have_url(f"{live_server.url}/dashboard/?metric=resolution")
    page.click("#period-year")
    expect(page.locator("#period-year")).to_have_attribute("aria-current", "true")
    expect(page.locator("#period-year")).to_be_focused()
    expect(page.locator(".chart svg")).to_be_visible()
    page.click(".choro a[aria-label^='东门社区']")
    expect(page.locator("h1")).to_have_text("东门社区治理总览")
    expect(page.locator("h1")).to_be_focused()
    expect(page.locator("#places [aria-current]")).to_have_text("东门社区")
    address = f"{live_server.url}/dashboard/?place={city.east.code}&period=year&metric=resolution"
    assert page.evaluate("window.stays") is True
    assert set(urlparse(page.url).query.split("&")) == set(urlparse(address).query.split("&"))
    page.go_back()
    expect(page.locator("h1")).to_have_text("琅琊街道治理总览")


def test_the_finding_is_two_clicks_from_an_order(
    live_server: Any, open_page: Any, official: str, city: City
) -> None:
    page = open_page()
    enter(page, official, f"{live_server.url}/dashboard/?period=year")
    page.click(".finding a")
    expect(page.locator("h1")).to_have_text("未按期结案")
    assert page.locator("tbody tr").count() == 31
    number = page.locator("tbody tr a").first.inner_text()
    assert page.locator("tbody tr a").first.get_attribute("href") == f"/orders/{number}/"


def test_a_day_is_chosen_by_keyboard(live_server: Any, open_page: Any, official: str) -> None:
    page = open_page()
    enter(page, official, f"{live_server.url}/dashboard/")
    page.focus("[popovertarget=custom-period]")
    page.keyboard.press("Enter")
    expect(page.locator("#since")).to_be_focused()
    page.fill("#since", "2026-01-01")
    page.fill("#until", "2026-01-31")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_be_visible()
    page.wait_for_url("**since=2026-01-01&until=2026-01-31&period=custom")
    expect(page.locator(".tiles .value").first).to_contain_text("0")


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_no_width_scrolls_sideways(live_server: Any, open_page: Any, official: str, width: int) -> None:
    page = open_page(width=width, height=800)
    for path in ("/dashboard/", "/dashboard/cases/?part=reported&period=year", "/dashboard/cases/?part=late"):
        enter(page, official, live_server.url + path)
        expect(page.locator("h1")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_clock_of_a_late_order_is_shown(live_server: Any, open_page: Any, official: str) -> None:
    page = open_page()
    enter(page, official, f"{live_server.url}/dashboard/")
    expect(page.locator("#late .light")).to_have_count(1)
