"""A session that ends while a form is half filled: the way back leads to the form and to what was typed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from cases.models import Case
from tests.browser.complaints import Complaints
from tests.factories.cases import World, make_world, report
from tests.factories.people import PASSWORD
from tests.factories.pictures import picture_bytes

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SUBMIT = "button.btn-primary[type=submit]"


@pytest.fixture
def world() -> World:
    return make_world()


def sign_in(page: Page, name: str) -> None:
    page.fill("#id_username", name)
    page.fill("#id_password", PASSWORD)
    with page.expect_navigation():  # whole, with its scripts: before them a row is a plain link
        page.click(SUBMIT)


def end_session(page: Page) -> None:
    """As half an hour does: the server forgets the session, and the browser drops its cookie."""
    Session.objects.all().delete()
    cache.clear()
    page.context.clear_cookies(name="sessionid")


def test_a_form_in_a_dialog_survives_the_end_of_the_session(
    world: World, open_page: Any, live_server: LiveServer, complaints: Complaints
) -> None:
    complaints.forgive("Failed to load resource: the server responded with a status of 401")
    case = report(world)
    desk = open_page()
    desk.goto(f"{live_server.url}/login/?next=/desk/")
    sign_in(desk, world.desk.username)
    desk.locator(f"#orders tr[data-number='{case.number}'] a.main").click()
    expect(desk.locator("#pane [data-order]")).to_be_visible()
    desk.keyboard.press("n")
    desk.locator("#act-dialog textarea[name=note]").fill("不属于本清单，已告知产权单位")
    desk.wait_for_timeout(600)  # the draft is written a moment after the last key
    end_session(desk)
    desk.locator("#act-dialog button.btn-primary").click()
    desk.wait_for_url("**/login/**")
    expect(desk.locator("#pane, #act-dialog")).to_have_count(0)  # not within the dialog
    expect(desk.locator("main")).to_contain_text("草稿还在")
    sign_in(desk, world.desk.username)
    desk.wait_for_url(f"**/desk/?case={case.number}")
    desk.keyboard.press("n")
    expect(desk.locator("#act-dialog textarea[name=note]")).to_have_value("不属于本清单，已告知产权单位")


def test_a_report_survives_the_end_of_the_session(
    world: World, open_page: Any, live_server: LiveServer, tmp_path: Path
) -> None:
    lng, lat = world.city.inside(world.city.west_1)
    here = {"latitude": lat, "longitude": lng, "accuracy": 8}
    phone = open_page(390, 844, geolocation=here, permissions=["geolocation"], has_touch=True)
    phone.goto(f"{live_server.url}/login/?next=/report/")
    sign_in(phone, world.worker.username)
    picture = tmp_path / "IMG_0001.jpg"
    picture.write_bytes(picture_bytes((800, 600)))
    phone.set_input_files(".shoot input", str(picture))
    expect(phone.locator(".upload input[name=photos][type=hidden]")).to_have_count(1)
    phone.locator("#picker [data-choose]").first.dispatch_event("click")
    phone.fill("#id_description", "会话结束前写的")
    phone.wait_for_timeout(600)
    end_session(phone)
    phone.click(SUBMIT)
    phone.wait_for_url("**/login/**")
    sign_in(phone, world.worker.username)
    phone.wait_for_url("**/report/")
    expect(phone.locator("#id_description")).to_have_value("会话结束前写的")
    expect(phone.locator("[data-pick-name]")).to_have_text("雨水箅子")
    expect(phone.locator(".upload figure")).to_have_count(1)
    phone.click(SUBMIT)
    phone.wait_for_url("**/reported/")
    assert Case.objects.get().attachments.count() == 1


@pytest.mark.parametrize("page", ["the order", "the action"])
def test_what_was_done_is_still_said_after_the_page_has_moved_on(
    world: World, open_page: Any, live_server: LiveServer, page: str
) -> None:
    """The order's page renews itself, and an action's own page leaves, as soon as the action is taken."""
    case = report(world)
    desk = open_page()
    path = f"/orders/{case.number}/" if page == "the order" else f"/orders/{case.number}/act/comment/"
    desk.goto(f"{live_server.url}/login/?next={path}")
    sign_in(desk, world.desk.username)
    desk.wait_for_url(f"**{path}")
    expect(desk.locator("html[data-ready]")).to_be_attached()
    if page == "the order":
        desk.locator("[data-key=C]").first.dispatch_event("click")
    desk.locator("textarea[name=note]").last.fill("已电话联系")
    desk.keyboard.press("Control+Enter")
    expect(desk.locator(".toast")).to_contain_text("“备注”已办")
    desk.wait_for_url(f"**/orders/{case.number}/")
    expect(desk.locator("main .timeline").first).to_contain_text("已电话联系")
    expect(desk.locator(".toast")).to_contain_text("“备注”已办")
    desk.reload()
    expect(desk.locator("main .timeline").first).to_contain_text("已电话联系")
    expect(desk.locator(".toast")).to_have_count(0)  # said once
