"""Live orders of the demo: the loop moves by itself, and never where a visitor's hand is expected."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.utils import timezone

from cases.models import Case, CaseEvent
from cases.workflow import State
from governance.demo import trickle
from governance.demo.loading import Loaded
from partymembers.access import access_of
from partymembers.models import User

from .conftest import NOW

#: Later the same day, when the rests of all orders are over.
LATER = NOW + timedelta(hours=1)


def standing() -> dict[int, int]:
    return dict(Case.objects.values_list("pk", "last_seq"))


def test_rounds_report_and_move_orders_but_leave_the_visitors_theirs(demo: Loaded) -> None:
    before = standing()
    day = timezone.localdate(NOW)
    secretary = access_of(User.objects.get(username="secretary"), on=day)
    worker = access_of(User.objects.get(username="worker"), on=day)
    unit_id = User.objects.get(username="handler").posts.get().unit_id
    at_desk = Case.objects.held_by(secretary).filter(state__in=[State.REPORTED, State.ACCEPTED])
    at_unit = Case.objects.filter(unit=unit_id, state__in=[State.DISPATCHED, State.HANDLING])
    grids = [grant.place_id for grant in worker.grants]
    to_check = Case.objects.filter(grid__in=grids, state=State.HANDLED)
    left = {pk for waiting in (at_desk, at_unit, to_check) for pk in waiting.values_list("pk", flat=True)}
    assert left
    rounds = [trickle.trickle(at=LATER + number * timedelta(minutes=2), seed=number) for number in range(12)]
    assert sum(each.reported for each in rounds) == Case.objects.count() - len(before) > 3
    assert sum(each.moved for each in rounds) > 6
    after = standing()
    assert {pk: after[pk] for pk in left} == {pk: before[pk] for pk in left}
    newest = CaseEvent.objects.filter(at__gte=LATER).exclude(actor=None)
    acted = set(newest.exclude(kind__in=["report"]).values_list("actor__username", flat=True))
    assert acted & {"secretary", "handler", "head", "worker"} == set()


def test_an_order_rests_after_somebody_has_touched_it(demo: Loaded) -> None:
    Case.objects.update(updated_at=LATER - timedelta(seconds=30))
    assert trickle._move(_world(), random.Random(1), LATER) == 0


def test_a_day_brings_only_so_many(demo: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trickle, "MOST_A_DAY", 0)
    assert sum(trickle.trickle(at=LATER, seed=seed).reported for seed in range(5)) == 0


def _world():
    world = trickle.read_world(now=LATER, seed=1)
    assert world is not None
    return world
