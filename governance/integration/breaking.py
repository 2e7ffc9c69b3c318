"""What a new OpenAPI document takes from callers who rely on the old one.

Callers break when what they send is refused, or when what they read is gone. So a request may only become
wider, and an answer may gain fields but lose none. Each change is told as a sentence; nothing to tell means
that callers notice nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

Node = dict[str, Any]
_METHODS: Final = ("get", "put", "post", "patch", "delete")
#: Limits of a value: those that may not rise for callers who send it, and those that may not fall.
_FLOORS: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_CEILINGS: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
_WIDER: Final = {"integer": {"integer", "number"}}


def breaking_changes(old: Node, new: Node) -> list[str]:
    """Every change that may break a caller of the old document, in the order of its addresses."""
    found: list[str] = []
    for path, methods in old["paths"].items():
        now = new["paths"].get(path)
        if now is None:
            found.append(f"{path}: the address is gone")
            continue
        for method in (name for name in _METHODS if name in methods):
            where = f"{method.upper()} {path}"
            if method not in now:
                found.append(f"{where}: the operation is gone")
            else:
                found += _Comparison(old, new).operation(where, methods[method], now[method])
    return list(dict.fromkeys(found))


@dataclass
class _Comparison:
    old: Node
    new: Node
    #: Pairs of components that are being compared: schemas may contain themselves.
    seen: set[tuple[str, str, bool]] = field(default_factory=set)

    def operation(self, where: str, was: Node, now: Node) -> Iterator[str]:
        if was.get("operationId") != now.get("operationId"):
            yield f"{where}: is called {now.get('operationId')}, was {was.get('operationId')}"
        opened, opens = was.get("x-scopes", []), now.get("x-scopes", [])
        if opens and not (opened and set(opened) <= set(opens)):
            yield f"{where}: opens by {', '.join(opens)} alone now"
        yield from self._parameters(where, was, now)
        yield from self._body(where, was.get("requestBody"), now.get("requestBody"))
        yield from self._answers(where, was["responses"], now["responses"])

    def _parameters(self, where: str, was: Node, now: Node) -> Iterator[str]:
        before, after = self._named(self.old, was), self._named(self.new, now)
        for key, parameter in before.items():
            at = f"{where} → {key[0]} parameter {key[1]}"
            if key not in after:
                yield f"{at}: is gone"
                continue
            if after[key].get("required") and not parameter.get("required"):
                yield f"{at}: is now required"
            yield from self._schema(at, parameter.get("schema", {}), after[key].get("schema", {}), sent=True)
        for key in after.keys() - before.keys():
            if after[key].get("required"):
                yield f"{where} → {key[0]} parameter {key[1]}: is new and required"

    def _named(self, document: Node, operation: Node) -> dict[tuple[str, str], Node]:
        told = [_resolved(document, parameter) for parameter in operation.get("parameters", [])]
        return {(parameter["in"], parameter["name"]): parameter for parameter in told}

    def _body(self, where: str, was: Node | None, now: Node | None) -> Iterator[str]:
        at = f"{where} → body"
        if now is None:
            if was is not None:
                yield f"{at}: is no longer read"
            return
        if now.get("required") and not (was or {}).get("required"):
            yield f"{at}: is now required"
        if was is not None:
            yield from self._content(at, was, now, sent=True)

    def _answers(self, where: str, was: Node, now: Node) -> Iterator[str]:
        for status, answer in was.items():
            if status not in now:
                yield f"{where} → {status}: is gone"
                continue
            before, after = _resolved(self.old, answer), _resolved(self.new, now[status])
            for name in sorted(before.get("headers", {}).keys() - after.get("headers", {}).keys()):
                yield f"{where} → {status}: the header {name} is gone"
            yield from self._content(f"{where} → {status}", before, after, sent=False)

    def _content(self, at: str, was: Node, now: Node, *, sent: bool) -> Iterator[str]:
        for kind, body in was.get("content", {}).items():
            if kind not in now.get("content", {}):
                yield f"{at}: {kind} is gone"
            else:
                after = now["content"][kind]
                yield from self._schema(at, body.get("schema", {}), after.get("schema", {}), sent=sent)

    def _schema(self, at: str, was: Node, now: Node, *, sent: bool) -> Iterator[str]:
        pair = (was.get("$ref", ""), now.get("$ref", ""), sent)
        if all(pair[:2]):
            if pair in self.seen:
                return
            self.seen.add(pair)
        before, after = _whole(self.old, was), _whole(self.new, now)
        yield from self._type(at, before, after, sent=sent)
        yield from self._values(at, before, after, sent=sent)
        yield from self._limits(at, before, after, sent=sent)
        yield from self._properties(at, before, after, sent=sent)
        yield from self._variants(at, before, after, sent=sent)
        for inner in ("items", "additionalProperties"):
            if isinstance(before.get(inner), dict) and isinstance(after.get(inner), dict):
                yield from self._schema(f"{at}[]", before[inner], after[inner], sent=sent)

    def _type(self, at: str, was: Node, now: Node, *, sent: bool) -> Iterator[str]:
        before, after = _types(was), _types(now)
        narrow, wide = (before, after) if sent else (after, before)
        # Without a type anything goes: callers must be ready for it, and may send it.
        fits = not wide or (bool(narrow) and all(_WIDER.get(each, {each}) & wide for each in narrow))
        if not fits:
            told = [", ".join(sorted(each)) or "anything" for each in (before, after)]
            yield f"{at}: the type was {told[0]} and is {told[1]}"
        if was.get("format") != now.get("format") and (now.get("format") if sent else was.get("format")):
            yield f"{at}: the format was {was.get('format')} and is {now.get('format')}"

    def _values(self, at: str, was: Node, now: Node, *, sent: bool) -> Iterator[str]:
        before, after = was.get("enum"), now.get("enum")
        if before is not None and after is not None:
            for value in (value for value in before if value not in after):
                yield f"{at}: the value {value!r} is gone"
        elif after is not None and sent:
            yield f"{at}: takes only certain values now"
        elif before is not None and not sent:
            yield f"{at}: may be any value now"

    def _limits(self, at: str, was: Node, now: Node, *, sent: bool) -> Iterator[str]:
        if not sent:
            return
        for name in _FLOORS:
            if name in now and now[name] > was.get(name, float("-inf")):
                yield f"{at}: {name} was {was.get(name, 'open')} and is {now[name]}"
        for name in _CEILINGS:
            if name in now and now[name] < was.get(name, float("inf")):
                yield f"{at}: {name} was {was.get(name, 'open')} and is {now[name]}"
        if "pattern" in now and now["pattern"] != was.get("pattern"):
            yield f"{at}: the pattern was {was.get('pattern', 'open')} and is {now['pattern']}"

    def _properties(self, at: str, was: Node, now: Node, *, sent: bool) -> Iterator[str]:
        before, after = was.get("properties", {}), now.get("properties", {})
        for name, inner in before.items():
            if name not in after:
                yield f"{at} → {name}: is gone"
            else:
                yield from self._schema(f"{at} → {name}", inner, after[name], sent=sent)
        must, must_now = set(was.get("required", [])), set(now.get("required", []))
        if sent:
            for name in sorted(must_now - must):
                yield f"{at} → {name}: is now required"
        else:
            for name in sorted((must - must_now) & after.keys()):
                yield f"{at} → {name}: may be missing now"
        if sent and now.get("additionalProperties") is False and was.get("additionalProperties") is not False:
            yield f"{at}: takes no other fields now"

    def _variants(self, at: str, was: Node, now: Node, *, sent: bool) -> Iterator[str]:
        before, after = _variants(self.old, was), _variants(self.new, now)
        for name in before.keys() & after.keys():
            yield from self._schema(f"{at} ({name})", before[name], after[name], sent=sent)
        if before or after:
            lost = before.keys() - after.keys() if sent else after.keys() - before.keys()
            for name in sorted(lost if before and after else []):
                yield f"{at}: {name} is {'no longer taken' if sent else 'new among the answers'}"


def _resolved(document: Node, node: Node) -> Node:
    while "$ref" in node:
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = {**target, **{name: value for name, value in node.items() if name != "$ref"}}
    return node


def _whole(document: Node, node: Node) -> Node:
    """The schema with its references and `allOf` put together."""
    node = _resolved(document, node)
    parts = [_whole(document, part) for part in node.get("allOf", [])]
    whole: Node = {name: value for name, value in node.items() if name != "allOf"}
    for part in parts:
        merged = {**part.get("properties", {}), **whole.get("properties", {})}
        required = [*part.get("required", []), *whole.get("required", [])]
        whole = {**part, **whole}
        whole |= {"properties": merged} if merged else {}
        whole |= {"required": required} if required else {}
    return whole


def _types(schema: Node) -> set[str]:
    told = schema.get("type", [])
    return {told} if isinstance(told, str) else set(told)


def _variants(document: Node, schema: Node) -> dict[str, Node]:
    """The alternatives of a schema by the name of their component, or by their type."""
    told: list[Node] = [*schema.get("oneOf", []), *schema.get("anyOf", [])]
    named = ((each.get("$ref", "").rpartition("/")[2], each) for each in told)
    return {name or "/".join(sorted(_types(_whole(document, each)))): each for name, each in named}
