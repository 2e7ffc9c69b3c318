"""The page of the API's document: Swagger UI from our own files alone, on both widths."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.factories.cases import World
from tests.factories.keys import key_of, service_account

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("width", [1440, 360])
def test_a_visitor_reads_the_document_and_calls_with_a_key(
    open_page: Any, live_server: LiveServer, world: World, width: int
) -> None:
    account = service_account(place=world.city.west)
    page: Page = open_page(width, 800)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    answer = page.goto(f"{live_server.url}/api/docs/")

    assert "unsafe" not in answer.headers["content-security-policy"]
    expect(page).to_have_title("API · 格治")
    page.get_by_role("button", name="Authorize").click()
    page.get_by_label("auth-bearer-value").fill(key_of(account, "orders:read"))
    page.get_by_role("button", name="Apply credentials").first.click()
    page.get_by_role("button", name="Close").first.click()
    whole = page.locator("#operations-me-whoAmI")
    whole.locator(".opblock-summary").click()
    whole.get_by_role("button", name="Try it out").click()
    whole.get_by_role("button", name="Execute").click()
    expect(whole.locator(".live-responses-table")).to_contain_text(account.user.username)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [url for url in asked if not url.startswith((live_server.url, "data:", "blob:"))] == []
