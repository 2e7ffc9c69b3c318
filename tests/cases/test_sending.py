"""Messages leave the portal once by key, whatever the other side does and whoever is killed."""

from __future__ import annotations

import re
import smtplib
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from cases import gateways, sending
from cases.actions import desk
from cases.actions.delivering import retry_outbound_message
from cases.gateways import Letter, Mail, Unreachable
from cases.letters import MOST_LINES, letter_of
from cases.models import DeliveryPreference, OutboundMessage
from cases.outbound import bundle
from cases.sending import MOST_TRIES, send_waiting
from cases.tasks import send_outbound
from governance.common.errors import NotAllowed, NotVisible, WrongState
from partymembers.models import AuditEntry, Role, User
from tests.factories.cases import NOON, World, make_world, report
from tests.factories.gateway import KEY, SECRET, FakeGateway, running_gateway
from tests.factories.messages import tell
from tests.factories.people import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_calendar")]
PHONE = "13800138000"


@pytest.fixture
def gateway(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGateway]:
    monkeypatch.setattr(sending, "REST", 0.001)
    cache.clear()
    with running_gateway() as running:
        settings.OUTBOUND_CHANNELS = ["sms"]
        settings.SMS_URL, settings.SMS_KEY, settings.SMS_SECRET = running.url, KEY, SECRET
        yield running
    cache.clear()


@pytest.fixture
def mailing(settings: Settings) -> None:
    settings.OUTBOUND_CHANNELS = ["mail"]
    settings.ORIGIN = "https://gezhi.example.cn"
    settings.DEFAULT_FROM_EMAIL = "portal@example.cn"
    cache.clear()


@pytest.fixture
def world() -> World:
    world = make_world()
    User.objects.filter(pk=world.desk.pk).update(phone=PHONE)
    DeliveryPreference.objects.create(
        user=world.desk, mail="all", sms="all", address="desk@example.cn", confirmed_at=NOON
    )
    return world


def write(world: World, number: int = 1) -> list[str]:
    """Orders of which the desk is told, bundled; their numbers."""
    numbers = [report(world).number for _number in range(number)]
    tell()
    bundle(at=timezone.now())
    return numbers


def come_due() -> None:
    past = timezone.now() - timedelta(seconds=1)
    OutboundMessage.objects.filter(state="waiting").update(next_try_at=past)


def states() -> list[tuple[str, int]]:
    return list(OutboundMessage.objects.order_by("pk").values_list("state", "tries"))


class TestSms:
    def test_number_and_label_signed_and_once(self, world: World, gateway: FakeGateway) -> None:
        (number,) = write(world)
        assert (send_waiting(), send_waiting()) == (1, 0)
        message = OutboundMessage.objects.get()
        assert gateway.taken == {
            str(message.key): {
                "key": str(message.key),
                "phone": PHONE,
                "template": "gezhi_single",
                "parameters": {"number": number, "label": "新工单待受理"},
            }
        }
        assert states() == [("sent", 1)]
        assert message.ended_at is not None

    def test_a_wrong_secret_is_found_out(
        self, world: World, gateway: FakeGateway, settings: Settings
    ) -> None:
        settings.SMS_SECRET = "another"
        write(world)
        assert send_waiting() == 0
        assert gateway.taken == {}
        assert OutboundMessage.objects.get().error.startswith("Refused: HTTP 401")

    @pytest.mark.parametrize("mood", [500, 502, 503, 429, 408, "hang", "late"])
    def test_what_may_go_well_later_is_tried_again_with_the_same_key(
        self, world: World, gateway: FakeGateway, mood: int | str
    ) -> None:
        write(world)
        gateway.moods = [mood]
        with pytest.MonkeyPatch.context() as patience:
            if isinstance(mood, str):  # it answers after a second
                patience.setattr(gateways, "SMS_TIMEOUT", 0.3)
            assert send_waiting() == 0
        assert states() == [("waiting", 1)]
        assert OutboundMessage.objects.get().next_try_at > timezone.now()
        come_due()
        assert send_waiting() == 1
        key = str(OutboundMessage.objects.get().key)
        assert gateway.asked == [key, key]
        assert list(gateway.taken) == [key]
        assert states() == [("sent", 2)]

    @pytest.mark.parametrize("status", [400, 403, 404, 302])
    def test_a_refusal_is_final(self, world: World, gateway: FakeGateway, status: int) -> None:
        write(world)
        gateway.moods = [status]
        assert send_waiting() == 0
        assert states() == [("dead", 1)]
        come_due()
        assert send_waiting() == 0
        assert len(gateway.asked) == 1

    def test_a_gateway_that_stays_away_is_given_up_after_so_many_tries(
        self, world: World, gateway: FakeGateway
    ) -> None:
        write(world)
        gateway.moods = [500] * 100
        for _number in range(MOST_TRIES + 2):
            send_waiting()
            come_due()
        assert states() == [("dead", MOST_TRIES)]
        assert len(gateway.asked) == MOST_TRIES

    def test_after_a_failure_the_channel_rests(
        self, world: World, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sending, "REST", 60)
        write(world, 3)
        gateway.moods = [500]
        assert (send_waiting(), send_waiting()) == (0, 0)
        assert len(gateway.asked) == 1
        assert sorted(states()) == [("waiting", 0), ("waiting", 0), ("waiting", 1)]

    def test_many_at_once_are_one_message_with_their_number(self, world: World, gateway: FakeGateway) -> None:
        write(world, 8)
        assert send_waiting() == 1
        (facts,) = gateway.taken.values()
        assert (facts["template"], facts["parameters"]) == ("gezhi_summary", {"count": "8", "label": "格治"})


def test_the_task_bundles_and_sends_and_a_repeat_of_it_does_nothing(
    world: World, gateway: FakeGateway
) -> None:
    report(world)
    tell()
    send_outbound()
    send_outbound()
    assert len(gateway.asked) == len(gateway.taken) == 1
    assert states() == [("sent", 1)]


def test_channels_take_turns_so_that_none_waits_for_the_backlog_of_another(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OUTBOUND_CHANNELS = ["mail", "sms"]
    cache.clear()
    sent: list[str] = []

    class Way:
        def __init__(self, name: str) -> None:
            self.name = name

        def send(self, letter: Letter) -> None:
            sent.append(self.name)

    monkeypatch.setattr(sending, "GATEWAYS", {name: Way(name) for name in ("mail", "sms")})
    write(world, 3)
    OutboundMessage.objects.filter(channel="sms").earliest("pk").delete()
    assert send_waiting() == 5
    assert sent == ["mail", "sms", "mail", "sms", "mail"]


@pytest.mark.django_db(transaction=True)
def test_two_senders_at_once_send_each_message_once(world: World, gateway: FakeGateway) -> None:
    for _number in range(5):
        write(world)

    def work() -> None:
        try:
            send_waiting()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(gateway.asked) == len(set(gateway.asked)) == 5
    assert states() == [("sent", 1)] * 5


def test_a_sender_killed_after_the_gateway_took_it_sends_it_again_with_the_same_key(
    world: World, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(world)
    ending = sending._end

    def die(*args: Any) -> None:
        raise SystemExit

    monkeypatch.setattr(sending, "_end", die)
    with pytest.raises(SystemExit):
        send_waiting()
    monkeypatch.setattr(sending, "_end", ending)
    assert send_waiting() == 0  # its lease still holds
    come_due()
    assert send_waiting() == 1
    assert (len(gateway.asked), len(gateway.taken)) == (2, 1)
    assert states() == [("sent", 2)]


def test_what_kills_its_sender_each_time_is_given_up(world: World, gateway: FakeGateway) -> None:
    write(world)
    OutboundMessage.objects.update(tries=MOST_TRIES)
    assert send_waiting() == 0
    assert gateway.asked == []
    assert OutboundMessage.objects.get().state == "dead"


@pytest.mark.usefixtures("mailing")
class TestMail:
    def test_a_single_message_in_plain_words_and_the_reader_s_language(self, world: World) -> None:
        (number,) = write(world)
        assert send_waiting() == 1
        (sent,) = mail.outbox
        assert (sent.to, sent.from_email) == (["desk@example.cn"], "portal@example.cn")
        assert sent.subject == f"新工单待受理 {number}"
        assert f"{number} · 雨水箅子" in sent.body
        assert "https://gezhi.example.cn/notifications/" in sent.body
        key = OutboundMessage.objects.get().key
        assert sent.extra_headers["Message-ID"] == f"<{key}@example.cn>"

    def test_in_english_for_who_reads_english(self, world: World) -> None:
        DeliveryPreference.objects.update(language="en")
        write(world, 25)
        assert send_waiting() == 1
        (sent,) = mail.outbox
        assert sent.subject == "25 new messages"
        assert sent.body.count("New order to accept") == 20
        assert "and 5 more" in sent.body

    def test_of_thousands_only_those_that_are_named_are_read_in_full(self, world: World) -> None:
        write(world, MOST_LINES + 5)
        (message,) = OutboundMessage.objects.all()
        with CaptureQueriesContext(connection) as asked:
            assert letter_of(message, at=timezone.now()) is not None
        (whole,) = [each["sql"] for each in asked if '"cases_case"."description"' in each["sql"]]
        (named,) = re.findall(r'"cases_notification"."id" IN \(([\d, ]+)\)', whole)
        assert len(named.split(",")) == MOST_LINES
        assert not any("DISTINCT" in each["sql"] for each in asked)

    def test_nothing_of_a_note_or_a_reporter_leaves_the_portal(self, world: World) -> None:
        case = report(world, description="王大爷家门口")
        desk.decline_case(case_id=case.pk, actor=world.second_desk, at=NOON, note="找李四 13911112222")
        DeliveryPreference.objects.create(
            user=world.worker, mail="all", address="w@example.cn", confirmed_at=NOON
        )
        tell()
        bundle(at=timezone.now())
        send_waiting()
        texts = "".join(sent.subject + sent.body for sent in mail.outbox)
        assert "你的上报未被受理" in texts or "不予受理" in texts
        for secret in ("王大爷", "李四", "13911112222", world.worker.name):
            assert secret not in texts

    @pytest.mark.parametrize("why", ["disabled", "not wanted", "lost", "no channel"])
    def test_who_may_no_longer_be_told_is_not(self, world: World, why: str, settings: Settings) -> None:
        write(world)
        if why == "disabled":
            User.objects.filter(pk=world.desk.pk).update(disabled_at=NOON)
        elif why == "not wanted":
            DeliveryPreference.objects.update(mail="urgent")
        elif why == "lost":
            world.desk.posts.all().delete()
        else:
            settings.OUTBOUND_CHANNELS = []
        assert send_waiting() == 0
        assert mail.outbox == []
        expected = ("waiting", 0) if why == "no channel" else ("dropped", 1)
        assert states() == [expected]

    @pytest.mark.parametrize(
        ("error", "state"),
        [
            (smtplib.SMTPRecipientsRefused({"x": (550, b"no such user")}), "dead"),
            (smtplib.SMTPRecipientsRefused({"x": (451, b"later")}), "waiting"),
            (smtplib.SMTPDataError(554, b"spam"), "dead"),
            (smtplib.SMTPDataError(421, b"busy"), "waiting"),
            (smtplib.SMTPServerDisconnected("gone"), "waiting"),
            (TimeoutError("slow"), "waiting"),
        ],
    )
    def test_what_the_mail_server_says_decides_whether_to_try_again(
        self, world: World, error: Exception, state: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(self: object, *args: Any) -> int:
            raise error

        monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", fail)
        write(world)
        assert send_waiting() == 0
        assert [row[0] for row in states()] == [state]


class TestOfficer:
    def test_what_was_given_up_is_sent_again_by_the_system_officer(
        self, world: World, gateway: FakeGateway
    ) -> None:
        officer = make_user("韩系统", role=Role.SYSTEM_OFFICER)
        write(world)
        gateway.moods = [404]
        send_waiting()
        pk = OutboundMessage.objects.get().pk
        for role in (Role.AUDIT_OFFICER, Role.SECURITY_OFFICER):
            with pytest.raises(NotAllowed):
                retry_outbound_message(message_id=pk, actor=make_user("别人", role=role), at=timezone.now())
        retry_outbound_message(message_id=pk, actor=officer, at=timezone.now())
        assert states() == [("waiting", 0)]
        assert send_waiting() == 1
        assert len(set(gateway.asked)) == 1
        assert AuditEntry.objects.get(action="outbound_message_retried").actor == officer
        with pytest.raises(WrongState):
            retry_outbound_message(message_id=pk, actor=officer, at=timezone.now())
        with pytest.raises(NotVisible):
            retry_outbound_message(message_id=0, actor=officer, at=timezone.now())


def test_mail_without_a_server_is_unreachable(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    letter = gateways.Letter(OutboundMessage().key, "a@example.cn", "x", "y", "", {})
    with pytest.raises(Unreachable):
        Mail().send(letter)
