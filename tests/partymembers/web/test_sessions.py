"""How long a session lasts: idle half hours, trusted phones, people who are disabled."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client

from partymembers import actions
from partymembers.models import Role, TrustedDevice
from tests.factories.people import PASSWORD, make_post, make_unit, make_user
from tests.partymembers.conftest import DAY, NOW, City
from tests.partymembers.web.test_signing import (
    HOME,
    LOGIN,
    MINUTE,
    PROFILE,
    is_signed_in,
    sign_in,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def test_a_session_ends_after_half_an_hour_idle(client: Client, clock: time_machine.Traveller) -> None:
    make_user(username="W01")
    sign_in(client, "W01")
    for _ in range(3):
        clock.shift(29 * MINUTE)
        assert is_signed_in(client)
    clock.shift(32 * MINUTE)
    response = client.get(PROFILE)
    assert response["Location"] == f"{LOGIN}?next={PROFILE}"


IDLE_WORDS = "30 分钟没有操作"


def test_after_an_idle_half_hour_the_sign_in_page_says_why_it_is_there(
    client: Client, clock: time_machine.Traveller
) -> None:
    make_user(username="W01")
    assert IDLE_WORDS not in client.get(LOGIN, {"next": PROFILE}).content.decode()
    sign_in(client, "W01")
    clock.shift(32 * MINUTE)
    client.cookies.pop("sessionid")  # as a browser does when its time has come
    assert IDLE_WORDS in client.get(LOGIN, {"next": PROFILE}).content.decode()
    sign_in(client, "W01")
    client.post("/logout/")
    assert IDLE_WORDS not in client.get(LOGIN, {"next": PROFILE}).content.decode()


def test_a_part_of_a_page_is_never_filled_with_the_sign_in_page(
    client: Client, clock: time_machine.Traveller
) -> None:
    """htmx follows a plain redirect and would put the sign-in form into the dialog that it swaps."""
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/desk/?view=mine&case=1"}
    make_user(username="W01")
    sign_in(client, "W01")
    assert client.get(PROFILE, headers=headers).status_code == 200
    clock.shift(32 * MINUTE)
    for answer in (client.get(PROFILE, headers=headers), client.post("/me/post/", headers=headers)):
        assert answer.status_code == 401  # no success: what was typed stays in its draft
        assert "Location" not in answer
        assert answer["HX-Redirect"] == f"{LOGIN}?next=%2Fdesk%2F%3Fview%3Dmine%26case%3D1"
    headers["HX-Current-URL"] = "https://elsewhere.example//evil.example/x"
    assert client.get(PROFILE, headers=headers)["HX-Redirect"].startswith(f"{LOGIN}?next=%2F%2Fevil")
    signed = client.post(f"{LOGIN}?next=//evil.example/x", {"username": "W01", "password": PASSWORD})
    assert signed["Location"] == HOME  # and the door does not lead out of the portal


def test_polling_does_not_keep_a_session_alive(client: Client, clock: time_machine.Traveller) -> None:
    make_user(username="W01")
    sign_in(client, "W01")
    client.get(PROFILE)
    for _ in range(4):
        clock.shift(8 * MINUTE)
        client.get(PROFILE, headers={"X-Background": "1"})
    assert not is_signed_in(client)


def test_a_ground_worker_may_trust_a_phone_for_seven_days(
    client: Client, town: City, clock: time_machine.Traveller
) -> None:
    user = make_user(username="W01", role=Role.GRID_WORKER, place=town.grid_here)
    agent = "Mozilla/5.0 (Linux; Android 13; V2307A) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36"
    client.post(
        LOGIN, {"username": "W01", "password": PASSWORD, "trust_device": "on"}, headers={"User-Agent": agent}
    )
    device = TrustedDevice.objects.get()
    assert (device.user, device.label, device.expires_at) == (user, "Android · Chrome", NOW + 7 * DAY)
    assert device.session_key == client.session.session_key
    clock.shift(6 * DAY)
    assert is_signed_in(client)
    clock.shift(DAY - MINUTE)
    assert is_signed_in(client)  # use does not lengthen it
    clock.shift(2 * MINUTE)
    assert not is_signed_in(client)


def test_without_the_tick_a_worker_idles_like_anybody(
    client: Client, town: City, clock: time_machine.Traveller
) -> None:
    make_user(username="W01", role=Role.GRID_WORKER, place=town.grid_here)
    sign_in(client, "W01")
    clock.shift(32 * MINUTE)
    assert not is_signed_in(client)


@pytest.mark.parametrize(
    "role", [Role.DESK, Role.SECRETARY, Role.HANDLER, Role.OFFICIAL, Role.SECURITY_OFFICER, None]
)
def test_nobody_else_may_trust_a_device(
    client: Client, town: City, role: Role | None, clock: time_machine.Traveller
) -> None:
    user = make_user(username="W01")
    if role == Role.HANDLER:
        make_post(user, role=role, unit=make_unit())
    elif role == Role.SECURITY_OFFICER:
        make_post(user, role=role)
    elif role is not None:
        make_post(user, role=role, place=town.here)
        make_post(user, role=Role.GRID_WORKER, place=town.grid_here)
    response = sign_in(client, "W01", trust_device="on")
    assert response.status_code == 302
    assert TrustedDevice.objects.count() == 0
    clock.shift(32 * MINUTE)
    assert not is_signed_in(client)


def test_trust_ends_when_the_worker_moves_to_a_desk(
    client: Client, town: City, clock: time_machine.Traveller
) -> None:
    user = make_user(username="W01", role=Role.GRID_WORKER, place=town.grid_here)
    sign_in(client, "W01", trust_device="on")
    assert is_signed_in(client)
    make_post(user, role=Role.DESK, place=town.here)
    clock.shift(29 * MINUTE)
    assert is_signed_in(client)
    clock.shift(32 * MINUTE)
    assert not is_signed_in(client)


def test_disabling_ends_a_session_at_once(client: Client, town: City) -> None:
    user = make_user(username="W01", role=Role.GRID_WORKER, place=town.grid_here)
    sign_in(client, "W01", trust_device="on")
    assert is_signed_in(client)
    actions.disable_user(user_id=user.pk, actor=None, at=NOW)
    assert not is_signed_in(client)
    assert TrustedDevice.objects.count() == 0
