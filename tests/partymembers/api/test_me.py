"""A key's first call, and every way in which a key does not open."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from partymembers.actions.keys import disable_user
from partymembers.actions.service_accounts import revoke_key, rotate_key
from partymembers.models import ApiKey
from tests.factories.grids import make_city
from tests.factories.keys import Caller, service_account, session
from tests.factories.people import make_user

pytestmark = pytest.mark.django_db
ME = "/api/v1/me/"


def test_a_key_says_who_calls_and_what_it_opens():
    city = make_city()
    caller = Caller("orders:read", "places:read", place=city.west)

    answer = caller.get(ME)

    told = answer.json()
    key = ApiKey.objects.get()
    assert answer.status_code == 200
    assert told["key"].pop("expires_at")
    assert told == {
        "code": caller.user.username,
        "name": caller.user.name,
        "duty": "desk",
        "place": city.west.code,
        "unit": None,
        "is_sandbox": False,
        "key": {
            "label": "test",
            "prefix": key.prefix,
            "scopes": ["places:read", "orders:read"],
            "rate": 60000,
        },
    }
    assert answer.headers["RateLimit-Remaining"] == "59999"


def test_the_key_itself_is_stored_nowhere():
    caller = Caller(place=make_city().west)

    row = ApiKey.objects.get()
    secret = caller.key.rpartition("_")[2]
    assert secret not in {row.digest, row.prefix, row.label}
    assert len(row.digest) == 64


def _wrong(caller: Caller) -> dict[str, str]:
    last = "A" if caller.key[-1] != "A" else "B"
    return {
        "mistyped": caller.key[:-1] + last,
        "unknown": "gz_0123456789_" + "x" * 43,
        "none": "",
        "no key at all": "hello",
        "not ascii": "gz_é",
    }


@pytest.mark.parametrize("fault", ["mistyped", "unknown", "none", "no key at all", "not ascii"])
def test_a_wrong_key_is_401_and_always_sounds_the_same(fault):
    caller = Caller(place=make_city().west)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {_wrong(caller)[fault]}".encode().decode("latin-1"))

    answer = client.get(ME)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "wrong_key"


def test_a_key_ends_when_it_expires_is_revoked_or_its_system_is_disabled():
    city = make_city()
    at = timezone.now()
    revoked, disabled, expired = (Caller(place=city.west) for _ in range(3))
    revoke_key(key_id=revoked.account.keys.get().pk, actor=None, at=at)
    disable_user(user_id=disabled.user.pk, actor=None, at=at)
    ApiKey.objects.filter(account=expired.account).update(expires_at=at - timedelta(seconds=1))

    assert [caller.get(ME).status_code for caller in (revoked, disabled, expired)] == [401, 401, 401]


def test_during_a_rotation_both_keys_open_and_afterwards_the_new_one():
    caller = Caller("orders:read", place=make_city().west)
    at = timezone.now()
    new_row, new = rotate_key(
        key_id=caller.account.keys.get().pk,
        overlap=timedelta(days=1),
        expires_at=at + timedelta(days=90),
        actor=None,
        at=at,
    )
    other = APIClient()
    other.credentials(HTTP_AUTHORIZATION=f"Bearer {new}")

    assert (caller.get(ME).status_code, other.get(ME).status_code) == (200, 200)
    ApiKey.objects.exclude(pk=new_row.pk).update(expires_at=at)
    assert (caller.get(ME).status_code, other.get(ME).status_code) == (401, 200)
    assert other.get(ME).json()["key"]["scopes"] == ["orders:read"]


def test_a_connected_system_cannot_sign_in_to_the_pages(client):
    account = service_account(place=make_city().west)
    account.user.set_password("correct-Horse-7-battery")
    account.user.save()

    answer = client.post(
        "/login/", {"username": account.user.username, "password": "correct-Horse-7-battery"}
    )

    assert answer.status_code == 400
    assert "_auth_user_id" not in client.session


def test_a_person_calls_by_their_session_and_a_stranger_not_at_all():
    assert session(make_user()).get(ME).json()["duty"] == "person"
    assert APIClient().get(ME).status_code == 401


@pytest.mark.parametrize("path", ["/api/", "/api/v1/none/", "/api/v2/"])
def test_an_address_that_does_not_exist_is_answered_by_a_problem(client, path):
    answer = client.get(path)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
