"""How an order of the demo ends: the check, perhaps a rework, and what the reporter says of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from cases.actions import checking
from cases.actions.checking import Answer
from cases.actors import PublicReporter
from cases.calendars import current_calendar
from cases.deadlines import due_after
from cases.models import Channel, Satisfaction, Urgency
from cases.workflow import State
from governance.demo import texts
from governance.demo.living import Living, Stretch, finish, limit_of_handling
from governance.demo.simulation import Life
from governance.demo.world import awake
from partymembers.models import User

#: How many reporters answer, by channel.
_ANSWERS: Final[dict[str, float]] = {Channel.RESIDENT: 0.62, Channel.HOTLINE: 0.55, Channel.GRID_WORKER: 0.05}


def check(me: Living, at: datetime) -> Life:
    """The check, perhaps a rework, and what the reporter says."""
    rng = me.rng
    minutes = 60 if me.case.urgency == Urgency.URGENT else 240
    at = me.moves(at, minutes * me.share(0.03, 0.85))
    if me.case.urgency != Urgency.URGENT:
        at = awake(at, rng)
    yield at, me.case
    if me.odd(0.025) and not me.case.resolved_on_spot:
        at = yield from _rework(me, at, minutes)
    me.look(at)
    checker = me.worker if me.case.finisher_id != me.worker.pk else me.desk()
    shown = me.chance(0.25)
    pictures = [me.world.photo(me.given.scene, after=True, at=at, by=checker)] if shown else []
    me.case = checking.pass_check(
        case_id=me.case.pk, actor=checker, at=at, attachments=pictures,
        note=rng.choice(("", "", "现场查看，已恢复。", "效果良好。")),
    )  # fmt: skip
    yield from _rate(me, at)


def _rework(me: Living, at: datetime, minutes: float) -> Stretch:
    """返工: the handler does it again; returns the instant of the second check."""
    picture = me.world.photo(me.given.scene, after=False, at=at, by=me.worker)
    me.case = checking.fail_check(
        case_id=me.case.pk, actor=me.worker, at=at, note=me.rng.choice(texts.FAILED), attachments=[picture]
    )
    timer, limit = limit_of_handling(me)
    at = due_after(at, limit * me.rng.uniform(0.05, 0.3), timer, current_calendar())
    at = at if me.case.urgency == Urgency.URGENT else awake(at, me.rng)
    yield at, me.case
    actor = me.case.handler or me.rng.choice(me.world.handlers_of(me.unit_id))
    finish(me, at, actor)
    at = me.moves(at, minutes * me.share(0.03, 0.5))
    yield at, me.case
    return at


def _rate(me: Living, at: datetime) -> Life:
    """The reporter rates, or the desk asks; now and then it was not solved after all."""
    rng = me.rng
    asked = rng.random()
    if asked > _ANSWERS.get(me.seed.channel, 0.04):
        if me.odd(0.004):
            yield from _look_back(me, at)
        return
    at = awake(at + timedelta(hours=rng.expovariate(1 / 20) + 0.3), rng)
    yield at, me.case
    answer = _answer(me)
    if me.seed.channel == Channel.HOTLINE or me.chance(0.12):
        answer = Answer(True, answer.solved, answer.satisfaction, answer.comment)
        me.case = checking.follow_up_case(case_id=me.case.pk, actor=me.desk(), at=at, answer=answer)
        return
    actor = me.case.reporter or PublicReporter(me.case.pk)
    me.case = checking.rate_case(case_id=me.case.pk, actor=actor, at=at, answer=answer)
    if me.case.state == State.HANDLING:
        yield from _again(me, at)


def _answer(me: Living) -> Answer:
    """Three faces: late orders and bad places please less."""
    value = me.rng.random() + me.seed.mood - (0.25 if me.is_late else 0)
    if value < 0.012:
        return Answer(True, False, Satisfaction.DISSATISFIED, me.rng.choice(texts.COMPLAINTS))
    if value < 0.03:
        return Answer(True, True, Satisfaction.DISSATISFIED, me.rng.choice(texts.SO_SO))
    if value < 0.14:
        return Answer(True, True, Satisfaction.BASICALLY, me.rng.choice(texts.SO_SO))
    return Answer(True, True, Satisfaction.SATISFIED, me.rng.choice(texts.PRAISE))


def _look_back(me: Living, at: datetime) -> Life:
    """回头看: the desk finds that it did not hold."""
    at = me.moves(at, me.rng.uniform(2, 8) * 480)
    yield at, me.case
    me.case = checking.reopen_case(
        case_id=me.case.pk, actor=me.desk(), at=at, note=me.rng.choice(texts.REOPENED)
    )
    yield from _again(me, at)


def _again(me: Living, at: datetime) -> Life:
    """Handled and checked a second time."""
    at = me.moves(at, me.rng.uniform(60, 400))
    yield at, me.case
    actor: User | None = me.case.handler
    if me.case.unit_id is None or actor is None or actor.pk == me.worker.pk:
        return
    finish(me, at, actor)
    at = me.moves(at, me.rng.uniform(20, 200))
    yield at, me.case
    me.case = checking.pass_check(case_id=me.case.pk, actor=me.worker, at=at, note="再次核查，已恢复。")
