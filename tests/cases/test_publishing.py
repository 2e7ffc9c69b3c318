"""The way to the broker: it never costs the person who clicked, broken or not."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from celery import Celery
from django.conf import settings

from cases import relay, tasks
from cases.models import Notification
from cases.publishing import Publisher, send_to_broker
from governance.celery import BEAT_SCHEDULE, app
from tests.conftest import wait_for
from tests.factories.cases import make_world, report


class Outbox:
    """Where a publisher sends to, instead of a broker."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, tuple[Any, ...]]] = []
        self.gate = threading.Event()
        self.is_down = False
        self.attempts = 0

    def __call__(self, task: str, args: tuple[Any, ...]) -> None:
        self.attempts += 1
        assert self.gate.wait(60)
        if self.is_down:
            raise ConnectionError
        self.sent.append((task, args))


def test_messages_go_out_in_order_and_equal_ones_that_wait_go_once() -> None:
    outbox = Outbox()
    publisher = Publisher(outbox)
    publisher.post("cases.relay")
    wait_for(lambda: outbox.attempts == 1)
    for number in (1, 2, 2, 1):
        publisher.post("cases.relay")
        publisher.post("cases.route_case", number)
    outbox.gate.set()
    assert publisher.flush(60)
    assert outbox.sent == [
        ("cases.relay", ()),
        ("cases.relay", ()),  # posted while the first was on its way, so it is told once more
        ("cases.route_case", (1,)),
        ("cases.route_case", (2,)),
    ]


def test_after_a_failure_the_broker_is_left_alone_for_a_while() -> None:
    outbox = Outbox()
    outbox.gate.set()
    outbox.is_down = True
    publisher = Publisher(outbox, rest=3600)
    publisher.post("cases.relay")
    assert publisher.flush(60)
    for _number in range(50):
        publisher.post("cases.relay")
    assert publisher.flush(60)
    assert outbox.attempts == 1


def test_after_its_rest_the_broker_is_told_again() -> None:
    outbox = Outbox()
    outbox.gate.set()
    outbox.is_down = True
    publisher = Publisher(outbox, rest=0.01)
    publisher.post("cases.relay")
    assert publisher.flush(60)
    outbox.is_down = False
    time.sleep(0.02)
    publisher.post("cases.relay")
    assert publisher.flush(60)
    assert outbox.sent == [("cases.relay", ())]


@pytest.fixture
def broker() -> Iterator[redis.Redis]:
    """The tests' own, with nothing in the queue and nothing on its way."""
    valkey = redis.Redis.from_url(settings.REDIS_URL)
    wipe(valkey)
    yield valkey
    wipe(valkey)


def wipe(broker: redis.Redis) -> None:
    """Only what is this test process's: another may use the same database."""
    for key in broker.scan_iter(f"{settings.TEST_SPACE}:*"):
        broker.delete(key)


def queued(broker: redis.Redis) -> list[str]:
    """The tasks that wait for a worker, the newest first."""
    queue = f"{app.conf.broker_transport_options['global_keyprefix']}urgent"
    return [json.loads(raw)["headers"]["task"] for raw in broker.lrange(queue, 0, -1)]


TASKS: dict[str, Callable[[], None]] = {
    "cases.relay": tasks.relay,
    "cases.send_outbound": tasks.send_outbound,
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("task", TASKS)
def test_one_message_in_the_queue_stands_for_those_of_all_processes_until_its_task_begins(
    broker: redis.Redis, task: str
) -> None:
    publishers = [Publisher() for _number in range(3)]  # each stands for a process

    def post() -> None:
        for publisher in publishers:
            publisher.post(task)
            assert publisher.flush(60)

    post()
    assert queued(broker) == [task]
    TASKS[task]()
    post()
    assert queued(broker) == [task] * 2


def test_a_wiped_broker_and_different_orders_are_told_at_once(broker: redis.Redis) -> None:
    send_to_broker("cases.relay", ())
    for number in (1, 2, 2):
        send_to_broker("cases.route_case", (number,))
    assert queued(broker) == ["cases.route_case"] * 3 + ["cases.relay"]
    wipe(broker)
    send_to_broker("cases.relay", ())
    assert queued(broker) == ["cases.relay"]


def test_a_message_that_was_lost_stands_for_others_no_longer_than_a_sweep(broker: redis.Redis) -> None:
    send_to_broker("cases.relay", ())
    app.control.purge()
    (mark,) = broker.scan_iter(f"{settings.TEST_SPACE}:*:on-its-way:*")
    assert 0 < broker.pttl(mark) <= BEAT_SCHEDULE["relay"]["schedule"] * 1000


def test_a_forked_process_has_a_thread_of_its_own() -> None:
    reading, writing = os.pipe()
    publisher = Publisher(lambda task, args: os.write(writing, f"{task} {os.getpid()}\n".encode()) and None)
    publisher.post("parent")
    assert publisher.flush(60)
    child = os.fork()
    if child == 0:
        publisher.post("child")
        os._exit(0 if publisher.flush(60) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(writing)
    with os.fdopen(reading) as lines:
        assert lines.read().splitlines() == [f"parent {os.getpid()}", f"child {child}"]


@pytest.fixture(params=["closed port", "silent server"])
def dead_broker(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    """A broker that refuses, or takes the connection and never answers; closing it breaks the connection."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if request.param == "silent server":
            server.listen()
        yield server


@pytest.mark.django_db(transaction=True)
def test_with_a_dead_broker_reporting_is_as_quick_and_the_sweep_delivers(
    dead_broker: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waited for the broker would wait for its time-out, which no busy machine comes near."""
    port = dead_broker.getsockname()[1]
    app = Celery("elsewhere", broker=f"redis://127.0.0.1:{port}/0", set_as_current=False)
    app.conf.broker_transport_options = {"socket_timeout": 300, "socket_connect_timeout": 300}
    failures: list[str] = []
    senders: set[int] = set()

    def send(task: str, args: tuple[Any, ...]) -> None:
        senders.add(threading.get_ident())
        try:
            app.send_task(task, args=args, retry=False)
        except Exception as error:
            failures.append(type(error).__name__)
            raise

    monkeypatch.setattr(relay, "publisher", Publisher(send))
    world = make_world()
    began = time.monotonic()
    for _number in range(5):
        case = report(world)
    assert time.monotonic() - began < 150
    assert not Notification.objects.exists()
    tasks.relay()
    assert set(Notification.objects.filter(case=case).values_list("recipient_id", flat=True)) == {
        world.desk.pk,
        world.second_desk.pk,
    }
    wait_for(lambda: senders)
    assert threading.get_ident() not in senders
    dead_broker.close()
    wait_for(lambda: failures)
