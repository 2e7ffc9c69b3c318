"""An action that waited for an order sees all of what the one before it wrote."""

import time
from collections.abc import Callable
from threading import Event, Thread

import pytest
from django.db import connection, transaction

from cases.actions import desk, handling, oversight
from cases.actions.engine import lock_case
from cases.models import Case
from cases.workflow import State
from tests.factories.cases import MINUTE, NOON, World, bring_to, make_world, report

pytestmark = pytest.mark.django_db(transaction=True)
LATER = NOON + 30 * MINUTE


def lock_after(write: Callable[[], object], case_id: int) -> Case:
    """The order as an action locks it that waited for another one, which wrote and committed meanwhile."""
    found, holds = list[Case](), Event()

    def wait() -> None:
        try:
            holds.wait(timeout=60)
            with transaction.atomic():
                found.append(lock_case(case_id))
        finally:
            connection.close()

    waiter = Thread(target=wait)
    waiter.start()
    with transaction.atomic():
        write()
        holds.set()
        wait_until_somebody_waits()
    waiter.join(timeout=60)
    (case,) = found
    return case


def wait_until_somebody_waits() -> None:
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute(waiting)
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    raise AssertionError("nobody waits for the order")


@pytest.fixture
def world(transactional_db: None) -> World:
    return make_world()


def test_a_desk_that_moved(world: World) -> None:
    case = report(world)

    def escalate() -> None:
        oversight.escalate_case(case_id=case.pk, actor=world.desk, at=LATER, note="请街道协调")

    seen = lock_after(escalate, case.pk)

    assert seen.desk == world.city.street
    assert seen.last_seq == 2


def test_a_unit_that_came(world: World) -> None:
    case = bring_to(world, State.ACCEPTED)

    def dispatch() -> None:
        desk.dispatch_case(case_id=case.pk, unit=world.unit, actor=world.desk, at=LATER)

    seen = lock_after(dispatch, case.pk)

    assert (seen.state, seen.unit) == (State.DISPATCHED, world.unit)
    assert [part.unit for part in seen.parts.all()] == [world.unit]


def test_a_unit_that_went(world: World) -> None:
    case = bring_to(world, State.HANDLING)

    def give_back() -> None:
        handling.return_case(case_id=case.pk, actor=world.handler, at=LATER, note="不归我们管")

    seen = lock_after(give_back, case.pk)

    assert (seen.state, seen.unit) == (State.ACCEPTED, None)
    assert "dispatch" in [clock.stage for clock in seen.clocks.all() if clock.is_running]
