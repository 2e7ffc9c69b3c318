"""One order of the demo while it lives: its chances, its clock, its report and its result."""

from __future__ import annotations

import random
from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cases.actions import handling, reporting
from cases.actions.reporting import Contact, Report
from cases.deadlines import TimerType, limit_of
from cases.models import Case, Channel, Urgency
from governance.demo import texts
from governance.demo.catalogue import Listed
from governance.demo.territory import point_inside
from governance.demo.world import World, after
from grids.models import Building, Place
from partymembers.models import User

MINUTE: Final = timedelta(minutes=1)
#: A part of a life: yields like the whole (`simulation.Life`) and returns the instant of its last step.
Stretch = Generator[tuple[datetime, Case | None], None, datetime]


@dataclass(frozen=True)
class Seedling:
    """What is decided of an order before it is reported."""

    number: int
    at: datetime
    grid: Place
    listed: Listed
    channel: str
    #: The chance that it is closed too late.
    late: float
    #: How its rating inclines: above 0 better than usual, below worse.
    mood: float = 0.0
    #: Who reports it, where that is given.
    reporter: User | None = None
    #: Whether it tells of the same thing as the one before.
    is_twin: bool = False
    #: Whether only the plain way is taken: no merger, return, rework…
    plain: bool = False


class Living:
    """One order while it lives."""

    def __init__(self, world: World, seedling: Seedling) -> None:
        self.world, self.seed = world, seedling
        self.rng = random.Random(f"{world.seed} order {seedling.number}")
        self.case: Case
        self.given = seedling.listed.given
        self.is_late = self.chance(seedling.late)
        self.worker = self.rng.choice(world.workers_of(seedling.grid))

    def chance(self, share: float) -> bool:
        """Whether something with this probability happens; never in a plain life."""
        return self.rng.random() < share

    def odd(self, share: float) -> bool:
        """A turn that plain lives do not take."""
        return self.chance(share) and not self.seed.plain

    def share(self, least: float = 0.05, most: float = 0.9) -> float:
        """A part of a limit that is used: mostly the first half."""
        return least + (most - least) * self.rng.betavariate(1.6, 2.8)

    def moves(self, at: datetime, minutes: float) -> datetime:
        """So many minutes of the order's own time later."""
        urgent = self.case.urgency == Urgency.URGENT
        seconds = self.rng.uniform(0, 50)
        return after(at, timedelta(minutes=minutes, seconds=seconds), day_and_night=urgent)

    def desk(self) -> User:
        """Who acts for the desk that holds the order."""
        return self.world.desk_staff(self.case.desk_id, self.rng)

    @property
    def unit_id(self) -> int:
        """The lead unit's id, of an order that has one."""
        return self.case.unit_id or 0

    def look(self, at: datetime) -> None:
        """See which desk holds the order now: the ladder may have moved it since the last step."""
        warned = self.case.next_warn_at
        if warned is not None and warned < at:
            self.case.desk_id = Case.objects.values_list("desk_id", flat=True).get(pk=self.case.pk)


def report(me: Living, at: datetime) -> Case:
    """The report, by whoever reports on that channel."""
    seed, rng = me.seed, me.rng
    building: Building = rng.choice(me.world.territory.buildings[seed.grid.pk])
    lng, lat = point_inside(me.world.territory.shapes[seed.grid.pk], rng)
    condition = rng.choice(seed.listed.standards).condition
    reporter, contact, key = _who(me)
    fields: dict[str, object] = {}
    scene = me.given.scene
    if seed.channel != Channel.HOTLINE and me.chance(0.9 if reporter else 0.6):
        fields["attachments"] = [me.world.photo(scene, after=False, at=at, by=reporter, key=key)]
    on_spot = reporter is me.worker and me.given.scene in ("rubbish", "street", "poster", "compound")
    if on_spot and fields and me.odd(0.22):
        fields["result"] = texts.result(scene, rng)
        fields["after_attachments"] = [me.world.photo(scene, after=True, at=at, by=reporter)]
    by_code = seed.channel == Channel.RESIDENT and reporter is None
    return reporting.report_case(
        report=Report(
            matter=seed.listed.matter,
            channel=seed.channel,
            description=texts.description(condition, scene, seed.channel, rng),
            address=texts.address_at(building, rng),
            lng=building.place.lng if by_code else lng,
            lat=building.place.lat if by_code else lat,
            accuracy_m=round(rng.uniform(4, 30), 1) if reporter else None,
            place=building.place if by_code else None,
            client_id=f"demo-{me.world.seed}-{seed.number}",
            upload_key=key,
            **fields,  # type: ignore[arg-type]
        ),
        reporter=reporter,
        contact=contact,
        at=at,
    )


def _who(me: Living) -> tuple[User | None, Contact | None, str]:
    """The reporter, or a resident's contact and session."""
    seed = me.seed
    if seed.reporter is not None:
        return seed.reporter, None, ""
    if seed.channel == Channel.GRID_WORKER:
        return me.worker, None, ""
    if seed.channel == Channel.PATROL:
        street = next(s for s in me.world.territory.streets if seed.grid.path.startswith(s.path))
        return me.world.staff.ground[street.pk][0], None, ""
    if seed.channel == Channel.ABOVE:
        return me.rng.choice(me.world.staff.desks[me.world.territory.district.pk]), None, ""
    key = f"demo{me.world.seed}x{seed.number}"
    if seed.channel == Channel.SENSOR:
        return None, Contact(name="视频巡检", is_verified=True), key
    surname = me.rng.choice("王李张刘陈杨黄赵周吴徐孙")
    title = me.rng.choice(("先生", "女士"))
    phone = f"1990001{me.rng.randrange(10_000):04d}"
    verified = seed.channel == Channel.HOTLINE or me.chance(0.6)
    return None, Contact(name=surname + title, phone=phone, is_verified=verified), key


def limit_of_handling(me: Living) -> tuple[TimerType, timedelta]:
    """Timer and limit of the handling."""
    standard = me.case.standard or me.seed.listed.standards[0]
    timer = TimerType(standard.timer_type)
    return timer, limit_of(standard.amount, timer)


def finish(me: Living, at: datetime, actor: User) -> None:
    """Finish with a result and, where it can be seen, a picture."""
    shown = me.given.photo or me.chance(0.3)
    pictures = [me.world.photo(me.given.scene, after=True, at=at, by=actor)] if shown else []
    me.case = handling.finish_case(
        case_id=me.case.pk,
        actor=actor,
        at=at,
        note=texts.result(me.given.scene, me.rng),
        attachments=pictures,
    )
