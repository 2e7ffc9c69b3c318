"""The API's root: every resource that it names opens to a key with the scope for it, and to no stranger."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from tests.factories.grids import make_city
from tests.factories.keys import Caller

pytestmark = pytest.mark.django_db


def test_every_resource_that_the_root_names_opens():
    caller = Caller(place=make_city().city)

    resources = caller.get("/api/v1/").json()["resources"]

    assert {"places", "matters", "units", "members", "check_ins", "points"} <= resources.keys()
    for name, address in resources.items():
        # 400: a question that needs a parameter; 405: a resource that is only written, whoever asks.
        status = caller.get(address).status_code
        assert status in (200, 400, 405), name
        assert APIClient().get(address).status_code == (405 if status == 405 else 401), name
