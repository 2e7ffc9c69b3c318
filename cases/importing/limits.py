"""Time limits as catalogues write them: `2紧急工作时`, `4小时`, `3个工作日`, `半天`, `1紧急工作时制止`.

Which timer a unit means differs from city to city, so that the table of units is an argument.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.utils.translation import gettext as _

from cases.deadlines import TimerType
from cases.models import Urgency
from governance.common.tabular import shorten

#: What the units of a sheet mean unless the import says otherwise (DECISIONS.md, "Catalogue").
DEFAULT_UNITS: Final[Mapping[str, TimerType]] = {
    "紧急工作时": TimerType.URGENT_HOUR,
    "紧急工作日": TimerType.NATURAL_DAY,
    "小时": TimerType.WORK_HOUR,
    "工作时": TimerType.WORK_HOUR,
    "天": TimerType.WORK_DAY,
    "工作日": TimerType.WORK_DAY,
    "自然日": TimerType.NATURAL_DAY,
}
_URGENT: Final = "紧急"
#: What may stand behind a limit without changing it: "within", or what is to be done within it.
_TAILS: Final = (
    "",
    "内",
    "以内",
    "之内",
    "制止",
    "处置",
    "处理",
    "完成",
    "办结",
    "内处置",
    "内完成",
    "内制止",
)
_NUMBER: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?|[〇零一二两三四五六七八九十半]+)个?(.+)")
_DIGITS: Final = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_MOST: Final = Decimal("99999.99")


@dataclass(frozen=True)
class ReadLimit:
    """A limit in the timer's unit; `tail` is what stood behind it and was left out."""

    amount: Decimal
    timer: TimerType
    urgency: Urgency
    tail: str = ""


def parse_limit(text: str, units: Mapping[str, TimerType] = DEFAULT_UNITS) -> ReadLimit:
    """A written limit. Raises ValueError, in the user's language, for anything that is not surely one."""
    plain = "".join(unicodedata.normalize("NFKC", text).split())
    found = _NUMBER.fullmatch(plain)
    if found is None:
        raise ValueError(_("“%s” is not a time limit such as 4小时 or 2紧急工作时") % shorten(text))
    amount = _amount(found[1], text)
    unit = max((name for name in units if found[2].startswith(name)), key=len, default=None)
    if unit is None:
        known = {"text": shorten(text), "units": "、".join(units)}
        raise ValueError(_("“%(text)s” has no known unit (%(units)s)") % known)
    tail = found[2].removeprefix(unit)
    if tail not in _TAILS:
        raise ValueError(_("“%s” says more than one time limit") % shorten(text))
    urgency = Urgency.URGENT if unit.startswith(_URGENT) else Urgency.NORMAL
    return ReadLimit(amount, units[unit], urgency, tail)


def parse_units(options: Iterable[str]) -> dict[str, TimerType]:
    """The table of units with what `小时=work_hour` options add or change. Raises ValueError otherwise."""
    units = dict(DEFAULT_UNITS)
    for option in options:
        unit, equals, timer = (part.strip() for part in option.partition("="))
        if not unit or not equals or timer not in list(TimerType):
            known = {"option": shorten(option), "timers": ", ".join(TimerType)}
            raise ValueError(_("“%(option)s” is not like 小时=work_hour; timers are: %(timers)s") % known)
        units[unit] = TimerType(timer)
    return units


def _amount(number: str, text: str) -> Decimal:
    amount = Decimal(number) if number[0].isascii() else _chinese(number)
    if amount is None:
        raise ValueError(_("“%s” has a number that cannot be read") % shorten(text))
    if amount <= 0:
        raise ValueError(_("the time limit must be more than 0"))
    if amount > _MOST or amount != round(amount, 2):
        raise ValueError(_("the time limit must be at most %s, with two decimals at most") % _MOST)
    return amount


def _chinese(number: str) -> Decimal | None:
    """Numbers up to 99, and 半 for a half; None for what is none."""
    if number == "半":
        return Decimal("0.5")
    tens, ten, ones = number.rpartition("十")
    digits = (tens or "一" if ten else "零", ones or "零")
    if any(digit not in _DIGITS for digit in digits):
        return None
    return Decimal(10 * _DIGITS[digits[0]] + _DIGITS[digits[1]])
