"""What a style or a template breaks silently: pages wider than a phone, small targets, pale text."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect
from pytest_django import Settings

from cases.models import Case, CaseEvent
from cases.notify import in_app
from partymembers.models import User
from tests.browser.test_notifications import faults as violations
from tests.factories.cases import World, bring_to, make_world

pytestmark = pytest.mark.django_db(transaction=True)
LONG = {"address": "清流东路与育新路交叉口东北角快递驿站门前的人行道", "description": "路面塌陷，" * 30}
PHONE = {"has_touch": True, "is_mobile": True, "service_workers": "block", "bypass_csp": True}
STATES = ("reported", "accepted", "dispatched", "handling", "handled", "suspended", "closed")

#: Targets less high than 44 px that a finger is meant to hit: a link inside a sentence is none, nor is what
#: only a screen reader meets. A label and a pseudo-element that stretches the target count.
SMALL = """() => {
  const isMeant = (each) => each.checkVisibility({ visibilityProperty: true })
    && !each.closest(".sr, .skip, .trap, p") && each.getBoundingClientRect().width > 1;
  const height = (each) => {
    const after = getComputedStyle(each, "::after");
    const boxes = [each, each.closest("label")].filter(Boolean).map((box) => box.getBoundingClientRect());
    const stretched = after.position === "absolute" ? parseFloat(after.height) : 0;
    return Math.max(...boxes.map((box) => box.height), stretched);
  };
  return [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, summary")]
    .filter((each) => isMeant(each) && height(each) < 43.5).map((each) => each.outerHTML.slice(0, 90));
}"""


@pytest.fixture
def world() -> World:
    world = make_world()
    for state in STATES:
        bring_to(world, state, **LONG)
    in_app(list(CaseEvent.objects.order_by("pk")))
    return world


def pages(world: World) -> list[tuple[User | None, list[str]]]:
    """Who opens what: each kind of page once, by a role that it is made for."""
    orders = dict(Case.objects.values_list("state", "number"))

    def of(route: str, state: str) -> str:
        return reverse(f"cases:{route}", args=[orders[state]])

    own = [reverse("cases:notifications"), reverse("profile"), reverse("cases:search") + "?q=清流东路"]
    own += [f"{own[0]}?order={orders['reported']}", reverse("cases:notification_settings")]
    public = reverse("cases:public_report", args=[world.city.qr_code().token])
    figures = reverse("dashboard:overview")
    party = [reverse("dashboard:party"), reverse("dashboard:party_rows") + "?part=members_due"]
    desk = [reverse("cases:desk") + "?view=all", *(of("detail", state) for state in STATES)]
    worker = [reverse(f"cases:{name}") for name in ("today", "mine", "report", "outbox")]
    return [
        (None, [reverse("login"), reverse("cases:public_follow"), public]),
        (world.worker, [*worker, of("detail", "reported"), of("reported", "reported"), *own]),
        (world.second_worker, [of("verify", "handled")]),
        (world.desk, [*desk, reverse("cases:qr_codes"), reverse("password_change"), *own]),
        (world.handler, [reverse("cases:handling"), of("detail", "handling")]),
        (world.resident, [reverse("cases:mine"), *own]),
        (world.official, [figures, reverse("dashboard:cases") + "?part=reported", *party]),
        (world.other_desk, [of("detail", "handling")]),  # not found
    ]


def test_every_page_fits_a_phone_a_finger_and_weak_eyes(
    world: World, open_page: Any, live_server: Any, complaints: list[str], settings: Settings
) -> None:
    settings.OUTBOUND_CHANNELS = ["mail", "sms"]
    faults = []
    for user, paths in pages(world):
        page = open_page(360, 2000, **PHONE)  # tall, so that no bar lies over a target
        if user:
            client = Client()
            client.force_login(user)
            cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value}
            page.context.add_cookies([{**cookie, "url": live_server.url}])
        for path in paths:
            page.goto(live_server.url + path)
            wide = page.evaluate("document.documentElement.scrollWidth")
            faults += [f"{path} is {wide} px wide"] if wide != 360 else []
            faults += [f"{path} small: {each}" for each in page.evaluate(SMALL)]
            faults += [f"{path} {each}" for each in violations(page)]
    complaints.clear()  # the photos of these orders have no files
    assert not faults, "\n".join(faults)


def test_the_figures_of_the_party_have_no_fault_on_a_wide_page(
    world: World, open_page: Any, live_server: Any
) -> None:
    client = Client()
    client.force_login(world.official)
    page = open_page(1440, 900, bypass_csp=True)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    page.context.add_cookies([cookie])
    page.goto(live_server.url + reverse("dashboard:party"))
    assert violations(page) == []


def test_between_phone_and_desk_an_order_lies_over_the_list_only_while_it_is_open(
    world: World, open_page: Any, live_server: Any, complaints: list[str]
) -> None:
    client = Client()
    client.force_login(world.desk)
    page = open_page(1100, 900)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    page.context.add_cookies([cookie])
    page.goto(f"{live_server.url}{reverse('cases:desk')}?view=all")
    pane = page.locator("#pane")
    expect(pane).to_be_hidden()
    page.locator("#orders tbody tr").first.click()
    expect(pane).to_be_visible()
    page.locator("[data-close-pane]").click()
    expect(pane).to_be_hidden()
    expect(pane.locator("[data-key]")).to_have_count(0)  # no key works on what is closed
    page.set_viewport_size({"width": 390, "height": 844})  # no column of views, no search in the bar
    page.locator("[popovertarget=nav-menu]").click()
    expect(page.locator(f"#nav-menu a[href='{reverse('cases:search')}']")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("[popovertarget=by-view]").click()
    page.locator("#by-view a[href='?view=late']").click()
    expect(page.locator("#by-view [aria-current]")).to_have_attribute("href", "?view=late")
    complaints.clear()
