"""Who is told outside of the portal, once each; and how many messages become one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import pytest
from pytest_django import Settings

from cases import outbound
from cases.deadlines import CHINA
from cases.models import Delivery, DeliveryPreference, Notification, OutboundMessage
from cases.notify import in_app
from cases.outbound import MANY, WINDOW, bundle, plan
from partymembers.models import User
from tests.factories.cases import NOON, World, make_world, report
from tests.factories.catalogue import make_matter
from tests.factories.messages import tell

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_calendar")]
EVENING = datetime(2026, 11, 20, 21, 0, tzinfo=CHINA)  # a Friday
MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=CHINA)
Held, Kind = Delivery.Held, OutboundMessage.Kind


@pytest.fixture(autouse=True)
def channels(settings: Settings) -> None:
    settings.OUTBOUND_CHANNELS = ["mail", "sms"]


@pytest.fixture
def world() -> World:
    return make_world()


def prefer(user: User, mail: str = "none", sms: str = "none", **fields: object) -> DeliveryPreference:
    fields = {"address": "desk@example.cn", "confirmed_at": NOON} | fields
    return DeliveryPreference.objects.create(user=user, mail=mail, sms=sms, **fields)


def deliveries(user: User) -> list[tuple[str, bool, str, datetime]]:
    rows = Delivery.objects.filter(recipient=user).order_by("event", "channel")
    return [(row.channel, row.is_urgent, row.held, row.due_at) for row in rows]


def kinds() -> list[tuple[str, int]]:
    """Kind and number of deliveries of each message, in order."""
    messages = OutboundMessage.objects.order_by("pk").prefetch_related("deliveries")
    return [(message.kind, len(message.deliveries.all())) for message in messages]


class TestDeliveries:
    @pytest.mark.parametrize(
        ("mail", "sms", "normal", "urgent"),
        [
            ("none", "none", [], []),
            ("all", "none", ["mail"], ["mail"]),
            ("urgent", "all", ["sms"], ["mail", "sms"]),
            ("none", "urgent", [], ["sms"]),
        ],
    )
    def test_each_channel_of_which_orders_one_likes(
        self, world: World, mail: str, sms: str, normal: list[str], urgent: list[str]
    ) -> None:
        prefer(world.desk, mail, sms)
        report(world)
        report(world, matter=make_matter(name="燃气泄漏", urgency="urgent"))
        tell()
        found = deliveries(world.desk)
        assert [row[0] for row in found if not row[1]] == normal
        assert [row[0] for row in found if row[1]] == urgent
        assert Delivery.objects.exclude(recipient=world.desk).count() == 0

    def test_a_repeat_changes_nothing(self, world: World) -> None:
        prefer(world.desk, "all", "all")
        report(world)
        tell()
        before = list(Delivery.objects.order_by("pk").values())
        tell()
        assert list(Delivery.objects.order_by("pk").values()) == before
        assert len(before) == 2

    def test_no_e_mail_to_an_address_that_nobody_confirmed(self, world: World) -> None:
        prefer(world.desk, "all", confirmed_at=None)
        report(world)
        tell()
        assert deliveries(world.desk) == []

    def test_outside_working_time_only_urgent_orders_go_at_once(self, world: World) -> None:
        prefer(world.desk, "all")
        prefer(world.second_desk, "all", digest=False, address="two@example.cn")
        report(world, at=EVENING)
        report(world, at=EVENING, matter=make_matter(name="燃气泄漏", urgency="urgent"))
        tell()
        assert deliveries(world.desk) == [("mail", False, "quiet", MONDAY), ("mail", True, "", EVENING)]
        assert deliveries(world.second_desk) == [("mail", True, "", EVENING)]

    def test_without_a_channel_it_costs_no_query_and_else_one(
        self,
        world: World,
        settings: Settings,
        django_assert_num_queries: Callable[[int], AbstractContextManager[object]],
    ) -> None:
        report(world)
        tell()
        rows = list(Notification.objects.select_related("event"))
        with django_assert_num_queries(1):
            outbound.write_deliveries(rows)
        settings.OUTBOUND_CHANNELS = []
        with django_assert_num_queries(0):
            outbound.write_deliveries(rows)

    def test_written_with_the_message_in_the_portal_or_not_at_all(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        case = report(world)

        def fail(rows: object) -> None:
            raise RuntimeError("no")

        monkeypatch.setattr("cases.notify.write_deliveries", fail)
        from cases import relay  # noqa: PLC0415

        monkeypatch.setattr(relay, "_consumers", {})
        relay.register(relay.Consumer("in_app", in_app))
        relay.run_relay(seconds=5)
        assert not Notification.objects.filter(case=case).exists()


def some(number: int, held: str = Held.NO, *, is_urgent: bool = False) -> list[Delivery]:
    return [Delivery(held=held, is_urgent=is_urgent, due_at=NOON) for _number in range(number)]


class TestPlan:
    def test_few_go_singly(self) -> None:
        due = some(MANY)
        assert plan(due, 0, None).messages == [(Kind.SINGLE, [each]) for each in due]

    def test_many_at_once_are_one(self) -> None:
        due = some(MANY + 1)
        assert plan(due, 0, None).messages == [(Kind.SUMMARY, due)]

    def test_after_many_lately_the_rest_waits_for_the_end_of_the_window(self) -> None:
        due = some(2)
        planned = plan(due, MANY, NOON)
        assert (planned.messages, planned.waiting, planned.until) == ([], due, NOON + WINDOW)

    @pytest.mark.parametrize("impatient", [some(1, is_urgent=True), some(1, Held.MANY)])
    def test_what_is_urgent_or_has_waited_takes_all_along(self, impatient: list[Delivery]) -> None:
        due = some(2) + impatient
        assert plan(due, MANY, NOON).messages == [(Kind.SUMMARY, due)]

    def test_the_night_is_one_digest_beside_what_is_new(self) -> None:
        night, fresh = some(20, Held.QUIET), some(1)
        assert plan(night + fresh, 0, None).messages == [(Kind.DIGEST, night), (Kind.SINGLE, fresh)]


class TestBundle:
    def reported(self, world: World, number: int, at: datetime) -> None:
        for _number in range(number):
            report(world, at=at)
        tell()

    def test_the_night_becomes_one_digest_a_person_and_channel_when_work_begins(self, world: World) -> None:
        prefer(world.desk, "all", "all")
        prefer(world.second_desk, sms="all")
        self.reported(world, 7, EVENING)
        assert bundle(at=MONDAY - timedelta(seconds=1)) == 0
        assert bundle(at=MONDAY) == 21
        assert bundle(at=MONDAY) == 0
        assert kinds() == [("digest", 7)] * 3
        people = OutboundMessage.objects.values_list("recipient", "channel")
        desk, second = world.desk.pk, world.second_desk.pk
        assert set(people) == {(desk, "mail"), (desk, "sms"), (second, "sms")}

    def test_a_flood_becomes_a_few_messages_and_loses_nothing(self, world: World) -> None:
        prefer(world.desk, sms="all")
        for minute in range(12):
            self.reported(world, 3, NOON + timedelta(minutes=minute))
            bundle(at=NOON + timedelta(minutes=minute))
        for minute in range(12, 20):
            bundle(at=NOON + timedelta(minutes=minute))
        told = kinds()
        assert sum(number for _kind, number in told) == 36
        assert len(told) <= 3 + 12 * 60 // WINDOW.seconds + 3
        assert not Delivery.objects.filter(message=None).exists()

    def test_each_delivery_goes_into_one_message(self, world: World) -> None:
        prefer(world.desk, "all", "all")
        self.reported(world, 2, NOON)
        assert (bundle(at=NOON), bundle(at=NOON)) == (4, 0)
        assert kinds() == [("single", 1)] * 4
