"""How each route of the API is called for a western row: the table of `tests/test_api_scope.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from django.utils import timezone
from rest_framework.test import APIClient

from cases.pictures import Claims
from cases.uploads import begin_upload
from governance.integration.exports.running import write_exports
from tests.factories.intake import hotline_mapping, hotline_payload
from tests.factories.keys import Caller
from tests.factories.routes import join, number, wish
from tests.factories.scene import ADDRESS, NAME, PHONE, WORDS, Scene
from tests.factories.service import make_served

UNIT, UNIT_CODE = "西涧物业公司", "U-WEST"


@dataclass
class World:
    """The scene with callers of the API: the owner, and who must see nothing."""

    scene: Scene
    owner: Caller
    strangers: dict[str, APIClient]
    sandbox: APIClient
    secrets: list[str]

    def leaks(self, answer: Any, asked: str = "", *, of_places: bool = False) -> list[str]:
        """What the answer tells of the western rows (or places), beside what was asked with."""
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        text = body.decode("utf-8", "replace") + str(answer.headers)
        city = self.scene.world.city
        secrets = [city.west.code, city.compound.name] if of_places else self.secrets
        return [secret for secret in secrets if secret in text and secret not in asked]


Arguments = Callable[[World], list[Any]]
Data = Callable[[World], Any]


def nothing(_world: World) -> list[Any]:
    """No arguments."""
    return []


@dataclass(frozen=True, kw_only=True)
class Ask:
    """How one method of a route is called for a western row.

    The owner's answer has `status` and holds a secret (`tells`); to others the row does not exist (`hides`),
    or they get what is theirs. Places (`of_places`) tell of themselves, and persons may read all of them.
    """

    method: str = "get"
    args: Arguments = nothing
    query: Data = lambda _world: {}
    body: Data = lambda _world: {}
    format: str = "json"
    headers: dict[str, str] = field(default_factory=dict)
    tells: bool = True
    hides: bool = False
    of_places: bool = False
    status: int = 200

    def send(self, client: APIClient, url: str, query: dict[str, Any], body: Any) -> Any:
        """The answer to one caller."""
        if self.method == "get":
            return client.get(url, query)
        kind = {"content_type": PART} if isinstance(body, bytes) else {"format": self.format}
        send = getattr(client, self.method)
        return send(url, body, query_params=query, headers=self.headers, **kind)


def plain(**more: Any) -> tuple[Ask, ...]:
    """An address whose answer tells of no row."""
    return (Ask(tells=False, **more),)


def own(args: Arguments = nothing, **more: Any) -> tuple[Ask, ...]:
    """An address of one western row: to others it does not exist."""
    return (Ask(args=args, hides=True, **more),)


def post(**more: Any) -> Ask:
    """A write whose answer tells nothing but what was sent."""
    return Ask(method="post", **({"tells": False} | more))


def of_scene(find: Callable[[Scene], list[Any]]) -> Arguments:
    """Arguments that the scene knows."""
    return lambda world: find(world.scene)


def made(make: Callable[[Scene], Any], then: Arguments = nothing) -> Arguments:
    """Arguments once something more was made, for this route alone."""
    return lambda world: (make(world.scene), then(world))[1]


def west(world: World) -> list[Any]:
    """The western community."""
    return [world.scene.world.city.west.code]


def worker(world: World) -> list[Any]:
    """The western worker's staff number."""
    return [world.scene.world.worker.username]


def middle(world: World) -> dict[str, Any]:
    """A position inside the western community."""
    lng, lat = world.scene.world.city.inside(world.scene.world.city.west_1)
    return {"lng": lng, "lat": lat}


def counted(**more: str) -> Data:
    """What was reported in the western community this year."""
    return lambda world: {"place": world.scene.world.city.west.code, "period": "2026", **more}


def today(_world: World) -> dict[str, Any]:
    """The day of the scene, wherever the caller is."""
    return {"period": "2026-11-20"}


def mapped(world: World) -> list[Any]:
    """The owner's payloads are understood."""
    hotline_mapping(world.owner.account, world.scene.world)
    return []


def new_order(world: World) -> dict[str, Any]:
    """An order in the western community."""
    told = {"matter": world.scene.world.matter.full_code, "description": WORDS, "address": ADDRESS}
    return told | {"position": middle(world)}


def upload(world: World) -> list[Any]:
    """A picture that the owner has begun to send."""
    row = begin_upload(uploader=world.owner.user, length=9, role="report", claims=Claims(), at=timezone.now())
    return [row.token]


def exported(client: APIClient) -> list[Any]:
    """A finished export of the caller's orders."""
    asked = client.post("/api/v1/exports/", {"kind": "orders", "format": "csv", "filters": {}})
    write_exports()
    return [asked.json()["id"]]


def export(world: World) -> list[Any]:
    """A finished export of the owner's."""
    return exported(world.owner)


PART = "application/offset+octet-stream"
_TUS = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0"}
ROUTES: dict[str, tuple[Ask, ...]] = {
    "root": plain(),
    "me": plain(),
    "places": (Ask(of_places=True),),
    "place_tree": (Ask(of_places=True),),
    "locate": (Ask(query=middle, of_places=True),),
    "boundaries": (Ask(of_places=True),),
    "place": own(west, of_places=True),
    "boundary": own(west, of_places=True),
    "units": (Ask(),),
    "unit": own(lambda _world: [UNIT_CODE]),
    "members": (Ask(args=made(join)),),
    "member": own(made(join, worker)),
    "member_check_ins": own(made(join, worker), tells=False),
    "check_ins": (Ask(args=made(join)),),
    "points": (Ask(args=made(lambda scene: make_served(scene.world))),),
    "points_entries": (Ask(args=made(lambda scene: make_served(scene.world))),),
    "matters": plain(),
    "matter": plain(args=lambda world: [world.scene.world.matter.full_code]),
    "actions": plain(),
    "orders": (Ask(), post(body=new_order, status=201)),
    "orders_bulk": (post(body=lambda world: {"orders": [new_order(world)]}),),
    "order": (*own(of_scene(number("handled"))), Ask(args=of_scene(wish("published")))),
    "order_events": (*own(of_scene(number("reported"))), Ask(args=of_scene(wish("published")))),
    "order_actions": own(of_scene(number("reported")), tells=False),
    "act": own(of_scene(number("reported", "accept")), method="post"),
    "attachments": (post(format="multipart", status=400),),
    "attachment": own(lambda world: [world.scene.photo.token], tells=False),
    "uploads": (post(headers=_TUS | {"Upload-Length": "9"}, status=201),),
    "upload": (
        *own(upload, tells=False),
        *own(upload, tells=False, method="patch", body=lambda _world: b"xy", headers=_TUS, status=204),
        *own(upload, tells=False, method="delete", headers=_TUS, status=204),
    ),
    "events": (Ask(),),
    "intake": (post(args=mapped, body=lambda world: hotline_payload(world.scene.world), status=201),),
    "figures": (
        *own(query=counted(), tells=False),
        *plain(query=today),
    ),
    "formulas": plain(),
    "figure_orders": (
        *own(query=counted(part="reported")),
        Ask(query=lambda _world: {"period": "2026-11-20", "part": "reported"}),
    ),
    "party_figures": (
        *own(query=counted(), tells=False),
        *plain(query=today),
    ),
    "exports": (
        Ask(args=lambda world: (export(world), [])[1], tells=False),
        post(body=lambda _world: {"kind": "orders", "format": "csv", "filters": {}}, status=202),
    ),
    "export": (*own(export, tells=False), *own(export, tells=False, method="delete", status=204)),
    "export_file": own(export),
}

#: Parameters that name a place: one that is not the caller's own is answered like one that is none.
PLACES = ("place", "below", "parent", "root", "serves", "desk")
#: So is one that names a person.
NAMED = (*PLACES, "holder")
_YES_AND_NO: Data = lambda _world: ["true", "false"]  # noqa: E731
_FROM: Data = lambda _world: ["2026-01-01T00:00:00+08:00"]  # noqa: E731
_UNTIL: Data = lambda _world: ["2027-01-01T00:00:00+08:00"]  # noqa: E731
#: Parameters that narrow what others give, or whose values come from elsewhere; they are tried with nothing.
_NARROWING = ("fields", "cursor", "from", "to", "lng", "lat", "formula", "branch", "compare")
#: What each other parameter is tried with, where the document lists no values.
VALUES: dict[str, Data] = {
    **dict.fromkeys(_NARROWING, lambda _world: []),
    "limit": lambda _world: [1],
    "total": lambda _world: ["true"],
    "q": lambda world: [ADDRESS, PHONE, NAME, world.scene.cases["reported"].number, "西涧", *worker(world)],
    **dict.fromkeys(PLACES, west),
    "unit": lambda world: [world.scene.world.unit.code, UNIT_CODE],
    "holder": worker,
    "matter": lambda world: [world.scene.world.matter.full_code],
    "matter_class": lambda world: [world.scene.world.matter.matter_class.full_code],
    **dict.fromkeys(("open", "late", "rest", "retired", "disabled", "left", "own"), _YES_AND_NO),
    "simplified": _YES_AND_NO,
    **dict.fromkeys(("reported_from", "closed_from", "due_from", "updated_after"), _FROM),
    **dict.fromkeys(("reported_until", "closed_until", "due_until"), _UNTIL),
    "bbox": lambda _world: ["118,32,119,33"],
    "period": lambda _world: ["2026"],
    "source": lambda _world: ["hotline"],
    "source_number": lambda world: [world.scene.cases["reported"].number],
    "client_id": lambda world: [str(uuid4())],
    "after": lambda _world: ["0", "latest"],
    "kinds": lambda _world: ["report,accept"],
}
#: Of the values that the document lists, so many are tried.
MOST = 3
