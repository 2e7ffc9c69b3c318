"""What a city starts with: limits of the stages and the escalation ladder, both edited afterwards.

Plain data. The migration that seeds an empty database keeps a copy of its own, because a migration says what
was once written; `seed_configuration` writes these rows where a table was emptied.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from django.db import transaction

from cases.deadlines import TimerType
from cases.models import LadderRung, Matter, MatterClass, StagePolicy, Urgency
from cases.workflow import Kind, Stage


class Policy(NamedTuple):
    """The limit of one stage for one urgency, in minutes of the timer's own time."""

    urgency: Urgency
    stage: Stage
    minutes: int
    timer_type: TimerType


class Rung(NamedTuple):
    """A rung for every class and urgency."""

    percent: int
    repeat_every: int
    deed: LadderRung.Deed
    kind: Kind = Kind.INCIDENT
    stage: str = ""


_STAGES: Final = (Stage.ACCEPT, Stage.DISPATCH, Stage.ACKNOWLEDGE, Stage.CHECK, Stage.DECIDE, Stage.ANSWER)
_MINUTES: Final = {
    Urgency.NORMAL: ((30, 30, 60, 240, 120, 30), TimerType.WORK_HOUR),
    Urgency.URGENT: ((10, 10, 15, 60, 30, 10), TimerType.URGENT_HOUR),
}
_DAY: Final = 24 * 60
#: Kinds of wishes: code, name, and whether a delivery can be photographed.
WISH_KINDS: Final = (
    ("01", "上门帮手", True),
    ("02", "陪伴出行", False),
    ("03", "物品", True),
    ("04", "学习辅导", False),
    ("05", "维修安装", True),
    ("06", "健康服务", False),
    ("07", "法律咨询", False),
    ("99", "其他心愿", True),
)
#: A wish waits for a desk in working time, for people in days.
_WISH: Final = (
    (Stage.VET, 480, TimerType.WORK_HOUR),
    (Stage.CLAIM, 3 * _DAY, TimerType.NATURAL_DAY),
    (Stage.CONFIRM, 240, TimerType.WORK_HOUR),
    (Stage.BEGIN, 3 * _DAY, TimerType.NATURAL_DAY),
    (Stage.RATE, 15 * _DAY, TimerType.NATURAL_DAY),
)


def default_policies() -> list[Policy]:
    """Normal orders are kept moving in working time, urgent ones day and night."""
    incidents = [
        Policy(urgency, stage, minutes, timer)
        for urgency, (limits, timer) in _MINUTES.items()
        for stage, minutes in zip(_STAGES, limits, strict=True)
    ]
    return incidents + [Policy(urgency, *limit) for urgency in Urgency for limit in _WISH]


def default_ladder() -> list[Rung]:
    """80 % reminds, 100 % is late, each further half of the limit takes the order one level up.

    Of a wish, only what a desk lets lie climbs; what nobody claims goes to the branch, a claim that is not
    begun lapses, and what nobody rates closes.
    """
    deed, wish = LadderRung.Deed, Kind.WISH
    waiting = [Rung(80, 0, deed.REMIND, wish, stage) for stage in (Stage.VET, Stage.CONFIRM, Stage.BEGIN)]
    return [
        Rung(80, 0, deed.REMIND),
        Rung(100, 0, deed.LATE),
        Rung(150, 50, deed.CLIMB),
        *waiting,
        Rung(80, 0, deed.REMIND, wish, Stage.DELIVER),
        Rung(80, 0, deed.REMIND, wish, Stage.RATE),
        *[Rung(100, 0, deed.LATE, wish, stage) for stage in (Stage.VET, Stage.CONFIRM, Stage.DELIVER)],
        *[Rung(150, 50, deed.CLIMB, wish, stage) for stage in (Stage.VET, Stage.CONFIRM)],
        Rung(100, 0, deed.TO_BRANCH, wish, Stage.CLAIM),
        Rung(100, 0, deed.LAPSE, wish, Stage.BEGIN),
        Rung(100, 0, deed.CLOSE, wish, Stage.RATE),
    ]


@transaction.atomic
def seed_configuration() -> None:
    """Write the stage limits that are missing, and the ladder where it has no rung; a repeat does nothing."""
    limits = [StagePolicy(**policy._asdict()) for policy in default_policies()]
    StagePolicy.objects.bulk_create(limits, ignore_conflicts=True)
    if not LadderRung.objects.exists():
        LadderRung.objects.bulk_create(LadderRung(**rung._asdict()) for rung in default_ladder())


@transaction.atomic
def seed_wish_kinds() -> None:
    """Write the kinds of wishes where there are none; a repeat does nothing."""
    section = MatterClass.Section.WISH
    wishes, _made = MatterClass.objects.get_or_create(section=section, code="01", defaults={"name": "微心愿"})
    if not wishes.matters.exists():
        for code, name, needs_photo in WISH_KINDS:
            Matter.objects.create(matter_class=wishes, code=code, name=name, needs_photo=needs_photo)
