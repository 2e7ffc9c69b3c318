"""A small city at work: everybody an order meets, and orders brought to any state through the actions."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from cases.actions import checking, desk, handling, reporting
from cases.actions.reporting import Report
from cases.models import Attachment, Case, Channel, Matter, MatterClass, Responsibility, Standard
from cases.workflow import State
from governance.common.remembering import remembering
from partymembers.models import Post, Role, Unit, User
from tests.factories.catalogue import make_ladder, make_matter, make_policies
from tests.factories.grids import BEGAN, TERRITORY, City, make_city
from tests.factories.moulds import Mould
from tests.factories.people import make_unit, make_user

#: Friday 2026-11-20 10:00 in the city: working time.
NOON = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
_numbers = count(1)


@dataclass
class World:
    """Places, people, units and a matter. `other_*` stand outside what the order touches."""

    city: City
    matter: Matter
    unit: Unit
    assisting: Unit
    other_unit: Unit
    worker: User
    second_worker: User
    desk: User
    second_desk: User
    street_desk: User
    district_desk: User
    city_desk: User
    handler: User
    second_handler: User
    head: User
    assistant: User
    official: User
    resident: User
    other_worker: User
    other_desk: User
    other_handler: User
    system_officer: User


def make_world() -> World:
    """The territory of `make_city`, with one or two people for each part in an order's life."""
    make_policies()
    make_ladder()
    return _world()


def _make_world() -> World:
    city = make_city()
    unit, assisting, other_unit = make_unit("市政养护所"), make_unit("清流物业"), make_unit("园林所")
    people: dict[str, tuple[str, dict[str, Any]]] = {
        "worker": ("陈工", {"role": Role.GRID_WORKER, "place": city.west_1}),
        "second_worker": ("田工", {"role": Role.GRID_LEADER, "place": city.west_1}),
        "desk": ("周书记", {"role": Role.SECRETARY, "place": city.west}),
        "second_desk": ("吴文", {"role": Role.DESK, "place": city.west}),
        "street_desk": ("郑街", {"role": Role.DESK, "place": city.street}),
        "district_desk": ("冯区", {"role": Role.DESK, "place": city.district}),
        "city_desk": ("褚市", {"role": Role.DESK, "place": city.city}),
        "handler": ("孙修", {"role": Role.HANDLER, "unit": unit}),
        "second_handler": ("李修", {"role": Role.HANDLER, "unit": unit}),
        "head": ("钱所长", {"role": Role.UNIT_HEAD, "unit": unit}),
        "assistant": ("何物业", {"role": Role.HANDLER, "unit": assisting}),
        "official": ("赵市长", {"role": Role.OFFICIAL, "place": city.city}),
        "resident": ("王居民", {}),
        "other_worker": ("卫工", {"role": Role.GRID_WORKER, "place": city.east_1}),
        "other_desk": ("蒋书记", {"role": Role.SECRETARY, "place": city.east}),
        "other_handler": ("沈绿", {"role": Role.HANDLER, "unit": other_unit}),
        "system_officer": ("韩系统", {"role": Role.SYSTEM_OFFICER}),
    }
    users = {key: make_user(name, date_joined=BEGAN, **post) for key, (name, post) in people.items()}
    return World(
        city=city,
        matter=make_matter(name="雨水箅子", amount=1, unit=unit, place=city.city),
        unit=unit,
        assisting=assisting,
        other_unit=other_unit,
        **users,
    )


#: The tables of a world, but for the limits and the ladder, which a migrated database has.
WORLD = (*TERRITORY, Unit, User, Post, MatterClass, Matter, Standard, Responsibility)
_world = Mould(_make_world, WORLD)


def make_attachment(uploader: User | None = None, *, at: datetime = NOON, **fields: Any) -> str:
    """The token of an uploaded picture that no order has claimed yet; the row only, no file behind it."""
    token = secrets.token_urlsafe(24)
    Attachment.objects.create(
        token=token,
        uploader=uploader,
        file=f"cases/{token}.jpg",
        thumbnail=f"cases/{token}-s.jpg",
        sha256=hashlib.sha256(token.encode()).hexdigest(),
        size=1000,
        width=640,
        height=480,
        uploaded_at=at,
        **fields,
    )
    return token


def report(world: World, *, at: datetime = NOON, reporter: User | None = None, **fields: Any) -> Case:
    """An incident in grid west_1, by the worker unless told otherwise."""
    lng, lat = world.city.inside(world.city.west_1)
    values: dict[str, Any] = {
        "matter": world.matter,
        "channel": Channel.GRID_WORKER,
        "description": "雨水箅子缺失，坑深约 40 厘米",
        "address": "映月路 86 号",
        "lng": lng,
        "lat": lat,
    }
    return reporting.report_case(report=Report(**(values | fields)), reporter=reporter or world.worker, at=at)


def bring_to(
    world: World, state: str, *, at: datetime = NOON, pace: timedelta = MINUTE, **fields: Any
) -> Case:
    """An incident in the given state, each step one `pace` after the one before."""
    with remembering():  # who holds which post, and the limits: nothing of it changes on the way
        case = report(world, at=at, **fields)
        for number, step in enumerate(_PATHS[State(state)], start=1):
            step(world, case, at + number * pace)
    return Case.objects.get(pk=case.pk)


def _accept(world: World, case: Case, at: datetime) -> None:
    desk.accept_case(case_id=case.pk, actor=world.desk, at=at)


def _dispatch(world: World, case: Case, at: datetime) -> None:
    desk.dispatch_case(case_id=case.pk, unit=world.unit, assisting=[world.assisting], actor=world.desk, at=at)


def _acknowledge(world: World, case: Case, at: datetime) -> None:
    handling.acknowledge_case(case_id=case.pk, actor=world.handler, at=at)


def _suspend(world: World, case: Case, at: datetime) -> None:
    handling.ask_suspension(case_id=case.pk, actor=world.handler, at=at, note="等法院裁定")
    desk.grant_suspension(case_id=case.pk, actor=world.desk, at=at)


def _finish(world: World, case: Case, at: datetime) -> None:
    picture = make_attachment(world.handler, at=at)
    handling.finish_case(case_id=case.pk, actor=world.handler, at=at, note="已补装", attachments=[picture])


def _pass(world: World, case: Case, at: datetime) -> None:
    checking.pass_check(case_id=case.pk, actor=world.desk, at=at)


def _decline(world: World, case: Case, at: datetime) -> None:
    desk.decline_case(case_id=case.pk, actor=world.desk, at=at, note="不属于本清单")


def _merge(world: World, case: Case, at: datetime) -> None:
    target = report(world, at=at)
    desk.merge_case(case_id=case.pk, target_id=target.pk, actor=world.desk, at=at, note="同一处")


def _void(world: World, case: Case, at: datetime) -> None:
    desk.void_case(case_id=case.pk, actor=world.street_desk, at=at, note="误报")


_HANDLING = (_accept, _dispatch, _acknowledge)
_PATHS = {
    State.REPORTED: (),
    State.ACCEPTED: (_accept,),
    State.DISPATCHED: (_accept, _dispatch),
    State.HANDLING: _HANDLING,
    State.SUSPENDED: (*_HANDLING, _suspend),
    State.HANDLED: (*_HANDLING, _finish),
    State.CLOSED: (*_HANDLING, _finish, _pass),
    State.DECLINED: (_decline,),
    State.MERGED: (_merge,),
    State.VOIDED: (_accept, _void),
}
