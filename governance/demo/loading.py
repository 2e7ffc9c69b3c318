"""Filling an empty portal with the demo city: places, people, catalogue, a year of orders, today's desks."""

from __future__ import annotations

import gc
import multiprocessing
import os
import queue
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from multiprocessing.process import BaseProcess
from typing import Any, Final

from django.db import connection, connections, transaction
from django.db.models import F, Max
from django.utils.translation import gettext as _

from cases import consumers, relay
from cases.defaults import seed_configuration, seed_wish_kinds
from cases.models import Attachment, Case, CaseEvent, Notification
from cases.publishing import publisher
from governance.demo import party, staging, wishes
from governance.demo.catalogue import make_catalogue
from governance.demo.lives import life
from governance.demo.living import Seedling
from governance.demo.pictures import store_pictures
from governance.demo.seeding import seedlings
from governance.demo.simulation import Simulation
from governance.demo.staff import make_staff, open_doors
from governance.demo.territory import make_territory
from governance.demo.units import make_units
from governance.demo.world import World

#: When everything here began.
BEGAN: Final = datetime(2024, 12, 31, 16, tzinfo=UTC)
#: Orders of these last days are lived by one process, so that their news stands in the order of time.
RECENT: Final = timedelta(days=4)
#: About how many steps an order takes, to tell progress.
_STEPS_AN_ORDER: Final = 7.7

Tell = Callable[[str, float], None]


@dataclass(frozen=True)
class Loaded:
    """What was made."""

    orders: int
    events: int
    refusals: tuple[str, ...]


def load_demo(
    *, now: datetime, seed: int, scale: float, processes: int, tell: Tell = lambda what, share: None
) -> Loaded:
    """Make the whole demo city, as it is at `now`. Deterministic from the seed but for tokens and numbers.

    `scale` multiplies the orders. With two processes the bulk is lived in half the time; 1 stays in the
    caller's transaction.
    """
    tell(_("places, people and catalogue"), 0)
    world = make_world(now=now, seed=seed)
    every = seedlings(world, scale=scale)
    border = now - RECENT
    bulk = [each for each in every if each.at < border]
    total = max(1.0, len(every) * _STEPS_AN_ORDER)

    def stepped(steps: float) -> None:
        tell(_("a year of orders"), min(1.0, steps / total))

    refusals = _live_bulk(world, bulk, processes, stepped)
    gone_by = Simulation(now)
    gone_by.add(wishes.past(world, scale=scale))
    gone_by.run()
    _pass_over()
    before = len(bulk) * _STEPS_AN_ORDER
    simulation = Simulation(now, lambda steps: stepped(before + steps))
    simulation.add([life(world, each) for each in every if each.at >= border])
    simulation.add(staging.lives(world))
    simulation.add(wishes.today(world))
    simulation.run()
    party.live_together(world)
    Attachment.objects.filter(case=None).delete()  # of refused steps: never to be expired with shared files
    _relay(lambda share: tell(_("notices"), share))
    _mark_read(now)
    open_doors()
    return Loaded(
        Case.objects.count(), CaseEvent.objects.count(), (*refusals, *gone_by.refusals, *simulation.refusals)
    )


@transaction.atomic
def make_world(*, now: datetime, seed: int) -> World:
    """Everything but the orders."""
    # What migrations have written, unless somebody has emptied the tables.
    seed_configuration()
    seed_wish_kinds()
    territory = make_territory(seed=seed, at=BEGAN)
    units = make_units(territory)
    staff = make_staff(territory, units, seed=seed)
    listed = make_catalogue(territory, units, at=now)
    world = World(seed, now, territory, units, staff, listed, store_pictures())
    party.make_party(world, at=BEGAN)
    return world


def _live_bulk(
    world: World, bulk: Sequence[Seedling], processes: int, tell: Callable[[int], None]
) -> list[str]:
    """Live the older orders: the earlier half of the days in one process, the later in another."""
    if processes < 2 or not bulk:
        return _live(world, bulk, tell)
    context = multiprocessing.get_context("fork")
    connections.close_all()
    reports: multiprocessing.Queue[int | list[str]] = context.Queue()
    children = [
        context.Process(target=_child, args=(world, part, reports, os.getpid()), daemon=True)
        for part in _parts(bulk, processes)
    ]
    for child in children:
        child.start()
    refusals = _collect(reports, children, tell)
    for child in children:
        child.join()
    return refusals


def _parts(bulk: Sequence[Seedling], processes: int) -> list[list[Seedling]]:
    """Consecutive stretches: two processes never give numbers of one day."""
    days = sorted({each.at.date() for each in bulk})
    cuts = [bulk[len(bulk) * number // processes].at.date() for number in range(1, processes)]
    edges = [days[0], *cuts, days[-1] + timedelta(days=1)]
    return [[each for each in bulk if start <= each.at.date() < end] for start, end in pairwise(edges)]


def _child(world: World, part: Sequence[Seedling], reports: Any, parent: int) -> None:
    """Live a part in a process of its own; ends with its parent, however that ends."""

    def told(steps: int) -> None:
        if os.getppid() != parent:
            raise SystemExit(1)
        reports.put(steps)

    gc.set_threshold(50_000, 10, 10)  # most of what is made here is dropped at once
    try:
        reports.put(_live(world, part, told))
    finally:
        connections.close_all()


def _collect(reports: Any, children: Sequence[BaseProcess], tell: Callable[[int], None]) -> list[str]:
    """What the children tell, until each has told its refusals. Raises RuntimeError when one has failed."""
    refusals: list[str] = []
    steps, running = 0, len(children)
    while running:
        try:
            told = reports.get(timeout=2)
        except queue.Empty:
            if any(child.exitcode for child in children):
                raise RuntimeError("a process that lived the demo's orders failed") from None
            continue
        if isinstance(told, list):
            refusals += told
            running -= 1
        else:
            steps += told
            tell(steps)
    return refusals


def _live(world: World, part: Sequence[Seedling], tell: Callable[[int], None]) -> list[str]:
    last = 0

    def told(steps: int) -> None:
        nonlocal last
        tell(steps - last)
        last = steps

    simulation = Simulation(world.now, told)
    simulation.add(life(world, each) for each in part)
    simulation.run()
    return simulation.refusals


def _pass_over() -> None:
    """Nobody needs the messages of a year: the readers begin with the last days.

    Only what merged orders say of the order that they were merged into is written, for their pages show it.
    """
    while relay.sequence_events():
        pass
    news = CaseEvent.objects.filter(
        case__merged_cases__isnull=False, at__gt=F("case__merged_cases__ended_at")
    )
    consumers.pass_on_news(list(news.select_related("case").order_by("position").distinct()))
    top = CaseEvent.objects.aggregate(top=Max("position"))["top"] or 0
    relay.skip_to(top, relay.registered_consumers())


def _relay(tell: Callable[[float], None]) -> None:
    """Give the events their positions and hand them to their readers."""
    with publisher.quiet():
        until = time.monotonic() + 300
        while time.monotonic() < until:
            relay.run_relay(seconds=2)
            backlog = relay.lag()
            top = max((each.position + each.behind for each in backlog.consumers), default=0)
            behind = max((each.behind for each in backlog.consumers), default=0)
            tell(1 - behind / top if top else 1.0)
            if backlog.is_empty:
                return


def _mark_read(now: datetime) -> None:
    """Nobody opens the demo to find a year of unread messages."""
    old = Notification.objects.filter(read_at=None, due_at__lt=now - timedelta(days=1))
    old.update(read_at=now - timedelta(days=1))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
