"""Which rungs of the escalation ladder a clock has; pure: the rungs are arguments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from cases.models import Case, LadderRung
from cases.workflow import Stage

#: What `rungs_for` looks at of an order, for those who read many.
LOOKED_AT: Final = ("kind", "urgency", "matter__matter_class", "desk__depth", "desk__path")

#: Where a deed makes sense that is an action of wishes; elsewhere such a rung is none.
_ONLY_AT: Final[dict[str, set[Stage]]] = {
    LadderRung.Deed.TO_BRANCH: {Stage.CLAIM},
    LadderRung.Deed.LAPSE: {Stage.CONFIRM, Stage.BEGIN},
    LadderRung.Deed.CLOSE: {Stage.RATE},
}


def rungs_for(ladder: Iterable[LadderRung], case: Case, stage: str) -> list[LadderRung]:
    """The rungs that apply to one stage of an order; an empty field of a rung means "any".

    Nothing climbs from the top, so that a ladder that repeats ends there; nor for an unanswered whistle,
    which the desk itself has sent.
    """
    is_top = case.desk.depth == 1
    return [
        rung
        for rung in ladder
        if stage in _ONLY_AT.get(rung.deed, (stage,))
        and rung.kind in ("", case.kind)
        and rung.stage in ("", stage)
        and rung.urgency in ("", case.urgency)
        and rung.matter_class_id in (None, case.matter.matter_class_id)
        and not (rung.deed == LadderRung.Deed.CLIMB and (is_top or stage == Stage.ANSWER))
    ]


def next_percent(rungs: Sequence[LadderRung], after: int) -> int | None:
    """The first percentage above `after` at which any rung stands, repeats included."""
    return min((p for rung in rungs if (p := _next_of(rung, after)) is not None), default=None)


def _next_of(rung: LadderRung, after: int) -> int | None:
    if rung.percent > after:
        return rung.percent
    if not rung.repeat_every:
        return None
    return rung.percent + ((after - rung.percent) // rung.repeat_every + 1) * rung.repeat_every


def deeds_at(rungs: Iterable[LadderRung], percent: int) -> list[str]:
    """What happens at a percentage, each deed once."""
    return [rung.deed for rung in rungs_at(rungs, percent)]


def rungs_at(rungs: Iterable[LadderRung], percent: int) -> list[LadderRung]:
    """The rungs that stand at a percentage, repeats included; of several with one deed the first."""
    found: dict[str, LadderRung] = {}
    for rung in rungs:
        if _next_of(rung, percent - 1) == percent:
            found.setdefault(rung.deed, rung)
    return list(found.values())
