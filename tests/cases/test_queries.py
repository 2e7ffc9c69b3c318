"""What a page says of a clock."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cases import queries
from cases.models import Case
from cases.queries import as_said, ball, metres_between
from cases.workflow import Stage
from tests.factories.cases import MINUTE, NOON, bring_to, make_world, report

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("span", "timer", "said"),
    [
        (16 * HOUR, "work_day", timedelta(days=2)),
        (-12 * HOUR, "work_hour", -timedelta(days=1, hours=4)),
        (7 * HOUR, "work_day", 7 * HOUR),
        (16 * HOUR, "urgent_hour", 16 * HOUR),
        (48 * HOUR, "natural_day", timedelta(days=2)),
    ],
)
def test_eight_working_hours_are_a_day(span: timedelta, timer: str, said: timedelta) -> None:
    assert as_said(span, timer) == said


@pytest.mark.django_db
def test_the_stage_at_hand_leads_and_is_late_from_the_first_moment_on() -> None:
    case = bring_to(make_world(), "accepted")
    due = case.clocks.get(stage=Stage.DISPATCH).due_at
    led = [ball(case, now=at) for at in (NOON + 2 * MINUTE, due, due + timedelta(seconds=1))]
    assert [(clock.stage, clock.light.value) for clock in led if clock] == [
        (Stage.DISPATCH, "green"),
        (Stage.DISPATCH, "yellow"),
        (Stage.DISPATCH, "red"),
    ]
    assert led[2].left < timedelta(0)


@pytest.mark.django_db
def test_an_ended_order_has_no_clock_that_leads() -> None:
    assert ball(bring_to(make_world(), "closed"), now=NOON) is None


@pytest.mark.django_db
def test_of_very_many_orders_nearby_the_latest_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "_MOST_COMPARED", 1)
    world = make_world()
    before, latest = report(world, at=NOON - HOUR), report(world, at=NOON)
    where = {"lng": latest.lng, "lat": latest.lat, "since": NOON - 2 * HOUR}
    for ids in ([latest.pk, before.pk], [before.pk]):
        rows = Case.objects.filter(pk__in=ids)
        (found,) = queries.near_duplicates(rows, matter_id=world.matter.pk, **where)
        assert found.pk == ids[0]


def test_metres_between_two_near_points() -> None:
    assert metres_between(118.31, 32.30, 118.31, 32.301) == pytest.approx(111.32, abs=0.1)
    assert metres_between(118.31, 32.30, 118.311, 32.30) == pytest.approx(94.1, abs=0.5)
