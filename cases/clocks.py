"""An order's clocks: started, stopped, paused and moved inside an action, under the order's lock.

Rules: "Clocks" of DECISIONS.md. Instants are aware; limits, pauses and extensions are amounts of the
clock's own time (`cases.deadlines`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from cases.calendars import current_calendar
from cases.deadlines import TimerType, due_after, elapsed, limit_of
from cases.ladder import next_percent, rungs_for
from cases.models import Case, Clock, LadderRung, StagePolicy
from cases.workflow import Kind, Stage, State
from governance.common.kept import Kept, Slot
from governance.common.remembering import remembered

#: The stages that the whole order's due time chains, in order.
CHAIN = (Stage.ACCEPT, Stage.DISPATCH, Stage.ACKNOWLEDGE, Stage.HANDLE, Stage.CHECK)
#: The stages of a wish that a policy limits; delivery and the whole wish are due when it says itself.
WISH_STAGES = (Stage.VET, Stage.CLAIM, Stage.CONFIRM, Stage.BEGIN, Stage.RATE)
WARN_PERCENT = 80


class Limit(NamedTuple):
    """How long a stage may last, in the timer's own time."""

    length: timedelta
    timer: TimerType


#: Used where a city has deleted a row of its stage limits.
FALLBACK = Limit(timedelta(hours=4), TimerType.WORK_HOUR)


def limits_of(case: Case) -> dict[str, Limit]:
    """The limit of every stage of the order's kind: handling by the standard, the others by policy."""
    limits = dict(remembered(("policies", case.urgency), lambda: _policies_of(case.urgency)))
    if case.standard is not None:
        timer = TimerType(case.standard.timer_type)
        limits[Stage.HANDLE] = Limit(limit_of(case.standard.amount, timer), timer)
    stages = WISH_STAGES if case.kind == Kind.WISH else (*CHAIN, Stage.DECIDE, Stage.ANSWER)
    return {stage: limits.get(stage, FALLBACK) for stage in stages}


def _policies_of(urgency: str) -> dict[str, Limit]:
    rows = _policies().ask(urgency=urgency)
    return {p.stage: Limit(timedelta(minutes=p.minutes), TimerType(p.timer_type)) for p in rows}


@lru_cache(maxsize=1)
def _policies() -> Kept[StagePolicy]:
    return Kept(StagePolicy.objects.filter(urgency=Slot("urgency")))


def whole_limit(start: datetime, limits: dict[str, Limit]) -> Limit:
    """The whole order's limit: all stages chained from `start`, measured in the handling timer's time."""
    calendar = current_calendar()
    due = start
    for stage in CHAIN:
        due = due_after(due, limits[stage].length, limits[stage].timer, calendar)
    timer = limits[Stage.HANDLE].timer
    return Limit(elapsed(start, due, timer, calendar), timer)


def begin(case: Case) -> None:
    """Say of an order that is not saved yet that it has no clocks, so that nobody has to ask."""
    case.__dict__["_clocks"] = []


def running(case: Case, stage: str) -> Clock | None:
    """The stage's clock that has not stopped (it may be paused)."""
    return next((c for c in _known(case) if c.stage == stage and c.stopped_at is None), None)


def start(case: Case, stage: Stage, *, at: datetime) -> Clock:
    """Open the next round of a stage."""
    limits = limits_of(case)
    limit = whole_limit(at, limits) if stage == Stage.WHOLE else limits[stage]
    return start_with(case, stage, limit, at=at)


def start_with(case: Case, stage: Stage, limit: Limit, *, at: datetime) -> Clock:
    """Open the next round of a stage with a limit that the caller knows."""
    clock = open_clock(case, stage, limit, at=at, ladder=active_ladder())
    clock.save()
    _known(case).append(clock)
    return clock


def plan_many(case: Case, limits: dict[Stage, Limit], *, at: datetime, ladder: Iterable[LadderRung]) -> None:
    """Open several stages of an order that is not saved yet; `save_planned` writes them after it."""
    planned = [open_clock(case, stage, limit, at=at, ladder=ladder) for stage, limit in limits.items()]
    _known(case).extend(planned)


def save_planned(case: Case) -> None:
    """Write the clocks that were planned before their order was saved, in one statement."""
    Clock.objects.bulk_create([clock for clock in _known(case) if clock.pk is None])


def open_clock(
    case: Case, stage: Stage, limit: Limit, *, at: datetime, ladder: Iterable[LadderRung]
) -> Clock:
    """A clock that is not saved yet."""
    rounds = [c.round for c in _known(case) if c.stage == stage]
    clock = Clock(
        case=case,
        stage=stage,
        round=max(rounds, default=0) + 1,
        timer_type=limit.timer,
        limit=limit.length,
        started_at=at,
    )
    reckon(clock, case, ladder)
    return clock


def active_ladder() -> list[LadderRung]:
    """The rungs in force."""
    return remembered("ladder", lambda: _ladder().ask())


@lru_cache(maxsize=1)
def _ladder() -> Kept[LadderRung]:
    return Kept(LadderRung.objects.filter(is_active=True))


def reckon(clock: Clock, case: Case, ladder: Iterable[LadderRung]) -> None:
    """Set the clock's due and warning times and its next rung from its limit, extension and pauses."""
    clock.due_at = instant(clock, 100)
    clock.warn_at = instant(clock, WARN_PERCENT)
    schedule_rung(clock, case, ladder)


def schedule_rung(clock: Clock, case: Case, ladder: Iterable[LadderRung]) -> None:
    """Point the clock at the first rung above what it has passed; at no instant while it stands still."""
    percent = next_percent(rungs_for(ladder, case, clock.stage), clock.passed_percent)
    clock.next_rung_percent = percent
    clock.next_rung_at = instant(clock, percent) if percent is not None and clock.is_running else None


def start_until(case: Case, stage: Stage, due: datetime, *, at: datetime) -> Clock:
    """Open the next round of a stage that is due at an instant, in natural time; at least an hour away."""
    length = max(due - at, timedelta(hours=1))
    return start_with(case, stage, Limit(length, TimerType.NATURAL_DAY), at=at)


def move_due(case: Case, stage: Stage, due: datetime) -> None:
    """Let a running clock of natural time be due at another instant; rungs already taken stay taken."""
    clock = running(case, stage)
    if clock is not None:
        clock.limit = max(due - clock.started_at - clock.paused_total, timedelta(hours=1))
        reckon(clock, case, active_ladder())
        clock.save()


def rearm(case: Case, *, at: datetime) -> None:
    """After the desk moved down: clocks whose ladder had ended at the top get their next rung ahead."""
    ladder = active_ladder()
    for clock in _known(case):
        if clock.stopped_at is None and clock.next_rung_percent is None:
            _leave_behind(clock, at)
            schedule_rung(clock, case, ladder)
            clock.save()


def _leave_behind(clock: Clock, at: datetime) -> None:
    """Pass what the clock has used by now, without taking it."""
    limit = max(clock.limit + clock.extended, timedelta(seconds=1))
    clock.passed_percent = max(clock.passed_percent, used(clock, now=at) * 100 // limit)


def instant(clock: Clock, percent: int) -> datetime:
    """When the clock has used `percent` of its limit, pauses included."""
    share = (clock.limit + clock.extended) * percent // 100 + clock.paused_total
    return due_after(clock.started_at, share, TimerType(clock.timer_type), current_calendar())


def used(clock: Clock, *, now: datetime) -> timedelta:
    """Clock time used up to `now` (or until it stopped or was paused), pauses excluded."""
    if clock.used is not None:
        return clock.used
    until = clock.paused_at or now
    spent = elapsed(clock.started_at, until, TimerType(clock.timer_type), current_calendar())
    return max(spent - clock.paused_total, timedelta(0))


def time_since_report(case: Case, *, until: datetime) -> timedelta:
    """Clock time from the report, suspensions excluded, in the whole order's own time."""
    whole = next((c for c in _known(case) if c.stage == Stage.WHOLE), None)
    if whole is None:
        return until - case.reported_at
    spent = elapsed(case.reported_at, until, TimerType(whole.timer_type), current_calendar())
    return max(spent - whole.paused_total, timedelta(0))


def stop(case: Case, *stages: str, at: datetime) -> None:
    """Stop the running clocks of these stages (of all, if none is named)."""
    for clock in _known(case):
        if clock.stopped_at is None and (not stages or clock.stage in stages):
            clock.used = used(clock, now=at)
            clock.stopped_at = at
            clock.next_rung_at = None
            clock.save()


def silence_standing(case: Case) -> None:
    """Take the next rung from clocks that stand or have stopped, should one have kept it."""
    for clock in _known(case):
        if clock.next_rung_at is not None and not clock.is_running:
            clock.next_rung_at = None
            clock.save(update_fields=["next_rung_at"])


def run_on(case: Case, stage: Stage, *, at: datetime) -> None:
    """Let a stage's last clock run on as if it had never stopped: its due time stays what it was.

    Rungs that it passed while it stood are not made up for: nobody held the ball then. The ladder goes on
    with the next one ahead.
    """
    clock = max((c for c in _known(case) if c.stage == stage), key=lambda c: c.round, default=None)
    if clock is None or clock.stopped_at is None:
        return
    clock.stopped_at = clock.used = None
    _leave_behind(clock, at)
    schedule_rung(clock, case, active_ladder())
    clock.save()


def run_until(case: Case, stage: Stage, due_at: datetime) -> None:
    """Give a stage that never had a clock one since the report, due when another system said."""
    if any(clock.stage == stage for clock in _known(case)):
        return
    # Day and night, as the calendar's working time cannot name every instant that a source may have chosen.
    limit = Limit(max(due_at - case.reported_at, timedelta(0)), TimerType.NATURAL_DAY)
    start_with(case, stage, limit, at=case.reported_at)


def pause(case: Case, *stages: str, at: datetime) -> None:
    """Let these clocks stand still; the order has no due time while its whole clock stands."""
    for stage in stages:
        clock = running(case, stage)
        if clock is not None and clock.paused_at is None:
            clock.paused_at = at
            clock.next_rung_at = None
            clock.save()


def resume(case: Case, *stages: str, at: datetime) -> None:
    """Let paused clocks run on: their due times move by the pause, in their own time."""
    ladder = active_ladder()
    for stage in stages:
        clock = running(case, stage)
        if clock is None or clock.paused_at is None:
            continue
        timer = TimerType(clock.timer_type)
        clock.paused_total += elapsed(clock.paused_at, at, timer, current_calendar())
        clock.paused_at = None
        reckon(clock, case, ladder)
        clock.save()


def extend(case: Case, extra: timedelta) -> None:
    """Move the handling and the whole due time by the same amount; rungs already taken stay taken."""
    ladder = active_ladder()
    for stage in (Stage.HANDLE, Stage.WHOLE):
        clock = running(case, stage)
        if clock is not None:
            clock.extended += extra
            reckon(clock, case, ladder)
            clock.save()


def change_limits(case: Case) -> None:
    """After another standard: running clocks keep their starts and get the limits that now apply."""
    limits, ladder = limits_of(case), active_ladder()
    for clock in _known(case):
        if clock.stopped_at is not None:
            continue
        whole = clock.stage == Stage.WHOLE
        limit = whole_limit(clock.started_at, limits) if whole else limits[clock.stage]
        if (clock.limit, clock.timer_type) != (limit.length, limit.timer):
            _convert(clock, limit.timer)
            clock.limit = limit.length
            reckon(clock, case, ladder)
            clock.save()


def _convert(clock: Clock, timer: TimerType) -> None:
    """Pauses and extensions keep their size when the clock changes its timer."""
    if clock.timer_type == timer:
        return
    old = TimerType(clock.timer_type)
    if old.is_working_time != timer.is_working_time:
        calendar = current_calendar()
        for name in ("paused_total", "extended"):
            span_end = due_after(clock.started_at, getattr(clock, name), old, calendar)
            setattr(clock, name, elapsed(clock.started_at, span_end, timer, calendar))
    clock.timer_type = timer


def refresh(case: Case) -> None:
    """Copy onto the order what its lists are sorted and lit by: the running clock due first, and the due."""
    clocks = [c for c in _known(case) if c.is_running]
    first = min(clocks, key=lambda c: (c.due_at, c.pk or 0), default=None)
    case.next_due_at = first.due_at if first else None
    case.next_warn_at = min((c.warn_at for c in clocks), default=None)
    case.next_stage = first.stage if first else ""
    whole = next((c for c in _known(case) if c.stage == Stage.WHOLE), None)
    if whole is not None:
        case.due_at = None if case.state == State.SUSPENDED else whole.due_at


def _known(case: Case) -> list[Clock]:
    """The order's clocks as this action knows them: read once, under its lock."""
    known: list[Clock] | None = case.__dict__.get("_clocks")
    if known is None:
        known = case.__dict__["_clocks"] = list(case.clocks.all()) if case.pk else []
    return known
