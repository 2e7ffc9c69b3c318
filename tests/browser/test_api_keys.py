"""A new key on the officer's screen: copied by a press; a reload leads on and makes no second one."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from partymembers.models import ApiKey, Role
from tests.browser.sending import signed_in
from tests.factories.grids import make_city
from tests.factories.keys import service_account
from tests.factories.people import make_user

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_key_is_copied_and_a_reload_leads_on(open_page: Any, live_server: LiveServer) -> None:
    account = service_account(place=make_city().west)
    page: Page = open_page(390, 844)
    signed_in(page, live_server, make_user(role=Role.SECURITY_OFFICER))
    page.goto(live_server.url + reverse("admin:partymembers_issue_key", args=[account.pk]))
    page.fill("[name=label]", "生产")
    page.get_by_label("orders:read").check()
    page.locator("#content-main button[type=submit]").click()

    secret = page.locator("#secret").inner_text()
    assert secret.startswith(f"gz_{ApiKey.objects.get().prefix}_")
    # What the browser takes along is asked of itself: other windows of this machine share its clipboard.
    page.evaluate("addEventListener('copy', () => { window.taken = document.activeElement.value; })")
    page.get_by_role("button", name="复制密钥").click()
    expect(page.locator("#copied")).to_be_visible()
    assert page.evaluate("window.taken") == secret
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    page.reload()
    assert page.url.endswith(reverse("admin:partymembers_serviceaccount_change", args=[account.pk]))
    assert (secret in page.content(), ApiKey.objects.count()) == (False, 1)
