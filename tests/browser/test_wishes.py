"""The wish wall on a phone: the sheet that says what one promises, the claim, the nearest by position."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from cases.actions import wishes
from cases.models import Case, Claim
from cases.workflow import State
from partymembers.models import User
from tests.factories.party import Party, ask, make_party, publishing

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def party() -> Party:
    return make_party()


def publish(party: Party, title: str) -> Case:
    at = timezone.now() - timedelta(minutes=5)
    case = ask(party, at=at)
    day = timezone.localdate() + timedelta(days=10)
    wishes.publish_wish(
        case_id=case.pk, publishing=publishing(title=title, deliver_by=day), actor=party.world.desk, at=at
    )
    return case


def phone_of(open_page: Any, live_server: LiveServer, user: User, **options: Any) -> Page:
    client = Client()
    client.force_login(user)
    page: Page = open_page(390, 844, has_touch=True, **options)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    page.context.add_cookies([cookie])  # type: ignore[list-item]
    return page


def test_a_member_claims_on_the_phone(open_page: Any, live_server: LiveServer, party: Party) -> None:
    case = publish(party, "想修好漏水的水龙头")
    phone = phone_of(open_page, live_server, party.member)
    phone.goto(live_server.url + reverse("cases:wishes"))
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    phone.get_by_role("link", name="我来接单").tap()
    sheet = phone.locator("#act")
    expect(sheet).to_be_visible()
    expect(sheet).to_contain_text("接下这个心愿")
    sheet.get_by_role("button", name="取消").tap()
    expect(sheet).to_be_hidden()
    assert not Claim.objects.exists()
    phone.get_by_role("link", name="我来接单").tap()
    sheet.get_by_role("button", name="我承诺，接单").tap()
    phone.wait_for_url("**" + reverse("cases:wish", args=[case.number]))
    expect(phone.locator(".toast").first).to_contain_text("已接单")
    expect(phone.locator("main")).to_contain_text("确认接单后")
    case.refresh_from_db()
    assert case.state == State.CLAIMED


def test_somebody_was_faster(open_page: Any, live_server: LiveServer, party: Party, complaints: Any) -> None:
    case = publish(party, "想修好漏水的水龙头")
    phone = phone_of(open_page, live_server, party.member)
    phone.goto(live_server.url + reverse("cases:wishes"))
    wishes.claim_wish(case_id=case.pk, actor=party.second_member, at=timezone.now())
    complaints.forgive("Failed to load resource", "Response Status Error Code 409")
    phone.get_by_role("link", name="我来接单").tap()
    expect(phone.locator("body")).to_contain_text("刚被改过")
    expect(phone.locator("body")).not_to_contain_text(party.second_member.name)


def test_the_nearest_by_position_is_asked_for_and_rounded(
    open_page: Any, live_server: LiveServer, party: Party
) -> None:
    publish(party, "想修好漏水的水龙头")
    lng, lat = party.world.city.inside(party.world.city.east_1)
    here = {"longitude": lng + 0.0004321, "latitude": lat}
    phone = phone_of(open_page, live_server, party.member, geolocation=here, permissions=["geolocation"])
    phone.goto(live_server.url + reverse("cases:wishes"))
    phone.get_by_role("button", name="离我最近").tap()
    phone.locator("#wanted button.btn-primary").tap()
    phone.wait_for_url("**lng=*")
    assert f"lng={here['longitude']:.3f}" in phone.url
    expect(phone.locator(".wish").first).to_be_visible()
