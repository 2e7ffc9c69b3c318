"""The OpenAPI document: made once a process from the endpoints themselves, and kept in `docs/api/`."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.utils import translation
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator

from . import answers
from .wording import DESCRIPTION, TAGS

Document = dict[str, Any]
_ECHO: Final = re.compile(r"^\* `([^`]*)` - \1$\n?", re.MULTILINE)
EXAMPLES = Path(__file__).with_name("examples.json")


def committed() -> Path:
    """Where the document is kept for integrators, and for noticing what changes."""
    return Path(settings.BASE_DIR) / "docs" / "api" / "openapi.json"


def written(document: Document) -> str:
    """The document as a file: the same order each time, lines that a review can read."""
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def make_document() -> tuple[Document, list[str]]:
    """The document in English, and what the generator could not make out."""
    GENERATOR_STATS.reset()
    with translation.override("en"), GENERATOR_STATS.silence():
        made = SchemaGenerator().get_schema(request=None, public=True)
        warnings = [*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache]
    return json.loads(json.dumps(made)), warnings


@cache
def served() -> bytes:
    """The document as callers get it; a process makes it when it is first asked."""
    return written(make_document()[0]).encode()


def operations(document: Document) -> Iterator[tuple[str, Document]]:
    """Each operation by its method and path."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


@cache
def version() -> str:
    """An ETag of the document that is served."""
    return f'"{hashlib.sha256(served()).hexdigest()[:32]}"'


def complete(result: Document, **_hook: object) -> Document:
    """Add what operations refer to, and examples of what they send and give (a hook of drf-spectacular)."""
    told = result["components"]
    result["info"]["description"] = DESCRIPTION
    used = {tag for _where, operation in operations(result) for tag in operation["tags"]}
    result["tags"] = [{"name": tag, "description": about} for tag, about in TAGS.items() if tag in used]
    for kind, components in answers.components().items():
        told[kind] = dict(sorted((told.get(kind, {}) | components).items()))
    _drop_unused(result)
    _drop_echoes(result)
    examples = json.loads(EXAMPLES.read_text("utf-8"))
    for name, schema in told["schemas"].items():
        if name in examples:
            schema["examples"] = [examples[name]]
    return result


def _drop_echoes(node: Any) -> None:
    """Leave out lists of values that have no label but themselves."""
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _drop_echoes(inner)
    if isinstance(node, dict) and isinstance(node.get("description"), str):
        node["description"] = _ECHO.sub("", node["description"]).strip()


def _drop_unused(document: Document) -> None:
    """Leave out shared answers and headers that no operation names."""
    while True:
        text = json.dumps(document)
        unused = [
            (kind, name)
            for kind in ("responses", "headers", "parameters")
            for name in document["components"][kind]
            if f'"#/components/{kind}/{name}"' not in text
        ]
        if not unused:
            break
        for kind, name in unused:
            del document["components"][kind][name]
    for kind in ("responses", "headers", "parameters"):
        if not document["components"][kind]:
            del document["components"][kind]
