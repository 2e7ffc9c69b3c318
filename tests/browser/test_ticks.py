"""Ticking all of the desk's list: what can be done to all of it, or why nothing can."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from tests.browser.test_interrupted import sign_in
from tests.factories.cases import World, bring_to, make_world, report

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def world() -> World:
    return make_world()


def test_orders_in_different_steps_say_why_no_button_is_there(
    world: World, open_page: Any, live_server: LiveServer
) -> None:
    new, accepted = report(world), bring_to(world, "accepted")
    desk = open_page()
    desk.goto(f"{live_server.url}/login/?next=/desk/?view=all")
    sign_in(desk, world.desk.username)
    desk.locator("[data-tick-all]").check()
    expect(desk.locator("#bulkbar")).to_contain_text("请只选同一环节的工单")
    expect(desk.locator("#bulkbar [data-bulk]:visible")).to_have_count(0)
    desk.locator(f"#orders input[value='{accepted.number}']").uncheck()
    expect(desk.locator("[data-bulk-none]")).to_be_hidden()
    expect(desk.locator("[data-bulk=accept]")).to_be_visible()
    desk.locator(f"#orders input[value='{new.number}']").uncheck()
    expect(desk.locator("#bulkbar")).to_be_hidden()
