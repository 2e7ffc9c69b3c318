"""A form is sent once, however often its button is pressed, and with the button that was pressed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from cases.models import Case
from cases.workflow import State
from tests.browser.complaints import Complaints
from tests.browser.sending import SUBMIT, come, comes_back, fill, forgive, held, press
from tests.conftest import wait_for
from tests.factories.cases import World, bring_to, report

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def state_of(page: Page, form: str, button: str) -> list[Any]:
    """Whether form and button say that they are busy, and whether the button is off."""
    found: list[Any] = page.evaluate(
        """([form, button]) => [document.querySelector(form).ariaBusy,
        document.querySelector(button).ariaBusy,
        document.querySelector(button).disabled]""",
        [form, button],
    )
    return found


def expect_one_sending(page: Page, routes: list[Route], form: str, button: str) -> None:
    """Pressed, pressed again, and sent by the keyboard: one request; busy to see and to hear."""
    page.focus(button)
    press(page, button)
    come(page, routes)
    assert state_of(page, form, button) == ["true", "true", True]
    press(page, button)
    page.evaluate("selector => document.querySelector(selector).requestSubmit()", form)
    page.wait_for_timeout(300)
    assert len(routes) == 1


def test_a_plain_form_is_sent_once(visitor: Page) -> None:
    """The page notes what it sees by itself, since a test waits while a page is on its way."""
    fill(visitor)
    sent: list[str] = []
    visitor.on("request", lambda each: sent.append(each.url) if each.method == "POST" else None)
    visitor.evaluate(
        """([form, button]) => {
        const [f, b] = [form, button].map(each => document.querySelector(each));
        setTimeout(() => { b.click(); b.click(); f.requestSubmit(); setTimeout(() => {
            f.requestSubmit();
            sessionStorage.setItem("seen", [f.ariaBusy, b.ariaBusy, b.disabled].join());
        }, 10); }); }""",
        ["#report-form", SUBMIT],
    )
    visitor.wait_for_url("**/f/**")
    assert visitor.evaluate("sessionStorage.getItem('seen')") == "true,true,true"
    assert len([url for url in sent if "/r/" in url]) == 1


def test_a_form_that_comes_back_may_be_sent_again(visitor: Page) -> None:
    fill(visitor)
    visitor.evaluate(
        "gezhi.hold(document.querySelector('#report-form'), document.querySelector('.r-submit button'))"
    )
    expect(visitor.locator(SUBMIT)).to_be_disabled()
    comes_back(visitor)
    assert state_of(visitor, "#report-form", SUBMIT) == [None, None, False]
    expect(visitor.locator("#id_description")).to_have_value("南门井盖松动")


def test_a_form_sent_by_a_script_is_sent_once(phone: Page, picture: Path) -> None:
    fill(phone, picture)
    routes = held(phone, "**/report/")
    expect_one_sending(phone, routes, "#report-form", SUBMIT)
    routes[0].continue_()
    phone.wait_for_url("**/reported/")
    assert Case.objects.count() == 1


def test_a_form_sent_by_htmx_is_sent_once(
    desk: Page, live_server: LiveServer, world: World, complaints: Complaints
) -> None:
    case = report(world)
    desk.goto(live_server.url + reverse("cases:act", args=[case.number, "decline"]))
    desk.fill("textarea[name=note]", "不属于本清单")
    button, routes = ".act-form .btn-primary", held(desk, "**/decline/")
    expect_one_sending(desk, routes, ".act-form", button)
    routes[0].abort()
    expect(desk.locator(button)).to_be_enabled()
    expect(desk.locator(button)).to_be_focused()
    press(desk, button)
    come(desk, routes, 2)
    routes[1].continue_()
    wait_for(lambda: Case.objects.get(pk=case.pk).state == State.DECLINED)
    forgive(complaints)


def test_the_button_that_was_pressed_is_sent_with_its_value(
    phone: Page, live_server: LiveServer, world: World, complaints: Complaints
) -> None:
    case = bring_to(world, State.HANDLED)
    phone.goto(live_server.url + reverse("cases:verify", args=[case.number]))
    phone.fill("#id_verify_note", "箅子还是松的")
    phone.click("[value=check_fail]")
    wait_for(lambda: Case.objects.get(pk=case.pk).state != State.HANDLED)
    assert Case.objects.get(pk=case.pk).reworks == 1
    phone.wait_for_load_state("networkidle")
    forgive(complaints)  # the factory's pictures have no files
