"""A NUL character, which PostgreSQL holds nowhere, is answered and breaks nothing."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.test import Client
from django.urls import reverse

from cases.models import SavedView
from tests.factories.cases import World, make_world

pytestmark = pytest.mark.django_db
NUL = "%00"


@pytest.fixture
def world(client: Client) -> World:
    world = make_world()
    client.force_login(world.desk)
    return world


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("name", ["detail", "attachment"])
def test_no_row_has_it_in_its_address(client: Client, name: str) -> None:
    address = reverse(f"cases:{name}", args=["here"]).replace("here", NUL)
    assert client.get(address).status_code == HTTPStatus.NOT_FOUND


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("query", [f"q={NUL}", f"case={NUL}", f"{NUL}=1"])
@pytest.mark.parametrize("name", ["desk", "search"])
def test_no_search_or_filter_asks_for_it(client: Client, name: str, query: str) -> None:
    assert client.get(f"{reverse(f'cases:{name}')}?{query}").status_code == HTTPStatus.BAD_REQUEST


def test_a_view_is_saved_without_it(client: Client, world: World) -> None:
    client.post(reverse("cases:save_view", args=["desk"]), {"name": "我\x00的", "query": "q=\x00"})
    assert SavedView.objects.filter(user=world.desk).values_list("name", "query").get() == ("我的", "desk?q=")


@pytest.mark.usefixtures("world")
def test_a_selection_is_looked_up_without_it(client: Client) -> None:
    response = client.post(reverse("cases:bulk", args=["accept"]), {"number": ["\x00"]})
    assert response.status_code == HTTPStatus.OK
