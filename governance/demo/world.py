"""All that the lives of the demo's orders draw on: places, people, matters, pictures, the clock."""

from __future__ import annotations

import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from cases.calendars import current_calendar
from cases.deadlines import TimerType, due_after, elapsed, next_working_moment
from cases.models import Attachment
from governance.demo.catalogue import Listed
from governance.demo.pictures import StoredPicture
from governance.demo.staff import Staff
from governance.demo.territory import Territory
from grids.models import Place
from partymembers.models import Unit, User

#: Further back than any open order of the demo may have begun.
_LONG_AGO: Final = timedelta(days=120)


@dataclass
class World:
    """The demo city, and the instant at which it is opened."""

    seed: int
    now: datetime
    territory: Territory
    units: dict[str, Unit]
    staff: Staff
    listed: list[Listed]
    pictures: dict[tuple[str, bool], StoredPicture]
    by_unit: dict[int, Unit] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_unit = {unit.pk: unit for unit in self.units.values()}
        self.by_matter = {each.matter.pk: each for each in self.listed}

    def photo(self, scene: str, *, after: bool, at: datetime, by: User | None = None, key: str = "") -> str:
        """The token of a new upload that shares the scene's files."""
        stored = self.pictures[scene, after]
        token = secrets.token_urlsafe(24)
        Attachment.objects.create(
            token=token,
            uploader=by,
            upload_key="" if by else key,
            file=stored.file,
            thumbnail=stored.thumbnail,
            sha256=stored.sha256,
            size=stored.size,
            width=stored.width,
            height=stored.height,
            uploaded_at=at,
            claimed_at=at,
        )
        return token

    def desk_staff(self, place_id: int, rng: random.Random) -> User:
        """Somebody of a desk; the secretary of a community does most of it."""
        people = self.staff.desks[place_id]
        return people[0] if rng.random() < 0.7 else rng.choice(people)

    def workers_of(self, grid: Place) -> list[User]:
        """A grid's own workers."""
        return self.staff.ground[grid.pk]

    def handlers_of(self, unit_id: int) -> Sequence[User]:
        """Who handles for a unit."""
        return self.staff.handlers[unit_id]


def after(start: datetime, amount: timedelta, *, day_and_night: bool) -> datetime:
    """An instant so much later: in working time, or on the wall clock."""
    timer = TimerType.URGENT_HOUR if day_and_night else TimerType.WORK_HOUR
    return due_after(start, amount, timer, current_calendar())


def before(end: datetime, amount: timedelta, timer: TimerType) -> datetime:
    """When a clock of this timer was started that has used `amount` by `end`, to the second."""
    calendar, late, early = current_calendar(), end, end - _LONG_AGO
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) / 2
        if elapsed(middle, end, timer, calendar) >= amount:
            early = middle
        else:
            late = middle
    return early.replace(microsecond=0)


def awake(at: datetime, rng: random.Random) -> datetime:
    """The instant itself, or some time in the next working day where it falls into the night."""
    if 6 <= timezone.localtime(at).hour < 22:
        return at
    return next_working_moment(at, current_calendar()) + timedelta(minutes=rng.uniform(2, 90))
