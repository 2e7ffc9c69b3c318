"""Signing in and out through the pages: lock-out, idle sessions, trusted devices, first passwords."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import cast

import pytest
import time_machine
from axes.models import AccessAttempt
from django.contrib.auth.hashers import MD5PasswordHasher
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from governance.settings import base
from partymembers import actions
from partymembers.devices import device_label
from partymembers.models import AuditEntry, Role, TrustedDevice, User
from tests.factories.people import PASSWORD, make_user
from tests.partymembers.conftest import NOW, City

pytestmark = pytest.mark.django_db

LOGIN, HOME, PROFILE = "/login/", "/", "/me/"
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def sign_in(client: Client, username: str, password: str = PASSWORD, **extra: str) -> HttpResponse:
    return cast(HttpResponse, client.post(LOGIN, {"username": username, "password": password, **extra}))


def is_signed_in(client: Client) -> bool:
    return client.get(PROFILE).status_code == 200


def without_token(response: HttpResponse) -> str:
    return re.sub(r'(csrfmiddlewaretoken" value=|csrf-token" content=)"\w*"', "", response.content.decode())


@pytest.mark.parametrize(
    "typed",
    [
        "W01",
        " W01 ",
        "Ｗ０１",
        "13812345678",
        "+86 138 1234 5678",
        "138-1234-5678",
        "００８６１３８１２３４５６７８",
    ],
)
def test_staff_number_or_phone_however_typed(client: Client, typed: str) -> None:
    user = make_user(username="W01", phone="13812345678")
    response = sign_in(client, typed)
    assert (response.status_code, response["Location"]) == (302, HOME)
    assert client.session["_auth_user_id"] == str(user.pk)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.target, entry.ip) == ("signed_in", user, "user:W01", "127.0.0.1")


def test_unknown_wrong_and_disabled_look_the_same(client: Client) -> None:
    make_user(username="W01")
    make_user(username="W02", disabled_at=NOW)
    pages = []
    for username, password in (("W01", "wrong"), ("W02", PASSWORD), ("W03", PASSWORD)):
        response = sign_in(client, username, password)
        assert response.status_code == 400
        assert f'value="{username}"' in response.content.decode()
        pages.append(without_token(response).replace(username, "·"))
    assert pages[0] == pages[1] == pages[2]
    assert PASSWORD not in pages[1]


def test_unknown_names_cost_a_hash_like_known_ones(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    make_user(username="W01")
    make_user(username="W02", disabled_at=NOW)
    hashed: list[str] = []
    encode = MD5PasswordHasher.encode

    def counting(self: MD5PasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counting)
    for username in ("W01", "W02", "nobody", "13800000000"):
        hashed.clear()
        sign_in(client, username, "wrong")
        assert hashed == ["wrong"], username


def test_what_was_typed_wrongly_is_kept_nowhere(client: Client) -> None:
    make_user(username="W01", phone="13812345678")
    sign_in(client, "My-secret-Password-1", "Wrong-Password-2")
    sign_in(client, "13812345678", "Wrong-Password-3")
    rows = [*AuditEntry.objects.values_list(), *AccessAttempt.objects.values_list()]
    assert len(rows) == 4
    for secret in ("My-secret", "Wrong-Password", "13812345678"):
        assert secret not in str(rows)
    targets = list(AuditEntry.objects.order_by("pk").values_list("action", "target", "actor"))
    assert targets[0][1].startswith("unknown:")
    assert targets[1] == ("sign_in_failed", "user:W01", None)


@pytest.mark.parametrize("known", [True, False])
def test_five_failures_lock_for_a_quarter_of_an_hour(
    client: Client, known: bool, clock: time_machine.Traveller
) -> None:
    if known:
        make_user(username="W01", phone="13812345678")
    typed = ["W01", "13812345678", "W01", "W01", "W01"] if known else ["W01"] * 5
    statuses = [sign_in(client, name, "wrong").status_code for name in typed]
    assert statuses == [400, 400, 400, 400, 429]
    clock.shift(5 * MINUTE)
    locked = sign_in(client, "W01")
    assert locked.status_code == 429
    assert locked["Retry-After"] == "600"
    assert "10:39" in locked.content.decode()
    assert not is_signed_in(client)
    clock.shift(10 * MINUTE + dt.timedelta(seconds=1))
    assert sign_in(client, "W01").status_code == (302 if known else 400)


def test_a_locked_name_reads_the_same_whether_it_exists(client: Client) -> None:
    make_user(username="W01")
    pages = []
    for username in ("W01", "W99"):
        for _ in range(5):
            response = sign_in(client, username, "wrong")
        pages.append(without_token(response).replace(username, "·"))
    assert pages[0] == pages[1]


def test_a_lock_is_lifted_with_a_new_password_and_holds_one_address_only(client: Client) -> None:
    user = make_user(username="W01")
    for _ in range(5):
        sign_in(client, "W01", "wrong")
    elsewhere = Client(REMOTE_ADDR="10.0.0.7")
    assert sign_in(elsewhere, "W01").status_code == 302
    for _ in range(5):
        sign_in(client, "W01", "wrong")
    actions.reset_password(user_id=user.pk, password="Fresh-start-9", actor=None, at=NOW)
    assert sign_in(client, "W01", "Fresh-start-9").status_code == 302


def test_success_clears_the_count(client: Client) -> None:
    make_user(username="W01")
    for _ in range(2):
        for _ in range(4):
            assert sign_in(client, "W01", "wrong").status_code == 400
        assert sign_in(client, "W01").status_code == 302
        client.post("/logout/")


def test_forged_forwarding_headers_do_not_open_a_lock(client: Client) -> None:
    make_user(username="W01")
    for number in range(5):
        sign = client.post(
            LOGIN, {"username": "W01", "password": "wrong"}, headers={"X-Forwarded-For": f"10.0.0.{number}"}
        )
    assert sign.status_code == 429


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"username": "", "password": ""},
        {"username": "W01"},
        {"username": "W01\x00", "password": "x"},
        {"username": "x" * 5000, "password": "x"},
        {"username": "W01", "password": "x" * 5000},
        {"username": "\u202e\u2066", "password": "😀"},
    ],
)
def test_odd_input_is_an_error_of_the_form(client: Client, data: dict[str, str]) -> None:
    response = client.post(LOGIN, data)
    assert response.status_code == 400


def test_the_session_key_changes_at_sign_in(client: Client) -> None:
    make_user(username="W01")
    client.get(LOGIN)
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    client.cookies["sessionid"] = str(session.session_key)
    sign_in(client, "W01")
    assert client.session.session_key != session.session_key
    assert not session.exists(session.session_key)


@pytest.mark.parametrize(
    ("asked", "leads_to"),
    [
        ("/me/", "/me/"),
        ("//evil.example/x", HOME),
        ("https://evil.example/", HOME),
        ("javascript:alert(1)", HOME),
    ],
)
def test_next_leads_only_to_our_own_pages(client: Client, asked: str, leads_to: str) -> None:
    make_user(username="W01")
    assert sign_in(client, "W01", next=asked)["Location"] == leads_to


def test_sign_out_by_post_only(client: Client) -> None:
    make_user(username="W01")
    sign_in(client, "W01")
    assert client.get("/logout/").status_code == 405
    assert is_signed_in(client)
    assert client.post("/logout/")["Location"] == LOGIN
    assert not is_signed_in(client)
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "signed_in",
        "signed_out",
    ]


def test_a_first_password_must_be_changed_before_anything_else(client: Client) -> None:
    user = make_user(username="W01", must_change_password=True)
    other = Client()
    sign_in(client, "W01")
    sign_in(other, "W01")
    assert client.get(PROFILE)["Location"] == "/password/"
    assert client.get(PROFILE, headers={"HX-Request": "true"})["HX-Redirect"] == "/password/"
    assert client.get("/api/anything").status_code == 403
    assert client.get("/password/").status_code == 200

    wrong = {"old_password": "wrong", "new_password1": "My-own-choice-3", "new_password2": "My-own-choice-3"}
    weak = {"old_password": PASSWORD, "new_password1": "short", "new_password2": "short"}
    same = {"old_password": PASSWORD, "new_password1": PASSWORD, "new_password2": PASSWORD}
    differ = {
        "old_password": PASSWORD,
        "new_password1": "My-own-choice-3",
        "new_password2": "My-own-choice-4",
    }
    for typed in (wrong, weak, same, differ, {}):
        assert client.post("/password/", typed).status_code == 400
    user.refresh_from_db()
    assert user.check_password(PASSWORD)

    right = differ | {"new_password2": "My-own-choice-3"}
    key = client.session.session_key
    assert client.post("/password/", right)["Location"] == HOME
    assert client.session.session_key != key
    assert is_signed_in(client)
    assert not is_signed_in(other)
    assert AuditEntry.objects.filter(action="password_changed", actor=user).count() == 1


def test_guessing_the_old_password_locks_like_the_front_door(client: Client) -> None:
    make_user(username="W01")
    sign_in(client, "W01")
    typed = {"old_password": "wrong", "new_password1": "My-own-choice-3", "new_password2": "My-own-choice-3"}
    statuses = [client.post("/password/", typed).status_code for _ in range(5)]
    assert statuses == [400, 400, 400, 400, 429]
    assert not is_signed_in(client)
    assert sign_in(client, "W01").status_code == 429


def test_changing_the_password_ends_trust_in_every_device(
    client: Client, town: City, clock: time_machine.Traveller
) -> None:
    make_user(username="W01", role=Role.GRID_WORKER, place=town.grid_here)
    sign_in(client, "W01", trust_device="on")
    right = {"old_password": PASSWORD, "new_password1": "My-own-choice-3", "new_password2": "My-own-choice-3"}
    assert client.post("/password/", right).status_code == 302
    assert TrustedDevice.objects.count() == 0
    assert is_signed_in(client)
    clock.shift(32 * MINUTE)
    assert not is_signed_in(client)


def test_signed_in_people_need_no_sign_in_page(client: Client) -> None:
    client.force_login(make_user())
    assert client.get(LOGIN)["Location"] == HOME


def test_pages_ask_strangers_to_sign_in(client: Client) -> None:
    for name in ("home", "profile", "password_change"):
        url = reverse(name)
        assert client.get(url)["Location"] == f"{LOGIN}?next={url}"
    for url in (reverse("switch_post"), reverse("forget_device", args=[1])):
        assert client.post(url)["Location"].startswith(LOGIN)


@pytest.mark.parametrize(
    ("agent", "label"),
    [
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Safari/604.1",
            "iPhone · Safari",
        ),
        ("Mozilla/5.0 (Linux; Android 12) Chrome/100 MicroMessenger/8.0", "Android · WeChat"),
        ("curl/8", ""),
        ("", ""),
    ],
)
def test_device_labels(agent: str, label: str) -> None:
    assert device_label(agent) == label


def test_the_portal_hashes_passwords_with_argon2(settings: object) -> None:
    assert base.PASSWORD_HASHERS == ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    settings.PASSWORD_HASHERS = base.PASSWORD_HASHERS  # type: ignore[attr-defined]
    user = User(username="A01", name="甲")
    user.set_password(PASSWORD)
    assert user.password.startswith("argon2$argon2id$")
    assert user.check_password(PASSWORD)
