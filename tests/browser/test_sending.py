"""A form is sent once, keeps what it could not send, begins anew once it was taken, says what is too long."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from cases.models import Case
from cases.workflow import State
from partymembers.models import User
from tests.browser.conftest import Complaints
from tests.conftest import wait_for
from tests.factories.cases import World, bring_to, make_world, report
from tests.factories.people import PASSWORD
from tests.factories.pictures import picture_bytes

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SUBMIT = "button.btn-primary[type=submit]"
LONG = 10_000_000


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "IMG_0001.jpg"
    path.write_bytes(picture_bytes((800, 600)))
    return path


def signed_in(page: Page, live_server: LiveServer, user: User) -> Page:
    page.goto(f"{live_server.url}/login/")
    page.fill("#id_username", user.username)
    page.fill("#id_password", PASSWORD)
    page.click(SUBMIT)
    page.wait_for_url(lambda url: "/login/" not in url)
    return page


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


def fill(page: Page, picture: Path | None = None, words: str = "南门井盖松动") -> None:
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


def expect_empty(page: Page) -> None:
    expect(page.locator("#id_description")).to_have_value("")
    expect(page.locator("[data-matter]")).to_have_value("")
    expect(page.locator(".upload figure")).to_have_count(0)
    expect(page.locator("[data-draft-note]")).to_be_hidden()
    expect(page.locator(SUBMIT)).to_be_enabled()


def comes_back(page: Page) -> None:
    """As from the browser's memory of whole pages, which a test's browser does not keep."""
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")


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
