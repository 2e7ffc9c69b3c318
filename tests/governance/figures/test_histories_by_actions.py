"""Orders that live through the actions: what the figures count is what the event log tells."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from cases.actions import checking, desk, handling, oversight, reporting
from cases.actions.checking import Answer
from cases.models import Case, CaseEvent, Clock, Satisfaction
from cases.workflow import Stage, State
from governance.common.errors import DomainError
from governance.figures.formulas import PARTS
from governance.figures.periods import Period, local
from governance.figures.queries import counted_cases, figures
from governance.figures.subjects import Subject, area_of
from partymembers.access import access_of
from tests.factories.cases import NOON, World, make_attachment, make_world, report

pytestmark = pytest.mark.django_db

START = NOON - timedelta(days=25)
NOW = NOON + timedelta(days=20)
HOURS = timedelta(hours=1)

Step = Callable[[World, int, datetime, random.Random], object]

STEPS: dict[str, tuple[Step, ...]] = {
    State.REPORTED: (
        lambda w, pk, at, dice: desk.accept_case(case_id=pk, actor=w.city_desk, at=at),
        lambda w, pk, at, dice: desk.decline_case(case_id=pk, actor=w.city_desk, at=at, note="不属于本清单"),
        lambda w, pk, at, dice: reporting.withdraw_case(case_id=pk, actor=w.worker, at=at),
    ),
    State.ACCEPTED: (
        lambda w, pk, at, dice: desk.dispatch_case(case_id=pk, unit=w.unit, actor=w.city_desk, at=at),
        lambda w, pk, at, dice: desk.void_case(case_id=pk, actor=w.city_desk, at=at, note="误报"),
    ),
    State.DISPATCHED: (
        lambda w, pk, at, dice: handling.acknowledge_case(case_id=pk, actor=w.handler, at=at),
        lambda w, pk, at, dice: handling.return_case(case_id=pk, actor=w.handler, at=at, note="不归我们"),
    ),
    State.HANDLING: (
        lambda w, pk, at, dice: _finish(w, pk, at),
        lambda w, pk, at, dice: _extend(w, pk, at),
        lambda w, pk, at, dice: _suspend(w, pk, at),
        lambda w, pk, at, dice: oversight.escalate_case(
            case_id=pk, actor=w.city_desk, at=at, note="请街道协调"
        ),
        lambda w, pk, at, dice: desk.correct_place(case_id=pk, actor=w.city_desk, at=at, place=w.city.west_2),
    ),
    State.SUSPENDED: (lambda w, pk, at, dice: desk.resume_case(case_id=pk, actor=w.city_desk, at=at),),
    State.HANDLED: (
        lambda w, pk, at, dice: checking.pass_check(case_id=pk, actor=w.city_desk, at=at),
        lambda w, pk, at, dice: checking.fail_check(case_id=pk, actor=w.city_desk, at=at, note="没修好"),
    ),
    State.CLOSED: (
        lambda w, pk, at, dice: checking.rate_case(case_id=pk, actor=w.worker, at=at, answer=_answer(dice)),
        lambda w, pk, at, dice: checking.follow_up_case(
            case_id=pk, actor=w.city_desk, at=at, answer=_answer(dice)
        ),
        lambda w, pk, at, dice: checking.reopen_case(case_id=pk, actor=w.city_desk, at=at, note="又坏了"),
    ),
}


def _answer(dice: random.Random) -> Answer:
    return Answer(
        contacted=dice.choice([True, True, False, None]),
        solved=dice.choice([True, True, False, None]),
        satisfaction=dice.choice(Satisfaction.values),
    )


def _finish(world: World, pk: int, at: datetime) -> None:
    picture = make_attachment(world.handler, at=at)
    handling.finish_case(case_id=pk, actor=world.handler, at=at, note="已补装", attachments=[picture])


def _extend(world: World, pk: int, at: datetime) -> None:
    handling.ask_extension(case_id=pk, actor=world.handler, at=at, extra=4 * HOURS, note="等配件")
    desk.grant_extension(case_id=pk, actor=world.city_desk, at=at)


def _suspend(world: World, pk: int, at: datetime) -> None:
    handling.ask_suspension(case_id=pk, actor=world.handler, at=at, note="等法院裁定")
    desk.grant_suspension(case_id=pk, actor=world.city_desk, at=at)


def live(world: World, dice: random.Random, *, orders: int, steps: int) -> None:
    """Orders from `START` on, each taking up to so many steps at random, with hours in between."""
    for _ in range(orders):
        at = START + timedelta(minutes=dice.randrange(60 * 24 * 20))
        case = report(world, at=at)
        for _ in range(dice.randrange(2, steps + 1)):
            at += timedelta(minutes=dice.randrange(10, 60 * 20))
            state = Case.objects.values_list("state", flat=True).get(pk=case.pk)
            if state not in STEPS:
                break
            # The first way is the common one; the others are what figures go wrong by.
            step = STEPS[state][0] if dice.random() < 0.7 else dice.choice(STEPS[state])
            try:
                step(world, case.pk, at, dice)
            except DomainError:
                continue


class Told:
    """What an order's events and its whole clock say of it, without looking at its own columns."""

    def __init__(self, case_id: int) -> None:
        self.events = list(CaseEvent.objects.filter(case=case_id).order_by("seq"))
        self.kinds = Counter(event.kind for event in self.events)
        self.due_at = Clock.objects.get(case=case_id, stage=Stage.WHOLE).due_at
        endings = [e for e in self.events if e.kind in ("check_pass", "reopen")]
        self.closed_at = endings[-1].at if endings and endings[-1].kind == "check_pass" else None
        self.ended_unhandled = bool(self.kinds.keys() & {"decline", "merge", "void", "withdraw"})
        pauses = [e.kind for e in self.events if e.kind in ("grant_suspension", "resume")]
        self.is_suspended = pauses[-1:] == ["grant_suspension"]
        answers = [e for e in self.events if e.kind in ("rate", "follow_up")]
        self.answered_at = answers[-1].at if answers else None
        self.answer = answers[-1].data if answers else {}

    def parts(self, period: Period) -> set[str]:
        """The parts that the order belongs to in a period, by the wording of the formulas."""
        found: set[str] = set()
        if period.start <= self.events[0].at < period.until:
            found |= {"reported"} | ({"accepted"} if self.kinds["accept"] else set())
        if period.start <= self.due_at < period.until and not (self.ended_unhandled or self.is_suspended):
            found |= self._due_parts()
        if self.answered_at and period.start <= self.answered_at < period.until:
            found |= self._answer_parts()
        return found

    def _due_parts(self) -> set[str]:
        found = {"due"}
        found |= {"handled"} if self.kinds["finish"] else set()
        found |= {"reworked"} if self.kinds["check_fail"] else set()
        found |= {"extended"} if self.kinds["grant_extension"] else set()
        in_time = self.closed_at is not None and self.closed_at <= self.due_at
        found |= {"closed", "timed"} if self.closed_at else set()
        return found | ({"on_time"} if in_time else {"missed"})

    def _answer_parts(self) -> set[str]:
        found = {"rated", self.answer["satisfaction"]}
        for fact, asked in (("contacted", "asked_contact"), ("solved", "asked_solved")):
            if self.answer[fact] is not None:
                found |= {asked} | ({fact} if self.answer[fact] else set())
        return found


@pytest.mark.parametrize("seed", [1, 2])
def test_figures_count_what_the_events_tell(seed: int) -> None:
    world = make_world()
    live(world, random.Random(seed), orders=24, steps=20)
    told = {case_id: Told(case_id) for case_id in Case.objects.values_list("pk", flat=True)}
    access = access_of(world.official, on=NOW.date())
    subject = Subject(area_of(world.city.city))
    week = timedelta(days=7)
    counted: Counter[str] = Counter()
    for number in range(7):
        period = Period(local(START + number * week), local(START + (number + 1) * week), local(NOW))
        found = figures(subject, period, access).current
        for part in PARTS:
            expected = {case_id for case_id, order in told.items() if part in order.parts(period)}
            assert set(counted_cases(part, subject, period, access).values_list("pk", flat=True)) == expected
            assert found[part] == len(expected), part
            counted[part] += len(expected)
    assert counted["reported"] == 24
    assert not {
        part for part in ("accepted", "due", "closed", "missed", "reworked", "rated") if not counted[part]
    }, counted
