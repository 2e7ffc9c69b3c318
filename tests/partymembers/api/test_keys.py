"""Who may call what: scopes by method, sessions with their token, rates, wrong keys, and the log."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.test import RequestFactory
from django.utils import timezone
from rest_framework.test import APIClient

from governance.common import caching
from partymembers.api.authentication import MOST_WRONG
from partymembers.api.permissions import scopes_of
from partymembers.middleware import access_for
from partymembers.models import ApiKey, AuditEntry
from partymembers.scopes import SCOPES
from tests.factories.grids import City, make_city
from tests.factories.keys import Caller, key_of, service_account, session
from tests.factories.people import make_user

pytestmark = pytest.mark.django_db
ME = "/api/v1/me/"
ORDERS = "/api/v1/orders/"


@pytest.fixture
def city() -> City:
    cache.clear()
    return make_city()


class _Door:
    """What the permission looks at."""

    def __init__(self, resource: str, *others: str, writes_only: bool = False, by_post: bool = False) -> None:
        self.resource, self.other_resources = resource, others
        self.writes_only, self.reads_by_post = writes_only, by_post


@pytest.mark.parametrize(
    ("door", "method", "wanted"),
    [
        (_Door("orders"), "GET", ("orders:read",)),
        (_Door("orders"), "HEAD", ("orders:read",)),
        (_Door("orders"), "POST", ("orders:write",)),
        (_Door("orders"), "DELETE", ("orders:write",)),
        (_Door("orders", "wishes"), "PATCH", ("orders:write", "wishes:write")),
        (_Door("places", by_post=True), "POST", ("places:read",)),
        (_Door("orders", writes_only=True), "GET", ("orders:write",)),
        (_Door("exports"), "GET", ("exports:write",)),
        (_Door(""), "GET", ()),
    ],
)
def test_each_method_of_a_door_needs_its_scope(door: _Door, method: str, wanted: tuple[str, ...]) -> None:
    assert scopes_of(door, method) == wanted
    assert set(wanted) <= SCOPES.keys()


def test_a_key_that_reads_does_not_write_and_one_that_writes_does_not_read(city: City) -> None:
    account = service_account(place=city.west)
    found = {}
    for scope in ("orders:read", "orders:write", "figures:read"):
        caller = Caller(scope, account=account)
        found[scope] = [caller.get(ORDERS).status_code, caller.post(ORDERS, {}).status_code]
    assert found == {"orders:read": [200, 403], "orders:write": [403, 400], "figures:read": [403, 403]}


def test_a_session_reads_without_a_token_and_writes_only_with_one(city: City) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(make_user())
    assert client.get(ORDERS).status_code == 200
    refused = client.post(ORDERS, {}, format="json", headers={"Accept-Language": "zh-hans"})
    assert (refused.status_code, refused.headers["Content-Type"]) == (403, "application/problem+json")
    assert refused.json()["detail"] == "已登录的人员提交写入时，须在 X-CSRFToken 中带上页面的令牌。"
    beside = client.post("/api/v1/schema/", {}, format="json").json()
    assert (beside["status"], beside["code"]) == (403, "not_allowed")
    client.get("/password/")  # a page with a form leaves the token behind
    token = client.cookies["csrftoken"].value
    assert client.post(ORDERS, {}, format="json", headers={"X-CSRFToken": token}).status_code == 400
    caller = APIClient(enforce_csrf_checks=True)
    caller.credentials(HTTP_AUTHORIZATION=f"Bearer {key_of(service_account(place=city.west))}")
    assert caller.post(ORDERS, {}, format="json").status_code == 400, "a key needs none"


def test_a_key_beside_a_persons_cookie_reaches_what_the_key_reaches(city: City) -> None:
    request = RequestFactory().get(ME)
    request.user = make_user(role="desk", place=city.city)
    assert access_for(request).covers(city.east.path)
    request.user = service_account(place=city.west).user  # as the endpoint does, later
    assert not access_for(request).covers(city.east.path)
    assert access_for(request).is_service


def test_who_must_change_the_first_password_is_told_so_by_a_problem() -> None:
    answer = session(make_user(must_change_password=True)).get(ME)
    assert (answer.status_code, answer.json()["code"]) == (403, "password_due")


def test_each_key_has_a_rate_of_its_own_that_begins_anew_every_minute(city: City) -> None:
    account = service_account(place=city.west)
    first, second = APIClient(), APIClient()
    for client in (first, second):
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {key_of(account, rate=2)}")
    noon = timezone.now().replace(second=10, microsecond=0)
    with time_machine.travel(noon, tick=False):
        answers = [first.get(ME) for _each in range(3)]
        left = [answer.headers["RateLimit-Remaining"] for answer in answers]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert (left, answers[0].headers["RateLimit-Limit"]) == (["1", "0", "0"], "2")
        assert 49 <= int(answers[2].headers["Retry-After"]) <= 51
        assert answers[2].json()["code"] == "throttled"
        assert second.get(ME).status_code == 200
    with time_machine.travel(noon + timedelta(minutes=1), tick=False):
        assert first.get(ME).status_code == 200


def test_without_valkey_keys_still_open_and_nothing_is_counted(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key_of(service_account(place=city.west), rate=1)}")
    monkeypatch.setattr(caching.ForgivingRedisCache, "_resting_until", float("inf"))
    assert [client.get(ME).status_code for _each in range(3)] == [200, 200, 200]
    wrong = APIClient()
    wrong.credentials(HTTP_AUTHORIZATION="Bearer gz_0000000000_wrong")
    assert {wrong.get(ME).status_code for _each in range(MOST_WRONG + 2)} == {401}


def test_an_address_that_tries_keys_is_braked_and_right_keys_still_open(city: City) -> None:
    caller, wrong = Caller(place=city.west), APIClient()
    wrong.credentials(HTTP_AUTHORIZATION="Bearer gz_0000000000_" + "x" * 43)
    noon = timezone.now().replace(second=10, microsecond=0)
    with time_machine.travel(noon, tick=False):
        answers = [wrong.get(ME) for _each in range(MOST_WRONG + 1)]
        assert [answer.status_code for answer in answers] == [401] * MOST_WRONG + [429]
        assert answers[-1].headers["Retry-After"] == "60"
        assert wrong.get(ME, REMOTE_ADDR="203.0.113.9").status_code == 401
        assert caller.get(ME).status_code == 200


def test_the_last_use_is_written_once_a_minute(city: City) -> None:
    caller = Caller("orders:read", place=city.west)
    noon = timezone.now().replace(microsecond=0)
    uses = []
    for later in (0, 59, 61):
        with time_machine.travel(noon + timedelta(seconds=later), tick=False):
            caller.get(ME)
        uses.append((ApiKey.objects.get().last_used_at - noon).total_seconds())
    assert uses == [0, 0, 61]


def test_the_log_names_account_and_key_and_never_the_key_itself(
    city: City, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = Caller("orders:read", place=city.west)
    prefix, secret = caller.key.split("_", 2)[1:]
    caplog.set_level(logging.DEBUG)
    caller.get(ORDERS)
    wrong = APIClient()
    wrong.credentials(HTTP_AUTHORIZATION=f"Bearer {caller.key}x")
    wrong.get(ME)

    def fails(*_args: object) -> None:
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr("partymembers.api.me.user_of", fails)
    caller.raise_request_exception = False
    broken = caller.get(ME)
    assert (broken.status_code, broken.json()["code"]) == (500, "error")

    lines = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    ended = [line for line in lines if line["event"] in ("request_finished", "server_error")]
    named = [line for line in ended if line.get("account") == caller.user.username]
    assert {line["key"] for line in named} == {prefix}
    assert {line["event"] for line in named} == {"request_finished", "server_error"}
    everything = caplog.text + str([vars(record) for record in caplog.records])
    assert secret not in everything
    assert "Bearer" not in everything
    assert not [row for row in AuditEntry.objects.values() if secret in str(row)]
