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
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.urls import resolve, reverse
from rest_framework.test import APIClient

from cases.relay import sequence_events
from partymembers.api.permissions import scopes_of
from partymembers.scopes import SCOPES
from tests.factories.api_routes import (
    MOST,
    NAMED,
    ROUTES,
    UNIT,
    UNIT_CODE,
    VALUES,
    Ask,
    World,
    exported,
)
from tests.factories.cases import report
from tests.factories.keys import Caller
from tests.factories.people import make_unit
from tests.factories.routes import ALL_ROUTES
from tests.factories.scene import WORDS, Scene

pytestmark = pytest.mark.django_db

METHODS = ("get", "post", "put", "patch", "delete")
#: Below the API's root, and no endpoints: the document, the page that shows it, and what answers 404.
NO_ENDPOINTS = {"api:schema", "api:docs", "api:nothing"}
API = sorted(name for name in ALL_ROUTES if name.startswith("api:") and name not in NO_ENDPOINTS)
DOCUMENT = json.loads((settings.BASE_DIR / "docs" / "api" / "openapi.json").read_text())
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
        if answer.status_code not in (200, 404) and next(iter(more)) not in NAMED:
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


def test_a_write_refuses_parameters_that_it_does_not_know(world: World) -> None:
    faults = []
    for name, asks in ROUTES.items():
        for ask in asks:
            if ask.method == "get":
                continue
            with transaction.atomic():
                url = reverse(f"api:{name}", args=ask.args(world))
                path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", f"/{resolve(url).route}")
                told = DOCUMENT["paths"][path][ask.method].get("parameters", ())
                known = {each["name"] for each in told if each.get("in") == "query"}
                answer = ask.send(world.owner, url, {"nonsense": 1}, ask.body(world))
                transaction.set_rollback(True)
            if view_of(name).parameters_of_writes != known or answer.status_code != 400:
                faults.append(f"{ask.method} {name}: {answer.status_code}")
            elif answer.json()["errors"][0]["field"] != "nonsense":
                faults.append(f"{ask.method} {name}: {answer.json()}")
    assert not faults, "\n".join(faults)


def test_a_page_begun_by_one_gives_another_only_what_is_theirs(world: World) -> None:
    begun = world.owner.get("/api/v1/orders/", {"limit": 1}).json()
    answer = world.strangers[NEXT_DOOR].get(begun["next"])
    assert (answer.status_code, world.leaks(answer)) == (200, [])


def test_a_file_holds_what_its_account_may_see(world: World) -> None:
    for who, client in world.strangers.items():
        (token,) = exported(client)
        answer = client.get(f"/api/v1/exports/{token}/file/")
        assert (answer.status_code, world.leaks(answer)) == (200, []), who
