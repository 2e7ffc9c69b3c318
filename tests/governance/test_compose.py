"""docker-compose.yml: no test starts it, for want of Docker and a network; but it can be held to the code."""

from __future__ import annotations

import http.server
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml

from governance import celery
from governance.settings.environment import BY_NAME, Environment
from governance.stack import tasks

ROOT = Path(__file__).resolve().parent.parent.parent
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES = COMPOSE["services"]
#: Set for the images of others, not read by the portal.
FOREIGN = {"POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB", "POSTGRES_INITDB_ARGS"}


def filled(value: str, given: dict[str, str]) -> str:
    """What Compose makes of `${NAME:?…}` and `${NAME:-default}`."""
    return re.sub(r"\$\{(\w+)(?::-([^}]*)|:\?[^}]*)?\}", lambda m: given.get(m[1], m[2] or ""), value)


def test_web_worker_beat_and_both_services_are_there():
    assert set(SERVICES) == {"postgres", "valkey", "migrate", "web", "worker", "beat"}
    assert {name: each["image"] for name, each in SERVICES.items()} == {
        "postgres": "postgres:18",
        "valkey": "valkey/valkey:9",
        **dict.fromkeys(("migrate", "web", "worker", "beat"), "gezhi"),
    }


def test_the_portal_accepts_what_compose_gives_it():
    given = {
        "SECRET_KEY": "9f8e7d6c5b4a3210-abcdefghijklmnopqrstuvwxyz-ABCDEFG",
        "ALLOWED_HOSTS": "gezhi.example.cn",
        "POSTGRES_PASSWORD": "secret",
    }
    for name, each in SERVICES.items():
        names = set(each.get("environment", {}))
        if each["image"] != "gezhi":
            assert names <= FOREIGN
            continue
        assert names <= set(BY_NAME), name
        environment = {key: filled(str(value), given) for key, value in each["environment"].items()}
        Environment(environment).require_production()


def test_worker_and_beat_are_run_watched():
    assert SERVICES["worker"]["command"] == ["python", "-m", "governance.stack", "worker"]
    assert SERVICES["beat"]["command"] == ["python", "-m", "governance.stack", "beat"]


def test_the_worker_reads_the_queues_that_tasks_go_to(tmp_path):
    command = tasks.worker({}, tmp_path / "alive", concurrency=1).command
    queues = command[command.index("--queues") + 1].split(",")
    assert queues == [queue.name for queue in celery.app.conf.task_queues]
    sent_to = {entry.get("options", {}).get("queue", "celery") for entry in celery.BEAT_SCHEDULE.values()}
    assert sent_to <= set(queues)


@pytest.mark.parametrize("service", ["worker", "beat"])
def test_a_container_that_shows_no_life_is_unhealthy(service, tmp_path):
    alive = tmp_path / "alive"
    program = SERVICES[service]["healthcheck"]["test"][1].replace("$$", "$")
    assert SERVICES[service]["environment"]["GEZHI_SIGN_OF_LIFE"] in program
    program = program.replace("/tmp/alive", str(alive))
    codes = []
    for age in (5, 600):
        alive.touch()
        os.utime(alive, (time.time() - age, time.time() - age))
        codes.append(subprocess.run(["/bin/sh", "-c", program], check=False).returncode)
    assert codes == [0, 1]


def test_nothing_but_the_portal_can_be_reached_from_outside_and_that_from_this_machine_only():
    assert {name: each["ports"] for name, each in SERVICES.items() if "ports" in each} == {
        "web": ["127.0.0.1:8000:8000"]
    }


class Answers(http.server.BaseHTTPRequestHandler):
    """Refuses, as Django does, whoever asks by another name."""

    def do_GET(self):
        self.send_response(200 if self.headers["Host"] == "example.cn" else 400)
        self.end_headers()

    def log_message(self, *_args):
        """Say nothing."""


def test_the_health_check_asks_by_a_name_that_the_portal_knows():
    """A first host may be written `.example.cn`, which stands for every name below it."""
    program = SERVICES["web"]["healthcheck"]["test"][3]
    server = http.server.HTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        program = program.replace("127.0.0.1:8000", f"127.0.0.1:{server.server_port}")
        codes = [
            subprocess.run(
                [sys.executable, "-c", program],
                env={**os.environ, "ALLOWED_HOSTS": hosts},
                capture_output=True,
                check=False,
            ).returncode
            for hosts in (".example.cn, other.cn", "other.cn")
        ]
    finally:
        server.shutdown()
    assert codes == [0, 1]
