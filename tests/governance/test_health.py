"""What `/readyz` and `/metrics` say when parts are well, silent or away, and to whom."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from cases.calendars import forget_calendar
from cases.models import CaseEvent, Clock, Heartbeat, QuarantinedClock
from cases.relay import run_relay
from governance import health
from tests.conftest import ROOT, wait_for
from tests.factories.cases import bring_to, make_world, report

TOKEN = "a-token-of-twenty-and-more"
WITH_TOKEN = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(autouse=True)
def fresh(settings: Settings) -> Iterator[None]:
    settings.METRICS_TOKEN = TOKEN
    health.checks.forget()
    cache.clear()
    forget_calendar()
    yield
    health.checks.forget()
    forget_calendar()


@pytest.fixture
def beating(db: None) -> None:
    """Everything was heard of just now."""
    now = timezone.now()
    for name in ("beat", "queue:urgent", "queue:celery"):
        Heartbeat.objects.create(name=name, at=now)


def asked(client: Client) -> tuple[int, dict[str, Any]]:
    health.checks.forget()
    answer = client.get("/readyz", headers=WITH_TOKEN)
    return answer.status_code, answer.json()


def failing(told: dict[str, Any]) -> list[str]:
    return [name for name, check in told["checks"].items() if not check["ok"]]


def gauges(client: Client) -> dict[tuple[str, ...], float]:
    """Every number of the page by its name and the values of its labels, in their alphabetical order."""
    cache.clear()
    health.checks.forget()
    text = client.get("/metrics", headers=WITH_TOKEN).content.decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


@pytest.mark.usefixtures("beating")
def test_when_all_is_well_it_says_so_with_every_parts_age(client: Client) -> None:
    status, told = asked(client)

    assert (status, told["ready"], failing(told)) == (200, True, [])
    assert list(told["checks"]) == [
        "database", "broker", "beat", "queue:urgent", "queue:celery", "relay", "sweep",
    ]  # fmt: skip
    assert told["checks"]["relay"] == {"ok": True, "age": 0.0, "limit": 60.0}
    assert told["checks"]["broker"] == {"ok": True}
    assert set(told["checks"]["beat"]) == {"ok", "age", "limit"}


@pytest.mark.django_db
def test_what_was_never_heard_of_is_not_well(client: Client) -> None:
    status, told = asked(client)
    assert (status, failing(told)) == (503, ["beat", "queue:urgent", "queue:celery"])
    assert told["checks"]["beat"] == {"ok": False, "limit": 30.0}


@pytest.mark.usefixtures("beating")
@pytest.mark.parametrize(("name", "limit"), [("beat", 30), ("queue:urgent", 60), ("queue:celery", 60)])
def test_who_is_silent_for_too_long_is_named(client: Client, name: str, limit: int) -> None:
    for seconds, expected in ((limit - 10, []), (limit + 1, [name])):
        Heartbeat.objects.filter(pk=name).update(at=timezone.now() - timedelta(seconds=seconds))
        assert failing(asked(client)[1]) == expected


@pytest.mark.usefixtures("beating")
def test_events_that_nobody_read_and_rungs_that_nobody_took_are_named(client: Client) -> None:
    world = make_world()
    report(world, at=timezone.now())
    assert failing(asked(client)[1]) == []

    with connection.cursor() as cursor:  # the log is append-only but for its position: make it older by force
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE cases_caseevent DISABLE TRIGGER USER")
        CaseEvent.objects.update(recorded_at=timezone.now() - timedelta(seconds=70))
        cursor.execute("ALTER TABLE cases_caseevent ENABLE TRIGGER USER")
    status, told = asked(client)
    assert (status, failing(told)) == (503, ["relay"])
    assert 68 < told["checks"]["relay"]["age"] < 120

    run_relay()
    Clock.objects.update(next_rung_at=timezone.now() - timedelta(seconds=100))
    status, told = asked(client)
    assert (status, failing(told)) == (503, ["sweep"])
    assert 98 < told["checks"]["sweep"]["age"] < 150


@pytest.mark.usefixtures("beating")
def test_a_broker_that_is_away_is_named_and_nothing_else(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = "unix:///nowhere/at-all.sock"
    status, told = asked(client)
    assert (status, failing(told)) == (503, ["broker"])


@pytest.mark.django_db
def test_a_wiped_broker_makes_nobody_look_dead(client: Client, beating: None) -> None:
    with health.broker() as broker:
        broker.flushdb()
    assert asked(client)[0] == 200


@pytest.mark.django_db(transaction=True)
def test_without_its_database_it_says_no_more_than_that(client: Client, settings: Settings) -> None:
    wrapper = connection
    wrapper.close()
    name = wrapper.settings_dict["NAME"]
    wrapper.settings_dict["NAME"] = "no_such_database"
    try:
        status, told = asked(client)
        plain = client.get("/readyz")
    finally:
        wrapper.settings_dict["NAME"] = name
        wrapper.close()
    assert (status, told["checks"]["database"], told["checks"]["broker"]) == (
        503,
        {"ok": False},
        {"ok": True},
    )
    assert [plain.status_code, plain.content] == [503, b"not ready"]


@pytest.mark.usefixtures("beating")
@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN])
def test_without_the_token_there_is_one_word_and_no_metrics(client: Client, given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given}
    answer = client.get("/readyz", headers=headers)
    assert (answer.status_code, answer.content) == (200, b"ok")
    assert client.get("/metrics", headers=headers).status_code == 404


@pytest.mark.usefixtures("beating")
def test_where_no_token_is_set_none_opens(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = None
    for given in ("Bearer ", "Bearer None"):
        assert client.get("/metrics", headers={"Authorization": given}).status_code == 404
        assert client.get("/readyz", headers={"Authorization": given}).content == b"ok"


@pytest.mark.usefixtures("beating")
def test_many_who_ask_cost_one_look(client: Client, django_assert_num_queries: Any) -> None:
    client.get("/readyz")
    with django_assert_num_queries(0):
        for _each in range(5):
            assert client.get("/readyz").status_code == 200


@pytest.mark.usefixtures("beating")
def test_the_metrics_tell_open_orders_by_state_and_light_and_every_lag(client: Client) -> None:
    world, now = make_world(), timezone.now()
    report(world, at=now)
    late = report(world, at=now - timedelta(days=30))
    bring_to(world, "closed", at=now)
    run_relay()
    QuarantinedClock.objects.create(clock=late.clocks.all()[0], error="x", since=now, last_at=now)
    read = gauges(client)

    orders = {key[1:]: number for key, number in read.items() if key[0] == "gezhi_open_orders"}
    assert sum(orders.values()) == 2
    assert orders["incident", "red", "reported"] == 1
    assert read["gezhi_check_ok", "beat"] == 1
    assert read["gezhi_check_age_seconds", "beat"] < 60
    assert read["gezhi_ladder_quarantined_clocks",] == 1
    assert read["gezhi_relay_behind_events", "in_app"] == 0
    assert read["gezhi_relay_lag_seconds", "in_app"] == 0
    assert read["gezhi_relay_given_up_events", "in_app"] == 0
    assert read["gezhi_relay_unnumbered_events",] == 0
    assert read["gezhi_queue_messages", "celery"] >= 0
    assert read["gezhi_outbound_messages", "dead"] == 0


@pytest.mark.usefixtures("beating")
def test_the_command_says_the_same_and_its_exit_code_is_for_machines(capsys: Any) -> None:
    out = StringIO()
    call_command("check_health", stdout=out)
    assert [line.split()[:2] for line in out.getvalue().splitlines()][:3] == [
        ["ok", "database"],
        ["ok", "broker"],
        ["ok", "beat"],
    ]
    Heartbeat.objects.filter(pk="beat").delete()
    with pytest.raises(SystemExit) as ended:
        call_command("check_health", stdout=out)
    assert ended.value.code == 1
    assert "FAILS    beat" in out.getvalue()
    call_command("check_health", "database", "broker", stdout=out)
    with pytest.raises(CommandError, match="quue"):
        call_command("check_health", "database", "quue:urgent", stdout=out)


@pytest.mark.django_db(transaction=True)
def test_request_times_are_counted_by_all_web_processes_together(
    program_env: dict[str, str], tmp_path: Any
) -> None:
    """Two real gunicorn workers: whichever answers tells of the requests that both have served."""
    folder = tmp_path / "metrics"
    folder.mkdir()
    env = {**program_env, "GEZHI_METRICS_TOKEN": TOKEN, "GEZHI_METRICS_FOLDER": str(folder)}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        os.set_inheritable(listener.fileno(), True)
        command = [sys.executable, "-m", "gunicorn", "governance.wsgi:application", "--workers", "2",
                   "--bind", f"fd://{listener.fileno()}", "--log-level", "warning",
                   "--no-control-socket", "--preload"]  # fmt: skip
        with (tmp_path / "web.log").open("wb") as log:
            web = subprocess.Popen(
                command, cwd=ROOT, env=env, stdout=log, stderr=log, pass_fds=(listener.fileno(),)
            )
        try:
            for _each in range(40):
                assert get(port, "/healthz")[0] == 200
            wait_for(lambda: len(list(folder.glob("histogram_*.db"))) == 2 or not get(port, "/healthz"))
            asked_so_far = 40
            read = [counted(port) for _each in range(6)]
        finally:
            web.terminate()
            web.wait(timeout=60)
    assert min(read) >= asked_so_far
    assert len(set(read)) == 1


def test_a_folder_that_is_not_there_refuses_nobody(program_env: dict[str, str], tmp_path: Any) -> None:
    """Asked in a process of its own: where counts go is settled when the library is imported."""
    asking = (
        "import django; django.setup()\n"
        "from django.test import Client\n"
        f"headers = {WITH_TOKEN!r}\n"
        "answers = [Client().get(path, headers=headers) for path in ('/healthz', '/healthz', '/metrics')]\n"
        "print([answer.status_code for answer in answers], b'gezhi_check_ok' in answers[-1].content)"
    )
    env = {
        **program_env,
        "GEZHI_METRICS_TOKEN": TOKEN,
        "GEZHI_METRICS_FOLDER": str(tmp_path / "gone"),
        "ALLOWED_HOSTS": "testserver",
    }
    done = subprocess.run(
        [sys.executable, "-c", asking], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[200, 200, 200] True", done.stderr
    assert done.stderr.count("requests_not_counted") == 1


def get(port: int, path: str) -> tuple[int, str]:
    connected = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connected.request("GET", path, headers=WITH_TOKEN)
    answer = connected.getresponse()
    return answer.status, answer.read().decode()


def counted(port: int) -> float:
    status, text = get(port, "/metrics")
    assert status == 200, json.dumps(text)
    return next(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "gezhi_request_seconds_count" and sample.labels["route"] == "healthz"
    )
