"""Messages in and out of the portal: once for each event and person, with relays at once and killed."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

import pytest
from django.db import DatabaseError, InterfaceError, connection, connections
from pytest_django import Settings

from cases.models import CaseEvent, ConsumerCursor, Delivery, DeliveryPreference, Notification
from cases.relay import lag, registered_consumers, run_relay
from cases.tasks import relay
from tests.factories.cases import NOON, World, bring_to, make_world
from tests.factories.messages import tell

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("plain_calendar")]


@pytest.fixture
def world(settings: Settings) -> World:
    settings.OUTBOUND_CHANNELS = ["mail", "sms"]
    world = make_world()
    for user in (world.desk, world.second_desk, world.handler, world.worker):
        DeliveryPreference.objects.create(
            user=user, mail="all", sms="all", address=f"{user.pk}@example.cn", confirmed_at=NOON
        )
    return world


def in_threads(*work: Callable[[], object]) -> None:
    def run(each: Callable[[], object]) -> None:
        try:
            each()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[each]) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def rows() -> tuple[set[tuple[int, int]], set[tuple[int, int, str]]]:
    messages = set(Notification.objects.values_list("recipient_id", "event_id"))
    return messages, set(Delivery.objects.values_list("recipient_id", "event_id", "channel"))


def assert_everybody_was_told_once() -> None:
    """The log read once more from its beginning adds nothing to what is there, and nobody waits."""
    found, numbers = rows(), (Notification.objects.count(), Delivery.objects.count())
    assert numbers == (len(found[0]), len(found[1]))
    assert lag().is_empty
    top = CaseEvent.objects.count()
    cursors = dict(ConsumerCursor.objects.values_list("name", "position"))
    assert {name: cursors[name] for name in registered_consumers()} == dict.fromkeys(
        registered_consumers(), top
    )
    tell()
    assert rows() == found
    assert numbers > (20, 20)


def test_relays_at_once_and_redelivered_tasks(world: World) -> None:
    writing = threading.Event()

    def write() -> None:
        for _number in range(4):
            bring_to(world, "handled")
        writing.set()

    def read() -> None:
        while not writing.is_set():
            run_relay(seconds=5)
        relay()  # the task again, as a broker that redelivers would have it
        relay()

    in_threads(write, read, read)
    run_relay()
    assert_everybody_was_told_once()


def test_relays_whose_connections_are_killed_all_the_time(world: World) -> None:
    for _number in range(4):
        bring_to(world, "handled")
    dice, killed, done = random.Random(7), [0], threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                run_relay(seconds=5)
            except (DatabaseError, InterfaceError):
                connection.close()

    def write() -> None:
        until = time.monotonic() + 60
        while killed[0] < 5 and time.monotonic() < until:
            try:
                bring_to(world, "handled")
            except (DatabaseError, InterfaceError):  # it was the writer's turn: its order is not there
                connection.close()
        done.set()

    def kill() -> None:
        while not done.is_set():
            time.sleep(dice.uniform(0.005, 0.05))
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                    " AND datname = current_database() AND state LIKE 'idle in transaction%'"
                )
                killed[0] += cursor.rowcount

    in_threads(read, read, write, kill)
    assert killed[0] >= 5
    run_relay()
    assert_everybody_was_told_once()
