"""How the columns of another system's file become ours: a TOML file, checked whole before a row is read.

docs/importing.md explains every key; docs/examples has one that was tried.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils.translation import gettext as _

from cases.actions.importing import IMPORTABLE_STATES
from cases.models import Channel, MatterClass
from cases.workflow import State
from governance.common.errors import Invalid
from governance.common.tabular import shorten
from governance.common.typed import readable

_TIMES: Final = ("reported", "accepted", "handled", "closed", "due")
_COLUMNS: Final = (*_TIMES, "state", "description", "address", "lng", "lat")
_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "source": ("name", "number", "zone", "time"),
    "columns": _COLUMNS,
    "states": (),
    "channel": ("column", "default", "map"),
    "matter": ("column", "default", "create", "map"),
    "place": ("code", "by_position", "column", "default", "map"),
    "unit": ("column", "create", "map"),
}


class MappingError(Invalid):
    """The mapping file is not one; the message names the key."""


@dataclass(frozen=True)
class Choice:
    """A column whose values are looked up, and what stands where there is none."""

    column: str = ""
    default: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class NewClass:
    """The major class into which unknown types are put, as matters that nobody can report."""

    section: str
    code: str
    name: str


@dataclass(frozen=True)
class HistoryMapping:
    """A checked mapping. `create_class`, `create_units`: unknown types and units are made."""

    source: str
    number: str
    zone: ZoneInfo
    time: str
    columns: Mapping[str, str]
    states: Mapping[str, State]
    channel: Choice
    matter: Choice
    create_class: NewClass | None
    place: Choice
    place_code: str
    by_position: bool
    unit: Choice
    create_units: bool

    def needed(self) -> list[str]:
        """Every column of the file that the mapping names."""
        named = [self.number, *self.columns.values(), self.place_code]
        named += [choice.column for choice in (self.channel, self.matter, self.place, self.unit)]
        return list(dict.fromkeys(name for name in named if name))

    def instant(self, text: str) -> datetime | None:
        """A time as the file writes it (or ISO, as workbooks do); None when empty.

        Raises ValueError, or OverflowError for one outside the calendar.
        """
        if not text:
            return None
        try:
            told = datetime.strptime(text, self.time) if self.time else datetime.fromisoformat(text)
        except ValueError:
            told = datetime.fromisoformat(text)
        return readable(told if told.tzinfo else told.replace(tzinfo=self.zone))


def read_mapping(source: Path | str | bytes) -> HistoryMapping:
    """A mapping from its file or its text in bytes. Raises MappingError with the key that is wrong."""
    try:
        text = source if isinstance(source, bytes) else Path(source).read_bytes()
        given = tomllib.loads(text.decode("utf-8-sig"))
    except OSError as error:
        raise MappingError(_("The mapping cannot be opened: %s") % (error.strerror or error)) from error
    except ValueError as error:  # tomllib.TOMLDecodeError and UnicodeDecodeError are ValueErrors
        raise MappingError(_("The mapping is not TOML: %s") % error) from error
    _check_keys(given)
    return _mapping(given)


def _check_keys(given: dict[str, Any]) -> None:
    _refuse_unknown(given, _KEYS, "")
    for name in ("source", "columns", "states", "matter"):
        if not isinstance(given.get(name), dict) or not given[name]:
            raise MappingError(_("The mapping lacks [%s].") % name)
    for name, keys in _KEYS.items():
        section = given.get(name, {})
        if not isinstance(section, dict):
            raise MappingError(_("[%s] must be a table of keys.") % name)
        if keys:
            _refuse_unknown(section, keys, f"{name}.")


def _refuse_unknown(section: Mapping[str, Any], known: Iterable[str], prefix: str) -> None:
    for key in section:
        if key not in known:
            names = {"key": f"{prefix}{key}", "known": ", ".join(known)}
            raise MappingError(_("The mapping has an unknown key %(key)s; known are: %(known)s.") % names)


def _mapping(given: dict[str, Any]) -> HistoryMapping:
    source, place, unit = given["source"], given.get("place", {}), given.get("unit", {})
    columns = {name: _text(given["columns"], name, "columns") for name in given["columns"]}
    for name in ("reported", "state"):
        if name not in columns:
            raise MappingError(_("The mapping lacks columns.%s.") % name)
    channel = _choice(given.get("channel", {}), "channel")
    _check_values(channel, Channel.values, "channel")
    mapping = HistoryMapping(
        source=_text(source, "name", "source", most=50),
        number=_text(source, "number", "source"),
        zone=_zone(source),
        time=source.get("time", "") and _text(source, "time", "source"),
        columns=columns,
        states={key: _state(key, value) for key, value in given["states"].items()},
        channel=channel,
        matter=_choice(given["matter"], "matter"),
        create_class=_new_class(given["matter"]),
        place=_choice(place, "place"),
        place_code=place.get("code", "") and _text(place, "code", "place"),
        by_position=_flag(place, "by_position", "place"),
        unit=_choice(unit, "unit"),
        create_units=_flag(unit, "create", "unit"),
    )
    _check_whole(mapping)
    return mapping


def _check_whole(mapping: HistoryMapping) -> None:
    """What only shows when all of it is seen together."""
    if mapping.by_position and not {"lng", "lat"} <= set(mapping.columns):
        raise MappingError(_("place.by_position needs columns.lng and columns.lat."))
    if not (mapping.by_position or mapping.place_code or mapping.place.column or mapping.place.default):
        raise MappingError(_("The mapping says nowhere how a place is found; give at least place.default."))
    if not (mapping.matter.column or mapping.matter.default):
        raise MappingError(_("The mapping lacks matter.column or matter.default."))
    if not (mapping.channel.column or mapping.channel.default):
        raise MappingError(_("The mapping lacks channel.column or channel.default."))


def _text(section: Mapping[str, Any], key: str, name: str, most: int = 200) -> str:
    value = section.get(key)
    if not isinstance(value, str) or not 0 < len(value.strip()) <= most:
        raise MappingError(
            _("%(key)s must be a text of 1 to %(most)d characters.") % {"key": f"{name}.{key}", "most": most}
        )
    return value.strip()


def _flag(section: Mapping[str, Any], key: str, name: str) -> bool:
    value = section.get(key, False)
    if not isinstance(value, bool):
        raise MappingError(_("%s must be true or false.") % f"{name}.{key}")
    return value


def _zone(source: Mapping[str, Any]) -> ZoneInfo:
    name = _text(source, "zone", "source")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise MappingError(
            _("source.zone “%s” is not a time zone like Asia/Shanghai.") % shorten(name)
        ) from error


def _state(key: str, value: object) -> State:
    if value not in list(IMPORTABLE_STATES):
        told = {"key": key, "known": ", ".join(IMPORTABLE_STATES)}
        raise MappingError(_("states.%(key)s must be one of: %(known)s.") % told)
    return State(str(value))


def _choice(section: Mapping[str, Any], name: str) -> Choice:
    values = section.get("map", {})
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise MappingError(_("%s must be a table of texts.") % f"{name}.map")
    column = _text(section, "column", name) if "column" in section else ""
    default = _text(section, "default", name) if "default" in section else ""
    return Choice(column, default, values)


def _check_values(choice: Choice, known: Iterable[str], name: str) -> None:
    for value in (*choice.values.values(), *([choice.default] if choice.default else [])):
        if value not in known:
            told = {"name": name, "value": shorten(value), "known": ", ".join(known)}
            raise MappingError(_("%(name)s: “%(value)s” is not one of: %(known)s.") % told)


def _new_class(section: Mapping[str, Any]) -> NewClass | None:
    create = section.get("create")
    if create is None:
        return None
    if not isinstance(create, dict):
        raise MappingError(_("[%s] must be a table of keys.") % "matter.create")
    _refuse_unknown(create, ("section", "code", "name"), "matter.create.")
    kind = _text(create, "section", "matter.create")
    if kind not in MatterClass.Section.values:
        known = ", ".join(MatterClass.Section.values)
        raise MappingError(
            _("%(name)s: “%(value)s” is not one of: %(known)s.")
            % {"name": "matter.create.section", "value": shorten(kind), "known": known}
        )
    code = _text(create, "code", "matter.create", most=10)
    return NewClass(kind, code, _text(create, "name", "matter.create", most=100))
