"""The loop in a real browser: a phone in the street, a desk by keyboard, a handler, a check, the figures."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from cases.actions.routing import route_case
from cases.models import Attachment, Case
from cases.workflow import State
from partymembers.models import User
from tests.factories.cases import World, make_world, report
from tests.factories.pictures import picture_bytes

pytestmark = pytest.mark.django_db(transaction=True)
SHOTS = os.environ.get("SHOTS")
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def world() -> World:
    return make_world()


def visit(open_page: Any, live_server: Any, user: User, path: str, **options: Any) -> Any:
    """A browser of the user's own, signed in, at a page of the portal."""
    client = Client()
    client.force_login(user)
    page = open_page(**options)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    page.context.add_cookies([cookie])
    page.goto(live_server.url + path)
    return page


def shoot(page: Any, name: str) -> None:
    if SHOTS:
        page.wait_for_timeout(300)
        page.screenshot(path=f"{SHOTS}/{name}.png")


def eventually(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    """The first true answer; the last one when none came in time."""
    ends = time.monotonic() + seconds
    while not (answer := condition()) and time.monotonic() < ends:
        time.sleep(0.05)
    return answer


def photo(path: Path) -> str:
    path.write_bytes(picture_bytes((1200, 900), color=(120, 110, 90)))
    return str(path)


def add_photo(page: Any, path: Path, name: str = "photos") -> None:
    """Choose a file where the camera would open, and wait until the portal has it."""
    before = Attachment.objects.count()
    page.set_input_files(f"[data-photos][data-name={name}] .album input[type=file]", photo(path))
    assert eventually(lambda: Attachment.objects.count() > before)
    page.locator(f"[data-photos][data-name={name}] input[type=hidden][name={name}]").first.wait_for(
        state="attached"
    )


def opened(page: Any) -> str:
    """The number of the order in the pane beside the list."""
    head = page.locator("#pane [data-order]")
    return head.get_attribute("data-order") if head.count() else ""


def test_from_the_street_to_the_dashboard(
    world: World, open_page: Any, live_server: Any, tmp_path: Path
) -> None:
    lng, lat = world.city.inside(world.city.west_1)
    here = {"latitude": lat, "longitude": lng, "accuracy": 8}
    street = {**PHONE, "geolocation": here, "permissions": ["geolocation"]}

    phone = visit(open_page, live_server, world.worker, reverse("cases:report"), **street)
    assert eventually(lambda: world.city.west_1.name in phone.locator("#r-where").inner_text())
    add_photo(phone, tmp_path / "before.jpg")
    phone.locator("button.pick").click()
    phone.locator(f"#picker button[data-choose='{world.matter.pk}']:visible").first.click()
    phone.fill("#id_description", "箅子缺失，路人绊倒")
    shoot(phone, "story-1-report")
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
    phone.locator("button[form=report-form]").click()
    phone.wait_for_url("**/reported/")
    shoot(phone, "story-2-reported")
    case = Case.objects.get()
    assert (case.place, case.attachments.count()) == (world.city.west_1, 1)
    route_case(case_id=case.pk, at=case.reported_at)

    desk = visit(open_page, live_server, world.desk, reverse("cases:desk"))
    desk.keyboard.press("j")
    assert eventually(lambda: opened(desk)) == case.number
    shoot(desk, "story-3-desk")
    desk.keyboard.press("a")
    assert eventually(lambda: desk.locator("#pane #dispatch-title").count())
    assert Case.objects.get().state == State.ACCEPTED
    shoot(desk, "story-4-accepted")
    desk.keyboard.press("d")
    assert eventually(lambda: Case.objects.get().state == State.DISPATCHED)

    unit = visit(open_page, live_server, world.handler, reverse("cases:handling"))
    unit.keyboard.press("j")
    assert eventually(lambda: opened(unit)) == case.number
    unit.keyboard.press("Enter")
    unit.locator("#act-dialog[open] #act-title").wait_for()
    unit.keyboard.press("Control+Enter")
    assert eventually(lambda: Case.objects.get().state == State.HANDLING)
    assert eventually(lambda: not unit.locator("#act-dialog[open]").count())
    finish = f"a[href^='{reverse('cases:act', args=[case.number, 'finish'])}']"
    unit.locator(f"#pane {finish}").first.click()
    unit.locator("#act-dialog[open] textarea[name=note]").fill("已补装新箅子")
    add_photo(unit, tmp_path / "after.jpg")
    shoot(unit, "story-5-finish")
    unit.keyboard.press("Control+Enter")
    assert eventually(lambda: Case.objects.get().state == State.HANDLED)

    check = visit(open_page, live_server, world.second_worker, reverse("cases:today"), **street)
    shoot(check, "story-6-today")
    check.locator(f"a[href='{reverse('cases:verify', args=[case.number])}']").click()
    check.locator("form.v-body").wait_for()
    add_photo(check, tmp_path / "check.jpg")
    shoot(check, "story-7-verify")
    check.locator("button[value=check_pass]").click()
    assert eventually(lambda: Case.objects.get().state == State.CLOSED)

    official = visit(open_page, live_server, world.official, reverse("dashboard:overview"))
    shoot(official, "story-8-dashboard")
    official.goto(live_server.url + reverse("dashboard:cases") + "?part=accepted")
    assert case.number in official.locator("main").inner_text()
    official.locator(f"a[href='{reverse('cases:detail', args=[case.number])}']").first.click()
    official.wait_for_url(f"**/orders/{case.number}/")
    shoot(official, "story-9-order")
    assert "已补装新箅子" in official.locator("main").inner_text()
    assert "箅子缺失，路人绊倒" in official.locator("main").inner_text()


def test_a_desk_works_through_its_list(world: World, open_page: Any, live_server: Any) -> None:
    """Ticks and verdicts, the filter stays, the next row opens, and new orders are announced."""
    cases = [report(world, description=f"第 {n} 处") for n in range(4)]
    for case in cases:
        route_case(case_id=case.pk, at=case.reported_at)
    address = reverse("cases:desk") + "?view=mine&channel=grid_worker"
    desk = visit(open_page, live_server, world.desk, address)
    listed = desk.locator("#orders tbody tr").evaluate_all("rows => rows.map(row => row.dataset.number)")
    assert sorted(listed) == [case.number for case in cases]

    desk.keyboard.press("j")
    assert eventually(lambda: opened(desk)) == listed[0]
    desk.keyboard.press("n")  # decline: its form wants a reason
    desk.locator("#act-dialog[open] textarea[name=note]").fill("不属于本清单")
    desk.keyboard.press("Control+Enter")
    assert eventually(lambda: opened(desk) == listed[1])
    assert Case.objects.get(number=listed[0]).state == State.DECLINED
    assert "channel=grid_worker" in desk.url
    assert f"case={listed[1]}" in desk.url

    for number in listed[1:3]:
        desk.locator(f"#orders input[value='{number}']").check()
    shoot(desk, "desk-ticked")
    desk.locator("[data-bulk=accept]").click()
    desk.locator("#bulk-dialog[open] .verdicts").wait_for()
    shoot(desk, "desk-verdicts")
    assert desk.locator("#bulk-dialog .verdicts li").count() == 2
    desk.locator("#bulk-dialog [data-close-dialog]").click()
    states = Case.objects.filter(number__in=listed[1:3]).values_list("state", flat=True)
    assert set(states) == {State.ACCEPTED}

    for number in listed[1:3]:
        desk.locator(f"#orders tr[data-number='{number}'][data-actions~=dispatch] input").check()
    desk.locator("[data-bulk=dispatch]").click()
    desk.locator("#bulk-dialog[open] .verdicts").wait_for()
    assert eventually(lambda: Case.objects.filter(unit=world.unit).count() == 2)
    desk.locator("#bulk-dialog [data-close-dialog]").click()
    assert eventually(lambda: desk.locator("#orders tbody tr").count() == 1)

    late = report(world, description="刚刚上报")
    desk.evaluate(
        """async url => { const answer = await fetch(url); const detail = await answer.json();
        document.dispatchEvent(new CustomEvent('gezhi:news', { detail })); }""",
        desk.locator("body").get_attribute("data-live"),
    )
    show = desk.locator(".toasts a", has_text="显示")
    show.wait_for()
    shoot(desk, "desk-news")
    show.click()
    assert eventually(lambda: desk.locator(f"#orders tr[data-number='{late.number}']").count() == 1)
