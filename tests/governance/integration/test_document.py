"""The OpenAPI document is the endpoints': kept as it is, whole, and its examples are true to it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]

from governance.integration.document import EXAMPLES, Document, committed, make_document, operations, written
from partymembers.scopes import SCOPES


@pytest.fixture(scope="module")
def made() -> tuple[Document, list[str]]:
    """The document as the endpoints are today, and what could not be made out."""
    return make_document()


@pytest.fixture(scope="module")
def document(made: tuple[Document, list[str]]) -> Document:
    """The document alone."""
    return made[0]


def test_the_kept_document_is_the_one_of_today(made: tuple[Document, list[str]]) -> None:
    document, warnings = made
    assert warnings == []
    validate_schema(document)
    assert committed().read_text("utf-8") == written(document), "manage.py write_api_schema writes it anew"


def test_every_operation_says_what_it_is(document: Document) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    names = [operation["operationId"] for _where, operation in operations(document)]
    assert len(set(names)) == len(names)
    for where, operation in operations(document):
        assert operation["operationId"].isidentifier(), where
        assert operation["operationId"][0].islower(), where
        assert operation["summary"], where
        assert operation["description"].strip(), where
        assert set(operation["tags"]) <= tags, where
        assert set(operation["x-scopes"]) <= SCOPES.keys(), where
        for parameter in operation.get("parameters", []):
            assert "$ref" in parameter or parameter.get("description"), (where, parameter["name"])


def test_every_operation_says_how_it_may_be_refused(document: Document) -> None:
    for where, operation in operations(document):
        told = operation["responses"].keys()
        assert {"400", "401", "406", "429"} <= told, where
        assert ("404" in told) or ("{" not in where), where
        assert ("403" in told) or not operation["x-scopes"], where
        assert ({"413", "415"} <= told) == ("requestBody" in operation), where
        for status, answer in operation["responses"].items():
            whole = _resolved(document, answer)
            assert whole["description"], (where, status)
            if status[0] == "4":
                assert list(whole["content"]) == ["application/problem+json"], (where, status)


def test_every_example_is_what_its_schema_says(document: Document) -> None:
    found = _examples(document)
    wrong = []
    for where, schema, example in found:
        whole = {**schema, "components": document["components"]}
        checker = Draft202012Validator(whole, format_checker=FormatChecker())
        wrong += [f"{where}: {error.json_path}: {error.message}" for error in checker.iter_errors(example)]
    assert wrong == []
    assert json.loads(EXAMPLES.read_text("utf-8")).keys() <= document["components"]["schemas"].keys()
    assert len(found) > 20


def test_every_body_has_an_example(document: Document) -> None:
    """What somebody with a new key copies: of each body that is sent, and each that is given."""
    bare = {
        f"{where} {name}: {content['schema']}"
        for where, operation in operations(document)
        for name, body in {"body": operation.get("requestBody", {}), **operation["responses"]}.items()
        for kind, content in _resolved(document, body).get("content", {}).items()
        if kind.endswith("json") and not _has_example(document, content)
    }
    assert bare == set()


def test_anybody_gets_the_document_and_once(client: Client) -> None:
    answer = client.get("/api/v1/schema/")
    assert answer.status_code == 200
    assert answer.json()["openapi"] == "3.1.1"
    assert answer.content.decode() == committed().read_text("utf-8")
    again = client.get("/api/v1/schema/", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def _resolved(document: Document, node: Any) -> Any:
    while "$ref" in node:
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def _has_example(document: Document, content: Document) -> bool:
    """In place, or in its component, or in that of its rows."""
    if {"example", "examples"} & content.keys():
        return True
    schema = content["schema"]
    whole = _resolved(document, schema)
    if "examples" in whole:
        return True
    rows = whole.get("properties", {}).get("results", whole).get("items")
    return rows is not None and "examples" in _resolved(document, rows)


def _examples(document: Document) -> list[tuple[str, Document, Any]]:
    found: list[tuple[str, Document, Any]] = []
    bodies = [
        (where, body)
        for where, operation in operations(document)
        for body in (operation.get("requestBody", {}), *operation["responses"].values())
    ]
    bodies += list(document["components"]["responses"].items())
    for where, body in bodies:
        for content in body.get("content", {}).values():
            for name, example in content.get("examples", {}).items():
                found.append((f"{where}: {name}", content["schema"], example["value"]))
    for name, schema in document["components"]["schemas"].items():
        found += [(name, schema, example) for example in schema.get("examples", [])]
    return found
