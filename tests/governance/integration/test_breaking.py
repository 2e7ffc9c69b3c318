"""Every kind of change that breaks a caller is told, and no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from governance.integration import document
from governance.integration.breaking import breaking_changes

Node = dict[str, Any]


def old() -> Node:
    """A small API with everything that may break."""
    order = {
        "type": "object",
        "required": ["number", "state"],
        "properties": {
            "number": {"type": "string", "format": "number"},
            "state": {"$ref": "#/components/schemas/State"},
            "cause": {"oneOf": [{"$ref": "#/components/schemas/Order"}, {"type": "null"}]},
            "count": {"type": "integer"},
        },
    }
    report = {
        "type": "object",
        "required": ["text"],
        "properties": {
            "text": {"type": "string", "maxLength": 500},
            "place": {"type": ["string", "null"]},
            "state": {"allOf": [{"$ref": "#/components/schemas/State"}]},
        },
    }
    path = {"name": "number", "in": "path", "required": True, "schema": {"type": "string"}}
    limit = {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 200}}
    answer = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}}
    get = {
        "operationId": "readOrder",
        "x-scopes": ["orders:read"],
        "parameters": [path, limit],
        "responses": {"200": {**answer, "headers": {"ETag": {}}}, "404": {"description": "No."}},
    }
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Report"}}}}
    post = {"operationId": "act", "parameters": [path], "requestBody": body, "responses": {"200": answer}}
    state = {"type": "string", "enum": ["new", "closed"]}
    return {
        "paths": {"/orders/{number}/": {"get": get, "post": post}},
        "components": {"schemas": {"Order": order, "Report": report, "State": state}},
    }


def _get(new: Node) -> Node:
    return new["paths"]["/orders/{number}/"]["get"]


def _post(new: Node) -> Node:
    return new["paths"]["/orders/{number}/"]["post"]


def _schema(new: Node, name: str) -> Node:
    return new["components"]["schemas"][name]


def _sent(new: Node) -> Node:
    return _schema(new, "Report")["properties"]


def _given(new: Node) -> Node:
    return _schema(new, "Order")["properties"]


GET, POST = "GET /orders/{number}/", "POST /orders/{number}/"
#: What is done to the document, and what is told of it.
BREAKING: list[tuple[Callable[[Node], Any], list[str]]] = [
    (lambda new: new["paths"].clear(), ["/orders/{number}/: the address is gone"]),
    (lambda new: new["paths"]["/orders/{number}/"].pop("post"), [f"{POST}: the operation is gone"]),
    (
        lambda new: _get(new).update(operationId="getOrder"),
        [f"{GET}: is called getOrder, was readOrder"],
    ),
    (
        lambda new: _get(new).update({"x-scopes": ["wishes:read"]}),
        [f"{GET}: opens by wishes:read alone now"],
    ),
    (lambda new: _get(new)["parameters"].pop(), [f"{GET} → query parameter limit: is gone"]),
    (
        lambda new: _get(new)["parameters"][1].update(required=True),
        [f"{GET} → query parameter limit: is now required"],
    ),
    (
        lambda new: _get(new)["parameters"].append({"name": "crs", "in": "query", "required": True}),
        [f"{GET} → query parameter crs: is new and required"],
    ),
    (
        lambda new: _get(new)["parameters"][1]["schema"].update(maximum=100),
        [f"{GET} → query parameter limit: maximum was 200 and is 100"],
    ),
    (
        lambda new: _get(new)["parameters"][1]["schema"].update(minimum=1),
        [f"{GET} → query parameter limit: minimum was open and is 1"],
    ),
    (lambda new: _get(new)["responses"].pop("404"), [f"{GET} → 404: is gone"]),
    (
        lambda new: _get(new)["responses"]["200"].pop("headers"),
        [f"{GET} → 200: the header ETag is gone"],
    ),
    (
        lambda new: _get(new)["responses"]["200"].update(content={}),
        [f"{GET} → 200: application/json is gone"],
    ),
    (lambda new: _post(new).pop("requestBody"), [f"{POST} → body: is no longer read"]),
    (
        lambda new: _post(new)["requestBody"].update(required=True),
        [f"{POST} → body: is now required"],
    ),
    (
        lambda new: _given(new).pop("count"),
        [f"{GET} → 200 → count: is gone", f"{POST} → 200 → count: is gone"],
    ),
    (
        lambda new: _schema(new, "Order").update(required=["number"]),
        [f"{GET} → 200 → state: may be missing now", f"{POST} → 200 → state: may be missing now"],
    ),
    (
        lambda new: _given(new).update(count={"type": ["integer", "null"]}),
        [
            f"{GET} → 200 → count: the type was integer and is integer, null",
            f"{POST} → 200 → count: the type was integer and is integer, null",
        ],
    ),
    (
        lambda new: _given(new)["number"].pop("format"),
        [
            f"{GET} → 200 → number: the format was number and is None",
            f"{POST} → 200 → number: the format was number and is None",
        ],
    ),
    (
        lambda new: _given(new)["cause"]["oneOf"].append({"type": "string"}),
        [
            f"{GET} → 200 → cause: string is new among the answers",
            f"{POST} → 200 → cause: string is new among the answers",
        ],
    ),
    (
        lambda new: _schema(new, "State").update(enum=["new"]),
        [
            f"{GET} → 200 → state: the value 'closed' is gone",
            f"{POST} → body → state: the value 'closed' is gone",
            f"{POST} → 200 → state: the value 'closed' is gone",
        ],
    ),
    (lambda new: _sent(new).pop("place"), [f"{POST} → body → place: is gone"]),
    (
        lambda new: _schema(new, "Report").update(required=["text", "place"]),
        [f"{POST} → body → place: is now required"],
    ),
    (
        lambda new: _sent(new)["place"].update(type="string"),
        [f"{POST} → body → place: the type was null, string and is string"],
    ),
    (
        lambda new: _sent(new)["text"].update(maxLength=200),
        [f"{POST} → body → text: maxLength was 500 and is 200"],
    ),
    (
        lambda new: _sent(new)["text"].update(pattern="^x"),
        [f"{POST} → body → text: the pattern was open and is ^x"],
    ),
    (
        lambda new: _sent(new)["text"].update(enum=["fire"]),
        [f"{POST} → body → text: takes only certain values now"],
    ),
    (
        lambda new: _schema(new, "Report").update(additionalProperties=False),
        [f"{POST} → body: takes no other fields now"],
    ),
]

HARMLESS: list[Callable[[Node], Any]] = [
    lambda new: new["paths"].update({"/new/": {}}),
    lambda new: _get(new).update({"x-scopes": ["orders:read", "wishes:read"]}),
    lambda new: _get(new).update({"x-scopes": []}),
    lambda new: _get(new).update(summary="Other words"),
    lambda new: _get(new)["parameters"].append({"name": "crs", "in": "query"}),
    lambda new: _get(new)["parameters"][1]["schema"].update(maximum=500),
    lambda new: _get(new)["responses"].update({"429": {"description": "Slower."}}),
    lambda new: _given(new).update(more={"type": "string"}),
    lambda new: _schema(new, "Order").update(required=["number", "state", "count"]),
    lambda new: _schema(new, "State").update(enum=["new", "closed", "void"]),
    lambda new: _sent(new).update(more={"type": "string"}),
    lambda new: _schema(new, "Report").update(required=[]),
    lambda new: _sent(new)["text"].update(maxLength=900),
    lambda new: _sent(new)["text"].update(type=["string", "integer"]),
]


@pytest.mark.parametrize("number", range(len(BREAKING)))
def test_what_breaks_a_caller_is_told(number: int) -> None:
    change, told = BREAKING[number]
    new = deepcopy(old())
    change(new)
    assert breaking_changes(old(), new) == told


def test_what_breaks_nobody_is_not_told() -> None:
    for change in HARMLESS:
        new = deepcopy(old())
        change(new)
        assert new != old()
        assert breaking_changes(old(), new) == []
    assert breaking_changes(old(), old()) == []


def test_the_command_refuses_what_breaks_callers_unless_it_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept = tmp_path / "openapi.json"
    command = "governance.management.commands.write_api_schema"
    monkeypatch.setattr(f"{command}.committed", lambda: kept)
    made = cache(document.make_document)  # three runs of the command look at one document
    monkeypatch.setattr(f"{command}.make_document", made)
    call_command("write_api_schema")
    today = kept.read_text("utf-8")
    assert today == document.written(made()[0])

    former = json.loads(today)
    former["paths"]["/api/v1/gone/"] = {}
    kept.write_text(json.dumps(former), "utf-8")
    with pytest.raises(CommandError, match="/api/v1/gone/: the address is gone"):
        call_command("write_api_schema")
    assert json.loads(kept.read_text("utf-8")) == former

    call_command("write_api_schema", breaking=True)
    assert kept.read_text("utf-8") == today
