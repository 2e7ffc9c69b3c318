"""What is too long is told before it is sent; many orders are sent a few at a time."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from cases.models import Case
from cases.workflow import State
from tests.browser.complaints import Complaints
from tests.browser.sending import SUBMIT, come, fill, forgive, held, press
from tests.factories.cases import World, report

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LONG = 10_000_000


def type_at_length(page: Page, selector: str) -> None:
    page.locator(selector).evaluate(
        """(field, n) => { field.value = 'x'.repeat(n);
        field.dispatchEvent(new Event('input', { bubbles: true })); }""",
        LONG,
    )


@pytest.mark.parametrize("who", ["worker", "resident"])
def test_what_is_too_long_is_told_before_it_is_sent(who: str, request: pytest.FixtureRequest) -> None:
    page: Page = request.getfixturevalue("phone" if who == "worker" else "visitor")
    fill(page)
    routes = held(page, "**/*")
    type_at_length(page, "#id_description")
    page.click(SUBMIT)
    expect(page.locator(".r-desc .err")).to_have_text(f"最多 2000 字，现有 {LONG} 字，请删减。")
    expect(page.locator("#id_description")).to_be_focused()
    expect(page.locator("#id_description")).to_have_attribute("aria-invalid", "true")
    assert page.evaluate("document.querySelector('#id_description').value.length") == LONG
    page.fill("#id_description", "短一点")
    expect(page.locator(".r-desc .err")).to_have_count(0)
    assert routes == []
    assert Case.objects.count() == 0


def test_a_long_paste_into_a_dialog_stays_whole_and_is_told(
    desk: Page, live_server: LiveServer, world: World
) -> None:
    case = report(world)
    desk.goto(f"{live_server.url}{reverse('cases:desk')}?case={case.number}")
    desk.keyboard.press("n")
    note = desk.locator("#act-dialog[open] textarea[name=note]")
    note.focus()
    desk.keyboard.insert_text("长" * 2001)
    expect(note).to_have_value("长" * 2001)
    expect(desk.locator("#act-dialog .err")).to_have_text("最多 2000 字，现有 2001 字，请删减。")
    desk.keyboard.press("Control+Enter")
    desk.keyboard.press("End")
    desk.keyboard.press("Backspace")
    expect(desk.locator("#act-dialog .err")).to_have_count(0)
    assert Case.objects.get(pk=case.pk).state == State.REPORTED
    desk.keyboard.press("Control+Enter")
    expect(desk.locator("#orders tbody tr")).to_have_count(0)
    assert Case.objects.get(pk=case.pk).state == State.DECLINED
    desk.wait_for_load_state("networkidle")


def test_many_orders_at_once_show_how_far_it_is(desk: Page, live_server: LiveServer, world: World) -> None:
    """Sent a few at a time; stopped between two batches, what was not sent stays ticked."""
    for n in range(24):
        report(world, description=f"第 {n} 处")
    desk.goto(live_server.url + reverse("cases:desk"))
    desk.check("[data-tick-all]")
    routes = held(desk, "**/bulk/accept/")
    press(desk, "[data-bulk=accept]")
    dialog = desk.locator("#bulk-dialog[open]")
    expect(dialog.get_by_role("status")).to_have_text("已处理 0/24 件")
    expect(desk.locator("#bulk-body")).to_have_attribute("aria-busy", "true")
    come(desk, routes, 1)
    routes[0].continue_()
    expect(dialog.get_by_role("status")).to_have_text("已处理 10/24 件")
    expect(dialog.get_by_role("progressbar")).to_have_js_property("value", 10)
    come(desk, routes, 2)
    desk.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    routes[1].continue_()
    expect(dialog.locator(".verdicts li")).to_have_count(20)
    expect(dialog.get_by_role("status")).to_have_text("已办理 20 件。 4 件未提交，仍保持勾选。")
    desk.keyboard.press("Escape")
    expect(desk.locator("#main")).to_be_focused()  # the list is another one; the keyboard goes on in it
    assert Case.objects.filter(state=State.ACCEPTED).count() == 20
    expect(desk.locator("#orders input[name=number]:checked")).to_have_count(4)
    press(desk, "[data-bulk=accept]")
    come(desk, routes, 3)
    routes[2].continue_()
    expect(dialog.locator(".verdicts li")).to_have_count(4)
    assert Case.objects.filter(state=State.ACCEPTED).count() == 24


def test_a_network_lost_between_two_batches_says_what_was_done(
    desk: Page, live_server: LiveServer, world: World, complaints: Complaints
) -> None:
    for n in range(12):
        report(world, description=f"第 {n} 处")
    desk.goto(live_server.url + reverse("cases:desk"))
    desk.check("[data-tick-all]")
    routes = held(desk, "**/bulk/accept/")
    press(desk, "[data-bulk=accept]")
    come(desk, routes, 1)
    routes[0].continue_()
    come(desk, routes, 2)
    routes[1].abort()
    dialog = desk.locator("#bulk-dialog[open]")
    expect(dialog.get_by_role("status")).to_have_text("已办理 10 件。 2 件未提交，仍保持勾选。")
    expect(desk.locator(".toast")).to_contain_text("没有网络")
    forgive(complaints)
