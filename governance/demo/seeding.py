"""Which orders the demo gets: when, where, what and by whom. Pure chance from a seed; nothing is written."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Final

from django.utils import timezone

from cases.calendars import current_calendar
from cases.models import Channel
from governance.demo.living import Seedling
from governance.demo.world import World

#: Days of full life before the demo is opened, and how many orders a workday and a day off bring.
DAYS: Final = 60
WORKDAY, DAY_OFF = 57.0, 31.0
#: The year before them is thin: so many orders a workday.
YEAR: Final = 365
THIN: Final = 2.1
#: How many orders somebody else reports once more, and where the numbers of those begin.
TWINS: Final = 0.03
TWIN_NUMBERS: Final = 50_000
#: Of 24 hours, how much is reported: mornings most.
_HOURS: Final = (1, 1, 0.5, 0.5, 0.5, 1, 4, 10, 20, 22, 18, 12, 8, 7, 14, 16, 13, 10, 7, 6, 5, 4, 3, 1.5)
_CHANNELS: Final = {
    Channel.GRID_WORKER: 46,
    Channel.RESIDENT: 22,
    Channel.HOTLINE: 18,
    Channel.SENSOR: 7,
    Channel.PATROL: 5,
    Channel.ABOVE: 2,
}
_CAMERAS_SEE: Final = frozenset({"rubbish", "street", "water", "works"})
_WET: Final = frozenset({"water", "hole", "tree"})


@dataclass(frozen=True)
class Street:
    """How a street does: orders, lateness, satisfaction."""

    weight: float
    late: float
    mood: float


#: By order of the streets: most do well, one badly, one so-so.
STREETS: Final = (
    Street(1.15, 0.035, 0.02),
    Street(0.9, 0.045, 0.0),
    Street(1.1, 0.05, 0.0),
    Street(1.0, 0.03, 0.03),
    Street(0.8, 0.10, -0.05),
    Street(0.8, 0.04, 0.02),
    Street(1.0, 0.05, 0.0),
    Street(0.75, 0.19, -0.12),
    Street(0.35, 0.06, 0.0),
)


def seedlings(world: World, *, scale: float) -> list[Seedling]:
    """All lives up to now, in the order of their reports."""
    rng = random.Random(f"{world.seed} days")
    rain = _rainy_days(world)
    found = [
        _seedling(world, number, at, rng, raining=timezone.localdate(at) in rain)
        for number, at in enumerate(sorted(_instants(world, rng, rain, scale)), start=1)
    ]
    found += [_twin_of(each, rng) for each in rng.sample(found, round(len(found) * TWINS))]
    return sorted((each for each in found if each.at < world.now), key=lambda each: each.at)


def _twin_of(first: Seedling, rng: random.Random) -> Seedling:
    """Somebody else reports the same thing a little later, and the desk merges the two."""
    return replace(
        first,
        number=first.number + TWIN_NUMBERS,
        at=first.at + timedelta(minutes=rng.uniform(3, 40)),
        channel=rng.choice((Channel.RESIDENT, Channel.HOTLINE)),
        late=0.0,
        reporter=None,
        is_twin=True,
    )


def _rainy_days(world: World) -> set[object]:
    """Downpours: short spells that bring twice as much."""
    rng = random.Random(f"{world.seed} rain")
    today = timezone.localdate(world.now)
    starts = [11, 12, 29, 44, *(rng.randint(70, 400) for _each in range(10))]
    return {today - timedelta(days=back) for back in starts}


def _instants(world: World, rng: random.Random, rain: set[object], scale: float) -> Iterator[datetime]:
    today = timezone.localdate(world.now)
    calendar = current_calendar()
    for back in range(DAYS + YEAR, -1, -1):
        day = today - timedelta(days=back)
        works = calendar.is_workday(day)
        usual = (WORKDAY if works else DAY_OFF) if back <= DAYS else (THIN if works else THIN * 0.5)
        usual *= (1.9 if day in rain else 1.0) * rng.uniform(0.85, 1.15) * scale
        count = int(usual) + (rng.random() < usual % 1)
        for _each in range(count):
            hour = rng.choices(range(24), _HOURS)[0]
            moment = datetime.combine(day, time(hour, rng.randrange(60), rng.randrange(60)))
            yield timezone.make_aware(moment)


def _seedling(world: World, number: int, at: datetime, rng: random.Random, *, raining: bool) -> Seedling:
    street_number = rng.choices(range(len(STREETS)), [each.weight for each in STREETS])[0]
    street = STREETS[street_number]
    place = world.territory.streets[street_number]
    grid = rng.choice(world.territory.below(place, world.territory.grids))
    listed = rng.choices(
        world.listed,
        [each.given.weight * (4 if raining and each.given.scene in _WET else 1) for each in world.listed],
    )[0]
    channel = rng.choices(list(_CHANNELS), list(_CHANNELS.values()))[0]
    if channel == Channel.SENSOR and listed.given.scene not in _CAMERAS_SEE:
        channel = Channel.GRID_WORKER
    long_ago = at < world.now - timedelta(days=DAYS)
    late = street.late * (1.5 if long_ago else 1.0) * (1.7 if raining else 1.0)
    reporter = None
    if channel == Channel.RESIDENT and rng.random() < 0.15:
        reporter = rng.choice(world.staff.residents)
    return Seedling(number, at, grid, listed, channel, late, street.mood, reporter)
