"""The running server keeps what its document says: with every key, for whatever is sent."""

from __future__ import annotations

import json
import os
import random
import re
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django.live_server_helper import LiveServer
from rest_framework.test import APIClient

from cases.models import Attachment, Case, Matter
from governance.integration.document import Document, committed, operations
from governance.integration.exports.running import write_exports
from grids.levels import Level
from grids.models import Place
from partymembers.models import Branch, ServiceAccount, Unit, User
from partymembers.scopes import SCOPES
from tests.factories.cases import bring_to, make_attachment
from tests.factories.keys import Caller, key_of, service_account
from tests.factories.party import bring_wish_to, make_party
from tests.factories.pictures import picture_bytes
from tests.governance.integration import contract

pytestmark = pytest.mark.django_db(transaction=True)
#: Seconds of `make fuzz`: half for a key of all scopes, half for keys of one each. Without them a bounded
#: look, which is the same each time in CI.
SECONDS = int(os.environ.get("FUZZ_SECONDS") or 0)
SEED = 1 if "CI" in os.environ else random.randrange(1 << 32)
INCIDENTS = ("reported", "accepted", "dispatched", "handling", "suspended", "handled", "closed")
WISHES = ("asked", "published", "claimed", "closed")


@pytest.fixture
def document() -> Document:
    """As integrators have it."""
    return json.loads(committed().read_text("utf-8"))


@pytest.fixture
def system() -> ServiceAccount:
    """Another system that acts for the city's desk, where there is something of everything."""
    cache.clear()  # rates counted by an earlier test
    party = make_party()
    for state in INCIDENTS:
        bring_to(party.world, state)
    for state in WISHES:
        bring_wish_to(party, state)
    account = service_account(place=party.world.city.city)
    for _number in range(5):
        make_attachment(account.user)
    return account


def by_the_api(system: ServiceAccount) -> contract.Values:
    """Uploads that have begun, exports that are written, and an order's picture, by the API itself."""
    caller = Caller(account=system)
    tus = {"HTTP_TUS_RESUMABLE": "1.0.0", "HTTP_UPLOAD_LENGTH": "4000"}
    begun = [caller.post("/api/v1/uploads/", **tus).headers["Location"].split("/")[-2] for _ in range(3)]
    wanted = {"kind": "orders", "format": "jsonl"}  # of three at a time: one is left to be asked for
    asked = [caller.post("/api/v1/exports/", wanted).json()["id"] for _ in range(2)]
    write_exports()
    file = SimpleUploadedFile("a.jpg", picture_bytes((64, 64)), "image/jpeg")
    picture = caller.post("/api/v1/attachments/", {"file": file}, format="multipart").json()["token"]
    place, matter = (
        Place.objects.filter(level=Level.GRID)[0].code,
        Case.objects.filter(kind="incident")[0].matter.full_code,
    )
    report = {"matter": matter, "place": place, "attachments": [picture]}
    assert caller.post("/api/v1/orders/", report).status_code == 201
    return {"uploads": begun, "exports": asked, "attachments": [picture]}


def known() -> contract.Values:
    """Parameter → what the world knows by that name."""
    places = sorted(Place.objects.values_list("code", flat=True))
    units = sorted(Unit.objects.values_list("code", flat=True))
    matters = sorted(matter.full_code for matter in Matter.objects.select_related("matter_class"))
    members = sorted(User.objects.filter(member__isnull=False).values_list("username", flat=True))
    return {
        **{f"query.{name}": list(places) for name in ("place", "parent", "below", "root", "serves")},
        "query.lng": [118.3],
        "query.lat": [32.3],
        "query.unit": list(units),
        "query.matter": list(matters),
        "query.branch": sorted(Branch.objects.values_list("code", flat=True)),
        "query.period": ["2026-11", "2026-W47", "2026-11-20"],
        "query.from": ["2026-11-01"],
        "query.to": ["2026-11-20"],
        "query.part": ["accepted"],
        "query.compare": ["previous"],
        "query.kinds": ["report", "accept,dispatch"],
        "query.holder": list(members),
        "path.number": sorted(Case.objects.values_list("number", flat=True)),
        "path.token": sorted(Attachment.objects.values_list("token", flat=True)),
        "path.action": ["accept", "decline", "urge", "add_information"],
        "body.matter": list(matters),
        "body.place": list(places),
        "body.standard": [1],
        "body.attachments[*]": sorted(Attachment.objects.values_list("token", flat=True)),
        "body.orders[*].matter": list(matters),
        "body.orders[*].place": list(places),
        "places": list(places),
        "units": list(units),
        "matters": list(matters),
        "members": list(members),
    }


def values_of(
    path: str, operations: Document, document: Document, values: contract.Values
) -> contract.Values:
    """What is known for one address: codes of its resource, and its rows' own fields."""
    values = {**values}
    resource = path.split("/")[3]
    values["path.code"] = values["path.id"] = values.get(resource, [])
    values["path.token"] = values.get(resource, values["path.token"])
    rows = operations.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
    values["query.formula"] = ["all", "check_in"] if "party" in path else ["all", "on_time"]
    if fields := fields_of(document, rows.get("application/json", {}).get("schema", {})):
        values["query.fields"] = list(fields)
    return {name: listed for name, listed in values.items() if "." in name and listed}


def fields_of(document: Document, schema: Document) -> list[str]:
    """The names of the fields of a row, or of the rows of a page."""
    whole = document["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], schema)
    properties = whole.get("properties", {})
    if "results" in properties:
        return fields_of(document, properties["results"].get("items", {}))
    return sorted(properties)


def test_the_server_keeps_its_document(
    live_server: LiveServer, system: ServiceAccount, document: Document
) -> None:
    everything = {**known(), **by_the_api(system)}
    values = {path: values_of(path, ways, document, everything) for path, ways in document["paths"].items()}
    how: dict[str, Any] = {"seed": SEED, "examples": 4, "phases": ("examples", "fuzzing")}
    if SECONDS:
        how = {"seed": SEED, "examples": 100, "seconds": SECONDS // 2}

    contract.read_plainly(document, live_server.url, key_of(system), values)
    report = contract.run(document, live_server.url, key_of(system), values, **how)

    for label, counted in sorted(report.answers.items()):
        print(f"{report.share(label):.0%} {label} {dict(counted)}")
    assert report.told() == "", f"seed {SEED}"
    asked = {where for where, _operation in operations(document)}
    assert report.answers.keys() == asked
    reads = [report.share(where) for where in asked if where.startswith("GET ")]
    assert sum(reads) / len(reads) > 0.5
    for scope in SCOPES if SECONDS else ():
        how["seconds"] = SECONDS // (2 * len(SCOPES)) + 1
        narrow = contract.run(document, live_server.url, key_of(system, scope), values, **how)
        assert narrow.told() == "", f"{scope}, seed {SEED}"


def address_of(path: str) -> str:
    """The address with names that nobody has."""
    return re.sub(r"\{\w+\}", "1", path)


def test_each_scope_opens_what_the_document_says_and_nothing_else(
    system: ServiceAccount, document: Document
) -> None:
    """Every operation with a key of its scope, with a key of all others, with none; and other methods."""
    callers = {scope: Caller(scope, account=system) for scope in SCOPES}
    stranger = APIClient()
    for where, operation in operations(document):
        method, _space, path = where.partition(" ")
        scopes, address = operation["x-scopes"], address_of(path)
        asked = {"content_type": "application/json"}
        assert stranger.generic(method, address, "{}", **asked).status_code == 401, where
        for scope in scopes or ["places:read"]:
            answer = callers[scope].generic(method, address, "{}", **asked)
            assert str(answer.status_code) in operation["responses"], (scope, where)
            # Where several open an address, the rows of each are behind its own.
            assert scope in scopes[1:] or not lacks_scope(answer), (scope, where)
        if scopes:
            others = Caller(*(SCOPES.keys() - set(scopes)), account=system)
            assert lacks_scope(others.generic(method, address, "{}", **asked)), where
    for path, ways in document["paths"].items():
        known_ways = {way.upper() for way in ways} | ({"OPTIONS"} if "/uploads/" in path else set())
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS"} - known_ways:
            answer = callers["places:read"].generic(method, address_of(path))
            told = (answer.status_code, answer.json()["code"])
            assert told == (405, "method_not_allowed"), (method, path)


def lacks_scope(answer: Any) -> bool:
    """Whether the key was refused for what it may not open."""
    return answer.status_code == 403 and answer.json()["code"] == "scope_missing"
