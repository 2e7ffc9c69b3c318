"""The inbox in a real browser: on a desk and on a phone, read without leaving the page."""

from __future__ import annotations

import os
from typing import Any

import pytest
from django.conf import settings as project
from django.test import Client
from django.urls import reverse

from cases.actions import desk, oversight
from cases.escalation import sweep_ladder
from cases.models import CaseEvent, Notification
from cases.notify import in_app
from partymembers.models import User
from tests.factories.cases import MINUTE, NOON, World, bring_to, make_world, report
from tests.factories.catalogue import make_matter

pytestmark = pytest.mark.django_db(transaction=True)
AXE = project.BASE_DIR / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]
SHOTS = os.environ.get("SHOTS")


@pytest.fixture
def world() -> World:
    world = make_world()
    late = report(world)
    sweep_ladder(at=NOON + 45 * MINUTE)
    desk.decline_case(case_id=late.pk, actor=world.street_desk, at=NOON + 50 * MINUTE, note="不属于本清单")
    case = bring_to(world, "handled", at=NOON + 60 * MINUTE)
    oversight.supervise_case(
        case_id=case.pk, actor=world.official, at=NOON + 80 * MINUTE, note="本周五前办好"
    )
    report(world, at=NOON + 90 * MINUTE, matter=make_matter(name="燃气泄漏", urgency="urgent"))
    in_app(list(CaseEvent.objects.order_by("pk")))
    return world


def visit(open_page: Any, live_server: Any, user: User, path: str, **options: Any) -> Any:
    client = Client()
    client.force_login(user)
    page = open_page(bypass_csp=True, **options)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    page.context.add_cookies([cookie])
    page.goto(live_server.url + path)
    return page


def faults(page: Any) -> list[str]:
    """What axe finds wrong with the page."""
    page.add_script_tag(path=str(AXE))
    found = page.evaluate(f"axe.run(document, {{runOnly: {RULES}}})")
    return [f"{each['id']} {node['html']}" for each in found["violations"] for node in each["nodes"]]


def shoot(page: Any, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def test_a_message_is_read_where_it_stands(world: World, open_page: Any, live_server: Any) -> None:
    page = visit(open_page, live_server, world.desk, reverse("cases:notifications"))
    unread = Notification.objects.filter(recipient=world.desk, read_at=None)
    before, lines = unread.count(), page.locator(".notices > li[data-unread]").count()
    shoot(page, "notifications-desk")
    first = page.locator(".notices > li").first
    first.locator("form button").click()
    page.wait_for_function("() => !document.querySelector('.notices > li').hasAttribute('data-unread')")
    assert unread.count() == before - 1
    assert page.locator(".notices > li[data-unread]").count() == lines - 1
    assert page.url.endswith(reverse("cases:notifications"))
    assert faults(page) == []


def test_on_a_phone_nothing_overflows_and_a_message_opens_its_order(
    world: World, open_page: Any, live_server: Any
) -> None:
    page = visit(open_page, live_server, world.worker, reverse("cases:notifications"), width=390, height=844)
    shoot(page, "notifications-phone")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert faults(page) == []
    page.locator(".notices a.what").last.click()
    page.wait_for_url("**/orders/**")
    assert Notification.objects.filter(recipient=world.worker, read_at__isnull=False).count() == 1


def test_an_empty_inbox(world: World, open_page: Any, live_server: Any) -> None:
    page = visit(
        open_page, live_server, world.other_worker, reverse("cases:notifications"), width=360, height=640
    )
    shoot(page, "notifications-empty")
    assert "还没有消息" in page.content()
    assert faults(page) == []


def test_the_bell_follows_without_reload_and_a_hidden_page_asks_nothing(
    world: World, open_page: Any, live_server: Any
) -> None:
    client = Client()
    client.force_login(world.desk)
    page = open_page(bypass_csp=True)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    page.context.add_cookies([cookie])
    page.clock.install()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/unread/" in request.url else None)
    page.goto(live_server.url + reverse("cases:desk"))
    before = int(page.locator(".bell [data-unread]").first.inner_text())
    report(world, at=NOON + 95 * MINUTE)
    in_app(list(CaseEvent.objects.order_by("pk")))
    page.clock.run_for(31_000)
    told = f"document.querySelector('.bell [data-unread]').textContent == '{before + 1}'"
    page.wait_for_function(told)
    assert len(asked) == 1
    assert page.url.endswith(reverse("cases:desk"))

    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    report(world, at=NOON + 96 * MINUTE)
    in_app(list(CaseEvent.objects.order_by("pk")))
    page.clock.run_for(300_000)
    assert len(asked) == 1
    page.evaluate("Object.defineProperty(document, 'hidden', {value: false, configurable: true})")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_function(told.replace(str(before + 1), str(before + 2)))
    assert len(asked) == 2
