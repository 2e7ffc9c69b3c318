"""The whistle's pages: their width, targets and what axe says; and one found on the board and answered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from cases.models import Case, WhistleCall
from partymembers.models import User
from tests.browser.test_notifications import faults as violations
from tests.browser.test_wish_pages import faults_of
from tests.factories.party import Party, make_party
from tests.factories.whistles import answer, come, tell, whistle

pytestmark = pytest.mark.django_db(transaction=True)
LIST = reverse("cases:whistles")


@pytest.fixture
def party() -> Party:
    return make_party()


def whistled(party: Party) -> list[Case]:
    """Five orders, in each of which the same unit and member have got one step further."""
    w, at = party.world, timezone.now()
    called: dict[str, Any] = {
        "units": [w.other_unit],
        "branches": [party.committee],
        "members": [party.member],
    }
    cases = [whistle(w, at=at, need="路面塌陷，请各带两人到场，" * 8, **called) for _each in range(5)]
    for who in (w.other_handler, party.member):
        answer(cases[1], who, at=at)
        answer(cases[2], who, at=at, is_coming=False, note="在外地出差")
        for case in cases[3:]:
            come(case, who, at=at + timedelta(minutes=20))
        tell(cases[4], who, at=at + timedelta(minutes=50))
    return cases


def test_pages_of_whistles_fit_a_phone_a_finger_and_weak_eyes(
    party: Party, open_page: Any, live_server: Any, complaints: list[str]
) -> None:
    cases = whistled(party)
    lists = [LIST, f"{LIST}?tab=done"]

    def door(case: Case, action: str) -> str:
        return reverse("cases:act", args=[case.number, action])

    details = [reverse("cases:detail", args=[case.number]) for case in cases]
    steps = [door(cases[0], "answer_whistle"), door(cases[3], "report_whistle")]
    wanted: list[tuple[User | None, list[str]]] = [
        (party.world.other_handler, [*lists, *steps, *details]),
        (party.member, [*lists, *steps]),
        (party.secretary, lists),
        (party.world.street_desk, [door(cases[0], "end_whistle"), details[4]]),
    ]
    faults = faults_of(wanted, open_page, live_server.url)
    complaints.clear()  # the photos of these orders have no files
    assert not faults, "\n".join(faults)


def test_a_handler_finds_the_whistle_on_the_board_and_answers_there(
    party: Party, open_page: Any, live_server: Any, complaints: list[str]
) -> None:
    whistle(party.world, at=timezone.now())
    page = open_page(bypass_csp=True)  # axe is a script of the test
    client = Client()
    client.force_login(party.world.other_handler)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value}
    page.context.add_cookies([{**cookie, "url": live_server.url}])
    page.goto(f"{live_server.url}{reverse('cases:handling')}")
    expect(page.locator("[data-count-of=view-called]:visible")).to_have_text("1")
    page.locator("a[href='?view=called']:visible").click()
    row = page.locator("#orders tbody tr")
    expect(row).to_have_count(1)
    assert violations(page) == []
    row.locator("a").first.click()
    expect(page.locator("#pane .whistle")).to_contain_text("路面塌陷")
    assert violations(page) == []
    page.goto(live_server.url + LIST)
    page.locator("article footer .btn-primary").click()
    page.wait_for_load_state("networkidle")
    call = WhistleCall.objects.get(unit=party.world.other_unit)
    assert (call.answer, call.answered_by) == ("coming", party.world.other_handler)
    complaints.clear()
