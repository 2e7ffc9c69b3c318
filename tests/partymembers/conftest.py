"""A small city for the tests of people."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import NamedTuple

import pytest
import time_machine
from django.utils import timezone

from grids.models import Level, Place
from partymembers.models import Role, User
from tests.factories.people import make_user

#: A Friday, 10:24 in Shanghai.
NOW = timezone.make_aware(dt.datetime(2026, 11, 20, 10, 24))
TODAY = NOW.date()
DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """It is `NOW`, and time goes on: a post that holds "today" does not end because midnight comes."""
    with time_machine.travel(NOW, tick=True) as traveller:
        yield traveller


class City(NamedTuple):
    """City, district, street, two communities, and a grid in each."""

    city: Place
    district: Place
    street: Place
    here: Place
    there: Place
    grid_here: Place
    grid_there: Place


def child(parent: Place, *, code: str, name: str, level: Level) -> Place:
    return Place.objects.add_child(parent, {"code": code, "name": name, "level": level})


@pytest.fixture
def town(db: None) -> City:
    city = Place.objects.add_root({"code": "990100000000", "name": "澄川市", "level": Level.CITY})
    district = child(city, code="990101000000", name="城东区", level=Level.DISTRICT)
    street = child(district, code="990101001000", name="河湾街道", level=Level.STREET)
    here = child(street, code="990101001001", name="柳荫社区", level=Level.COMMUNITY)
    there = child(street, code="990101001002", name="桥头社区", level=Level.COMMUNITY)
    grid_here = child(here, code="990101001001001", name="第1网格", level=Level.GRID)
    grid_there = child(there, code="990101001002001", name="第1网格", level=Level.GRID)
    return City(city, district, street, here, there, grid_here, grid_there)


@pytest.fixture
def security() -> User:
    return make_user("安全员", role=Role.SECURITY_OFFICER, username="SEC")


@pytest.fixture
def system() -> User:
    return make_user("系统员", role=Role.SYSTEM_OFFICER, username="SYS")


@pytest.fixture
def auditor() -> User:
    return make_user("审计员", role=Role.AUDIT_OFFICER, username="AUD")
