"""How times, rates, names and phones read; pure functions behind the template filters."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

DASH = "—"
_MINUTE = 60
_HOUR = 3600
_DAY = 86400


def duration(span: timedelta | int | float | None) -> str:
    """A span as people say it: `24 min`, `1 h 12 min`, `1 d 5 h`, from three days on whole days.

    `span` is a timedelta or a number of seconds; its sign is dropped, because a word beside it says "left" or
    "late". Less than a minute counts as one, so that nothing ever reads "0 min". None gives a dash.
    """
    if span is None:
        return DASH
    seconds = int(abs(span.total_seconds() if isinstance(span, timedelta) else span))
    if seconds >= _DAY:
        days, hours = seconds // _DAY, seconds % _DAY // _HOUR
        if hours and days < 3:
            return _("%(days)s d %(hours)s h") % {"days": days, "hours": hours}
        return _("%(days)s d") % {"days": days}
    minutes = max(1, seconds // _MINUTE)
    hours, minutes = divmod(minutes, _MINUTE)
    if not hours:
        return _("%(minutes)s min") % {"minutes": minutes}
    if not minutes:
        return _("%(hours)s h") % {"hours": hours}
    return _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": f"{minutes:02d}"}


def masked_phone(phone: str | None) -> str:
    """A phone with its middle hidden: `138****0000`; numbers of other lengths keep their last two digits."""
    digits = (phone or "").strip()
    if not digits:
        return ""
    if len(digits) == 11 and digits.isdigit():
        return f"{digits[:3]}****{digits[-4:]}"
    return "*" * max(0, len(digits) - 2) + digits[-2:] if len(digits) > 4 else "****"


def masked_name(name: str | None) -> str:
    """A name but for its beginning: a Chinese name keeps its surname, another its first letter."""
    text = (name or "").strip()
    if not text:
        return ""
    if "\u3400" <= text[0] <= "\u9fff":
        surname = text[:2] if len(text) > 3 and text[:2] in COMPOUND_SURNAMES else text[0]
        return f"{surname}某某"
    return f"{text[0]}***"


COMPOUND_SURNAMES = frozenset(
    [
        "欧阳",
        "上官",
        "司马",
        "诸葛",
        "东方",
        "皇甫",
        "尉迟",
        "公孙",
        "慕容",
        "令狐",
        "长孙",
        "宇文",
        "司徒",
        "夏侯",
        "轩辕",
        "端木",
        "南宫",
        "独孤",
        "西门",
        "闻人",
        "申屠",
        "淳于",
        "太史",
        "百里",
        "呼延",
    ]
)


def two_decimals(value: Decimal | float | int) -> str:
    """A number with two decimals, halves rounded away from zero as in printed statistics."""
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    return str(exact.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))


def rate(value: Decimal | float | int | None) -> str:
    """A rate in percent (94.5 means 94.50 %); None, a rate without a denominator, gives a dash."""
    return DASH if value is None else f"{two_decimals(value)}%"


def points_delta(value: Decimal | float | int | None) -> str:
    """The size of a difference between two rates, in percentage points; an arrow beside it says where to."""
    if value is None:
        return DASH
    size = value.copy_abs() if isinstance(value, Decimal) else abs(value)
    return _("%(points)s pts") % {"points": two_decimals(size)}


def local_time(at: datetime | None, now: datetime | None = None) -> str:
    """An instant in local time: `11-20 10:24`, with the year in front when it is not this year's."""
    if at is None:
        return DASH
    local = timezone.localtime(at) if timezone.is_aware(at) else at
    this_year = timezone.localtime(now).year
    pattern = "%m-%d %H:%M" if local.year == this_year else "%Y-%m-%d %H:%M"
    return local.strftime(pattern)


def due_time(at: datetime | None, now: datetime | None = None) -> str:
    """A due time as briefly as it stays clear: `10:24` today, else as `local_time`."""
    if at is None:
        return DASH
    local = timezone.localtime(at)
    return local.strftime("%H:%M") if local.date() == timezone.localtime(now).date() else local_time(at, now)


def ago(at: datetime | None, now: datetime | None = None) -> str:
    """How long since `at`, e.g. `24 min ago`; an instant to come reads `in 24 min`."""
    if at is None:
        return DASH
    span = (now or timezone.now()) - at
    if abs(span) < timedelta(minutes=1):
        return _("just now")
    if span < timedelta(0):
        return _("in %(span)s") % {"span": duration(span)}
    return _("%(span)s ago") % {"span": duration(span)}


def distance(metres: float | Decimal | None) -> str:
    """A distance in metres below 1 km (to 10 m above 100 m), else in kilometres with one decimal."""
    if metres is None:
        return DASH
    value = float(metres)
    if value < 1000:
        whole = round(value / 10) * 10 if value >= 100 else round(value)
        return _("%(metres)s m") % {"metres": whole}
    return _("%(kilometres)s km") % {"kilometres": f"{value / 1000:.1f}"}


def orders_missing(count: int) -> str:
    """The first sentence of an error summary: how many places are still wrong."""
    return ngettext(
        "%(count)s thing is missing or wrong.", "%(count)s things are missing or wrong.", count
    ) % {"count": count}


def html_language() -> str:
    """The value of `<html lang>`: `zh-CN` for Simplified Chinese, else the active language's own code."""
    language = get_language() or "zh-hans"
    return "zh-CN" if language.startswith("zh") else language
