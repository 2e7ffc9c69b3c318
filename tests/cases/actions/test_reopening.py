"""What is reopened runs by the due time that it always had: it lights, climbs and counts by it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from cases.actions import checking, desk, handling
from cases.actions.importing import PastOrder, import_cases
from cases.calendars import forget_calendar
from cases.deadlines import CHINA, Light
from cases.escalation import sweep_ladder
from cases.models import Case, CaseEvent, Clock, TakenRung
from cases.placing import territory_of
from cases.queries import stage_faces
from cases.workflow import Stage, State
from governance.figures.formulas import PARTS
from tests.factories.cases import MINUTE, World, bring_to, make_attachment, make_world

pytestmark = pytest.mark.django_db


def on(text: str) -> datetime:
    """An instant of November 2026 in the city; the 20th, when the orders are made, is a Friday."""
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=CHINA)


#: Fourteen working hours from Friday at ten: two before lunch, four after it, and Monday.
DUE = on("23 18:00")


@pytest.fixture
def world() -> Iterator[World]:
    forget_calendar()
    yield make_world()
    forget_calendar()


def reopened(world: World, at: datetime) -> Case:
    case = bring_to(world, State.CLOSED)
    checking.reopen_case(case_id=case.pk, actor=world.desk, at=at, note="回头看发现又缺失")
    return now(case)


def now(case: Case) -> Case:
    return Case.objects.get(pk=case.pk)


def whole(case: Case) -> Clock:
    return Clock.objects.get(case=case, stage=Stage.WHOLE)


def close_again(world: World, case: Case, at: datetime) -> Case:
    picture = make_attachment(world.handler, at=at)
    done = {"case_id": case.pk, "at": at}
    handling.finish_case(**done, actor=world.handler, note="重新安装", attachments=[picture])
    checking.pass_check(**done, actor=world.desk)
    return now(case)


def rungs_of_whole(case: Case) -> list[tuple[str, int, datetime]]:
    events = CaseEvent.objects.filter(case=case, data__stage="whole").order_by("seq")
    return [(event.kind, event.data["percent"], event.at) for event in events]


def is_part(key: str, case: Case) -> bool:
    return Case.objects.filter(PARTS[key].condition, pk=case.pk).exists()


def test_the_whole_clock_runs_on_with_its_due_time_and_the_light_follows(world: World) -> None:
    case = reopened(world, on("23 10:00"))
    clock = whole(case)
    assert (clock.is_running, clock.used, clock.due_at) == (True, None, DUE)
    assert (case.due_at, case.next_due_at, case.next_stage) == (DUE, DUE, "whole")
    lights = []
    for at in (on("23 15:11"), on("23 15:12"), on("23 18:00"), on("23 18:01")):
        face = stage_faces(case, now=at)[1]
        assert face is not None
        lights.append(face["light"])
    assert lights == [Light.GREEN, Light.YELLOW, Light.YELLOW, Light.RED]
    assert not Case.objects.late(DUE).filter(pk=case.pk).exists()
    assert Case.objects.late(DUE + MINUTE).filter(pk=case.pk).exists()


def test_its_ladder_goes_on_where_it_stood(world: World) -> None:
    case = reopened(world, on("23 10:00"))
    for at in (on("23 15:11"), on("23 15:12"), DUE, on("24 17:00")):
        sweep_ladder(at=at)
    assert rungs_of_whole(case) == [
        ("remind", 80, on("23 15:12")),
        ("late", 100, DUE),
        ("climb", 150, on("24 17:00")),
    ]


def test_rungs_that_went_by_while_it_was_closed_are_not_made_up_for(world: World) -> None:
    """Reopened at 114 %: red at once, and the desk above comes at 150 %, not everybody in one minute."""
    case = reopened(world, on("24 10:00"))
    assert Case.objects.late(on("24 10:00")).filter(pk=case.pk).exists()
    sweep_ladder(at=on("24 10:01"))
    assert rungs_of_whole(case) == []
    assert now(case).desk == world.city.west
    sweep_ladder(at=on("24 17:00"))
    assert rungs_of_whole(case) == [("climb", 150, on("24 17:00"))]
    assert now(case).desk == world.city.street


def test_a_rung_taken_before_it_was_closed_stays_taken(world: World) -> None:
    case = bring_to(world, State.HANDLING)
    sweep_ladder(at=on("23 15:12"))
    close_again(world, case, on("23 15:20"))
    checking.reopen_case(case_id=case.pk, actor=world.desk, at=on("23 15:21"), note="又坏了")
    sweep_ladder(at=DUE)
    assert [rung[:2] for rung in rungs_of_whole(case)] == [("remind", 80), ("late", 100)]
    assert TakenRung.objects.filter(clock=whole(case), deed="remind").count() == 1


@pytest.mark.parametrize(
    ("again_at", "on_time"), [("23 17:00", True), ("23 18:00", True), ("24 09:00", False)]
)
def test_on_time_means_closed_again_by_the_original_due(world: World, again_at: str, on_time: bool) -> None:
    case = reopened(world, on("23 10:00"))
    assert [is_part(key, case) for key in ("due", "closed", "on_time", "missed")] == [
        True,
        False,
        False,
        True,
    ]
    case = close_again(world, case, on(again_at))
    clock = whole(case)
    assert (case.due_at, case.closed_at, clock.stopped_at) == (DUE, on(again_at), on(again_at))
    assert case.handling_time == clock.used
    assert [is_part(key, case) for key in ("due", "closed", "on_time", "missed")] == [
        True,
        True,
        on_time,
        not on_time,
    ]


def test_while_it_is_suspended_again_the_whole_stands_too(world: World) -> None:
    case = reopened(world, on("23 10:00"))
    handling.ask_suspension(case_id=case.pk, actor=world.handler, at=on("23 11:00"), note="等法院裁定")
    desk.grant_suspension(case_id=case.pk, actor=world.desk, at=on("23 11:00"))
    assert (now(case).due_at, now(case).next_due_at) == (None, None)
    desk.resume_case(case_id=case.pk, actor=world.desk, at=on("23 15:00"))
    assert (now(case).due_at, whole(case).is_running) == (on("24 10:00"), True)


@pytest.mark.parametrize("due_at", ["21 23:30", None])
def test_an_imported_order_keeps_the_due_time_of_its_source(world: World, due_at: str | None) -> None:
    past = PastOrder(
        number="A-1",
        state=State.CLOSED,
        channel="hotline",
        matter=world.matter,
        territory=territory_of(world.city.west_1),
        reported_at=on("20 10:00"),
        closed_at=on("20 12:00"),
        due_at=on(due_at) if due_at else None,
        unit=world.unit,
    )
    import_cases([past], source="old", at=on("20 13:00"))
    case = Case.objects.get(source_number="A-1")
    checking.reopen_case(case_id=case.pk, actor=world.desk, at=on("20 14:00"), note="又坏了")
    case = now(case)
    assert case.due_at == past.due_at
    running = {clock.stage for clock in case.clocks.filter(stopped_at=None)}
    assert running == ({"handle", "whole"} if due_at else {"handle"})
