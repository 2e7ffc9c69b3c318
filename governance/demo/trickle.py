"""Live orders: while the demo runs, something is reported now and then, and somebody goes on with the rest.

What waits for a visitor's account is left to the visitor: desk, unit and grid of `staff.SIGN_INS` move only
by hand, and nobody else touches an order within a minute of its last change.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q
from django.utils import timezone

from cases.actions import checking, desk, handling, routing
from cases.models import Case, CaseRequest, Channel
from cases.querysets import CaseQuerySet
from cases.workflow import State
from governance.common.errors import DomainError
from governance.demo import texts
from governance.demo.living import Living, Seedling, finish, report
from governance.demo.reading import read_world
from governance.demo.staff import HOME_UNIT
from governance.demo.world import World
from partymembers.access import access_of
from partymembers.models import User

#: Orders moved in one round, and the most that one day may bring: a demo left alone for weeks stays a demo.
MOVES: Final = 3
MOST_A_DAY: Final = 400
#: An order rests this long after anybody has touched it.
REST: Final = timedelta(minutes=1)
#: Handling takes at least this long before it is finished.
_WORK: Final = timedelta(minutes=6)
_FIRST: Final = 1_000_000
_CHANNELS: Final = (Channel.GRID_WORKER, Channel.GRID_WORKER, Channel.RESIDENT, Channel.HOTLINE)


@dataclass(frozen=True)
class Round:
    """What one round did."""

    reported: int = 0
    moved: int = 0


def trickle(*, at: datetime, seed: int | None = None) -> Round:
    """One round: perhaps a new report, and a step for a few orders; nothing where no demo city is loaded."""
    world = read_world(now=at, seed=int(at.timestamp()) if seed is None else seed)
    if world is None:
        return Round()
    rng = random.Random(f"{world.seed} trickle")
    return Round(_report(world, rng, at), _move(world, rng, at))


def _report(world: World, rng: random.Random, at: datetime) -> int:
    """One new report, by day more likely than at night."""
    today = Case.objects.real().filter(reported_at__gte=at - timedelta(days=1)).count()
    by_day = 7 <= timezone.localtime(at).hour < 22
    if today >= MOST_A_DAY or rng.random() > (0.8 if by_day else 0.25):
        return 0
    listed = rng.choices(world.listed, [each.given.weight for each in world.listed])[0]
    grid = rng.choice(world.territory.grids)
    number = _FIRST + int(at.timestamp())
    me = Living(world, Seedling(number, at, grid, listed, rng.choice(_CHANNELS), late=0.0))
    try:
        report(me, at)
    except DomainError:  # somebody has just changed the place or the matter
        return 0
    return 1


def _move(world: World, rng: random.Random, at: datetime) -> int:
    """A step for a few orders, those due first most likely."""
    waiting = list(_movable(world, at).order_by("next_due_at").values_list("pk", flat=True)[:60])
    chosen = [waiting[int(len(waiting) * rng.random() ** 2)] for _each in range(MOVES)] if waiting else []
    moved = 0
    for case_id in dict.fromkeys(chosen):
        try:
            moved += _step(world, rng, Case.objects.select_related("place", "desk").get(pk=case_id), at)
        except DomainError:  # a person was faster
            continue
    return moved


def _movable(world: World, at: datetime) -> CaseQuerySet:
    """Open orders whose next step is nobody's who may be played."""
    visitors = world.staff.visitors.values()
    accesses = [access_of(user, on=timezone.localdate(at)) for user in visitors]
    desks = {pk for access in accesses for pk in access.desk_place_ids}
    grids = {pk for access in accesses for pks in access.places_by_level().values() for pk in pks}
    units = {pk for access in accesses for pk in access.unit_ids} | {world.units[HOME_UNIT].pk}
    at_desk = Q(state__in=[State.REPORTED, State.ACCEPTED], desk__in=desks)
    asked = Q(requests__decided_at=None, requests__isnull=False, desk__in=desks)
    at_unit = Q(state__in=[State.DISPATCHED, State.HANDLING], unit__in=units)
    to_check = Q(state=State.HANDLED) & (Q(grid__in=grids) | Q(community__in=grids))
    busy = Q(pk__in=Case.objects.filter(at_desk | asked | at_unit | to_check).values("pk"))
    moving = Case.objects.real().open().exclude(state=State.SUSPENDED).filter(is_imported=False)
    return moving.filter(updated_at__lte=at - REST).exclude(busy)


def _step(world: World, rng: random.Random, case: Case, at: datetime) -> bool:
    """The next step of the loop, by whoever would take it; whether there was one."""
    return _STEPS[State(case.state)](world, rng, case, at)


def _accept(world: World, rng: random.Random, case: Case, at: datetime) -> bool:
    if case.routed_at is None:
        case = routing.route_case(case_id=case.pk, at=at)
    if case.state == State.REPORTED:
        desk.accept_case(case_id=case.pk, actor=world.desk_staff(case.desk_id, rng), at=at)
    return True


def _dispatch(world: World, rng: random.Random, case: Case, at: datetime) -> bool:
    unit = case.suggested_unit or rng.choice(list(world.units.values()))
    actor = world.desk_staff(case.desk_id, rng)
    desk.dispatch_case(case_id=case.pk, unit=unit, actor=actor, at=at)
    return True


def _acknowledge(world: World, rng: random.Random, case: Case, at: datetime) -> bool:
    handling.acknowledge_case(case_id=case.pk, actor=_handler(world, rng, case), at=at)
    return True


def _handle(world: World, rng: random.Random, case: Case, at: datetime) -> bool:
    """Decide what waits for the desk, else finish what has been worked on for a while."""
    request = case.requests.filter(decided_at=None).first()
    if request is not None:
        extends = request.kind == CaseRequest.Kind.EXTENSION
        grant = desk.grant_extension if extends else desk.grant_suspension
        grant(case_id=case.pk, actor=world.desk_staff(case.desk_id, rng), at=at)
        return True
    if case.acknowledged_at is not None and at - case.acknowledged_at < _WORK:
        return False
    listed = world.by_matter.get(case.matter_id)
    if listed is None:
        return False
    grid = next((g for g in world.territory.grids if g.pk == case.grid_id), world.territory.grids[0])
    me = Living(world, Seedling(_FIRST + case.pk, at, grid, listed, case.channel, late=0.0))
    me.case = case
    finish(me, at, _handler(world, rng, case))
    return True


def _check(world: World, rng: random.Random, case: Case, at: datetime) -> bool:
    workers = [user for user in world.staff.ground.get(case.grid_id or 0, ()) if user.pk != case.finisher_id]
    actor = workers[0] if workers else world.desk_staff(case.desk_id, rng)
    if rng.random() < 0.06 and case.unit_id is not None:
        checking.fail_check(case_id=case.pk, actor=actor, at=at, note=rng.choice(texts.FAILED))
    else:
        checking.pass_check(case_id=case.pk, actor=actor, at=at, note="现场查看，已恢复。")
    return True


def _handler(world: World, rng: random.Random, case: Case) -> User:
    """The order's handler, else somebody of the unit."""
    return case.handler or rng.choice(world.handlers_of(case.unit_id or 0))


_STEPS: Final[dict[State, Callable[[World, random.Random, Case, datetime], bool]]] = {
    State.REPORTED: _accept,
    State.ACCEPTED: _dispatch,
    State.DISPATCHED: _acknowledge,
    State.HANDLING: _handle,
    State.HANDLED: _check,
}
