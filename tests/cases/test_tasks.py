"""Delivery by a real worker over a real broker: at once when told, by the sweep whatever gets lost, once."""

from __future__ import annotations

import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis
from celery import current_app
from django.conf import settings

from cases import tasks
from cases.actions import routing
from cases.models import Case, CaseEvent, Notification
from cases.publishing import publisher
from cases.relay import lag, run_relay
from cases.workflow import State
from governance import health
from governance.alive import QUEUES
from governance.celery import BEAT_SCHEDULE, app
from tests.conftest import database_is_quiet, running_worker, wait_for
from tests.factories.cases import World, make_world, report
from tests.factories.catalogue import make_matter

pytestmark = pytest.mark.django_db(transaction=True)


class Workers:
    """One real worker after another: a start takes seconds, so that tests share one until it is killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stack = ExitStack()
        self.last: subprocess.Popen[bytes] | None = None

    def get(self, env: dict[str, str]) -> subprocess.Popen[bytes]:
        if self.last is None or self.last.poll() is not None:
            self.last = self.stack.enter_context(running_worker(env, self.folder))
        return self.last


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    workers = Workers(tmp_path_factory.mktemp("worker"))
    with workers.stack:
        yield workers


@pytest.fixture
def celery_worker(
    transactional_db: None, workers: Workers, program_env: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """The worker of this module's tests; its last task is over when the tables are emptied."""
    worker = workers.get(program_env)
    yield worker
    prefix = app.conf.broker_transport_options["global_keyprefix"]
    with health.broker() as client:
        # What a killed worker has left is thrown away before the next one starts.
        queues = [prefix + each for each in QUEUES]
        wait_for(lambda: worker.poll() is not None or not client.exists(*queues), 180)
    wait_for(database_is_quiet)


@pytest.fixture
def world() -> World:
    return make_world()


def kinds(case: Case) -> list[str]:
    return list(CaseEvent.objects.filter(case=case).order_by("seq").values_list("kind", flat=True))


def messages(case: Case) -> Counter[str]:
    return Counter(Notification.objects.filter(case=case).values_list("kind", flat=True))


def test_a_report_is_told_and_routed_at_once_without_any_sweep(
    world: World, celery_worker: subprocess.Popen[bytes]
) -> None:
    case = report(world)
    wait_for(lambda: kinds(case) == ["report", "route"])
    wait_for(lambda: messages(case) == {"report": 2})
    assert Case.objects.get(pk=case.pk).suggested_unit == world.unit


def test_a_matter_marked_so_is_dispatched_by_the_worker(
    world: World, celery_worker: subprocess.Popen[bytes]
) -> None:
    matter = make_matter(name="井盖缺失", direct=True, unit=world.unit, place=world.city.city)
    case = report(world, matter=matter)
    wait_for(lambda: messages(case) == {"report": 2, "accept": 1, "dispatch": 3})
    assert kinds(case) == ["report", "route", "accept", "dispatch"]
    assert Case.objects.get(pk=case.pk).state == State.DISPATCHED
    wait_for(lambda: lag().is_empty)


def test_redelivered_and_doubled_messages_change_nothing(
    world: World, celery_worker: subprocess.Popen[bytes]
) -> None:
    case = report(world)
    for _number in range(5):
        tasks.route_case.delay(case.pk)
        tasks.relay.delay()
    wait_for(lambda: kinds(case) == ["report", "route"])
    wait_for(lambda: lag().is_empty)
    tasks.route_case.delay(case.pk)
    tasks.relay.delay()
    last = report(world)
    wait_for(lambda: messages(last) == {"report": 2})
    assert (kinds(case), messages(case)) == (["report", "route"], {"report": 2})


def test_the_sweep_finds_what_a_flushed_broker_lost(
    world: World, celery_worker: subprocess.Popen[bytes]
) -> None:
    celery_worker.send_signal(signal.SIGSTOP)
    try:
        case = report(world)
        assert publisher.flush(60)
        redis.Redis.from_url(settings.REDIS_URL).flushdb()
    finally:
        celery_worker.send_signal(signal.SIGCONT)
    sweep = BEAT_SCHEDULE["relay"]
    app.send_task(sweep["task"], **sweep["options"])
    wait_for(lambda: messages(case) == {"report": 2})
    wait_for(lambda: kinds(case) == ["report", "route"])


def test_a_worker_killed_in_the_middle_loses_and_doubles_nothing(
    world: World, celery_worker: subprocess.Popen[bytes]
) -> None:
    cases = [report(world) for _number in range(10)]
    wait_for(Notification.objects.exists)
    celery_worker.kill()
    celery_worker.wait()
    wait_for(lambda: run_relay() == 0 and lag().is_empty)
    tasks.sweep_routes()
    run_relay()
    assert [messages(case) for case in cases] == [Counter(report=2)] * 10
    assert [kinds(case) for case in cases] == [["report", "route"]] * 10
    positions = CaseEvent.objects.order_by("position").values_list("position", flat=True)
    assert list(positions) == list(range(1, 21))


def test_an_order_that_cannot_be_routed_holds_up_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, broken, last = (report(world) for _number in range(3))
    # A sequence number that is taken already makes the event's insert fail.
    CaseEvent.objects.create(case=broken, seq=2, kind="comment", at=broken.reported_at, actor_kind="system")
    tasks.sweep_routes()
    assert [kinds(case) for case in (first, broken, last)] == [
        ["report", "route"],
        ["report", "comment"],
        ["report", "route"],
    ]
    assert Case.objects.get(pk=broken.pk).routed_at is None


def test_a_sweep_goes_on_batch_after_batch_and_tries_each_order_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [report(world) for _number in range(5)]
    tried: list[int] = []

    def route(case_id: int) -> None:
        tried.append(case_id)
        if case_id in (cases[1].pk, cases[3].pk):  # the last of a batch, and the first of one
            raise ValueError(case_id)
        routing.route_case(case_id=case_id, at=cases[0].reported_at)

    monkeypatch.setattr(tasks, "ROUTES", 2)
    monkeypatch.setattr(tasks, "route_case", route)
    tasks.sweep_routes()
    assert tried == [case.pk for case in reversed(cases)]
    left = Case.objects.filter(routed_at=None).order_by("pk")
    assert list(left) == [cases[1], cases[3]]

    monkeypatch.setattr(tasks, "SWEEPS", 0)
    tasks.sweep_routes()
    assert len(tried) == 5  # the time is over before the first


def test_the_sweep_leaves_imported_orders_alone(world: World) -> None:
    case = report(world)
    Case.objects.filter(pk=case.pk).update(is_imported=True)
    tasks.sweep_routes()
    assert kinds(case) == ["report"]


def test_routing_by_task_and_by_sweep_is_one_routing(world: World) -> None:
    case = report(world)
    tasks.route_case(case.pk)
    tasks.sweep_routes()
    routing.route_case(case_id=case.pk, at=case.reported_at)
    assert kinds(case) == ["report", "route"]


def test_every_sweep_of_beat_is_a_task_of_a_queue_that_is_served() -> None:
    app.loader.import_default_modules()  # as a worker does when it starts
    served = {queue.name for queue in app.conf.task_queues}
    for entry in BEAT_SCHEDULE.values():
        assert entry["task"] in current_app.tasks
        assert entry["options"].get("queue", "celery") in served
        assert entry["options"]["expires"] <= entry["schedule"]
    swept = {entry["task"]: entry["schedule"] for entry in BEAT_SCHEDULE.values()}
    assert {name: seconds for name, seconds in swept.items() if name.startswith("cases.")} == {
        "cases.relay": 5,
        "cases.send_outbound": 10,
        "cases.sweep_routes": 15,
        "cases.sweep_ladder": 20,
        "cases.follow_changes": 20,
        "cases.follow_calendar": 15,
        "cases.expire_uploads": 3600,
    }


def test_every_task_ends_well_before_the_broker_hands_it_out_again() -> None:
    visible = app.conf.broker_transport_options["visibility_timeout"]
    own = [task for name, task in current_app.tasks.items() if name.startswith("cases.")]
    assert len(own) == 8
    for task in own:
        assert task.soft_time_limit < task.time_limit <= visible / 2
