"""A resident without an account, in a real browser: report by the code on the wall, follow, urge, rate."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from cases.actions.checking import pass_check
from cases.actions.desk import accept_case, dispatch_case
from cases.actions.handling import acknowledge_case, finish_case
from cases.models import Case
from cases.workflow import State
from tests.browser.complaints import Complaints
from tests.factories.cases import World, make_attachment, make_world

NOT_LOADED = "Failed to load resource: the server responded with a status of"
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def follow(open_page: Any, live_server: LiveServer, world: World) -> Page:
    """The page that follows a report just made at the door."""
    phone: Page = open_page(390, 844, has_touch=True)
    phone.goto(live_server.url + reverse("cases:public_report", args=[world.city.qr_code().token]))
    phone.locator("button.pick").click()
    phone.locator(f"#picker button[data-choose='{world.matter.pk}']:visible").first.click()
    phone.fill("#id_description", "单元门口的箅子没了")
    phone.locator("button.btn-primary[type=submit]").click()
    phone.wait_for_url("**/f/**")
    return phone


def close(world: World, case: Case) -> None:
    """From the desk to the check."""
    at = timezone.now() - timedelta(minutes=1)
    accept_case(case_id=case.pk, actor=world.desk, at=at)
    dispatch_case(case_id=case.pk, unit=world.unit, actor=world.desk, at=at)
    acknowledge_case(case_id=case.pk, actor=world.handler, at=at)
    photo = make_attachment(world.handler, at=at)
    finish_case(case_id=case.pk, actor=world.handler, at=at, note="已补装", attachments=[photo])
    pass_check(case_id=case.pk, actor=world.second_worker, at=at)


def test_the_link_takes_what_the_resident_sends(follow: Page) -> None:
    """A page that hides its address from every referrer posts as a stranger, and is refused as forged."""
    follow.get_by_role("button", name="催办").click()
    expect(follow.locator(".toast")).to_contain_text("已催办")
    follow.get_by_text("补充情况", exact=True).click()
    follow.fill("#id_note", "晚上看不清，有人绊过")
    follow.get_by_role("button", name="补充", exact=True).click()
    expect(follow.locator(".toast").last).to_contain_text("已补充")
    follow.get_by_role("button", name="撤回").click()
    follow.locator("#confirm-dialog [data-confirm-yes]").click()
    expect(follow.locator(".toast").last).to_contain_text("已撤回")
    case = Case.objects.get()
    assert case.state == State.VOIDED
    assert list(case.events.filter(kind__in=["urge", "add_information"]).values_list("kind", flat=True)) == [
        "urge",
        "add_information",
    ]


@pytest.mark.parametrize(("answer", "state"), [("yes", State.CLOSED), ("no", State.HANDLING)])
def test_a_rating_is_kept_and_not_solved_opens_the_order_again(
    follow: Page, world: World, complaints: Complaints, answer: str, state: State
) -> None:
    complaints.forgive(f"{NOT_LOADED} 404")  # the photo is a row without a file
    close(world, Case.objects.get())
    follow.reload()
    follow.locator(f"label:has(input[name=solved][value={answer}])").click()
    follow.locator("label:has(input[value=satisfied])").click()
    follow.get_by_role("button", name="提交评价").click()
    expect(follow.locator(".toast")).to_contain_text("谢谢")
    assert Case.objects.get().state == state
