"""A whistle of the street's desk for tests, and the steps of those who are called."""

from __future__ import annotations

import datetime as dt
from datetime import datetime
from typing import Any

from cases.actions import whistling
from cases.models import Case, WhistleCall
from partymembers.models import User
from tests.factories.cases import NOON, World, bring_to

WHISTLED_AT = NOON + dt.timedelta(hours=1)


def whistle(world: World, case: Case | None = None, *, at: datetime = WHISTLED_AT, **fields: Any) -> Case:
    """The street calls two units that the order did not touch before to it."""
    case = case or bring_to(world, "handling")
    values: dict[str, Any] = {
        "actor": world.street_desk,
        "need": "路面塌陷，请各带两人到场",
        "needed_by": at + dt.timedelta(hours=3),
        "meeting_point": "霁虹巷口",
        "units": [world.other_unit, world.assisting],
    }
    return whistling.whistle_case(case_id=case.pk, at=at, **(values | fields))


def answer(case: Case, actor: User, *, at: datetime, is_coming: bool = True, note: str = "") -> Case:
    """Coming, or not."""
    return whistling.answer_whistle(case_id=case.pk, actor=actor, at=at, is_coming=is_coming, note=note)


def come(case: Case, actor: User, *, at: datetime) -> Case:
    """They are there."""
    return whistling.come_to_whistle(case_id=case.pk, actor=actor, at=at)


def tell(case: Case, actor: User, *, at: datetime, note: str = "围挡完成", minutes: int = 90) -> Case:
    """What they did."""
    return whistling.report_whistle(case_id=case.pk, actor=actor, at=at, note=note, minutes=minutes)


def call_of(case: Case, **called: Any) -> WhistleCall:
    """The call of the last whistle to a unit, branch or user."""
    return WhistleCall.objects.filter(whistle__case=case, **called).latest("whistle_id")
