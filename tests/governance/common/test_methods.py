"""Probes and previews of links ask by HEAD, and change nothing."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.factories.cases import make_world


@pytest.mark.django_db
def test_pages_answer_head_as_they_answer_get() -> None:
    world = make_world()
    code = world.city.qr_code()
    stranger, worker = Client(), Client()
    worker.force_login(world.worker)
    for client, path in (
        (stranger, "/login/"),
        (stranger, "/follow/"),
        (stranger, f"/r/{code.token}/"),
        (worker, "/today/"),
        (worker, "/report/"),
    ):
        got, looked = client.get(path), client.head(path)
        assert (got.status_code, looked.status_code, looked.content) == (200, 200, b""), path
