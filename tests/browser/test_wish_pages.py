"""The asker's and the desk's pages of wishes on a phone: their width, targets, and what axe says."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from cases.actions.reporting import Contact
from cases.workflow import State
from partymembers.models import User
from tests.browser.test_looks import PHONE, SMALL
from tests.browser.test_notifications import faults as violations
from tests.factories.party import Party, ask, bring_wish_to, make_party

pytestmark = pytest.mark.django_db(transaction=True)
WORDS = "水龙头漏水，" * 30


@pytest.fixture
def party() -> Party:
    return make_party()


def pages(party: Party) -> list[tuple[User | None, list[str]]]:
    """Each kind of page once, by whom it is made for."""
    states = (State.ASKED, State.CLAIMED, State.BEGUN, State.DELIVERED, State.CLOSED)
    made = {state: bring_wish_to(party, state) for state in states}
    own = ask(party, asker=party.world.resident, words=WORDS)
    helped = ask(party, asker=party.world.worker, contact=Contact("李秀英"), words=WORDS)
    shown = [reverse("cases:wish", args=[case.number]) for case in made.values() if case.state != State.ASKED]
    orders = [reverse("cases:wish_order", args=[case.number]) for case in made.values()]
    forms = [
        reverse("cases:wish_desk_act", args=[made[state].number, action])
        for state, action in ((State.ASKED, "publish"), (State.ASKED, "decline"), (State.CLAIMED, "void"))
    ]
    lists = [reverse("cases:wish_desk") + f"?view={view}" for view in ("vet", "confirm", "ended")]
    public = reverse("cases:public_wish", args=[party.world.city.qr_code().token])
    links = [reverse("cases:public_follow_order", args=[case.follow_token]) for case in made.values()]
    mine = [reverse(f"cases:{name}") for name in ("my_wishes", "wish_ask")]
    rows = reverse("dashboard:party_rows") + "?period=year&part="
    counted = ("members_due", "wishes_asked", "services", "entries")
    figures = [reverse("dashboard:party") + "?period=year", *(rows + part for part in counted)]
    return [
        (None, [public, *links]),
        (party.world.resident, [*mine, reverse("cases:my_wish", args=[own.number])]),
        (party.world.worker, [reverse("cases:wish_ask"), reverse("cases:my_wish", args=[helped.number])]),
        (party.member, [reverse("cases:wishes"), reverse("cases:my_claims"), *shown]),
        (party.secretary, [reverse("cases:branch_wishes"), reverse("cases:wish_needs"), *figures, *shown]),
        (party.world.desk, [*lists, *orders, *forms]),
    ]


def test_pages_of_wishes_fit_a_phone_a_finger_and_weak_eyes(
    party: Party, open_page: Any, live_server: Any, complaints: list[str]
) -> None:
    faults = faults_of(pages(party), open_page, live_server.url)
    complaints.clear()  # the photos of these wishes have no files
    assert not faults, "\n".join(faults)


def faults_of(wanted: list[tuple[User | None, list[str]]], open_page: Any, server: str) -> list[str]:
    """What is too wide for a phone, too small for a finger or wrong to axe on these pages."""
    faults = []
    for user, paths in wanted:
        page = open_page(360, 2000, **PHONE)
        if user:
            client = Client()
            client.force_login(user)
            cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value}
            page.context.add_cookies([{**cookie, "url": server}])
        for path in paths:
            answer = page.goto(server + path)
            assert answer.status == 200, path
            wide = page.evaluate("document.documentElement.scrollWidth")
            faults += [f"{path} is {wide} px wide"] if wide != 360 else []
            faults += [f"{path} small: {each}" for each in page.evaluate(SMALL)]
            faults += [f"{path} {each}" for each in violations(page)]
    return faults
