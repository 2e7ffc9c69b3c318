"""A client made of the kept document alone reports an order, acts on it, and finds it in the list."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from pytest_django.live_server_helper import LiveServer

from governance.integration.document import committed
from tests.factories.cases import make_world
from tests.factories.keys import key_of, service_account

pytestmark = pytest.mark.django_db(transaction=True)
#: Bodies that are no JSON come as bytes; nothing formats what is thrown away.
CONFIG = {
    "post_hooks": [],
    "content_type_overrides": {
        "application/offset+octet-stream": "application/octet-stream",
        "image/jpeg": "application/octet-stream",
    },
}


@pytest.fixture
def generated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the generated package, which can be imported."""
    config = tmp_path / "config.json"
    config.write_text(json.dumps(CONFIG), "utf-8")
    name = "gezhi_client"
    options = ["--meta", "none", "--fail-on-warning", "--config", str(config)]
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--path", str(committed())]
    made = subprocess.run(
        [*command, "--output-path", str(tmp_path / name), *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_a_generated_client_reports_acts_and_lists(live_server: LiveServer, generated: str) -> None:
    cache.clear()  # rates counted by an earlier test
    world = make_world()
    key = key_of(service_account(place=world.city.west), "orders:read", "orders:write")
    client = importlib.import_module(generated).AuthenticatedClient(base_url=live_server.url, token=key)

    def call(module: str, *path: str, **said: Any) -> Any:
        return importlib.import_module(f"{generated}.api.{module}").sync_detailed(
            *path, client=client, **said
        )

    models = importlib.import_module(f"{generated}.models")
    report = models.NewOrderRequest(
        matter=world.matter.full_code,
        place=world.city.west_1.code,
        description="雨水箅子缺失",
        source_number="12345-26-1",
    )
    made = call("orders.create_order", body=report, idempotency_key="one")
    again = call("orders.create_order", body=report, idempotency_key="one")
    number = made.parsed.number
    accept = models.ActOnOrderAction.ACCEPT
    body = models.ActOnOrderBody.from_dict({})
    accepted = call("orders.act_on_order", number, accept, body=body, if_match=made.headers["ETag"])
    refused = call("orders.act_on_order", number, accept, body=body, if_match=made.headers["ETag"])
    states = [models.ListOrdersStateItem.ACCEPTED, models.ListOrdersStateItem.DISPATCHED]
    listed = call("orders.list_orders", state=states, total=True)

    assert (made.status_code, again.status_code) == (201, 201)
    assert again.parsed.number == number
    assert accepted.status_code == 200
    assert accepted.parsed.state.value == "accepted"
    assert (refused.status_code, refused.parsed.code) == (412, "changed_since")
    assert [row.number for row in listed.parsed.results] == [number]
    assert listed.parsed.total == 1
