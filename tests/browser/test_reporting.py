"""A worker's phone in a real browser: four taps, a broken network, a page that comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from cases.catalogue import touch_catalogue
from cases.models import Attachment, Case
from cases.workflow import State
from tests.browser.complaints import Complaints
from tests.conftest import wait_for
from tests.factories.cases import World, bring_to
from tests.factories.people import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
AXE = project.BASE_DIR / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]
SUBMIT = "button.btn-primary[type=submit]"


@pytest.fixture
def phone(open_page: Any, live_server: LiveServer, world: World) -> Page:
    """The worker's phone, signed in, standing in grid west_1."""
    lng, lat = world.city.inside(world.city.west_1)
    here = {"latitude": lat, "longitude": lng, "accuracy": 8}
    page = open_page(360, 640, geolocation=here, permissions=["geolocation"], has_touch=True)
    page.goto(f"{live_server.url}/login/")
    page.fill("#id_username", world.worker.username)
    page.fill("#id_password", PASSWORD)
    page.click(SUBMIT)
    page.wait_for_url("**/today/")
    return page


def open_report(phone: Page, live_server: LiveServer) -> None:
    phone.goto(f"{live_server.url}/report/")
    expect(phone.locator("#r-where .badge")).to_have_text("西涧社区第1网格")


#: What the browser says by itself of a lost network, or of an answer 4xx that the test is about.
EXPECTED = ("Failed to load", "htmx:")


def fill(phone: Page, picture: Path) -> None:
    phone.set_input_files(".shoot input", str(picture))
    phone.locator("#picker [data-choose]").first.dispatch_event("click")
    expect(phone.locator("[data-pick-name]")).to_have_text("雨水箅子")


def test_four_taps_report_a_problem(phone: Page, live_server: LiveServer, picture: Path) -> None:
    open_report(phone, live_server)
    expect(phone.locator(SUBMIT)).to_be_in_viewport(ratio=1)
    phone.set_input_files(".shoot input", str(picture))
    expect(phone.locator(".upload input[name=photos][type=hidden]")).to_have_count(1)
    phone.click(".pick")
    phone.click("#picker .pk-minor:not([hidden]) [data-choose]")
    phone.click(SUBMIT)
    phone.wait_for_url("**/reported/")
    case = Case.objects.get()
    assert (case.place.name, case.accuracy_m, case.attachments.count()) == ("西涧社区第1网格", 8.0, 1)
    expect(phone.locator("main")).to_contain_text(case.number)


def test_without_network_the_report_waits_and_is_sent_once(
    phone: Page, live_server: LiveServer, picture: Path, complaints: Complaints
) -> None:
    open_report(phone, live_server)
    phone.context.set_offline(True)
    fill(phone, picture)
    phone.fill("#id_description", "没有网络时写的")
    phone.click(SUBMIT)
    expect(phone.locator(".toast")).to_contain_text("已存入发送箱")
    expect(phone.locator("#id_description")).to_have_value("")
    assert Case.objects.count() == 0
    phone.context.set_offline(False)
    case = wait_for(Case.objects.first)
    assert case.description == "没有网络时写的"
    assert Attachment.objects.filter(case=case).count() == 1
    phone.goto(f"{live_server.url}/outbox/")
    expect(phone.locator("[data-outbox-list]")).to_contain_text("已送达")
    assert Case.objects.count() == 1
    complaints.forgive(*EXPECTED)


def test_a_page_opened_without_network_reports_too_each_time_anew(
    phone: Page, live_server: LiveServer, picture: Path, complaints: Complaints
) -> None:
    open_report(phone, live_server)
    phone.evaluate("navigator.serviceWorker.ready")
    phone.reload()  # through the worker, which keeps it
    expect(phone.locator("#r-where .badge")).to_be_visible()
    phone.context.set_offline(True)
    ids = set()
    for _each in range(2):
        phone.goto(f"{live_server.url}/report/")
        fill(phone, picture)
        ids.add(phone.input_value("#id_client_id"))
        wait_for(lambda: phone.input_value("#id_lat"))
        phone.click(SUBMIT)
        expect(phone.locator(".toast")).to_contain_text("已存入发送箱")
    assert len(ids) == 2
    phone.context.set_offline(False)
    wait_for(lambda: Case.objects.count() == 2)
    complaints.forgive(*EXPECTED)


def test_a_report_that_the_server_refuses_stays_in_the_outbox_with_the_reason(
    phone: Page, live_server: LiveServer, world: World, picture: Path, complaints: Complaints
) -> None:
    open_report(phone, live_server)
    phone.context.set_offline(True)
    fill(phone, picture)
    phone.click(SUBMIT)
    expect(phone.locator(".toast")).to_contain_text("已存入发送箱")
    type(world.matter).objects.update(retired_at="2026-01-01T00:00:00Z")
    touch_catalogue()
    phone.goto("about:blank")
    phone.context.set_offline(False)
    phone.goto(f"{live_server.url}/outbox/")
    expect(phone.locator("[data-outbox-list]")).to_contain_text("已不在清单里")
    phone.get_by_role("button", name="去补").click()
    phone.wait_for_url("**/report/")
    expect(phone.locator(".upload figure")).to_have_count(1)
    complaints.forgive(*EXPECTED)


def test_the_browsers_back_button_never_sends_under_the_first_reports_id(
    phone: Page, live_server: LiveServer, picture: Path
) -> None:
    for count in (1, 2):
        if count == 1:
            open_report(phone, live_server)
        else:
            phone.go_back()
            wait_for(lambda: phone.input_value("#id_lat"))
        fill(phone, picture)
        phone.click(SUBMIT)
        phone.wait_for_url("**/reported/")
        assert Case.objects.count() == count


def test_what_is_missing_is_told_and_nothing_is_lost(
    phone: Page, live_server: LiveServer, picture: Path, complaints: Complaints
) -> None:
    open_report(phone, live_server)
    phone.set_input_files(".shoot input", str(picture))
    phone.fill("#id_description", "路边井盖")
    phone.click(SUBMIT)
    expect(phone.locator(".error-summary")).to_contain_text("还差 1 处")
    expect(phone.locator("#id_description")).to_have_value("路边井盖")
    expect(phone.locator(".upload figure.photo")).to_have_count(1)
    complaints.forgive(*EXPECTED)


def test_a_check_on_the_spot_in_a_sheet(
    phone: Page, live_server: LiveServer, world: World, picture: Path, complaints: Complaints
) -> None:
    case = bring_to(world, State.HANDLED)
    phone.goto(f"{live_server.url}/today/")
    expect(phone.locator("[data-distance]")).to_have_text("1 米")
    phone.click("a[data-sheet=verify]")
    expect(phone.locator("#verify [data-here]")).to_contain_text("你在现场")
    phone.set_input_files("#verify .shoot input", str(picture))
    expect(phone.locator("#verify input[name=photos][type=hidden]")).to_have_count(1)
    phone.click("#verify [value=check_pass]")
    expect(phone.locator(".toast")).to_contain_text("核查通过")
    case.refresh_from_db()
    assert (case.state, case.attachments.filter(role="check").count()) == (State.CLOSED, 1)
    complaints.forgive(*EXPECTED)  # the factory's pictures have no files


@pytest.mark.parametrize("path", ["/report/", "/today/", "/mine/", "/outbox/", "/follow/", "/r/{code}/"])
def test_nothing_is_in_the_way_of_people_who_cannot_see_well(
    open_page: Any, live_server: LiveServer, world: World, path: str
) -> None:
    bring_to(world, State.HANDLING)
    client = Client()
    client.force_login(world.worker)
    page = open_page(390, 844, bypass_csp=True)
    session = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    if not path.startswith(("/r/", "/follow/")):
        page.context.add_cookies([session])
    page.goto(live_server.url + path.format(code=world.city.qr_code().token))
    page.wait_for_load_state("networkidle")
    page.add_script_tag(path=str(AXE))
    found = page.evaluate(f"axe.run(document, {{runOnly: {RULES}}})")
    assert [f"{each['id']} {node['html']}" for each in found["violations"] for node in each["nodes"]] == []
