"""The API's root: every resource that it names opens to a key with the scope for it, and to no stranger."""

from __future__ import annotations

import pytest
from django.db import InterfaceError, OperationalError
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


@pytest.mark.parametrize(
    "error", [OperationalError("server closed the connection"), InterfaceError("closed")]
)
def test_a_database_that_is_away_is_told_with_when_to_come_again(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = Caller("orders:write", place=make_city().city)
    caller.raise_request_exception = False

    def fails(*_args: object, **_named: object) -> None:
        raise error

    monkeypatch.setattr("cases.api.creating.bring", fails)
    for repeat in ({}, {"HTTP_IDEMPOTENCY_KEY": "outage"}):
        answer = caller.post("/api/v1/orders/", {}, format="json", HTTP_ACCEPT_LANGUAGE="en", **repeat)
        assert (answer.status_code, answer["Retry-After"]) == (503, "5"), repeat
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "unavailable"
        assert answer.json()["error_id"].startswith("E-")
    monkeypatch.undo()
    kept = caller.post("/api/v1/orders/", {}, format="json", HTTP_IDEMPOTENCY_KEY="outage")
    assert (kept.status_code, "Idempotent-Replayed" in kept) == (400, False)


def test_an_address_without_its_last_slash_is_told_the_one_that_was_meant() -> None:
    stranger = APIClient(enforce_csrf_checks=True, headers={"accept-language": "en"})
    for ask in (stranger.get, stranger.post):
        answer = ask("/api/v1/orders")
        assert answer.status_code == 404
        assert answer.json()["detail"].endswith(": /api/v1/orders/")
    assert "slash" not in stranger.post("/api/v1/nowhere").json()["detail"]


def test_json_that_could_mean_two_things_is_refused() -> None:
    caller = Caller("orders:write", place=make_city().city)
    for body, told in (
        ('{"matter": "event-01-01", "contact": {"name": "a", "name": "b"}}', "“name”"),
        ('{"a\\ud800": 1, "a\\ud800": 2}', "“a?”"),
        ('{"position": {"lng": NaN, "lat": 32}}', "JSON"),
        ('{"standard": ' + "9" * 5000 + "}", "JSON"),
        ('{"matter":', "1"),
    ):
        answer = caller.post("/api/v1/orders/", body, content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed"), body
        assert told in answer.json()["detail"], answer.json()
