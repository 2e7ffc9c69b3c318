"""What a city starts with: limits of the stages and the escalation ladder, both edited afterwards.

Plain data. The migration that seeds an empty database keeps a copy of its own, because a migration says what
was once written; `seed_configuration` writes these rows where a table was emptied.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from django.db import transaction

from cases.deadlines import TimerType
from cases.models import LadderRung, StagePolicy, Urgency
from cases.workflow import Stage


class Policy(NamedTuple):
    """The limit of one stage for one urgency, in minutes of the timer's own time."""

    urgency: Urgency
    stage: Stage
    minutes: int
    timer_type: TimerType


class Rung(NamedTuple):
    """A rung for every kind of order, stage and class."""

    percent: int
    repeat_every: int
    deed: LadderRung.Deed


_STAGES: Final = (Stage.ACCEPT, Stage.DISPATCH, Stage.ACKNOWLEDGE, Stage.CHECK, Stage.DECIDE)
_MINUTES: Final = {
    Urgency.NORMAL: ((30, 30, 60, 240, 120), TimerType.WORK_HOUR),
    Urgency.URGENT: ((10, 10, 15, 60, 30), TimerType.URGENT_HOUR),
}


def default_policies() -> list[Policy]:
    """Normal orders are kept moving in working time, urgent ones day and night."""
    return [
        Policy(urgency, stage, minutes, timer)
        for urgency, (limits, timer) in _MINUTES.items()
        for stage, minutes in zip(_STAGES, limits, strict=True)
    ]


def default_ladder() -> list[Rung]:
    """80 % reminds, 100 % is late, each further half of the limit takes the order one level up."""
    return [
        Rung(80, 0, LadderRung.Deed.REMIND),
        Rung(100, 0, LadderRung.Deed.LATE),
        Rung(150, 50, LadderRung.Deed.CLIMB),
    ]


@transaction.atomic
def seed_configuration() -> None:
    """Write the stage limits that are missing, and the ladder where it has no rung; a repeat does nothing."""
    for policy in default_policies():
        StagePolicy.objects.get_or_create(
            urgency=policy.urgency,
            stage=policy.stage,
            defaults={"minutes": policy.minutes, "timer_type": policy.timer_type},
        )
    if not LadderRung.objects.exists():
        LadderRung.objects.bulk_create(LadderRung(**rung._asdict()) for rung in default_ladder())
