"""Mends what can be mended without a person's judgment: by running what should have run, through actions.

Each repair may be repeated and run beside the portal. What no repair is given for (a gap in a history, a rung
taken twice, points that do not balance) a person must look at first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from cases import escalation, relay
from cases.actions import changes, repairing
from cases.models import Case, CaseEvent
from cases.notify import in_app

from .promises import Outcome

#: Seconds that one repair may take; the next run goes on.
_PATIENCE: Final = 120.0


def repair(outcomes: Iterable[Outcome], *, at: datetime) -> list[str]:
    """Run the repairs of the promises that are broken, each once; their names."""
    broken = [outcome for outcome in outcomes if not outcome.holds and outcome.invariant.repair]
    done = []
    for name in dict.fromkeys(outcome.invariant.repair for outcome in broken):
        REPAIRS[name]([outcome for outcome in broken if outcome.invariant.repair == name], at)
        done.append(name)
    return done


def _cases(outcomes: Iterable[Outcome]) -> list[int]:
    numbers = {offence.number for outcome in outcomes for offence in outcome.offences}
    return list(Case.objects.filter(number__in=numbers).order_by("pk").values_list("pk", flat=True))


def _follow_people(outcomes: list[Outcome], at: datetime) -> None:
    for case_id in _cases(outcomes):
        changes.return_to_desk(case_id=case_id, at=at)
        changes.clear_handler(case_id=case_id, at=at)


def _follow_places(outcomes: list[Outcome], at: datetime) -> None:
    for case_id in _cases(outcomes):
        changes.move_case_to_successor(case_id=case_id, at=at)


def _sweep(_outcomes: list[Outcome], at: datetime) -> None:
    escalation.sweep_ladder(at=at, seconds=_PATIENCE)


def _relay(_outcomes: list[Outcome], _at: datetime) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and relay.run_relay(seconds=20):
        pass


def _tell_again(outcomes: list[Outcome], _at: datetime) -> None:
    """Hand the events to the reader of messages once more: who has one already gets no second."""
    ids = {
        int(offence.detail.split()[1].rstrip(","))
        for outcome in outcomes
        for offence in outcome.offences
        if offence.detail.startswith("event ")
    }
    in_app(list(CaseEvent.objects.filter(pk__in=ids).select_related("case").order_by("position")))


def _set_clocks(outcomes: list[Outcome], at: datetime) -> None:
    for case_id in _cases(outcomes):
        repairing.put_clocks_right(case_id=case_id, at=at)


#: By the name that a check gives.
REPAIRS: Final[dict[str, Callable[[list[Outcome], datetime], None]]] = {
    "people": _follow_people,
    "places": _follow_places,
    "clocks": _set_clocks,
    "rungs": _sweep,
    "relay": _relay,
    "messages": _tell_again,
}
