"""Taken together or one by one, rungs leave the same rows: random orders, clocks, ladders and instants."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from cases.actions.escalating import take_rungs
from cases.escalation import Sweep, sweep_ladder
from cases.models import Case, CaseEvent, Clock, LadderRung, TakenRung, Urgency
from cases.workflow import Stage, State
from partymembers.models import Post
from tests.cases.test_escalation import on
from tests.factories.cases import NOON, World, bring_to, make_world, report
from tests.factories.catalogue import make_matter
from tests.factories.party import bring_wish_to, make_party

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_calendar")]
STATES = (State.REPORTED, State.ACCEPTED, State.DISPATCHED, State.HANDLING, State.HANDLED, State.SUSPENDED)


@pytest.fixture
def world(db: None) -> World:
    return make_world()


class _Undone(Exception):
    """Ends a try whose rows have been read."""


def rows(at: Any) -> dict[str, list[Any]]:
    """Everything that a sweep may write, without ids and the clock of the machine."""
    return {
        "cases": list(Case.objects.order_by("pk").values()),
        "clocks": list(Clock.objects.order_by("pk").values()),
        "rungs": list(TakenRung.objects.order_by("clock_id", "percent", "deed").values(
            "clock_id", "percent", "deed", "at")),
        "events": list(CaseEvent.objects.order_by("case_id", "seq").values(
            "case_id", "seq", "position", "kind", "version", "at", "actor_id", "actor_kind", "from_state",
            "to_state", "note", "data", "is_imported")),
    }  # fmt: skip


def tried(sweep: Any, at: Any) -> dict[str, list[Any]]:
    """The rows as a sweep leaves them; then everything is as it was."""
    found: dict[str, list[Any]] = {}
    try:
        with transaction.atomic():
            sweep()
            found = rows(at)
            raise _Undone
    except _Undone:
        return found


def one_by_one(at: Any) -> None:
    """What the sweep did before there were batches."""
    while due := list(Clock.objects.filter(next_rung_at__lte=at).order_by("next_rung_at", "pk")):
        for clock in due:
            take_rungs(clock_id=clock.pk, case_id=clock.case_id, at=at)


def random_ladder(chance: random.Random) -> None:
    LadderRung.objects.all().delete()
    deeds = (LadderRung.Deed.REMIND, LadderRung.Deed.LATE, LadderRung.Deed.CLIMB)
    LadderRung.objects.create(percent=5, deed=chance.choice(deeds))
    for _ in range(chance.randint(2, 6)):
        LadderRung.objects.create(
            percent=chance.choice([10, 50, 80, 100, 100, 120, 150]),
            repeat_every=chance.choice([0, 0, 50, 300]),
            deed=chance.choice(deeds),
            stage=chance.choice(["", "", Stage.ACCEPT, Stage.WHOLE, Stage.HANDLE]),
            urgency=chance.choice(["", "", *Urgency.values]),
        )


@pytest.mark.parametrize("seed", range(5))
def test_together_and_one_by_one_leave_the_same_rows(world: World, seed: int) -> None:
    chance = random.Random(seed)
    matters = [world.matter, make_matter(name="燃气泄漏", timer="urgent_hour", urgency=Urgency.URGENT)]
    for _ in range(chance.randint(3, 6)):
        begun = NOON + timedelta(minutes=chance.randint(0, 400))
        bring_to(world, chance.choice(STATES), at=begun, matter=chance.choice(matters))
    random_ladder(chance)
    if chance.random() < 0.7:  # desks, or a whole unit, without anybody
        empty = chance.sample([world.city.west, world.city.street, world.city.district, world.city.city], 2)
        Post.objects.filter(place__in=empty).update(ends_on="2020-01-01", starts_on="2019-01-01")
        if chance.random() < 0.5:
            Post.objects.filter(unit=world.unit).update(ends_on="2020-01-01", starts_on="2019-01-01")
    at = NOON
    for _ in range(3):
        at += timedelta(minutes=chance.choice([7, 60, 300, 900]))
        alone = tried(lambda at=at: one_by_one(at), at)
        together = tried(lambda at=at: sweep_ladder(at=at), at)
        assert together == alone
        assert sweep_ladder(at=at).failed == ()
    assert TakenRung.objects.exists()


def test_a_batch_costs_the_same_number_of_statements_whatever_its_size(world: World) -> None:
    def statements(orders: int) -> int:
        with transaction.atomic():
            for _ in range(orders):
                report(world)
            with CaptureQueriesContext(connection) as asked:
                assert sweep_ladder(at=on("20 10:45")).done == 3 * orders
            transaction.set_rollback(True)
        return len(asked)

    assert [statements(1), statements(40)] == [STATEMENTS] * 2


#: The edit's row; a savepoint and the claim; quarantine; orders, ladder, calendar, rungs taken before; desks
#: and twice their staff; rungs and events written (a savepoint each), clocks, orders; the savepoints' ends;
#: and a last look that finds nothing.
STATEMENTS = 20


def test_a_wish_among_the_due_is_taken_by_its_own_action_in_the_same_sweep() -> None:
    party = make_party()
    idle, order = bring_wish_to(party, State.PUBLISHED), report(party.world)

    swept = sweep_ladder(at=NOON + timedelta(days=4))

    assert swept.failed == ()
    assert idle.events.filter(kind="to_branch").count() == 1
    assert order.events.filter(kind="late", data__stage="accept").count() == 1


def test_rungs_behind_an_action_of_their_own_are_taken_on_the_order_as_it_left_it() -> None:
    """At once: the wish goes to the branch, and half the limit later the desk above gets it."""
    party = make_party()
    LadderRung.objects.create(percent=110, deed=LadderRung.Deed.CLIMB, stage=Stage.CLAIM)
    LadderRung.objects.create(percent=110, deed=LadderRung.Deed.CLIMB, stage=Stage.BEGIN)
    open_one, claimed = bring_wish_to(party, State.PUBLISHED), bring_wish_to(party, State.CONFIRMED)

    swept = sweep_ladder(at=NOON + timedelta(days=5))

    assert swept.failed == ()
    kinds = [list(case.events.order_by("seq").values_list("kind", flat=True)) for case in (open_one, claimed)]
    assert kinds[0][-2:] == ["to_branch", "climb"]
    assert kinds[1][-1] == "lapse"
    stopped = Clock.objects.get(case=claimed, stage=Stage.BEGIN)
    assert (stopped.stopped_at, stopped.next_rung_at) == (NOON + timedelta(days=5), None)


@pytest.mark.parametrize("deed", ["to_branch", "lapse", "close"])
def test_a_deed_of_wishes_is_no_rung_of_an_order(world: World, deed: str) -> None:
    LadderRung.objects.create(percent=60, deed=deed)
    case = report(world)

    assert sweep_ladder(at=on("20 10:24")) == Sweep(1, ())
    assert list(case.events.order_by("seq").values_list("kind", flat=True)) == ["report", "remind"]
