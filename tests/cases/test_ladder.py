"""Which rungs a clock has and which comes next: plain data, no database."""

import pytest

from cases.ladder import deeds_at, next_percent, rungs_for
from cases.models import Case, LadderRung, Matter, MatterClass, Urgency
from cases.workflow import Kind, Stage
from grids.models import Place

REMIND = LadderRung(percent=80, deed=LadderRung.Deed.REMIND)
LATE = LadderRung(percent=100, deed=LadderRung.Deed.LATE)
CLIMB = LadderRung(percent=150, repeat_every=50, deed=LadderRung.Deed.CLIMB)
LADDER = [REMIND, LATE, CLIMB]


def order(*, depth: int = 4, urgency: str = Urgency.NORMAL, class_id: int = 1) -> Case:
    matter = Matter(pk=1, matter_class=MatterClass(pk=class_id))
    return Case(kind=Kind.INCIDENT, urgency=urgency, matter=matter, desk=Place(depth=depth))


@pytest.mark.parametrize(
    ("after", "percent"),
    [(0, 80), (79, 80), (80, 100), (99, 100), (100, 150), (150, 200), (199, 200), (200, 250), (1049, 1050)],
)
def test_the_next_rung_is_the_lowest_above(after: int, percent: int) -> None:
    assert next_percent(LADDER, after) == percent


def test_a_ladder_without_a_repeat_ends() -> None:
    assert next_percent([REMIND, LATE], 100) is None
    assert next_percent([], 0) is None


def test_deeds_of_one_percentage_come_in_the_ladders_order_and_once_each() -> None:
    at_hundred = [LATE, LadderRung(percent=50, repeat_every=25, deed="climb"), LATE]

    assert deeds_at(at_hundred, 100) == ["late", "climb"]
    assert deeds_at(at_hundred, 75) == ["climb"]
    assert deeds_at(at_hundred, 80) == []
    assert deeds_at(LADDER, 149) == []
    assert deeds_at(LADDER, 250) == ["climb"]


def test_an_empty_field_of_a_rung_means_any() -> None:
    assert rungs_for(LADDER, order(), Stage.ACCEPT) == LADDER


@pytest.mark.parametrize(
    ("field", "value", "applies"),
    [
        ("kind", Kind.INCIDENT, True),
        ("kind", Kind.WISH, False),
        ("stage", Stage.HANDLE, True),
        ("stage", Stage.WHOLE, False),
        ("urgency", Urgency.NORMAL, True),
        ("urgency", Urgency.URGENT, False),
        ("matter_class_id", 1, True),
        ("matter_class_id", 2, False),
    ],
)
def test_a_rung_may_be_for_one_kind_stage_urgency_or_class(
    field: str, value: str | int, applies: bool
) -> None:
    rung = LadderRung(percent=120, deed=LadderRung.Deed.LATE, **{field: value})

    assert rungs_for([rung], order(), Stage.HANDLE) == ([rung] if applies else [])


def test_nothing_climbs_from_the_top_so_a_repeating_ladder_ends_there() -> None:
    rungs = rungs_for(LADDER, order(depth=1), Stage.HANDLE)

    assert rungs == [REMIND, LATE]
    assert next_percent(rungs, 100) is None
