"""Lists of service take as many queries for one row as for thirty."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from partymembers.actions import activities, lists
from partymembers.models import (
    Activity,
    Team,
)
from tests.factories.cases import NOON
from tests.factories.party import Party, make_volunteer
from tests.factories.people import make_user
from tests.factories.scene import signed_in
from tests.factories.service import (
    STARTS,
    award_wish,
    make_activity,
    make_station,
    make_team,
)

pytestmark = pytest.mark.django_db
ROWS = 30


def fill(party: Party) -> Callable[[], None]:
    """One more row on every list."""
    made = iter(range(1000))
    west = party.world.city.west

    def add() -> None:
        number = next(made)
        user = make_user(f"志愿者{number}")
        make_volunteer(community=west, user=user)
        activity = make_activity(party, title=f"活动{number}", capacity=50)
        activities.sign_up(activity_id=activity.pk, user=party.volunteer, at=NOON)
        if number == 0:
            fill.first = activity  # type: ignore[attr-defined]
        activities.sign_up(activity_id=fill.first.pk, user=user, at=NOON)  # type: ignore[attr-defined]
        make_team(party, f"队{number}")
        make_station(west, f"站{number}")
        award_wish(party, user, number)
        award_wish(party, party.volunteer, number)
        lists.offer_resource(offer=lists.Offer(f"供{number}", west), actor=user, at=NOON)
        undertaking = lists.Undertaking(f"项{number}", west, party.committee, party.member, STARTS.date())
        lists.start_project(undertaking=undertaking, actor=party.secretary, at=NOON)

    return add


def test_lists_take_as_many_queries_for_one_row_as_for_thirty(party: Party) -> None:
    add = fill(party)
    add()
    asked = {
        "hub": (party.volunteer, []),
        "activities": (party.volunteer, []),
        "activity": (party.world.desk, [Activity.objects.get().pk]),
        "teams": (party.volunteer, []),
        "team": (party.world.desk, [Team.objects.get().pk]),
        "volunteers": (party.world.desk, []),
        "points": (party.volunteer, []),
        "honours": (party.volunteer, []),
        "stations": (party.volunteer, []),
        "resources": (party.volunteer, []),
        "projects": (party.secretary, []),
    }
    clients = {user.pk: signed_in(user) for user, _args in asked.values()}
    one = {name: count(clients[user.pk], name, args) for name, (user, args) in asked.items()}
    for _ in range(ROWS - 1):
        add()
    thirty = {name: count(clients[user.pk], name, args) for name, (user, args) in asked.items()}
    assert thirty == one
    assert one == QUERIES


QUERIES = {
    "hub": 5,
    "activities": 7,
    "activity": 8,
    "teams": 5,
    "team": 7,
    "volunteers": 6,
    "points": 4,
    "honours": 7,
    "stations": 7,
    "resources": 8,
    "projects": 9,
}


def count(client: Client, name: str, args: list[Any]) -> int:
    """Queries of a page but for those about orders: the badges around it are counted by their own tests."""
    url = reverse(f"service:{name}", args=args)
    client.get(url)  # what a session or a content type costs once
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return sum('"cases_' not in query["sql"] for query in queries.captured_queries)
