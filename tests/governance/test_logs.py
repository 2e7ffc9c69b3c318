"""Log lines carry the request, the task that follows from it and the order, and nothing of anybody."""

from __future__ import annotations

import io
import json
import logging
import logging.config
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse

from cases.actions.engine import lock_case
from cases.models import Case
from cases.publishing import heard, publisher
from cases.relay import lag
from governance.celery import app
from governance.settings import logs
from tests.conftest import wait_for
from tests.factories.cases import NOON, make_world, report
from tests.factories.scene import signed_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What production would write, a JSON line an event."""
    told = logs.logging_settings(level="INFO", json=True)["formatters"]["events"]
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(logging.config.DictConfigurator({"version": 1}).configure_formatter(told))
    root, before = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel("INFO")
    yield handler.stream
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.fixture
def program_env(program_env: dict[str, str]) -> dict[str, str]:
    """The worker tells of each task."""
    return {**program_env, "GEZHI_LOG_LEVEL": "DEBUG"}


def read(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def accept(*, after: int = 1) -> str:
    """A desk accepts an order on its page, once so many events have been handed over; the order's number."""
    world = make_world()
    case = report(world, at=NOON)
    wait_for(lambda: case.events.count() == after and (after == 1 or lag().is_empty))
    assert publisher.flush(30)
    heard("cases.relay")  # so that no message on its way stands for that of the request
    page = reverse("cases:act", args=[case.number, "accept"])
    assert signed_in(world.desk).post(page).status_code in (200, 204, 302)
    case.refresh_from_db()
    assert case.state == "accepted"
    return case.number


def waiting_messages() -> list[dict[str, Any]]:
    prefix = app.conf.broker_transport_options["global_keyprefix"]
    raw = redis.Redis.from_url(settings.REDIS_URL).lrange(f"{prefix}urgent", 0, -1)
    return [json.loads(each)["headers"] for each in raw]


def test_the_line_of_a_request_names_the_order_and_its_nudge_names_the_request(lines: io.StringIO) -> None:
    app.control.purge()
    number = accept()

    finished = [line for line in read(lines) if line["event"] == "request_finished"]
    assert [line["order"] for line in finished] == [number]
    request_id = finished[0]["request_id"]
    assert publisher.flush(30)
    nudges = [each for each in waiting_messages() if each["task"] == "cases.relay"]
    assert {"request_id": request_id} in [each["__django_structlog__"] for each in nudges]
    assert all(set(each["__django_structlog__"]) <= {"request_id"} for each in nudges)
    app.control.purge()


def test_a_line_in_the_midst_of_an_action_names_the_order(lines: io.StringIO) -> None:
    world = make_world()
    case = report(world, at=NOON)
    with transaction.atomic():
        lock_case(case.pk)
        logging.getLogger("gezhi.tasks").warning("route_failed", extra={"case": case.pk})
    assert [(line["order"], line["case"]) for line in read(lines)] == [(case.number, case.pk)]


def test_a_row_that_the_database_refuses_is_not_told(lines: io.StringIO) -> None:
    case = report(make_world(), at=NOON, description="王某家漏水\n\n又及：楼下也漏")
    try:
        Case.objects.filter(pk=case.pk).update(number=None)
    except IntegrityError:
        logging.getLogger("gezhi.tasks").exception("route_failed")
    (line,) = read(lines)
    assert line["exception"].count("NotNullViolation") == 1
    assert "The above exception was the direct cause" in line["exception"]
    assert "in execute" in line["exception"].partition("The above exception")[2]
    assert not any(words in line["exception"] for words in ("王某", "漏", case.address))


@pytest.mark.usefixtures("celery_worker")
def test_the_workers_lines_name_the_task_and_the_request(lines: io.StringIO, tmp_path: Path) -> None:
    number = accept(after=2)
    request_id = next(line["request_id"] for line in read(lines) if line.get("order") == number)

    def told() -> list[str]:
        text = (tmp_path / "worker.log").read_text()
        return [line for line in text.splitlines() if f"request_id={request_id}" in line]

    started = wait_for(lambda: [line for line in told() if "task_started" in line])
    assert all("task_id=" in line for line in started)
