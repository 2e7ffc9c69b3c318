"""What holds when requests come at the same moment, and when one breaks off in the middle."""

from __future__ import annotations

import json
from collections import Counter
from threading import Thread
from typing import Any

import pytest
from django.db import connection, transaction
from rest_framework.test import APIClient

from cases.models import Attachment, Case, CaseEvent
from partymembers.models import IdempotentRequest
from tests.cases.api.scenes import ORDERS, act, given
from tests.cases.api.test_uploading import PICTURE, begin, send
from tests.conftest import wait_for, waits_for_a_lock
from tests.factories.cases import make_attachment, make_world, report
from tests.factories.keys import Caller
from tests.factories.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def again(caller: Caller) -> APIClient:
    """Another client with the same key, for a thread of its own."""
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {caller.key}")
    return client


def test_of_many_at_once_one_writes_and_its_repeats_read_its_answer() -> None:
    world = make_world()
    caller, key = Caller(place=world.city.west), {"Idempotency-Key": "k-1"}
    body = given(world, source_number="")

    answers: list[Any] = at_once(*[lambda: again(caller).post(ORDERS, body, headers=key)] * 20)

    assert {answer.status_code for answer in answers} == {201}
    assert len({(a.content, a.headers["ETag"], a.headers["Location"]) for a in answers}) == 1
    assert sum(answer.headers.get("Idempotent-Replayed") == "true" for answer in answers) == 19
    assert Case.objects.count() == 1
    # Another body is refused, and both are kept for whoever looks for the fault.
    other = caller.post(ORDERS, body | {"description": "别的"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    kept = IdempotentRequest.objects.order_by("pk")
    assert [(row.is_conflict, row.status) for row in kept] == [(False, 201), (True, 409)]
    assert json.loads(bytes(kept[1].body))["description"] == "别的"
    # A refusal is an answer, too.
    wrong = [caller.post(ORDERS, {"x": 1}, headers={"Idempotency-Key": "k-2"}) for _ in range(2)]
    assert wrong[0].status_code == wrong[1].status_code == 400
    assert wrong[0].content == wrong[1].content
    assert caller.post(ORDERS, body, headers={"Idempotency-Key": "k 3"}).status_code == 400
    assert Case.objects.count() == 1
    # Of ten who act on the same version one acts; of ten parts that begin at the same byte one is kept.
    case = report(world)
    etag = caller.get(f"{ORDERS}{case.number}/").headers["ETag"]
    raced: list[Any] = at_once(*[lambda: act(again(caller), case.number, "urge", **{"If-Match": etag})] * 10)
    assert Counter(answer.status_code for answer in raced) == {200: 1, 412: 9}
    assert CaseEvent.objects.filter(case=case, kind="urge").count() == 1
    where = begin(caller, len(PICTURE)).headers["Location"]
    parts: list[Any] = at_once(*[lambda: send(again(caller), where, 0, PICTURE)] * 5)
    assert Counter(answer.status_code for answer in parts) == {204: 1, 409: 4}
    assert Attachment.objects.count() == 1


def test_a_request_that_breaks_off_leaves_no_half_and_may_come_again() -> None:
    """Its connection is ended while it waits, after order and claim were written, for a picture's row."""
    world = make_world()
    caller, key = Caller(place=world.city.west), {"Idempotency-Key": "k-1"}
    photo = make_attachment(caller.user)
    body, answers = given(world, attachments=[photo]), list[Any]()

    def post() -> None:
        answers.append(again(caller).post(ORDERS, body, headers=key))
        connection.close()

    thread = Thread(target=post)
    with transaction.atomic():
        Attachment.objects.select_for_update().get(token=photo)
        thread.start()
        wait_for(waits_for_a_lock)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
    thread.join(timeout=60)

    assert answers[0].status_code == 503
    assert (Case.objects.count(), IdempotentRequest.objects.count()) == (0, 0)
    made = caller.post(ORDERS, body, headers=key)
    assert (made.status_code, Case.objects.count()) == (201, 1)
