"""A form keeps what it could not send, and begins anew once it was taken."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from cases.models import Case
from tests.browser.complaints import Complaints
from tests.browser.sending import SUBMIT, comes_back, fill, forgive, press
from tests.conftest import wait_for
from tests.factories.cases import World, report

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def expect_empty(page: Page) -> None:
    expect(page.locator("#id_description")).to_have_value("")
    expect(page.locator("[data-matter]")).to_have_value("")
    expect(page.locator(".upload figure")).to_have_count(0)
    expect(page.locator("[data-draft-note]")).to_be_hidden()
    expect(page.locator(SUBMIT)).to_be_enabled()


def test_back_after_a_report_is_a_new_report(phone: Page, picture: Path) -> None:
    fill(phone, picture)
    first = phone.input_value("#id_client_id")
    phone.click(SUBMIT)
    phone.wait_for_url("**/reported/")
    phone.go_back()
    expect_empty(phone)
    wait_for(lambda: phone.input_value("#id_lat"))  # where the worker stands now
    assert phone.input_value("#id_client_id") not in {"", first}
    assert phone.evaluate("Object.keys(localStorage).filter(key => key.startsWith('gezhi:draft:'))") == []
    fill(phone, words="另一处")
    phone.reload()
    expect(phone.locator("#id_description")).to_have_value("另一处")  # a draft of its own
    assert Case.objects.count() == 1


def test_a_page_kept_whole_by_the_browser_is_emptied_too(phone: Page, picture: Path) -> None:
    fill(phone, picture)
    first = phone.input_value("#id_client_id")
    phone.evaluate("location.assign = () => {}")
    phone.evaluate(
        """() => { const form = document.querySelector("[data-report]");
        gezhi.hold(form, document.querySelector("button.btn-primary[type=submit]")); gezhi.taken(form); }"""
    )
    expect(phone.locator(SUBMIT)).to_be_disabled()
    comes_back(phone)
    expect_empty(phone)
    assert phone.input_value("#id_client_id") not in {"", first}


def test_a_resident_who_goes_back_finds_an_empty_form(visitor: Page, picture: Path) -> None:
    fill(visitor, picture)
    first = visitor.input_value("#id_client_id")
    visitor.click(SUBMIT)
    visitor.wait_for_url("**/f/**")
    visitor.go_back()
    expect_empty(visitor)
    assert visitor.input_value("#id_client_id") not in {"", first}
    assert Case.objects.count() == 1


def test_back_over_a_refused_try_is_empty_too(visitor: Page, complaints: Complaints) -> None:
    visitor.fill("#id_description", "没选事项")
    visitor.click(SUBMIT)
    expect(visitor.locator(".error-summary")).to_be_visible()
    fill(visitor, words="这回选了")
    visitor.click(SUBMIT)
    visitor.wait_for_url("**/f/**")
    visitor.go_back()
    expect_empty(visitor)
    expect(visitor.locator(".error-summary")).to_have_count(0)
    forgive(complaints)


def test_nothing_is_lost_when_the_sending_failed(
    visitor: Page, live_server: LiveServer, complaints: Complaints
) -> None:
    """After the browser's own error page, and then by way of another page: the words are still there."""
    address = visitor.url
    fill(visitor, words="网断了也不能丢")
    visitor.route("**/r/*/", lambda it: it.abort() if it.request.method == "POST" else it.fallback())
    press(visitor, SUBMIT)
    for _each in range(200):
        if visitor.url.startswith("chrome-error:"):
            break
        visitor.wait_for_timeout(50)
    visitor.goto(address)
    expect(visitor.locator("#id_description")).to_have_value("网断了也不能丢")
    forgive(complaints)


def test_a_refused_action_keeps_its_draft(
    desk: Page, live_server: LiveServer, world: World, complaints: Complaints
) -> None:
    case = report(world)
    url = live_server.url + reverse("cases:act", args=[case.number, "decline"])
    desk.goto(url)
    desk.route(
        "**/decline/",
        lambda route: (
            route.fulfill(status=500, body="") if route.request.method == "POST" else route.fallback()
        ),
    )
    desk.fill("textarea[name=note]", "不属于本清单")
    desk.click(".act-form .btn-primary")
    expect(desk.locator(".toast")).to_be_visible()
    expect(desk.locator(".act-form .btn-primary")).to_be_enabled()
    desk.goto(live_server.url + reverse("cases:desk"))
    desk.goto(url)
    expect(desk.locator("textarea[name=note]")).to_have_value("不属于本清单")
    forgive(complaints)
