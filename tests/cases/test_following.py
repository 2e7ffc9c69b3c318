"""The ladder is edited while clocks run: the next sweep obeys, and what was taken stays taken."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connection, transaction

from cases import clocks, following
from cases.actions import desk, handling, oversight
from cases.actions.catalogue import remove_configuration, save_configuration
from cases.deadlines import TimerType
from cases.escalation import sweep_ladder
from cases.following import SETTLES_AFTER, follow_edits
from cases.models import Case, Clock, LadderChange, LadderRung, TakenRung
from cases.workflow import Kind, Stage, State
from tests.cases.test_escalation import clock_of, on, rungs
from tests.factories.cases import World, bring_to, make_world, report

pytestmark = pytest.mark.usefixtures("plain_calendar")
Deed = LadderRung.Deed


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def rung(deed: str) -> LadderRung:
    return LadderRung.objects.get(deed=deed, kind=Kind.INCIDENT, stage="")


def edit(world: World, deed: str, *, at: datetime, **facts: Any) -> LadderRung:
    """The system officer changes a rung."""
    row = rung(deed)
    for name, value in facts.items():
        setattr(row, name, value)
    return save_configuration(row, actor=world.system_officer, at=at)


def test_a_rung_that_is_lowered_comes_with_the_next_sweep(world: World) -> None:
    """At 10:20 two thirds of the thirty minutes are used; 80 % would have been at 10:24."""
    case = report(world)
    assert sweep_ladder(at=on("20 10:20")).done == 0

    edit(world, Deed.REMIND, at=on("20 10:20"), percent=60)

    assert sweep_ladder(at=on("20 10:20")).done == 1
    assert rungs(case, Stage.ACCEPT) == [("remind", 60)]
    assert clock_of(case, Stage.ACCEPT).next_rung_at == on("20 10:30")


def test_a_rung_that_is_raised_waits(world: World) -> None:
    case = report(world)
    edit(world, Deed.REMIND, at=on("20 10:20"), percent=90)

    assert sweep_ladder(at=on("20 10:24")).done == 0
    assert sweep_ladder(at=on("20 10:27")).done == 1
    assert rungs(case, Stage.ACCEPT) == [("remind", 90)]


def test_a_rung_that_was_taken_and_then_raised_is_a_rung_of_its_own(world: World) -> None:
    case = report(world)
    sweep_ladder(at=on("20 10:24"))
    edit(world, Deed.REMIND, at=on("20 10:25"), percent=90)

    sweep_ladder(at=on("20 10:27"))

    assert rungs(case, Stage.ACCEPT) == [("remind", 80), ("remind", 90)]


def test_a_rung_that_was_taken_and_then_lowered_comes_no_second_time(world: World) -> None:
    case = report(world)
    sweep_ladder(at=on("20 10:24"))
    edit(world, Deed.REMIND, at=on("20 10:25"), percent=50)

    sweep_ladder(at=on("20 10:26"))
    edit(world, Deed.REMIND, at=on("20 10:27"), percent=80)
    sweep_ladder(at=on("20 10:28"))

    assert rungs(case, Stage.ACCEPT) == [("remind", 80)]


def test_a_rung_that_is_removed_or_put_out_of_force_no_longer_comes(world: World) -> None:
    case = report(world)
    remove_configuration(rung(Deed.REMIND), actor=world.system_officer, at=on("20 10:20"))
    edit(world, Deed.LATE, at=on("20 10:20"), is_active=False)

    assert sweep_ladder(at=on("20 10:44")).done == 0
    assert sweep_ladder(at=on("20 10:45")).done == 1
    assert rungs(case, Stage.ACCEPT) == [("climb", 150)]


def test_a_new_rung_reaches_only_the_clocks_that_it_is_for(world: World) -> None:
    fresh, handled = report(world, at=on("20 10:00")), bring_to(world, State.HANDLING)
    new = LadderRung(percent=10, deed=Deed.LATE, stage=Stage.ACCEPT)
    save_configuration(new, actor=world.system_officer, at=on("20 10:05"))

    assert sweep_ladder(at=on("20 10:05")).done == 1
    assert (rungs(fresh, Stage.ACCEPT), rungs(handled, Stage.HANDLE)) == ([("late", 10)], [])


def test_a_clock_that_stands_follows_and_goes_on_with_the_new_ladder(world: World) -> None:
    """Suspended after a minute of eight hours; resumed on Wednesday at 8:00, half is used at 11:59."""
    case = bring_to(world, State.SUSPENDED)
    edit(world, Deed.REMIND, at=on("20 11:00"), percent=50)
    assert sweep_ladder(at=on("25 07:59")).done == 0
    clock = clock_of(case, Stage.HANDLE)
    assert (clock.next_rung_percent, clock.next_rung_at) == (50, None)

    desk.resume_case(case_id=case.pk, actor=world.desk, at=on("25 08:00"))
    assert sweep_ladder(at=on("25 11:58")).done == 0
    sweep_ladder(at=on("25 11:59"))
    assert rungs(case, Stage.HANDLE) == [("remind", 50)]


def test_what_was_left_behind_at_the_top_is_not_made_up_for_by_an_edit(world: World) -> None:
    case = report(world)
    sweep_ladder(at=on("20 11:30"))
    oversight.give_back_case(case_id=case.pk, actor=world.city_desk, at=on("20 11:36"), note="请区里办理")
    before = rungs(case, Stage.ACCEPT)

    edit(world, Deed.REMIND, at=on("20 11:37"), percent=70)

    assert sweep_ladder(at=on("20 11:40")).done == 0
    assert rungs(case, Stage.ACCEPT) == before


def test_a_clock_that_was_opened_by_the_old_ladder_meanwhile_follows_a_little_later(world: World) -> None:
    """It stands for a report that had read the ladder, and committed only after the first walk."""
    edit(world, Deed.REMIND, at=on("20 10:00"), percent=50)
    follow_edits(at=on("20 10:00"))
    case = report(world)
    late = Clock.objects.filter(case=case, stage=Stage.ACCEPT)
    late.update(next_rung_percent=80, next_rung_at=on("20 10:24"))

    follow_edits(at=on("20 10:00") + SETTLES_AFTER - timedelta(seconds=1))
    assert late.get().next_rung_percent == 80
    follow_edits(at=on("20 10:00") + SETTLES_AFTER)

    assert (late.get().next_rung_percent, late.get().next_rung_at) == (50, on("20 10:15"))
    assert not LadderChange.objects.filter(finished_at=None).exists()


def test_a_sweep_obeys_the_ladder_in_force_wherever_the_clock_still_points(world: World) -> None:
    case = report(world)
    LadderRung.objects.filter(deed=Deed.REMIND).update(percent=50)

    sweep_ladder(at=on("20 10:24"))

    assert rungs(case, Stage.ACCEPT) == [("remind", 50)]


def test_a_walk_killed_halfway_goes_on_where_it_was(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "BATCH", 2)
    cases = [report(world) for _ in range(5)]
    edit(world, Deed.REMIND, at=on("20 10:01"), percent=50)

    assert follow_edits(at=on("20 10:02"), seconds=0) == 0
    following._walk_on(on("20 10:02"))
    assert LadderChange.objects.get().position == cases[1].pk

    def killed() -> None:
        with transaction.atomic():
            following._walk_on(on("20 10:02"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed()
    assert LadderChange.objects.get().position == cases[1].pk
    follow_edits(at=on("20 10:02"))
    accept = Clock.objects.filter(stage=Stage.ACCEPT)
    assert set(accept.values_list("next_rung_percent", flat=True)) == {50}


def test_an_order_that_cannot_follow_holds_up_neither_the_walk_nor_the_sweep(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Its limit ends beyond the last day that there is, so that none of its rungs can be reckoned."""
    first, broken, last = (report(world) for _ in range(3))
    endless = {"limit": timedelta(days=9_000_000), "timer_type": TimerType.NATURAL_DAY}
    Clock.objects.filter(case=broken).update(**endless)

    edit(world, Deed.REMIND, at=on("20 10:20"), percent=60)

    assert sweep_ladder(at=on("20 10:20")).done == 2
    assert [rungs(case, Stage.ACCEPT) for case in (first, broken, last)] == [
        [("remind", 60)],
        [],
        [("remind", 60)],
    ]
    assert [r.case for r in caplog.records if r.msg == "order_not_followed"] == [broken.pk]  # type: ignore[attr-defined]
    assert LadderChange.objects.get().walks == 1


def test_a_walk_that_fails_holds_up_no_rung_that_is_due(
    transactional_db: None,
) -> None:
    """Somebody holds an order for longer than the database lets the walk wait."""
    world = make_world()
    held, due = report(world), report(world)
    edit(world, Deed.CLIMB, at=on("20 10:20"), percent=140)
    holding, go_on = Event(), Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                Case.objects.select_for_update().get(pk=held.pk)
                holding.set()
                assert go_on.wait(60)
        finally:
            connection.close()

    thread = Thread(target=hold)
    thread.start()
    assert holding.wait(60)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 50")
    try:
        assert sweep_ladder(at=on("20 10:24")).done == 1
    finally:
        go_on.set()
        thread.join()
        connection.close()
    assert (rungs(held, Stage.ACCEPT), rungs(due, Stage.ACCEPT)) == ([], [("remind", 80)])


def test_an_edit_moves_nothing_but_the_next_rung_and_writes_no_event(world: World) -> None:
    case = report(world)
    facts = (
        Clock.objects.filter(case=case).order_by("pk").values("due_at", "warn_at", "limit", "passed_percent")
    )
    before, order = list(facts.all()), Case.objects.filter(pk=case.pk).values().get()

    edit(world, Deed.LATE, at=on("20 10:01"), percent=95)
    follow_edits(at=on("20 10:02"))

    assert (list(facts.all()), Case.objects.filter(pk=case.pk).values().get()) == (before, order)
    assert not TakenRung.objects.exists()


def test_an_extension_after_an_edit_keeps_what_was_passed(world: World) -> None:
    """Reminded at 80 % of eight hours (Monday 8:27), then sixteen: the new rung at 70 % is behind."""
    case = bring_to(world, State.HANDLING)
    sweep_ladder(at=on("23 08:27"))
    edit(world, Deed.REMIND, at=on("23 08:30"), percent=70)
    handling.ask_extension(
        case_id=case.pk, actor=world.handler, at=on("23 08:50"), extra=timedelta(hours=8), note="等材料"
    )
    desk.grant_extension(case_id=case.pk, actor=world.desk, at=on("23 09:00"))

    sweep_ladder(at=on("24 10:02"))

    assert rungs(case, Stage.HANDLE) == [("remind", 80)]
    assert clocks.active_ladder()[0].percent == 70
