"""How to call every route of the portal, and what of the scene to call it with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core import signing
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from cases.actions import wish_asking, wishes
from cases.actions.reporting import Contact
from cases.models import Channel, Notification, SavedView
from partymembers.actions.check_ins import ask_check_in
from partymembers.actions.evaluations import evaluate_member
from partymembers.models import (
    Branch,
    BranchLevel,
    CheckIn,
    Member,
    Notice,
    StationItem,
    TrustedDevice,
    Unit,
)
from partymembers.web.service.points import CODE_SALT
from partymembers.web.service.stations import SERVED_SALT
from tests.factories.cases import NOON
from tests.factories.party import make_branch, make_branch_post, make_member, make_wish_kind, publishing
from tests.factories.scene import ADDRESS, NAME, PHONE, WORDS, Scene
from tests.factories.service import Served, make_served
from tests.factories.whistles import whistle


def routes(resolver: URLResolver, space: tuple[str, ...] = ()) -> Iterator[tuple[str, URLPattern]]:
    """Every pattern below a resolver with its full name."""
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            yield from routes(each, (*space, each.namespace) if each.namespace else space)
        else:
            yield ":".join((*space, each.name or "?")), each


ALL_ROUTES = dict(routes(get_resolver()))
ADMIN = sorted(name for name in ALL_ROUTES if name.startswith("admin:"))
OTHERS = sorted(name for name in ALL_ROUTES if not name.startswith(("admin:", "api:")))  # test_api_scope.py


Arguments = Callable[[Scene], list[Any]]
Data = Callable[[Scene], dict[str, Any]]


def nothing(_scene: Scene) -> list[Any]:
    """No arguments."""
    return []


def no_data(_scene: Scene) -> dict[str, Any]:
    """Nothing is sent."""
    return {}


@dataclass(frozen=True, kw_only=True)
class Route:
    """How to call a route, and what becomes of those who may not see what it shows.

    `owner` gets an answer that holds a secret, unless there is none in it (`is_plain`); None where no sign-in
    opens it. Strangers never find a secret; `hides` says that all of them get 404. `anonymous` is a status,
    302 meaning "to the sign-in".
    """

    owner: str | None = "desk"
    args: Arguments = nothing
    data: Data = no_data
    method: str = "get"
    is_plain: bool = False
    hides: bool = False
    anonymous: int = 302

    def ask(self, client: Client, url: str, data: dict[str, Any]) -> Any:
        return getattr(client, self.method)(url, data)


def number(state: str, *more: Any) -> Arguments:
    """The number of the scene's order in a state."""
    return lambda scene: [scene.cases[state].number, *more]


def given(**data: Any) -> Data:
    """Data that need nothing of the scene."""
    return lambda _scene: data


def position(scene: Scene) -> dict[str, Any]:
    """A matter and a point inside the first grid."""
    lng, lat = scene.world.city.inside(scene.world.city.west_1)
    return {"matter": scene.world.matter.pk, "lng": lng, "lat": lat}


def notice(scene: Scene) -> list[Any]:
    """The desk's newest notice about an order."""
    rows = Notification.objects.filter(recipient=scene.world.desk, case=scene.cases["reported"])
    return [rows.latest("pk").pk]


def device(scene: Scene) -> list[Any]:
    """A trusted device of the worker's."""
    now = timezone.now()
    made = TrustedDevice.objects.create(
        user=scene.world.worker, session_key="x" * 32, trusted_at=now, expires_at=now + timedelta(days=7)
    )
    return [made.pk]


def saved_view(scene: Scene) -> list[Any]:
    """A saved view of the desk's."""
    return [SavedView.objects.create(user=scene.world.desk, name="我的", query="desk?view=late").pk]


def token(scene: Scene) -> list[Any]:
    """The token of a building's QR code."""
    return [scene.qr]


def west(part: str = "") -> Data:
    """A part of the dashboard about the community."""
    return lambda scene: {"place": scene.world.city.west.code, "part": part, "period": "month"}


def own() -> Route:
    """A page about oneself, or a form that shows no order."""
    return Route(is_plain=True)


def public(args: Arguments = nothing, **more: Any) -> Route:
    return Route(args=args, is_plain=True, anonymous=more.pop("anonymous", 200), **more)


def served(find: Callable[[Served], list[Any]]) -> Arguments:
    """Arguments from what the worker served, made for this route alone."""
    return lambda scene: find(make_served(scene.world))


def code_of_worker(scene: Scene) -> list[Any]:
    """The worker's own code for the counter."""
    make_served(scene.world)
    return [signing.dumps(scene.world.worker.pk, salt=CODE_SALT)]


def handed_over(scene: Scene) -> dict[str, Any]:
    """The worker at the counter, and the newest item."""
    who = signing.dumps(scene.world.worker.pk, salt=SERVED_SALT)
    return {"who": who, "item": StationItem.objects.latest("pk").pk}


@dataclass(frozen=True)
class Joined:
    """The worker as a member of a branch, whose secretary is the owner; another's request waits."""

    branch: Branch
    member: Member
    request: CheckIn
    unit_id: int


def join(scene: Scene) -> Joined:
    """Made for one route alone."""
    world, home = scene.world, make_branch(name="养护所支部", unit=scene.world.unit)
    branch = make_branch(home, "西涧社区党委", level=BranchLevel.GROUP, place=world.city.west)
    make_branch_post(world.desk, home)
    member = make_member(home=home, checkin=branch, user=world.worker, lives_at=world.city.west, door=ADDRESS)
    waiting = make_member(NAME, home=home, lives_at=world.city.west)
    request = ask_check_in(actor=waiting.user, branch_id=branch.pk, at=NOON)
    evaluate_member(member_id=member.pk, year=2026, grade="good", note=WORDS, actor=world.desk, at=NOON)
    return Joined(branch, member, request, world.unit.pk)


def joined(find: Callable[[Joined], list[Any]]) -> Arguments:
    """Arguments from what the worker has joined, made for this route alone."""
    return lambda scene: find(join(scene))


def committee_post(find: Callable[[Joined], list[Any]], data: Data = no_data) -> Route:
    """A button of the committee's: to everybody else its address does not exist."""
    return Route(args=joined(find), data=data, method="post", is_plain=True, hides=True)


def whistled(scene: Scene) -> list[Any]:
    """The street whistles the handler's unit to the order that it handles; the list has no argument."""
    whistle(scene.world, scene.cases["handling"], at=NOON + timedelta(hours=4), units=[scene.world.unit])
    return []


def party_notice(scene: Scene) -> list[Any]:
    """A notice of the desk's about no order."""
    row = Notice(recipient=scene.world.desk, kind="transferred", source="x", data={"branch": NAME}, at=NOON)
    row.save()
    return [row.pk]


def wish(state: str, *more: Any) -> Arguments:
    """A wish whose asker has the scene's secrets, claimed by the handler for their unit."""

    def make(scene: Scene) -> list[Any]:
        world, at = scene.world, NOON
        home = world.city.building
        asking = wish_asking.Ask(make_wish_kind(), WORDS, Channel.RESIDENT, home, address=ADDRESS)
        case = wish_asking.ask_wish(ask=asking, asker=None, contact=Contact(NAME, PHONE), at=at)
        wishes.publish_wish(case_id=case.pk, publishing=publishing(), actor=world.desk, at=at)
        if state == "confirmed":
            Unit.objects.filter(pk=world.unit.pk).update(place=world.city.city)  # of two, the one it serves
            wishes.claim_wish(case_id=case.pk, actor=world.handler, at=at, unit=world.unit)
            wishes.confirm_claim(case_id=case.pk, actor=world.desk, at=at)
        return [case.number, *more]

    return make


def asked_by_worker(*more: Any) -> Arguments:
    """A wish that the worker asked on a resident's behalf."""

    def make(scene: Scene) -> list[Any]:
        asking = wish_asking.Ask(make_wish_kind(), WORDS, Channel.GRID_WORKER, scene.world.city.west_1)
        contact = Contact(NAME, PHONE)
        case = wish_asking.ask_wish(ask=asking, asker=scene.world.worker, contact=contact, at=NOON)
        return [case.number, *more]

    return make
