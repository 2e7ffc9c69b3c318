"""Units over the API: those that serve where the caller is, or everywhere, and the caller's own."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from partymembers.models import Unit
from tests.factories.grids import City, make_city
from tests.factories.keys import Caller, codes
from tests.factories.people import make_unit

pytestmark = pytest.mark.django_db
UNITS = "/api/v1/units/"


@pytest.fixture
def city() -> City:
    """A city with a unit everywhere, one in its street, one a community, and a disabled one."""
    city = make_city()
    make_unit("供电公司", code="D1", kind=Unit.Kind.UTILITY)
    make_unit("琅琊街道办", code="S1", kind=Unit.Kind.STREET_OFFICE, place=city.street)
    make_unit("西涧物业", code="P1", kind=Unit.Kind.PROPERTY, place=city.west, phone="0550-3010001")
    make_unit("东门物业", code="P2", kind=Unit.Kind.PROPERTY, place=city.east)
    make_unit("旧物业", code="P0", place=city.west, disabled_at=timezone.now())
    return city


@pytest.fixture
def west(city: City) -> Caller:
    return Caller("units:read", place=city.west, duty="reader")


def test_a_unit_says_where_it_serves(city, west):
    told = {"code": "P1", "name": "西涧物业", "kind": "property", "place": city.west.code}

    assert west.get(f"{UNITS}P1/").json() == told | {"phone": "0550-3010001", "disabled_at": None}
    assert west.get(f"{UNITS}D1/").json()["place"] is None
    assert west.get(f"{UNITS}P0/").json()["disabled_at"]


def test_filters_narrow_the_list(city, west):
    def found(**query: str) -> list[str]:
        return codes(west.get(UNITS, query))

    assert found() == ["D1", "P1", "S1"]
    assert found(disabled="true") == ["D1", "P0", "P1", "S1"]
    assert found(kind="utility") == found(q="供电") == found(q="d1") == ["D1"]
    assert found(serves=city.street.code) == ["D1", "S1"]
    assert west.get(UNITS, {"q": "供" * 51}).json()["errors"][0]["field"] == "q"


def test_units_of_the_east_are_nowhere_in_the_west(city, west):
    assert codes(west.get(UNITS, {"q": "东门"})) == codes(west.get(UNITS, {"q": "P2"})) == []
    assert west.get(UNITS, {"total": "true"}).json()["total"] == 3
    assert west.get(f"{UNITS}P2/").status_code == 404
    assert west.get(UNITS, {"serves": city.east.code}).status_code == 400
    own = Caller("units:read", unit=Unit.objects.get(code="P2"))
    assert codes(own.get(UNITS)) == ["D1", "P2", "S1"]
    everywhere = Caller("units:read", unit=Unit.objects.get(code="D1"))
    assert codes(everywhere.get(UNITS)) == ["D1", "P1", "P2", "S1"]
    assert Caller("places:read", account=west.account).get(UNITS).status_code == 403


def test_a_list_asks_as_much_for_three_as_for_one(west):
    west.get(UNITS)
    for limit in (1, 3):
        with CaptureQueriesContext(connection) as asked:
            assert len(codes(west.get(UNITS, {"limit": limit}))) == limit
        assert len(asked) == 3
