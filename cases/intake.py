"""From another system's payload to a report, by a mapping kept as data; no row is looked up here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils.translation import gettext as _

from cases.models import Channel
from cases.models.intake import IntakeMapping
from governance.common.errors import Invalid
from governance.common.phones import is_mobile
from governance.common.typed import readable, sendable, whole_number
from grids.coordinates import degrees_of

#: Our fields that a mapping may fill.
FIELDS: Final = (
    "source_number", "matter", "description", "addition", "address", "place", "lng", "lat", "name", "phone",
    "seen_at", "channel",
)  # fmt: skip
NEEDED: Final = ("source_number", "matter")
_KEYS: Final = frozenset({"path", "paths", "values", "default"})
#: What an answer may name.
ANSWERED: Final = ("number", "source_number", "state", "outcome")
#: Deeper than any sound payload, and than Python reads.
_DEEPEST: Final = 50


@dataclass(frozen=True)
class Rule:
    """How one of our fields is filled: where from, translated how, and what where there is nothing."""

    paths: tuple[str, ...] = ()
    values: Mapping[str, str] | None = None
    default: str = ""


@dataclass
class Mapped:
    """What a payload says in our words. `errors` name the payload's own fields."""

    values: dict[str, Any] = field(default_factory=dict)
    errors: list[dict[str, str]] = field(default_factory=list)
    #: What was left out without refusing the rest.
    remarks: list[dict[str, str]] = field(default_factory=list)

    def text(self, name: str) -> str:
        """A field as text; empty where the payload has none."""
        return str(self.values.get(name, ""))


def problem_of(name: str, detail: str, code: str = "invalid") -> dict[str, str]:
    """One thing that is wrong with a payload."""
    return {"field": name[:200], "code": code, "detail": detail}


def read_json(body: bytes) -> Any:
    """The payload's value. Raises Invalid for what is no JSON object."""
    try:
        payload = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise Invalid(_("This is not JSON."), code="malformed") from error
    if not isinstance(payload, dict):
        raise Invalid(_("A JSON object is expected."), code="malformed")
    return payload


def rules_of(given: Any) -> dict[str, Rule]:
    """The rules of a mapping, checked. Raises Invalid that says which rule is wrong."""
    if not isinstance(given, dict):
        raise Invalid(_("The rules are an object: our field → where it stands."), field="rules")
    if unknown := sorted(set(given) - set(FIELDS)):
        told = {"name": unknown[0][:50], "known": ", ".join(FIELDS)}
        raise Invalid(_("“%(name)s” is not known here. Known: %(known)s.") % told, field="rules")
    if missing := [name for name in NEEDED if name not in given]:
        raise Invalid(_("“%s” needs a rule.") % missing[0], field="rules")
    rules = {name: _rule(name, rule) for name, rule in given.items()}
    if not rules["source_number"].paths:
        raise Invalid(_("“%s” needs a path.") % "source_number", field="rules")
    if ("lng" in rules) != ("lat" in rules):
        raise Invalid(_("Longitude and latitude belong together."), field="rules")
    return rules


def _rule(name: str, given: Any) -> Rule:
    if isinstance(given, str | list):
        given = {"path": given} if isinstance(given, str) else {"paths": given}
    if not isinstance(given, dict) or not given or set(given) - _KEYS:
        raise Invalid(
            _("The rule of “%s” is a path, a list of paths, or {path, values, default}.") % name,
            field="rules",
        )
    paths = given.get("paths", [given["path"]] if "path" in given else [])
    values, default = given.get("values"), given.get("default", "")
    is_table = values is None or (
        isinstance(values, dict) and all(isinstance(each, str) for each in values.values())
    )
    if not isinstance(paths, list) or not all(isinstance(path, str) and path for path in paths):
        raise Invalid(_("A path of “%s” is not a text.") % name, field="rules")
    if not is_table or not isinstance(default, str):
        raise Invalid(_("Values and default of “%s” are texts.") % name, field="rules")
    return Rule(tuple(paths), values, default)


def zone_of(name: str) -> ZoneInfo:
    """A time zone by name. Raises Invalid."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid(_("There is no time zone “%s”.") % name[:50], field="time_zone") from error


def check_mapping(mapping: IntakeMapping) -> None:
    """Raises Invalid that names the mapping's field."""
    rules = rules_of(mapping.rules)
    zone_of(mapping.time_zone)
    channels = rules.get("channel", Rule())
    named = [*(channels.values or {}).values(), *filter(None, [channels.default])]
    if wrong := [name for name in named if name not in Channel.values]:
        told = {"name": wrong[0][:50], "known": ", ".join(Channel.values)}
        raise Invalid(_("“%(name)s” is not known here. Known: %(known)s.") % told, field="rules")
    if not isinstance(mapping.answer, dict):
        raise Invalid(_("A JSON object is expected."), field="answer")
    for text in _texts(mapping.answer):
        if text.startswith("$") and text[1:] not in ANSWERED:
            told = {"name": text[:50], "known": ", ".join(f"${name}" for name in ANSWERED)}
            raise Invalid(_("“%(name)s” is not known here. Known: %(known)s.") % told, field="answer")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def filled_in(answer: Any, facts: Mapping[str, str]) -> Any:
    """The answer of a mapping with what became of the payload."""
    if isinstance(answer, str) and answer.startswith("$"):
        return facts.get(answer[1:], answer)
    if isinstance(answer, dict):
        return {name: filled_in(inner, facts) for name, inner in answer.items()}
    return [filled_in(inner, facts) for inner in answer] if isinstance(answer, list) else answer


def path_of(rules: Mapping[str, Rule], name: str) -> str:
    """Their path of one of our fields, for errors; our name where it has none."""
    rule = rules.get("lng" if name == "position" else name, Rule())
    return rule.paths[0] if rule.paths else name


def mapped(mapping: IntakeMapping, payload: Any) -> Mapped:
    """What the payload says in our words; everything that is wrong with it, not only the first thing."""
    rules, found = rules_of(mapping.rules), Mapped()
    for name, rule in rules.items():
        try:
            value = _translated(name, rule, payload)
            if value:
                found.values[name] = _typed(name, value, mapping)
            elif name in NEEDED:
                raise Invalid(_("This is missing."), code="required")
        except Invalid as error:
            found.errors.append(problem_of(path_of(rules, name), str(error.message), error.code))
    phone = found.text("phone")
    if phone and not is_mobile(phone):  # a landline is no reason to refuse what somebody reports
        del found.values["phone"]
        told = _("No mobile number: left out of the order.")
        found.remarks.append(problem_of(path_of(rules, "phone"), told, "left_out"))
    return found


def _translated(name: str, rule: Rule, payload: Any) -> str:
    texts = [text for path in rule.paths if (text := _text_at(payload, path))]
    if not texts:
        return rule.default
    text = "\n".join(texts)
    if rule.values is None:
        return text
    if text in rule.values or rule.default:
        return rule.values.get(text, rule.default)
    raise Invalid(_("“%s” is not in the table of the mapping.") % text[:50], code="unknown_value")


def _text_at(payload: Any, path: str) -> str:
    """The text at a path; empty for nothing there. Raises Invalid for what is no single value."""
    value = payload
    for step in path.split(".")[:_DEEPEST]:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and (turn := whole_number(step)) is not None and turn < len(value):
            value = value[turn]
        else:
            return ""
    if isinstance(value, dict | list):
        raise Invalid(_("A single value is expected here."))
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else sendable(str(value).replace("\x00", "").strip())


def _typed(name: str, text: str, mapping: IntakeMapping) -> Any:
    if name in ("lng", "lat"):
        return degrees_of(text)
    if name == "seen_at":
        return _instant(text, mapping)
    if name == "channel" and text not in Channel.values:
        raise Invalid(_("“%s” is no channel.") % text[:50], code="unknown_value")
    return text


def _instant(text: str, mapping: IntakeMapping) -> datetime:
    try:
        told = (
            datetime.strptime(text, mapping.time_format)
            if mapping.time_format
            else datetime.fromisoformat(text)
        )
        aware = told if told.tzinfo else told.replace(tzinfo=zone_of(mapping.time_zone))
        return readable(aware)
    except (ValueError, OverflowError) as error:
        raise Invalid(
            _("A time like %s is expected.") % (mapping.time_format or "2026-11-20T10:24:00+08:00")
        ) from error


def joined(problems: Sequence[Mapping[str, str]]) -> str:
    """The errors of a payload in one line, as lists show them."""
    return "；".join(
        f"{each['field']}: {each['detail']}" if each["field"] else each["detail"] for each in problems
    )
