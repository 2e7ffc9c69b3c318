"""The desks as they stand when the demo opens: orders in every state, some late, some nearly, most in time.

Where an order stands is decided by how much of its stage's clock has been used by now, and its earlier steps
follow backwards from that, in the clock's own time: so the picture is the same at any hour of any day.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cases.actions import desk, handling, routing
from cases.deadlines import TimerType, limit_of
from cases.models import Channel, Urgency
from cases.workflow import State
from governance.demo import texts
from governance.demo.catalogue import Listed
from governance.demo.living import Living, Seedling, finish, report
from governance.demo.simulation import Life
from governance.demo.staff import HOME_COMMUNITY, HOME_UNIT
from governance.demo.world import World, before
from grids.models import Place
from partymembers.models import User

#: Numbers of staged orders begin here, away from the others.
_FIRST: Final = 100_000
_MINUTES: Final = {"reported": 30, "accepted": 30, "dispatched": 60, "handled": 240, "asked": 120}


@dataclass(frozen=True)
class Stand:
    """Where one order stands now: at which stage, and how much of its clock is used."""

    stage: str
    used: float
    channel: str = Channel.GRID_WORKER
    #: A request that waits, or was granted: extension, suspension, suspended.
    asks: str = ""
    returned: bool = False


_G, _R, _H, _S = Channel.GRID_WORKER, Channel.RESIDENT, Channel.HOTLINE, Channel.SENSOR
#: The inbox of the demo's community secretary.
_COMMUNITY: Final = (
    *(Stand("reported", used, channel) for used, channel in (
        (0.06, _R), (0.14, _G), (0.22, _H), (0.31, _G), (0.42, _R),
        (0.55, _S), (0.66, _G), (0.86, _R), (0.93, _H), (1.25, _R),
    )),
    *(Stand("accepted", used, channel) for used, channel in (
        (0.1, _G), (0.3, _H), (0.52, _G), (0.84, _R), (1.3, _G),
    )),
    Stand("accepted", 0.25, _H, returned=True),
    Stand("accepted", 0.72, _G, returned=True),
    Stand("asked", 0.2, _G, asks="extension"),
    Stand("asked", 0.55, _R, asks="extension"),
    Stand("asked", 0.4, _H, asks="suspension"),
    *(Stand("handling", used, channel) for used, channel in (
        (0.1, _G), (0.2, _R), (0.34, _H), (0.41, _G), (0.5, _S), (0.62, _G), (0.85, _H), (1.2, _R),
    )),
    *(Stand("handled", used, channel) for used, channel in ((0.15, _G), (0.4, _R), (0.6, _H), (0.9, _G))),
    Stand("handling", 0.3, _H, asks="suspended"),
    Stand("handling", 0.2, _G, asks="suspended"),
)  # fmt: skip
#: What the demo's handler finds, all over the district.
_UNIT: Final = (
    *(Stand("dispatched", used, channel) for used, channel in (
        (0.15, _G), (0.45, _H), (0.85, _R), (1.2, _G),
    )),
    *(Stand("handling", used, channel) for used, channel in (
        (0.05, _G), (0.15, _R), (0.25, _G), (0.4, _H), (0.55, _G), (0.7, _R),
        (0.83, _G), (0.94, _H), (1.15, _G),
    )),
)  # fmt: skip
#: In the grid of the demo's worker: to be checked.
_GRID: Final = tuple(Stand("handled", used, _R) for used in (0.1, 0.35, 0.7, 0.88))
#: Has climbed by the ladder: to the street, to the district, to the city.
_CLIMBED: Final = tuple(Stand("accepted", used, _H) for used in (1.6, 1.75, 1.9, 2.2, 2.4, 2.7))


def lives(world: World) -> list[Life]:
    """The staged orders: the same at every scale."""
    rng = random.Random(f"{world.seed} stage")
    home = world.territory.communities[HOME_COMMUNITY]
    grids = world.territory.below(home, world.territory.grids)
    wanted: list[tuple[Stand, Place, Callable[[Listed], bool]]] = [
        *((stand, rng.choice(grids), _desk_decides) for stand in (*_COMMUNITY, *_CLIMBED)),
        *((stand, grids[0], _desk_decides) for stand in _GRID),
        *((stand, rng.choice(world.territory.grids), _is_home_units) for stand in _UNIT),
    ]
    rng.shuffle(wanted)
    return [
        _life(world, _FIRST + number, stand, grid, listed=_pick(world, rng, fits, stand), rng=rng)
        for number, (stand, grid, fits) in enumerate(wanted)
    ]


def _desk_decides(listed: Listed) -> bool:
    return not listed.given.direct and listed.given.unit != ""


def _is_home_units(listed: Listed) -> bool:
    return listed.given.unit == HOME_UNIT and not listed.given.direct


def _pick(world: World, rng: random.Random, fits: Callable[[Listed], bool], stand: Stand) -> Listed:
    """A matter whose shortest standard is not urgent: the picture must be the same at night."""
    able = [
        each
        for each in world.listed
        if fits(each) and all(row.urgency == Urgency.NORMAL for row in each.standards)
        and (each.standards[0].timer_type == TimerType.WORK_DAY or not stand.asks)
    ]  # fmt: skip
    return rng.choices(able, [each.given.weight for each in able])[0]


def _life(
    world: World, number: int, stand: Stand, grid: Place, *, listed: Listed, rng: random.Random
) -> Life:
    """The life that leads to the stand."""
    steps = _steps(world, stand, listed, rng)
    reporter: User | None = None
    if stand.channel == Channel.RESIDENT and rng.random() < 0.3:
        reporter = world.staff.visitors["resident"]
    seedling = Seedling(number, steps[0][0], grid, listed, stand.channel, 0.0, reporter=reporter, plain=True)
    return _follow(Living(world, seedling), steps)


def _steps(world: World, stand: Stand, listed: Listed, rng: random.Random) -> list[tuple[datetime, str]]:
    """Instants and steps, reckoned backwards from now."""
    standard = listed.standards[0]
    timer = TimerType(standard.timer_type)
    limit = limit_of(standard.amount, timer)
    names = ["report", "accept", "dispatch"]
    if stand.returned:
        names = [*names, "return"]
    elif stand.stage in ("dispatched", "handling", "handled", "asked"):
        names += {"dispatched": [], "handling": ["acknowledge"], "handled": ["acknowledge", "finish"]}.get(
            stand.stage, ["acknowledge", f"ask_{stand.asks}"]
        )
    else:
        names = names[: {"reported": 1, "accepted": 2}[stand.stage]]
    if stand.asks == "suspended":
        names += ["ask_suspension", "suspend"]
    at = _last(world, stand, limit, timer)
    found = [(at, names[-1])]
    for name in reversed(names[:-1]):
        gap = (
            limit * rng.uniform(0.3, 0.7)
            if names[names.index(name) + 1] == "finish"
            else timedelta(minutes=rng.uniform(6, 26))
        )
        at = before(at, gap, timer if gap > timedelta(hours=1) else TimerType.WORK_HOUR)
        found.append((at, name))
    return found[::-1]


def _last(world: World, stand: Stand, limit: timedelta, timer: TimerType) -> datetime:
    """When the clock of the stand began."""
    if stand.asks == "suspended":
        return before(world.now, timedelta(hours=8 * 3 * (1 + stand.used)), TimerType.WORK_HOUR)
    if stand.stage == "handling":
        return before(world.now, limit * stand.used, timer)
    minutes = timedelta(minutes=_MINUTES[stand.stage])
    return before(world.now, minutes * stand.used, TimerType.WORK_HOUR)


def _follow(me: Living, steps: Iterable[tuple[datetime, str]]) -> Life:
    for at, name in steps:
        yield at, getattr(me, "case", None)
        if name == "report":
            me.case = report(me, at)
            routed = at + timedelta(seconds=3)
            me.case = routing.route_case(case_id=me.case.pk, at=routed)
        else:
            _step(me, name, at)
    yield me.world.now + timedelta(days=999), me.case


def _step(me: Living, name: str, at: datetime) -> None:
    """One action of a staged order, by whoever would take it."""
    world, rng, pk = me.world, me.rng, me.case.pk
    me.look(at)
    if name == "accept":
        me.case = desk.accept_case(case_id=pk, actor=me.desk(), at=at, standard=me.seed.listed.standards[0])
        return
    if name == "dispatch":
        unit = me.case.suggested_unit or world.units[HOME_UNIT]
        me.case = desk.dispatch_case(case_id=pk, unit=unit, actor=me.desk(), at=at)
        return
    if name == "suspend":
        me.case = desk.grant_suspension(case_id=pk, actor=me.desk(), at=at)
        return
    actor = me.case.handler or rng.choice(world.handlers_of(me.unit_id))
    if name == "acknowledge":
        me.case = handling.acknowledge_case(case_id=pk, actor=actor, at=at)
    elif name == "return":
        me.case = handling.return_case(case_id=pk, actor=actor, at=at, note=rng.choice(texts.RETURNED))
    elif name == "ask_extension":
        note = rng.choice(texts.EXTENSIONS)
        extra = limit_of(2, TimerType.WORK_DAY)
        me.case = handling.ask_extension(case_id=pk, actor=actor, at=at, extra=extra, note=note)
    elif name == "ask_suspension":
        me.case = handling.ask_suspension(case_id=pk, actor=actor, at=at, note=rng.choice(texts.SUSPENSIONS))
    elif me.case.state == State.HANDLING:
        finish(me, at, actor)
