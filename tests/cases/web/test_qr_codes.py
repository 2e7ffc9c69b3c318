from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from grids import actions as places
from tests.factories.cases import make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world()


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def urls_on(user) -> list[str]:
    return [plate.url for plate in signed_in(user).get("/qr-codes/").context["plates"]]


def test_a_desk_prints_the_codes_of_its_own_places_alone(world):
    west, east = world.city.qr_code(), world.city.qr_code(world.city.buildings[3].place)
    assert urls_on(world.desk) == [f"http://testserver/r/{west.token}/"]
    assert urls_on(world.other_desk) == [f"http://testserver/r/{east.token}/"]
    assert len(urls_on(world.street_desk)) == 2
    assert signed_in(world.worker).get("/qr-codes/").status_code == 403
    page = signed_in(world.desk).get("/qr-codes/").content.decode()
    assert "清流花园 1幢" in page
    assert page.count('class="qrline"') == 1
    assert page.count("data-print") == 1


def test_revoked_codes_are_not_printed(world):
    places.revoke_qr_code(qr_code=world.city.qr_code(), at=timezone.now())
    assert urls_on(world.desk) == []


def test_the_sheet_takes_the_same_queries_with_one_and_twenty_codes(world):
    world.city.qr_code()
    client = signed_in(world.desk)
    client.get("/qr-codes/")
    with CaptureQueriesContext(connection) as one:
        client.get("/qr-codes/")
    for _each in range(19):
        world.city.qr_code()
    with CaptureQueriesContext(connection) as twenty:
        assert len(client.get("/qr-codes/").context["plates"]) == 20
    assert len(one) == len(twenty)
