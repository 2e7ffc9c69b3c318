"""Urging: each reporter once an hour, whatever door they use and however many at once; desks as they must."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from threading import Barrier, Thread

import pytest
from django.db import connection

from cases.actions.oversight import urge_case
from cases.actions.reporting import join_case
from cases.actors import Actor, PublicReporter
from cases.models import Case
from cases.permissions import URGE_PAUSE, URGED_LATELY, allowed_actions
from governance.common.errors import WrongState
from tests.factories.cases import NOON, World, make_world, report


def urge(case: Case, actor: Actor, at: datetime = NOON) -> str:
    try:
        urge_case(case_id=case.pk, actor=actor, at=at)
    except WrongState as refusal:
        return str(refusal.message)
    return ""


@pytest.mark.django_db
def test_a_reporter_with_an_account_waits_an_hour_and_nobody_else_does() -> None:
    world = make_world()
    case = report(world, reporter=world.resident)
    join_case(case_id=case.pk, user=world.second_worker, at=NOON)
    link = PublicReporter(case.pk, join_case(case_id=case.pk, user=None, at=NOON, client_id="a").pk)
    people: list[Actor] = [world.resident, world.second_worker, link]
    assert [urge(case, each) for each in people] == ["", "", ""]
    for each in people:
        assert urge(case, each, NOON + URGE_PAUSE / 2) == str(URGED_LATELY)
        assert "urge" not in allowed_actions(each, Case.objects.get(pk=case.pk), at=NOON + URGE_PAUSE / 2)
    assert [urge(case, each, NOON + URGE_PAUSE) for each in people] == ["", "", ""]


@pytest.mark.django_db
def test_a_desk_urges_as_often_as_it_must() -> None:
    world = make_world()
    case = report(world)
    assert [urge(case, world.desk) for _each in range(3)] == ["", "", ""]


def at_once(write: Callable[[], object], times: int) -> None:
    """Do the same on several connections at the same moment."""
    start = Barrier(times)

    def run() -> None:
        try:
            start.wait(timeout=60)
            write()
        finally:
            connection.close()

    threads = [Thread(target=run) for _each in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)


@pytest.fixture
def world(transactional_db: None) -> World:
    return make_world()


@pytest.mark.django_db(transaction=True)
def test_four_times_at_once_is_once(world: World) -> None:
    case = report(world, reporter=None)

    at_once(lambda: urge(case, PublicReporter(case.pk)), 4)

    case.refresh_from_db()
    assert (case.urges, case.events.filter(kind="urge").count()) == (1, 1)
