"""Division, grid and building codes: parse, check, next. Pure: no queries.

A place down to the community has the 12-digit code for statistics (统计用区划代码, National Bureau of
Statistics, 统计用区划和城乡划分代码编制规则): county 6 (province 2, city 2, county 2), street 3, community 3,
filled up with zeros. A grid adds 3 digits (15), a building 3 more (18). Parts of grids and buildings count
from 001.

The tree path of a place follows from its code (`tree_step`), so a place never moves in the tree, whatever
is added beside it later, and tree order is code order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from governance.common.errors import Invalid
from grids.levels import Level

_DIGITS = re.compile(r"[0-9]+")
#: Where the part that a level adds to a code begins and ends.
_PARTS: dict[Level, tuple[int, int]] = {
    Level.CITY: (0, 4),
    Level.DISTRICT: (4, 6),
    Level.STREET: (6, 9),
    Level.COMMUNITY: (9, 12),
    Level.GRID: (12, 15),
    Level.BUILDING: (15, 18),
}
#: A code for statistics is filled with zeros to this length.
DIVISION_LENGTH = 12


class CodeError(Invalid):
    """The code is not one, or does not stand where it is put; the message says why."""


@dataclass(frozen=True)
class Code:
    """A checked code and the level that it stands for."""

    text: str
    level: Level

    @property
    def part(self) -> int:
        """The number that the code's own level adds: 3 for the grid 341102001001003."""
        start, end = _PARTS[self.level]
        return int(self.text[start:end])

    @property
    def parent(self) -> str | None:
        """The code of the place above by the digits alone; None for a city.

        A street whose county digits are 00 lies right under its city. A small grid inside a large one has
        its community here: only the tree knows the large grid.
        """
        if self.level is Level.CITY:
            return None
        kept = self.text[: _PARTS[self.level][0]]
        if self.level is Level.STREET and kept.endswith("00"):
            kept = kept[:4]
        return kept.ljust(DIVISION_LENGTH, "0")


def is_province(text: str) -> bool:
    """Whether the code is a whole province's (two digits, then zeros): it stands above every city."""
    return len(text) == DIVISION_LENGTH and text.isdigit() and text[2:] == "0" * 10 and text[:2] != "00"


def parse(text: str) -> Code:
    """Check a code. Raises CodeError with what is wrong: characters, length, a zero part, a province."""
    if not _DIGITS.fullmatch(text):
        raise CodeError(_("A code consists of digits only."))
    if len(text) not in {12, 15, 18}:
        raise CodeError(
            _("A code has 12 digits (division), 15 (grid) or 18 (building); this one has %d.") % len(text)
        )
    if is_province(text):
        raise CodeError(_("This is a province's code; the tree begins at the city."))
    level = _level(text)
    if text[:2] == "00" or text[2:4] == "00" or (level.rank > Level.COMMUNITY.rank and text[-3:] == "000"):
        raise CodeError(_("A part of the code is zero that may not be."))
    if level.rank >= Level.COMMUNITY.rank and (text[6:9] == "000" or text[9:12] == "000"):
        raise CodeError(_("A part of the code is zero that may not be."))
    if level is Level.BUILDING and text[12:15] == "000":
        raise CodeError(_("A part of the code is zero that may not be."))
    return Code(text, level)


def _level(text: str) -> Level:
    if len(text) > DIVISION_LENGTH:
        return Level.GRID if len(text) == 15 else Level.BUILDING
    for level in (Level.COMMUNITY, Level.STREET, Level.DISTRICT):
        start, end = _PARTS[level]
        if text[start:end].strip("0"):
            return level
    return Level.CITY


def level_of(text: str) -> Level:
    """The level that a code stands for. Raises CodeError."""
    return parse(text).level


def parent_code(text: str) -> str | None:
    """The code of the place above, by the digits (see `Code.parent`); None for a city. Raises CodeError."""
    return parse(text).parent


def compose(parent: str, level: Level, part: int) -> str:
    """The code of a `level` place with number `part` under `parent`, e.g. (community, GRID, 3).

    `parent` may be a large grid when `level` is GRID: the number then counts within the community. Raises
    CodeError when the part does not fit or the level cannot lie under the parent.
    """
    start, end = _PARTS[level]
    if not 1 <= part < 10 ** (end - start):
        raise CodeError(_("No number is left for another place here."))
    stem = parent if len(parent) == start else parent[:start].ljust(start, "0")
    text = f"{stem}{part:0{end - start}d}".ljust(DIVISION_LENGTH, "0")
    check_child(parent, text, level)
    return text


def next_code(parent: str, taken: Iterable[str], *, level: Level | None = None) -> str:
    """The next free code under `parent`: one above the highest, or the lowest gap once those are used up.

    `taken` must hold every code ever given, retired ones too: a code is never given twice. `level` defaults
    to the one right below the parent. Raises CodeError when all numbers are used.
    """
    level = level or _default_child(parse(parent).level)
    start, end = _PARTS[level]
    stem = compose(parent, level, 1)[:start]
    used = {int(code[start:end]) for code in taken if code[:start] == stem and len(code) >= end}
    top = 10 ** (end - start) - 1
    highest = max(used, default=0)
    if highest < top:
        return compose(parent, level, highest + 1)
    gap = next((number for number in range(1, top + 1) if number not in used), top + 1)
    return compose(parent, level, gap)


def _default_child(level: Level) -> Level:
    if level is Level.BUILDING:
        raise CodeError(_("Nothing lies below a building."))
    return list(Level)[level.rank + 1]


def check_child(parent: str | None, text: str, level: Level) -> Code:
    """Check that `text` is a code of `level` and may stand right under `parent` (None: at the top).

    A street stands under its district, or under its city where its county digits are 00; a grid under its
    community or under a grid of that community. Raises CodeError.
    """
    code = parse(text)
    if code.level != level:
        names = {"code": text, "level": code.level.label, "expected": Level(level).label}
        raise CodeError(_("%(code)s is the code of a %(level)s, not of a %(expected)s.") % names)
    above = None if parent is None else parse(parent)
    if level is Level.GRID and above and above.level is Level.GRID:
        above = parse(above.text[:DIVISION_LENGTH])
    if code.parent != (above.text if above else None):
        names = {"code": text, "parent": parent or _("the top of the tree")}
        raise CodeError(_("%(code)s cannot lie under %(parent)s.") % names)
    return code


def tree_step(code: Code) -> str:
    """The four characters that a place adds to the tree path of the place above it.

    A city's are its own four digits; below, one digit for the level (1 district … 5 building) and three for
    its part. Two places under one parent differ in either, and sort by code.
    """
    if code.level is Level.CITY:
        return code.text[:4]
    return f"{code.level.rank}{code.part:03d}"
