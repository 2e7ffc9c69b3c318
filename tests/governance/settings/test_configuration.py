"""The configuration as it is: tasks, beat, migrations, headers, passwords, logs."""

from __future__ import annotations

import io
import json
import logging
import time

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher, get_hasher
from django.contrib.auth.password_validation import get_default_password_validators
from django.core.exceptions import DisallowedHost, RequestDataTooBig, ValidationError
from django.core.handlers.exception import response_for_exception
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.test import RequestFactory, override_settings
from kombu.exceptions import OperationalError

from governance import beat, celery
from governance.settings import base, logs, tasks
from tests.conftest import wait_for

OURS = {"governance", "cases", "partymembers", "grids"}


def test_every_beat_entry_names_a_registered_task_and_a_queue_that_workers_read():
    celery.app.loader.import_default_modules()
    queues = {queue.name for queue in celery.app.conf.task_queues}
    assert celery.BEAT_SCHEDULE
    for name, entry in celery.BEAT_SCHEDULE.items():
        assert entry["task"] in celery.app.tasks, name
        assert entry.get("options", {}).get("queue", "celery") in queues, name


def test_a_message_lands_in_one_queue_only():
    bindings = [(queue.exchange.name, queue.routing_key) for queue in celery.app.conf.task_queues]
    assert sorted(bindings) == [("celery", "celery"), ("urgent", "urgent")]


def test_no_task_may_outlive_its_visibility():
    configuration = celery.app.conf
    assert configuration.task_time_limit * 2 <= configuration.broker_transport_options["visibility_timeout"]
    assert (configuration.task_acks_late, configuration.task_reject_on_worker_lost) == (True, True)
    assert (configuration.worker_prefetch_multiplier, configuration.accept_content) == (1, ["json"])


def test_the_broker_address_of_a_socket_is_spelled_celerys_way():
    assert tasks.broker_address("unix:///a/b.sock?db=3") == "redis+socket:///a/b.sock?virtual_host=3"
    assert tasks.broker_address("redis://h:1/2") == "redis://h:1/2"


def test_publishing_without_a_broker_fails_fast():
    # Not the current one, or whatever is sent after this test goes there.
    app = celery.Celery("away", broker="redis+socket:///nowhere/at-all.sock", set_as_current=False)
    app.conf.update(
        task_publish_retry_policy=celery.app.conf.task_publish_retry_policy,
        broker_transport_options=celery.app.conf.broker_transport_options,
    )
    began = time.monotonic()
    with pytest.raises(OperationalError):
        app.send_task("governance.say_alive")
    assert time.monotonic() - began < 30


@pytest.mark.usefixtures("celery_worker")
def test_a_real_worker_takes_what_is_sent(tmp_path):
    before = (tmp_path / "alive").stat().st_mtime
    celery.say_alive.apply_async(queue="urgent")
    wait_for(lambda: (tmp_path / "alive").stat().st_mtime > before)


@pytest.mark.django_db(transaction=True)
def test_of_two_beats_one_is_active_and_the_other_takes_over():
    first, second = (beat.SingleScheduler(app=celery.app, lazy=True) for _ in range(2))
    try:
        assert (first._is_active(), second._is_active(), first._is_active()) == (True, False, True)
        assert second.tick() == beat.RETRY_SECONDS / settings.TASK_PACE
        first.close()
        assert wait_for(second._is_active)
    finally:
        first.close()
        second.close()


@pytest.mark.django_db
def test_the_models_have_all_their_migrations():
    call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)


@pytest.mark.django_db
def test_migrations_of_each_app_are_one_line():
    loader = MigrationLoader(connection)
    for app in OURS & {config.label for config in apps.get_app_configs()}:
        nodes = [key for key in loader.graph.nodes if key[0] == app]
        assert len(loader.graph.leaf_nodes(app)) == min(len(nodes), 1), app
        for key in nodes:
            parents = [parent for parent in loader.graph.node_map[key].parents if parent.key[0] == app]
            assert len(parents) <= 1, key


def test_every_answer_carries_the_headers(client):
    headers = client.get("/healthz").headers
    assert sorted(headers["Content-Security-Policy"].split("; ")) == [
        "base-uri 'self'",
        "default-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "img-src 'self' data: blob:",
        "object-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
    ]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Permissions-Policy"] == (
        "browsing-topics=(), camera=(self), geolocation=(self), microphone=(), payment=(), usb=()"
    )


@pytest.mark.django_db
def test_only_the_admin_gets_the_policy_of_its_theme(client):
    assert (
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'"
        in client.get("/admin/login/").headers["Content-Security-Policy"]
    )


@override_settings(PASSWORD_HASHERS=base.PASSWORD_HASHERS)
def test_passwords_are_hashed_by_argon2_and_by_nothing_else():
    assert get_hasher("default").algorithm == "argon2"
    with pytest.raises(ValueError, match="pbkdf2"):
        get_hasher(PBKDF2PasswordHasher.algorithm)


@pytest.mark.parametrize(
    ("password", "codes"),
    [
        ("Grid-walker-27", []),
        ("Gd-27", ["password_too_short"]),
        ("lowercaseonly", ["password_too_uniform"]),
        ("lower4digits99", ["password_too_uniform"]),
        ("password1234", ["password_too_common", "password_too_uniform"]),
    ],
)
def test_password_rules(password, codes):
    found = []
    for validator in get_default_password_validators():
        try:
            validator.validate(password, None)
        except ValidationError as error:
            found.append(error.code)
    assert sorted(found) == codes


def test_a_production_log_line_is_json_without_anybodys_numbers():
    formatter_settings = logs.logging_settings(level="INFO", json=True)["formatters"]["events"]
    factory = formatter_settings.pop("()")
    formatter = factory(**formatter_settings)
    record = logging.LogRecord(
        "gezhi",
        logging.INFO,
        "",
        0,
        "sent to 13812345678, id 11010519491231002X, order 261122-000123",
        (),
        None,
    )
    record.request = "GET /orders/?q=13812345678"
    said = json.loads(formatter.format(record))
    assert said["event"] == "sent to 138****5678, id 1101****002X, order 261122-000123"
    assert said["request"] == "GET /orders/"


@pytest.mark.parametrize(
    ("logger", "error", "told"),
    [
        ("RequestDataTooBig", RequestDataTooBig(), "RequestDataTooBig"),
        ("DisallowedHost", DisallowedHost("Invalid HTTP_HOST header: 'a.b'."), "Invalid HTTP_HOST header"),
    ],
)
@pytest.mark.parametrize("is_json", [True, False])
def test_a_refused_request_is_one_line_of_warning(logger, error, told, is_json):
    """As Django logs it, through the formatter and the filters of our settings."""
    settings = logs.logging_settings(level="INFO", json=is_json)
    factory = settings["formatters"]["events"].pop("()")
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(factory(**settings["formatters"]["events"]))
    for name in settings["handlers"]["console"]["filters"]:
        handler.addFilter(settings["filters"][name]["()"]())
    speaker = logging.getLogger(f"django.security.{logger}")
    speaker.addHandler(handler)
    try:
        response_for_exception(RequestFactory().get("/"), error)
    finally:
        speaker.removeHandler(handler)
    said = out.getvalue()
    assert said.count("\n") == 1
    assert told in said
    assert "warning" in said
    assert '"error"' not in said
    assert "Traceback" not in said


def test_another_error_keeps_its_traceback():
    record = logging.LogRecord("django.security.SuspiciousFileOperation", logging.ERROR, "", 0, "x", (), None)
    record.exc_info = (ValueError, ValueError("x"), None)
    assert logs.QuietRefusals().filter(record)
    assert (record.levelno, bool(record.exc_info)) == (logging.ERROR, True)


def test_a_database_that_is_gone_without_a_word_is_noticed_within_half_a_minute(db):
    connection.ensure_connection()
    told = {
        name: int(value)
        for name, value in connection.connection.get_dsn_parameters().items()
        if value.isdecimal()
    }

    silent = told["keepalives_idle"] + told["keepalives_interval"] * told["keepalives_count"]
    assert silent <= 30
    assert told["tcp_user_timeout"] <= 30_000
