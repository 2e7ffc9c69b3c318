"""What must be true of any order at any time, whatever happened to it."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise

from cases.events import payload_problems
from cases.models import Case, CaseUnit, WhistleCall
from cases.workflow import ENDED_STATES, OPEN_STATES, Stage, State

FACTS = ("city", "district", "street", "community", "grid")


def check(case: Case, told: str) -> None:
    """Everything that must be true of any order at any time."""
    rules = (_history, _counts, _ending, _clocks, _dues, _requests, _people, _places, _reporters, _ratings)
    for rule in rules:
        rule(case, f"{told}: {rule.__name__}")


def _history(case: Case, told: str) -> None:
    events = list(case.events.all())
    assert [e.seq for e in events] == list(range(1, case.last_seq + 1)), told
    assert all(one.to_state == after.from_state for one, after in pairwise(events)), told
    assert (events[0].kind, events[0].from_state, events[-1].to_state) == (
        "report",
        "reported",
        case.state,
    ), told
    problems = [line for e in events for line in payload_problems(e.kind, e.data)]
    assert problems == [], told


def _counts(case: Case, told: str) -> None:
    kinds = Counter(event.kind for event in case.events.all())
    assert case.reworks == kinds["check_fail"], told
    assert case.returns == kinds["return"], told
    assert case.extensions == kinds["grant_extension"], told
    assert case.reopenings == kinds["reopen"], told
    assert case.urges == kinds["urge"], told
    assert case.climbs == kinds["escalate"] + kinds["climb"], told


def _ending(case: Case, told: str) -> None:
    assert (case.closed_at is not None) == (case.state == State.CLOSED), told
    assert (case.ended_at is not None) == (case.state in ENDED_STATES), told
    assert (case.merged_into_id is not None) == (case.state == State.MERGED), told
    assert (case.accepted_at is None) or case.state not in (State.REPORTED, State.DECLINED), told


#: The stages whose clock has not stopped in each state, and those of them that stand.
RUNNING: dict[str, tuple[set[str], set[str]]] = {
    State.REPORTED: ({"accept"}, set()),
    State.ACCEPTED: ({"dispatch"}, set()),
    State.DISPATCHED: ({"acknowledge"}, set()),
    State.HANDLING: ({"handle"}, set()),
    State.SUSPENDED: ({"handle"}, {"handle"}),
    State.HANDLED: ({"handle", "check"}, {"handle"}),
}


def _clocks(case: Case, told: str) -> None:
    live, standing = RUNNING.get(case.state, (set(), set()))
    if case.state == State.HANDLED and not any(c.stage == Stage.HANDLE for c in case.clocks.all()):
        assert case.resolved_on_spot, told
        live, standing = {"check"}, set()
    if case.state in OPEN_STATES:
        live = live | {"whole"}
        standing = standing | {"whole"} if case.state == State.SUSPENDED else standing
    if any(each.decided_at is None for each in case.requests.all()):
        live = live | {"decide"}
    if WhistleCall.objects.filter(whistle__case=case, whistle__ended_at=None, answered_at=None).exists():
        live = live | {"answer"}
    clocks = sorted(case.clocks.all(), key=lambda c: (c.stage, c.round))
    assert {c.stage for c in clocks if c.stopped_at is None} == live, told
    assert {c.stage for c in clocks if c.stopped_at is None and c.paused_at} == standing, told
    rounds = Counter(c.stage for c in clocks)
    assert [c.round for c in clocks] == [n for s in sorted(rounds) for n in range(1, rounds[s] + 1)], told
    assert rounds["whole"] == 1, told
    for clock in clocks:
        assert (clock.used is None) == (clock.stopped_at is None), told
        assert clock.is_running or clock.next_rung_at is None, told
        assert clock.started_at <= clock.warn_at <= clock.due_at, told
        assert clock.paused_total >= timedelta(0), told


def _dues(case: Case, told: str) -> None:
    running = [c for c in case.clocks.all() if c.is_running]
    first = min(running, key=lambda c: (c.due_at, c.pk), default=None)
    assert case.next_due_at == (first.due_at if first else None), told
    assert case.next_stage == (first.stage if first else ""), told
    assert case.next_warn_at == min((c.warn_at for c in running), default=None), told
    (whole,) = (c for c in case.clocks.all() if c.stage == Stage.WHOLE)
    assert case.due_at == (None if case.state == State.SUSPENDED else whole.due_at), told


def _requests(case: Case, told: str) -> None:
    waiting = [each for each in case.requests.all() if each.decided_at is None]
    assert len(waiting) <= (case.state == State.HANDLING), told


def _people(case: Case, told: str) -> None:
    leads = [part.unit_id for part in case.parts.all() if part.part == CaseUnit.Part.LEAD]
    assert leads == ([case.unit_id] if case.unit_id else []), told
    if case.state in (State.REPORTED, State.ACCEPTED):
        assert (case.unit_id, case.handler_id) == (None, None), told
    elif case.state in OPEN_STATES:
        assert case.unit_id or case.resolved_on_spot, told
    assert case.dispatched_at is not None or not case.parts.all(), told
    if case.unit is not None and case.handler is not None:
        assert case.unit_id in {post.unit_id for post in case.handler.posts.all()}, told


def _places(case: Case, told: str) -> None:
    assert case.place.path.startswith(case.desk.path), told
    line = {case.city, case.district, case.street, case.community, case.grid} - {None}
    assert all(place and case.place.path.startswith(place.path) for place in line), told
    assert case.place in line, told
    assert case.desk in line - {case.grid}, told


def _reporters(case: Case, told: str) -> None:
    if case.state != State.MERGED:
        assert case.co_reports == len(case.co_reporters.all()), told
    users = [c.user_id for c in case.co_reporters.all() if c.user_id]
    assert len(users) == len(set(users)), told
    assert case.reporter_id is None or case.reporter_id not in users, told


def _ratings(case: Case, told: str) -> None:
    """Between two closings everybody rates at most once."""
    rated: set[tuple[int | None, object]] = set()
    for event in case.events.all():
        if event.kind == "check_pass":
            rated.clear()
        if event.kind == "rate":
            rater = (event.actor_id, event.data.get("co_reporter_id"))
            assert rater not in rated, told
            rated.add(rater)
