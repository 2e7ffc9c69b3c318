"""Sweeps of the ladder beside each other, and beside people who act on the same orders."""

from threading import Barrier, Event, Thread

import pytest
from django.db import connection, transaction

from cases import escalation
from cases.actions import desk
from cases.actions.engine import lock_case
from cases.escalation import sweep_ladder
from cases.models import Case, Clock, TakenRung
from cases.workflow import Stage, State
from tests.cases.test_escalation import on, rungs
from tests.factories.cases import make_world, report

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("plain_calendar")]


def test_sweeps_side_by_side_take_each_rung_exactly_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(escalation, "BATCH", 4)
    world = make_world()
    cases = [report(world) for _ in range(20)]
    together, swept = Barrier(3), list[escalation.Sweep]()

    def sweep() -> None:
        try:
            together.wait(timeout=60)
            swept.append(sweep_ladder(at=on("20 11:00")))
        finally:
            connection.close()

    run_all([Thread(target=sweep) for _ in range(3)])
    # Rows that one sweep held while another looked are skipped by that one, never lost.
    swept.append(sweep_ladder(at=on("20 11:00")))

    expected = [("remind", 80), ("late", 100), ("climb", 150), ("climb", 200)]
    assert [rungs(case, Stage.ACCEPT) for case in cases] == [expected] * 20
    assert sum(sweep.done for sweep in swept) == TakenRung.objects.count() == 80
    assert [sweep.failed for sweep in swept] == [()] * 4
    assert set(Case.objects.values_list("climbs", "desk")) == {(2, world.city.district.pk)}


def test_an_order_that_somebody_is_acting_on_is_not_waited_for() -> None:
    world = make_world()
    held, free = report(world), report(world)
    locked, release = Event(), Event()

    def act() -> None:
        try:
            with transaction.atomic():
                lock_case(held.pk)
                locked.set()
                release.wait(timeout=60)
        finally:
            connection.close()

    actor = Thread(target=act)
    actor.start()
    try:
        assert locked.wait(timeout=60)
        assert sweep_ladder(at=on("20 10:30")).done == 2
        assert (rungs(held, Stage.ACCEPT), len(rungs(free, Stage.ACCEPT))) == ([], 2)
    finally:
        release.set()
        actor.join(timeout=60)

    assert sweep_ladder(at=on("20 10:30")).done == 2
    assert rungs(held, Stage.ACCEPT) == [("remind", 80), ("late", 100)]


def test_who_acts_on_an_order_waits_for_no_sweep_that_passed_it_over() -> None:
    """The sweep holds what it claimed until its batch is written: of this order, not even the clock."""
    world = make_world()
    held, free = report(world), report(world)
    locked, passed, saved = Event(), Event(), Event()

    def act() -> None:
        try:
            with transaction.atomic():
                lock_case(held.pk)
                locked.set()
                assert passed.wait(timeout=60)
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL lock_timeout = '2s'")
                Clock.objects.filter(case=held).update(passed_percent=1)
                saved.set()
        finally:
            connection.close()

    actor = Thread(target=act)
    actor.start()
    assert locked.wait(timeout=60)
    with transaction.atomic():
        claimed = escalation._claim(escalation._due(on("20 10:30")), 10)
        passed.set()
        actor.join(timeout=60)
    assert {clock.case_id for clock in claimed} == {free.pk}
    assert saved.is_set()


def test_sweeps_and_people_at_the_same_orders_neither_block_nor_break_each_other() -> None:
    """While a desk accepts orders one by one, sweeps run: every order ends accepted, with sound rungs."""
    world = make_world()
    cases = [report(world) for _ in range(12)]
    together = Barrier(2)

    def accept() -> None:
        try:
            together.wait(timeout=60)
            for case in cases:
                # The city's desk is above whichever desk holds the order by now.
                desk.accept_case(case_id=case.pk, actor=world.city_desk, at=on("20 11:00"))
        finally:
            connection.close()

    def sweep() -> None:
        try:
            together.wait(timeout=60)
            for _ in range(6):
                sweep_ladder(at=on("20 11:00"))
        finally:
            connection.close()

    run_all([Thread(target=accept), Thread(target=sweep)])

    assert set(Case.objects.values_list("state", flat=True)) == {State.ACCEPTED}
    full = [("remind", 80), ("late", 100), ("climb", 150), ("climb", 200)]
    assert all(rungs(case, Stage.ACCEPT) in ([], full) for case in cases)
    assert not Clock.objects.filter(stage=Stage.ACCEPT, stopped_at=None).exists()


def run_all(threads: list[Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
