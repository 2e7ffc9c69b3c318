"""Nobody learns of an order by an action, a search, a total, a sheet of codes or the officers' pages."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from cases.models import Case, CaseEvent
from cases.workflow import WORKFLOWS
from partymembers.models import (
    User,
)
from tests.factories.routes import (
    ADMIN,
    ALL_ROUTES,
)
from tests.factories.scene import ADDRESS, NAME, PHONE, TAIL, WORDS, Scene, signed_in

pytestmark = pytest.mark.django_db
#: Where a visitor is sent from the officers' pages.
WAYS_IN = ("/login/", "/admin/", "/password/")


def test_every_action_of_an_order_is_hidden_alike(scene: Scene) -> None:
    """By GET and by POST, with the very same words as a number that does not exist."""
    people = ("desk", "officer")
    actions = [("cases:act", [action]) for action in WORKFLOWS["incident"]]
    pages: list[tuple[str, list[str]]] = [
        ("cases:detail", []),
        ("cases:panel", []),
        ("cases:verify", []),
        ("cases:reported", []),
    ]
    for client in [signed_in(scene.strangers[role][0]) for role in people]:
        unknown = client.get(reverse("cases:detail", args=["261120-999999"]))
        for state in ("handling", "closed"):
            for name, more in [*pages, *actions]:
                url = reverse(name, args=[scene.cases[state].number, *more])
                answer = client.post(url, {"note": "x"}) if more else client.get(url)
                assert answer.status_code == unknown.status_code == 404, (state, name, more)
                assert heading(answer) == heading(unknown)
    for case in scene.cases.values():
        assert Case.objects.get(pk=case.pk).last_seq == CaseEvent.objects.filter(case=case).count()


def heading(answer: Any) -> str:
    text = answer.content.decode()
    return text[text.index("<h1>") : text.index("</h1>")]


def test_a_number_is_found_by_its_own_people_alone(scene: Scene) -> None:
    wanted = scene.cases["handling"].number
    found = signed_in(scene.world.desk).get(reverse("cases:search"), {"q": wanted})
    assert found.headers["Location"] == reverse("cases:detail", args=[wanted])
    for users in scene.strangers.values():
        client = signed_in(users[-1])
        for text in (wanted, ADDRESS, WORDS, PHONE[-4:], ""):
            page = client.get(reverse("cases:search"), {"q": text})
            assert page.status_code == 200
            assert page.context["rows"] == []
            assert page.context["page"].total == 0


def test_no_total_counts_what_one_may_not_see(scene: Scene) -> None:
    """The numbers beside the views, the bell, the navigation, the news and the dashboard are zero."""
    own = signed_in(scene.world.desk)
    mine = own.get(reverse("cases:news"), {"board": "desk"}).json()
    assert mine["counts"]["view-all"] == len(scene.cases) - 1
    assert mine["latest"] > 0
    for role in ("desk", "handler", "worker"):
        for user in scene.strangers[role]:
            client = signed_in(user)
            for board in ("desk", "handling"):
                news = client.get(reverse("cases:news"), {"board": board}).json()
                assert set(news["counts"].values()) == {0}
                assert not news["latest"]
            assert client.get(reverse("cases:unread")).json()["unread"] == 0
            page = client.get(reverse("cases:mine"))
            assert {item.badge for item in page.context["nav_items"]} == {0}
    for user in (scene.world.other_desk, *scene.strangers["official"]):
        page = signed_in(user).get(reverse("dashboard:overview"))
        counts = {
            door.count for tile in (*page.context["tiles"], *page.context["others"]) for door in tile.parts
        }
        assert counts == {0}


def test_a_desk_prints_the_codes_of_its_own_buildings(scene: Scene) -> None:
    url, link = reverse("cases:qr_codes"), reverse("cases:public_report", args=[scene.qr])

    def printed(user: User) -> list[bool]:
        return [plate.url.endswith(link) for plate in scene.client(user).get(url).context["plates"]]

    assert any(printed(scene.world.desk))
    assert [any(printed(user)) for user in scene.strangers["desk"]] == [False, False]
    for role in ("handler", "worker", "nobody", "officer"):
        assert scene.client(scene.strangers[role][0]).get(url).status_code == 403


def test_officers_configure_and_see_no_order(scene: Scene) -> None:
    for user in scene.strangers["officer"]:
        client = signed_in(user)
        assert client.get(reverse("cases:desk")).status_code == 403
        assert client.get(reverse("cases:handling")).status_code == 403
        assert client.get(reverse("dashboard:overview")).status_code == 404
        keys = [item.key for item in client.get(reverse("profile")).context["nav_items"]]
        assert set(keys).isdisjoint({"desk", "handling", "today", "report", "mine", "dashboard"})
        for name in ADMIN:
            if name.endswith("_changelist"):
                assert set(scene.leaks(client.get(reverse(name)))) <= {NAME, PHONE, TAIL}, name


def admin_url(name: str) -> str:
    """A concrete address; of an app for its list, of row 1 for a row."""
    known = {"app_label": "cases"}
    return reverse(
        name, kwargs={key: known.get(key, "1") for key in ALL_ROUTES[name].pattern.regex.groupindex}
    )


def test_the_officers_pages_do_not_exist_for_anybody_else(scene: Scene) -> None:
    """One rule for all of them: a visitor is sent to the sign-in, who holds no officer's post gets 404."""
    people = [scene.world.desk, scene.world.city_desk, scene.world.official, *scene.strangers["nobody"]]
    clients, faults = [signed_in(user) for user in people], []
    for name in ADMIN:
        if name.endswith("?"):  # Django's redirect of old addresses, and its own page for unknown ones
            continue
        url = admin_url(name)
        visitor = Client().get(url)
        if visitor.status_code != 302 or not visitor.headers["Location"].startswith(WAYS_IN):
            faults.append((name, "visitor", visitor.status_code))
        for client in clients:
            answer = client.get(url)
            leads_out = name in ("admin:logout", "admin:password_change")
            if answer.status_code != 404 and not (leads_out and answer.status_code < 400):
                faults.append((name, "business", answer.status_code))
    assert faults == []
    assert len(ADMIN) > 30
    for url in ("/admin/no/such/", "/admin/cases/case/", "/admin/cases/matter/1/"):
        assert Client().get(url).status_code == 302
        assert all(client.get(url).status_code == 404 for client in clients)
