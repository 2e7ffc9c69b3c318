"""The ladder's deeds for many clocks at once: the same rows as one by one, in a handful of statements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from cases import clocks
from cases.actions.engine import new_event
from cases.actions.escalating import EVENT_DEEDS, due_deeds, pass_on, told_of
from cases.actors import SYSTEM
from cases.desks import Desks, load_desks
from cases.ladder import LOOKED_AT, rungs_for
from cases.models import Case, CaseEvent, Clock, LadderRung, TakenRung
from cases.relay import nudge
from grids.models import Place

#: What rungs and their events look at of an order.
_LOOKED_AT = (*LOOKED_AT, "state", "last_seq", "climbs")
_WRITE_CLOCKS = """
UPDATE {clocks} AS clock SET passed_percent = fresh.passed, next_rung_percent = fresh.percent,
    next_rung_at = fresh.at
FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::timestamptz[]) AS fresh (id, passed, percent, at)
WHERE clock.id = fresh.id
"""
_WRITE_CASES = """
UPDATE {cases} AS held SET last_seq = fresh.seq, desk_id = fresh.desk, climbs = fresh.climbs, updated_at = %s
FROM unnest(%s::bigint[], %s::int[], %s::bigint[], %s::int[]) AS fresh (id, seq, desk, climbs)
WHERE held.id = fresh.id
"""


@dataclass
class _Draft:
    """What a batch will write, by the ladder, the desks and the rungs taken before."""

    at: datetime
    ladder: Sequence[LadderRung]
    desks: Desks
    taken: set[tuple[int, int, str]]
    rungs: list[TakenRung] = field(default_factory=list)
    events: list[tuple[CaseEvent, Place]] = field(default_factory=list)
    clocks: list[Clock] = field(default_factory=list)
    cases: dict[int, Case] = field(default_factory=dict)

    def take(self, case: Case, clock: Clock) -> None:
        """One clock's rungs, as `escalating.take_rungs` takes them."""
        for percent, deed in due_deeds(case, clock, self.ladder, at=self.at):
            if (clock.pk, percent, deed) in self.taken:
                continue
            self.rungs.append(TakenRung(clock=clock, percent=percent, deed=deed, at=self.at))
            told = told_of(case, clock, percent, deed, self.desks, at=self.at)
            case.last_seq += 1
            event = new_event(case, deed, actor=SYSTEM, at=self.at, from_state=case.state, data=told)
            self.events.append((event, case.desk))
            self.cases[case.pk] = case
        self.clocks.append(clock)


@transaction.atomic
def take_rungs_of_many(*, held: Sequence[Clock], at: datetime) -> tuple[int, list[Clock]]:
    """Take the due rungs of clocks that the caller has locked together with their orders.

    Returns how many deeds were done, and the clocks whose ladder has deeds that are actions of their own:
    nothing has been done to these. Raises whatever the database refuses; then nothing has been written.
    """
    cases = _read_cases(held)
    ladder = clocks.active_ladder()
    desks = load_desks({case.desk for case in cases.values()}, on=timezone.localdate(at))
    draft, left = _Draft(at, ladder, desks, _taken(held)), []
    for clock in held:
        case = cases[clock.case_id]
        if any(rung.deed not in EVENT_DEEDS for rung in rungs_for(ladder, case, clock.stage)):
            left.append(clock)
        else:
            draft.take(case, clock)
    pass_on(draft.events, desks, at=at)
    _write(draft)
    return len(draft.rungs), left


def _read_cases(held: Iterable[Clock]) -> dict[int, Case]:
    """The orders as they are now that they are locked (see `engine.lock_case`)."""
    rows = Case.objects.filter(pk__in={clock.case_id for clock in held})
    return {case.pk: case for case in rows.select_related("desk", "matter").only(*_LOOKED_AT)}


def _taken(held: Iterable[Clock]) -> set[tuple[int, int, str]]:
    rungs = TakenRung.objects.filter(clock__in=[clock.pk for clock in held])
    return set(rungs.values_list("clock_id", "percent", "deed"))


def _write(draft: _Draft) -> None:
    TakenRung.objects.bulk_create(draft.rungs)
    CaseEvent.objects.bulk_create([event for event, _desk in draft.events])
    moved = list(draft.cases.values())
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE_CLOCKS.format(clocks=Clock._meta.db_table),
            [
                [clock.pk for clock in draft.clocks],
                [clock.passed_percent for clock in draft.clocks],
                [clock.next_rung_percent for clock in draft.clocks],
                [clock.next_rung_at for clock in draft.clocks],
            ],
        )
        cursor.execute(
            _WRITE_CASES.format(cases=Case._meta.db_table),
            [
                draft.at,
                [case.pk for case in moved],
                [case.last_seq for case in moved],
                [case.desk_id for case in moved],
                [case.climbs for case in moved],
            ],
        )
    if draft.events:
        transaction.on_commit(nudge)
