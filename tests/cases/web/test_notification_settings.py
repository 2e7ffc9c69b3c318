"""How I am told: the channels that there are, an address that its owner confirmed, and nobody else's."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from cases.models import DeliveryPreference
from partymembers.models import AuditEntry, Role, User
from tests.factories.grids import make_city
from tests.factories.people import make_post, make_user

pytestmark = pytest.mark.django_db
PAGE = reverse("cases:notification_settings")
CHOSEN = {"mail": "all", "address": "li@example.cn", "sms": "urgent", "digest": "on"}


@pytest.fixture(autouse=True)
def channels(settings: Settings) -> None:
    settings.OUTBOUND_CHANNELS = ["mail", "sms"]


@pytest.fixture
def user() -> User:
    return make_user("李网格", phone="13800138000")


def signed_in(user: User, language: str = "en") -> Client:
    client = Client(HTTP_ACCEPT_LANGUAGE=language)
    client.force_login(user)
    return client


def link() -> str:
    """The path of the link in the last e-mail."""
    found = re.search(r"http://testserver(\S+)", str(mail.outbox[-1].body))
    assert found is not None
    return found[1]


def kept(user: User) -> tuple[str, str, bool, str, bool]:
    row = DeliveryPreference.objects.get(user=user)
    return row.mail, row.sms, row.digest, row.address, row.confirmed_at is not None


@pytest.mark.parametrize("route", ["profile", "cases:notifications", "cases:notification_settings"])
def test_who_holds_no_post_keeps_the_navigation_of_a_phone(user: User, route: str) -> None:
    """A resident, member or volunteer comes here from pages with a bar below, and goes back by it."""
    bar = '<nav class="bottomnav"'
    assert bar in signed_in(user).get(reverse(route)).content.decode()
    desk = make_user("丁书记")
    make_post(desk, role=Role.DESK, place=make_city().street)
    assert bar not in signed_in(desk).get(reverse(route)).content.decode()


def test_nothing_is_kept_until_somebody_chooses(user: User) -> None:
    page = signed_in(user).get(PAGE)
    assert page.status_code == 200
    assert "138****8000" in page.text
    assert not DeliveryPreference.objects.exists()


def test_an_address_is_used_once_its_owner_has_followed_the_link(user: User) -> None:
    client = signed_in(user)
    answer = client.post(PAGE, CHOSEN, follow=True)
    assert "We have sent you an e-mail" in answer.text
    assert kept(user) == ("all", "urgent", True, "li@example.cn", False)
    assert mail.outbox[-1].to == ["li@example.cn"]
    answer = client.get(link(), follow=True)
    assert "Your e-mail address is confirmed." in answer.text
    assert kept(user)[-1] is True
    assert set(AuditEntry.objects.values_list("action", flat=True)) >= {
        "delivery_preference_changed",
        "delivery_address_confirmed",
    }
    assert not AuditEntry.objects.filter(data__icontains="li@example.cn").exists()

    client.post(PAGE, CHOSEN | {"mail": "urgent"})  # the same address stays confirmed
    assert kept(user) == ("urgent", "urgent", True, "li@example.cn", True)
    assert len(mail.outbox) == 1


def test_another_address_must_be_confirmed_anew_and_the_old_link_is_good_for_nothing(user: User) -> None:
    client = signed_in(user)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client.post(PAGE, CHOSEN)
        old = link()
        client.get(old)
        answer = client.post(PAGE, CHOSEN | {"address": "li@example.com"})
        assert answer.status_code == 400
        assert "wait a minute" in answer.text
        assert kept(user) == ("all", "urgent", True, "li@example.cn", True)
        clock.shift(timedelta(minutes=1))
        client.post(PAGE, CHOSEN | {"address": "li@example.com"})
        assert kept(user) == ("all", "urgent", True, "li@example.com", False)
        answer = client.get(old, follow=True)
        assert "run out or belongs to another address" in answer.text
        assert kept(user)[-1] is False


def test_a_link_runs_out_after_a_day(user: User) -> None:
    client = signed_in(user)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client.post(PAGE, CHOSEN)
        for _number in range(49):  # somebody who keeps working stays signed in
            clock.shift(timedelta(minutes=30))
            client.get(PAGE)
        client.get(link())
    assert kept(user)[-1] is False


def test_a_link_serves_nobody_else(user: User) -> None:
    signed_in(user).post(PAGE, CHOSEN)
    other = make_user("别人")
    DeliveryPreference.objects.create(user=other, mail="all", address="li@example.cn")
    signed_in(other).get(link())
    assert Client().get(link()).status_code == 302
    assert not DeliveryPreference.objects.exclude(confirmed_at=None).exists()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"address": ""}, "Please give the address"),
        ({"address": "nobody"}, "This is no e-mail address."),
        ({"mail": "sometimes"}, "Select a valid choice"),
    ],
)
def test_what_is_missing_or_wrong_is_said(user: User, changed: dict[str, str], told: str) -> None:
    answer = signed_in(user).post(PAGE, CHOSEN | changed)
    assert answer.status_code == 400
    assert told in answer.text
    assert not DeliveryPreference.objects.exists()


def test_without_a_phone_no_text_messages() -> None:
    answer = signed_in(make_user("无电话", phone=None)).post(PAGE, CHOSEN)
    assert answer.status_code == 400
    assert "There is no phone number of yours here." in answer.text


def test_a_channel_that_the_portal_lacks_is_not_offered(user: User, settings: Settings) -> None:
    settings.OUTBOUND_CHANNELS = ["sms"]
    client = signed_in(user)
    page = client.get(PAGE).text
    assert "By text message" in page
    assert "By e-mail" not in page
    client.post(PAGE, CHOSEN)
    assert kept(user) == ("none", "urgent", True, "", False)
    settings.OUTBOUND_CHANNELS = []
    assert "sends neither e-mails nor text messages" in client.get(PAGE).text


def test_a_mail_server_that_is_away_is_said_and_saved_again_it_asks_again(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: object, messages: object) -> int:
        raise TimeoutError

    client = signed_in(user)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        with monkeypatch.context() as patch:
            patch.setattr(EmailBackend, "send_messages", fail)
            assert "could not be sent" in client.post(PAGE, CHOSEN, follow=True).text
        clock.shift(timedelta(minutes=1))
        client.post(PAGE, CHOSEN)
    assert len(mail.outbox) == 1


def test_messages_speak_the_language_of_the_page_on_which_they_were_chosen(user: User) -> None:
    signed_in(user, "zh-hans").post(PAGE, CHOSEN)
    assert DeliveryPreference.objects.get().language == "zh-hans"
    assert mail.outbox[-1].subject == "请确认你的邮箱地址"
    signed_in(user, "en").post(PAGE, CHOSEN)
    assert DeliveryPreference.objects.get().language == "en"


def test_my_page_leads_there(user: User) -> None:
    assert f'href="{PAGE}"' in signed_in(user).get(reverse("profile")).text
