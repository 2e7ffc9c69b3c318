"""The town under attack: the small world of the tests, with clocks of seconds and a ladder to match."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cases.deadlines import TimerType
from cases.models import LadderRung, StagePolicy, Standard
from cases.workflow import Kind, Stage
from tests.factories.cases import make_world
from tests.factories.people import PASSWORD

#: A stage policy is a minute at least, a standard 36 seconds; the rungs stand at a few percent of them.
_MINUTE_STAGES = (Stage.ACCEPT, Stage.DISPATCH, Stage.ACKNOWLEDGE, Stage.CHECK, Stage.DECIDE)
_HANDLE_HOURS = "0.01"
#: Percent at which a stage reminds, is late, climbs, and climbs again and again: of a minute, of the 36
#: seconds for handling, and of the whole order's four and a half minutes.
_OF_A_MINUTE = (5, 10, 25, 25)
_OF_HANDLING = (10, 20, 50, 50)
_OF_THE_WHOLE = (2, 4, 12, 12)


def make_town(plan: Path) -> None:
    """Fill the empty database, and write down who acts for whom."""
    world = make_world()
    StagePolicy.objects.filter(stage__in=_MINUTE_STAGES).update(minutes=1, timer_type=TimerType.URGENT_HOUR)
    Standard.objects.update(amount=_HANDLE_HOURS, timer_type=TimerType.URGENT_HOUR)
    LadderRung.objects.all().delete()
    stages = [(stage, _OF_A_MINUTE) for stage in _MINUTE_STAGES]
    for stage, percents in [*stages, (Stage.HANDLE, _OF_HANDLING), (Stage.WHOLE, _OF_THE_WHOLE)]:
        _make_rungs(stage, *percents)
    lng, lat = world.city.inside(world.city.west_1)
    told: dict[str, Any] = {
        "password": PASSWORD,
        "reporter": world.worker.username,
        "lng": lng,
        "lat": lat,
        "matter": world.matter.pk,
        "worker": world.worker.pk,
        "handler": world.handler.pk,
        "unit": world.unit.pk,
        "assisting": world.assisting.pk,
        "desks": {
            world.city.west.pk: world.desk.pk,
            world.city.street.pk: world.street_desk.pk,
            world.city.district.pk: world.district_desk.pk,
            world.city.city.pk: world.city_desk.pk,
        },
    }
    plan.write_text(json.dumps(told))


def _make_rungs(stage: Stage, remind: int, late: int, climb: int, again: int) -> None:
    deeds = LadderRung.Deed
    rows = [(remind, 0, deeds.REMIND), (late, 0, deeds.LATE), (climb, again, deeds.CLIMB)]
    LadderRung.objects.bulk_create(
        LadderRung(kind=Kind.INCIDENT, stage=stage, percent=percent, repeat_every=repeat, deed=deed)
        for percent, repeat, deed in rows
    )
