"""What another ladder would do to the orders that are open now: counted as the sweeps then do it."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from cases.actions.catalogue import save_configuration
from cases.escalation import sweep_ladder
from cases.ladder_preview import AHEAD, Counts, preview_ladder, with_rung
from cases.models import Case, CaseEvent, Clock, LadderRung
from cases.workflow import Kind, Stage, State
from tests.cases.test_escalation import on
from tests.factories.cases import NOON, World, bring_to, make_world, report

pytestmark = pytest.mark.usefixtures("plain_calendar")
Deed = LadderRung.Deed


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def rung(deed: str, **facts: Any) -> LadderRung:
    row = LadderRung.objects.get(deed=deed, kind=Kind.INCIDENT)
    for name, value in facts.items():
        setattr(row, name, value)
    return row


def ladder_with(row: LadderRung) -> list[LadderRung]:
    return with_rung(LadderRung.objects.filter(is_active=True), row)


def told(row: LadderRung, *, at: Any) -> dict[tuple[int, str, str], tuple[Counts, Counts]]:
    """What changes, by percent, deed and stage."""
    lines = preview_ladder(ladder_with(row), at=at).lines
    return {(x.key.percent, x.key.deed, x.key.stage): (x.now, x.then) for x in lines if x.is_changed}


def test_a_lowered_rung_is_due_at_once_where_a_clock_has_come_so_far(world: World) -> None:
    """At 10:20 two thirds of the time to accept are used. The whole order's time is long."""
    report(world)

    changed = told(rung(Deed.REMIND, percent=60), at=on("20 10:20"))

    assert changed[60, "remind", "accept"] == (Counts(0, 0), Counts(1, 0))
    assert changed[80, "remind", "accept"] == (Counts(0, 1), Counts(0, 0))


def test_what_was_passed_is_not_counted_again(world: World) -> None:
    report(world)
    sweep_ladder(at=on("20 10:24"))

    assert (60, "remind", "accept") not in told(rung(Deed.REMIND, percent=60), at=on("20 10:25"))


def test_a_rung_out_of_force_and_one_that_is_new(world: World) -> None:
    report(world)
    gone = told(rung(Deed.LATE, is_active=False), at=on("20 10:31"))
    new = told(LadderRung(percent=90, deed=Deed.LATE, stage=Stage.ACCEPT), at=on("20 10:31"))

    assert gone[100, "late", "accept"] == (Counts(1, 0), Counts(0, 0))
    assert new == {(90, "late", "accept"): (Counts(0, 0), Counts(1, 0))}


def test_clocks_that_stand_or_have_stopped_are_not_counted(world: World) -> None:
    bring_to(world, State.SUSPENDED)
    bring_to(world, State.CLOSED)

    preview = preview_ladder(ladder_with(rung(Deed.REMIND, percent=1)), at=on("21 10:00"))

    assert (preview.clocks, preview.lines) == (0, ())


def test_nothing_climbs_further_than_there_are_desks(world: World) -> None:
    report(world)
    preview = preview_ladder(ladder_with(rung(Deed.CLIMB, percent=120, repeat_every=10)), at=on("23 09:00"))

    climbs = [line for line in preview.lines if (line.key.deed, line.key.stage) == ("climb", "accept")]
    assert {line.key.percent: (line.now.at_once, line.then.at_once) for line in climbs} == {
        150: (3, 0), 120: (0, 3),
    }  # fmt: skip


def test_it_writes_nothing(world: World, django_assert_num_queries: Any) -> None:
    for _ in range(3):
        report(world)
    ladder = ladder_with(rung(Deed.REMIND, percent=50))
    before = list(Clock.objects.order_by("pk").values())
    preview_ladder(ladder, at=on("20 10:20"))
    with django_assert_num_queries(3):  # the ladder in force, how many clocks, and these
        preview_ladder(ladder, at=on("20 10:20"))

    assert list(Clock.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("seed", range(3))
def test_what_is_foretold_is_what_the_sweeps_then_do(world: World, seed: int) -> None:
    """One clock an order, so that no other clock of it climbs away its desks meanwhile."""
    chance = random.Random(seed)
    for _ in range(6):
        case = report(world, at=NOON + timedelta(minutes=chance.randint(0, 90)))
        Clock.objects.filter(case=case, stage=Stage.WHOLE).update(next_rung_at=None, stopped_at=NOON)
    sweep_ladder(at=NOON + timedelta(minutes=chance.choice([0, 40, 70])))
    at = NOON + timedelta(minutes=95)
    row = rung(Deed.REMIND, percent=chance.choice([40, 90, 130]))
    preview = preview_ladder(ladder_with(row), at=at)

    save_configuration(row, actor=world.system_officer, at=at)
    before = CaseEvent.objects.count()
    sweep_ladder(at=at)
    middle = CaseEvent.objects.count()
    sweep_ladder(at=at + AHEAD)

    assert preview.then == (middle - before, CaseEvent.objects.count() - middle)
    kinds = Counter(CaseEvent.objects.order_by("-pk").values_list("kind", flat=True)[: sum(preview.then)])
    foretold: Counter[str] = Counter()
    for line in preview.lines:
        foretold[line.key.deed] += sum(line.then)
    assert kinds == +foretold


def test_of_very_many_clocks_a_part_is_looked_at_and_multiplied(world: World, monkeypatch: Any) -> None:
    for _ in range(8):
        report(world)
    whole = preview_ladder(ladder_with(rung(Deed.REMIND, percent=60)), at=on("20 10:20"))
    monkeypatch.setattr("cases.ladder_preview.MOST_CLOCKS", whole.clocks // 2)

    part = preview_ladder(ladder_with(rung(Deed.REMIND, percent=60)), at=on("20 10:20"))

    assert (whole.stride, whole.is_estimate) == (1, False)
    assert (part.clocks, part.stride, part.is_estimate) == (whole.clocks, 2, True)
    looked_at = sum(case_id % 2 == 0 for case_id in Case.objects.values_list("pk", flat=True))
    assert 0 < looked_at < 8
    assert {(x.key.percent, x.key.stage): x.then.at_once for x in part.lines if x.is_changed} == {
        (60, Stage.ACCEPT): 2 * looked_at,
        (80, Stage.ACCEPT): 0,
    }
