"""No key learns of another's rows: every route of the API, asked with every parameter that its document has.

The routes come from the URLconf and the parameters from the OpenAPI document; a route, a method or a
parameter without an entry fails here. A key of the western community owns what could leak (so that there is
something); keys of the community next door, of a unit that serves it and of another city, a person with a
session next door and a sandbox ask for the same. What tells of the western rows must reach their owner alone.
And no door opens without a key, or to a key that has every scope but the door's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import transaction
from django.urls import resolve, reverse
from django.utils import timezone
from rest_framework.test import APIClient

from cases.pictures import Claims
from cases.relay import sequence_events
from cases.uploads import begin_upload
from governance.integration.exports.running import write_exports
from partymembers.api.permissions import scopes_of
from partymembers.scopes import SCOPES
from tests.factories.cases import report
from tests.factories.intake import hotline_mapping, hotline_payload
from tests.factories.keys import Caller
from tests.factories.people import make_unit
from tests.factories.routes import ALL_ROUTES, join, number, wish
from tests.factories.scene import ADDRESS, NAME, PHONE, WORDS, Scene
from tests.factories.service import make_served

pytestmark = pytest.mark.django_db

METHODS = ("get", "post", "put", "patch", "delete")
#: Below the API's root, and no endpoints: the document, the page that shows it, and what answers 404.
NO_ENDPOINTS = {"api:schema", "api:docs", "api:nothing"}
API = sorted(name for name in ALL_ROUTES if name.startswith("api:") and name not in NO_ENDPOINTS)
DOCUMENT = json.loads((settings.BASE_DIR / "docs" / "api" / "openapi.json").read_text())
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


NEXT_DOOR, PERSON = "a key next door", "a person next door"


@pytest.fixture
def world(scene: Scene) -> World:
    people, city = scene.world, scene.world.city
    make_unit(UNIT, place=city.west, code=UNIT_CODE)
    lng, lat = city.inside(city.east_1)
    report(people, lng=lng, lat=lat, reporter=people.other_worker)
    session = APIClient()
    session.force_login(people.other_desk)
    strangers: dict[str, APIClient] = {
        NEXT_DOOR: Caller(place=city.east),
        "a key of a unit next door": Caller(unit=make_unit("东门物业", place=city.east)),
        "a reader next door": Caller(place=city.east_1, duty="reader"),
        "a key of another city": Caller(place=scene.far.city),
        PERSON: session,
    }
    secrets = [*scene.secrets, '0123"', UNIT, UNIT_CODE, people.worker.username]
    sandbox = Caller(place=city.west, is_sandbox=True)
    sequence_events()
    return World(scene, Caller(place=city.west), strangers, sandbox, secrets)


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


def view_of(name: str) -> Any:
    """The class behind a route."""
    return ALL_ROUTES[f"api:{name}"].callback.cls  # type: ignore[attr-defined]


def test_every_route_and_method_has_an_entry() -> None:
    methods = {name: {ask.method for ask in asks} for name, asks in ROUTES.items()}
    there = (name.removeprefix("api:") for name in API)
    assert methods == {name: {each for each in METHODS if hasattr(view_of(name), each)} for name in there}


def test_no_door_opens_without_a_key_or_with_every_scope_but_its_own(world: World) -> None:
    keys: dict[frozenset[str], APIClient] = {}
    faults = []
    for name, asks in ROUTES.items():
        for ask in asks:
            others = frozenset(SCOPES) - {*scopes_of(view_of(name), ask.method.upper())}
            if others not in keys:
                keys[others] = Caller(*others, place=world.scene.world.city.west)
            with transaction.atomic():
                url = reverse(f"api:{name}", args=ask.args(world))
                asked = url, ask.query(world), ask.body(world)
                without, lacking = (ask.send(client, *asked) for client in (APIClient(), keys[others]))
                transaction.set_rollback(True)
            is_open = view_of(name).is_open_to_all
            told = None if is_open else lacking.json()["code"]
            found = without.status_code, lacking.status_code, told
            if found != ((401, 200, None) if is_open else (401, 403, "scope_missing")):
                faults.append(f"{ask.method} {name}: {found}")
    assert not faults, "\n".join(faults)


def test_what_tells_of_the_western_rows_reaches_their_owner_alone(world: World) -> None:
    faults = []
    for name, asks in ROUTES.items():
        for ask in asks:
            with transaction.atomic():
                url = reverse(f"api:{name}", args=ask.args(world))
                faults += [f"{ask.method} {name}: {fault}" for fault in faults_of(name, ask, url, world)]
                transaction.set_rollback(True)
    assert not faults, "\n".join(faults)


def faults_of(name: str, ask: Ask, url: str, world: World) -> Iterator[str]:
    """What is wrong with the answers of one method of a route."""
    query, body = ask.query(world), ask.body(world)
    for who, client in world.strangers.items():
        if not (ask.of_places and who == PERSON):
            yield from _refused(ask, ask.send(client, url, query, body), who, world, f"{url}{query}{body}")
    for more in asked_more(name, ask, url, world):
        answer = ask.send(world.strangers[NEXT_DOOR], url, query | more, body)
        yield from _refused(ask, answer, f"{more}", world, f"{url}{query}{body}{more}")
        if answer.status_code not in (200, 404) and next(iter(more)) not in PLACES:
            yield f"{more} gets {answer.status_code}, so nothing was asked: {answer.content[:200]!r}"
    tests = world.leaks(ask.send(world.sandbox, url, query, body), f"{url}{query}{body}")
    orders = {case.number for case in world.scene.cases.values()} | {WORDS}
    if seen := orders.intersection(tests):
        yield f"a sandbox reads {seen}"
    answer = ask.send(world.owner, url, query, body)
    if answer.status_code != ask.status:
        yield f"the owner gets {answer.status_code}: {answer.content[:300]!r}"
    elif ask.tells and not world.leaks(answer, of_places=ask.of_places):
        yield "the owner sees nothing, so nothing could leak"


def _refused(ask: Ask, answer: Any, who: str, world: World, asked: str) -> Iterator[str]:
    if leaks := world.leaks(answer, asked, of_places=ask.of_places):
        yield f"{who} reads {leaks}"
    if answer.status_code >= 500 or (ask.hides and answer.status_code != 404):
        yield f"{who} gets {answer.status_code}"


def asked_more(name: str, ask: Ask, url: str, world: World) -> Iterator[dict[str, Any]]:
    """Every parameter of a read, each with all that it is tried with."""
    if ask.method != "get":
        return
    path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", f"/{resolve(url).route}")
    for parameter in DOCUMENT["paths"][path]["get"].get("parameters", ()):
        known, what = parameter["name"], parameter["schema"]
        if parameter["in"] != "query":
            continue
        listed = (what.get("enum") or what.get("items", {}).get("enum") or [])[:MOST]
        if known == "expand":
            listed = sorted(view_of(name).serializer_class.expandable)
        for value in listed or VALUES[known](world):
            yield {known: value}


def test_a_read_knows_the_parameters_of_the_document_and_refuses_all_others(world: World) -> None:
    faults, english = [], {"Accept-Language": "en"}
    reads = {path for path, methods in DOCUMENT["paths"].items() if "get" in methods}
    for name, asks in ROUTES.items():
        if not (ask := next((each for each in asks if each.method == "get"), None)):
            continue
        with transaction.atomic():
            url = reverse(f"api:{name}", args=ask.args(world))
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", f"/{resolve(url).route}")
            reads.remove(path)
            told = DOCUMENT["paths"][path]["get"].get("parameters", ())
            known = {each["name"] for each in told if each.get("in") == "query"}
            asked = {"nonsense": 1, **dict.fromkeys(known, "?")}
            answer = world.owner.get(url, asked, headers=english).json()
            twice = {each: ["?", "?"] for each in known - view_of(name).repeatable}
            again = world.owner.get(url, twice, headers=english).json() if twice else {"detail": "once"}
            transaction.set_rollback(True)
        if view_of(name).known_parameters() != known:
            faults.append(f"{name} takes {sorted(view_of(name).known_parameters() ^ known)} or tells of it")
        said = answer["status"], answer["errors"][0]["field"], answer["detail"].partition(" Known")[0]
        if said != (400, "nonsense", "Not known here: nonsense."):
            faults.append(f"{name}: {answer}")
        if "once" not in again["detail"]:
            faults.append(f"{name} twice: {again}")
    assert not faults, "\n".join(faults)
    assert not reads


def test_a_page_begun_by_one_gives_another_only_what_is_theirs(world: World) -> None:
    begun = world.owner.get("/api/v1/orders/", {"limit": 1}).json()
    answer = world.strangers[NEXT_DOOR].get(begun["next"])
    assert (answer.status_code, world.leaks(answer)) == (200, [])


def test_a_file_holds_what_its_account_may_see(world: World) -> None:
    for who, client in world.strangers.items():
        (token,) = exported(client)
        answer = client.get(f"/api/v1/exports/{token}/file/")
        assert (answer.status_code, world.leaks(answer)) == (200, []), who
