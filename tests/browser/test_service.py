"""Pages of service in a browser: nothing that axe calls a violation, no page wider than its screen."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import signing
from django.urls import reverse

from partymembers.actions import activities, points
from partymembers.models import Member, StationItem
from partymembers.web.service.stations import SERVED_SALT
from tests.browser.test_notifications import faults, visit
from tests.factories.cases import NOON
from tests.factories.party import Party, make_party
from tests.factories.service import make_activity, make_station, make_team

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def party() -> Party:
    party = make_party()
    west = party.world.city.west
    team = make_team(party)
    activity = make_activity(party, team=team)
    activities.sign_up(activity_id=activity.pk, user=party.volunteer, at=NOON)
    make_station(west)
    points.award_points(
        user=party.volunteer,
        rule_code="wish",
        source="wish",
        source_id=1,
        what="修水龙头",
        at=NOON,
        place=west,
    )
    return party


def counter_of(party: Party) -> str:
    who = signing.dumps(party.volunteer.pk, salt=SERVED_SALT)
    return f"{reverse('service:counter', args=[StationItem.objects.get().station_id])}?who={who}"


def test_pages_are_accessible_and_fit_the_screen(open_page: Any, live_server: Any, party: Party) -> None:
    names = ["hub", "activities", "teams", "points", "points_code", "honours", "stations", "resource_new"]
    page = visit(open_page, live_server, party.volunteer, reverse("service:volunteer"), width=390)
    for name in names:
        page.goto(live_server.url + reverse(f"service:{name}"))
        assert faults(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
    desk = visit(open_page, live_server, party.world.desk, counter_of(party), width=1440, height=900)
    for path in (counter_of(party), reverse("service:volunteers"), reverse("service:activity_new")):
        desk.goto(live_server.url + path)
        assert faults(desk) == [], path


def test_an_item_is_handed_over_after_a_question(open_page: Any, live_server: Any, party: Party) -> None:
    page = visit(open_page, live_server, party.world.desk, counter_of(party), width=390)
    page.click("form[action$='/redeem/'] button")
    page.wait_for_selector("dialog[open]")
    assert StationItem.objects.get().stock == 5
    page.click("dialog[open] [data-confirm-yes], dialog[open] .btn-primary, dialog[open] .btn-danger")
    page.wait_for_load_state()
    page.wait_for_selector("text=洗衣液")
    for _ in range(50):
        if StationItem.objects.get().stock == 4:
            break
        page.wait_for_timeout(100)
    assert StationItem.objects.get().stock == 4


BOXES = """() => Object.fromEntries([["main", "main"], ["nav", ".bottomnav"]].map(([name, found]) => {
  const box = document.querySelector(found).getBoundingClientRect();
  return [name, { left: box.left, width: box.width, bottom: box.bottom }];
}))"""


def test_at_a_desk_the_navigation_stands_at_the_side(open_page: Any, live_server: Any, party: Party) -> None:
    page = visit(
        open_page, live_server, party.volunteer, reverse("service:activities"), width=390, height=844
    )
    phone = page.evaluate(BOXES)
    assert (phone["main"]["left"], phone["nav"]["width"], phone["nav"]["bottom"]) == (0, 390, 844)
    for path in (reverse("service:activities"), reverse("service:hub"), reverse("party:me")):
        page = visit(open_page, live_server, party.member, path, width=1440, height=900)
        desk = page.evaluate(BOXES)
        assert desk["nav"]["width"] < 250 < desk["main"]["left"], path
        assert desk["main"]["width"] > 1000, path
        assert faults(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= 1440, path


def test_a_home_is_found_by_name_and_narrowed_to_the_building(
    open_page: Any, live_server: Any, party: Party
) -> None:
    city = party.world.city
    page = visit(open_page, live_server, party.member, reverse("party:moved"), width=390, height=844)
    page.fill("#words", city.west.name[:2])
    for place in (city.west, city.west_1, city.building):
        page.check(f"#home-{place.pk}")
        page.wait_for_selector(f"#home-{place.pk}:checked:focus")
    assert faults(page) == []
    page.click("main button[type=submit]")
    page.wait_for_url("**/party/")
    assert Member.objects.get(user=party.member).lives_at == city.building
