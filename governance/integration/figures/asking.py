"""What an address of the figures asks for, read into the same choice that the dashboard's pages make."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from django.http import QueryDict
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from cases.catalogue import matter_by_code
from cases.models import Channel
from governance.common.api.asked import choice_of, flag_of, text_of
from governance.common.api.fields import names_in
from governance.common.errors import Invalid, NotVisible
from governance.dashboard.selection import LONGEST, NONE, Selection, period_of, selection_of
from governance.figures.periods import Period, Span, Step, add_months, local, midnight
from partymembers.access import Access
from partymembers.api.callers import access_of_caller
from partymembers.models import Branch, Unit

_YEAR: Final = r"(?P<year>20\d{2})"
_FORMS: Final = {
    "year": re.compile(rf"{_YEAR}"),
    "quarter": re.compile(rf"{_YEAR}-Q(?P<number>[1-4])"),
    "month": re.compile(rf"{_YEAR}-(?P<number>0[1-9]|1[0-2])"),
    "week": re.compile(rf"{_YEAR}-W(?P<number>\d{{2}})"),
    "day": re.compile(r"20\d{2}-\d{2}-\d{2}"),
}
#: Named after the day on which somebody asks.
NAMED: Final = tuple(span.value for span in Span if span is not Span.CUSTOM)
#: How a total may be cut into a series.
STEPS: Final = tuple(step.value for step in Step)
#: The longest series, in pieces: every day of a leap year.
MOST_PIECES: Final = 366
COMPARISONS: Final = ("previous", "year")
ALL: Final = "all"


def parameter(name: str, description: str, **more: Any) -> OpenApiParameter:
    """A query parameter for the OpenAPI document."""
    return OpenApiParameter(name, str, description=description, **more)


PERIOD: Final = [
    parameter(
        "period",
        "2026, 2026-Q4, 2026-10, 2026-W47 or 2026-11-20; or that which holds this day: today, week, month, "
        "quarter, year. This month if nothing is said.",
    ),
    parameter("from", "Instead of a period: the first day, or an instant with its zone."),
    parameter("to", "The last day, which is included; or an instant, which is not."),
]
FORMULAS: Final = parameter("formula", "Names from figures/formulas/ with commas between; all without any.")
COMPARE: Final = parameter("compare", "previous, year, or both with a comma between; not for a series.")
#: The names of what a period is asked by, and of how figures are told.
IN_PERIOD: Final = frozenset(each.name for each in PERIOD)
HOW_TOLD: Final = frozenset({"formula", "dimension", "compare"})


def access_to_figures(request: Request) -> Access:
    """The caller's access. Raises NotVisible for whoever holds no place and no unit, as the pages do."""
    access = access_of_caller(request)
    if not (access.grants or access.unit_ids):
        raise NotVisible
    return access


def selection_in(request: Request, access: Access, *, now: dt.datetime) -> Selection:
    """The incidents that `place`, `rest`, `unit`, `matter`, `channel` and the period's parameters choose.

    Raises NotVisible for what the caller may not see or what does not exist, Invalid naming the parameter.
    """
    said = {
        "place": text_of(request, "place"),
        "rest": "1" if flag_of(request, "rest") else "",
        "unit": unit_in(request),
        "matter": _matter(text_of(request, "matter")),
        "channel": choice_of(request, "channel", Channel.values),
    }
    return replace(selection_of(said, access, now=now), period=period_in(request.query_params, now=now))


def unit_in(request: Request) -> str:
    """The id that the pages know the asked unit by; "none" stays: of no unit. Raises NotVisible."""
    code = text_of(request, "unit")
    return code if code in ("", NONE) else id_of(Unit, code)


def id_of(model: type[Unit | Branch], code: str) -> str:
    """The id, as the pages' addresses have it, of what has this code. Raises NotVisible."""
    return str(found(model.objects.filter(code=code).values_list("pk", flat=True).first()))


def _matter(code: str) -> str:
    return str(found(matter_by_code(code)).pk) if code else ""


def found(row: Any) -> Any:
    """The row. Raises NotVisible for none."""
    if row is None:
        raise NotVisible
    return row


def period_in(query: Mapping[str, Any], *, now: dt.datetime) -> Period:
    """The stretch of `period`, or of `from` and `to`; this month without either. Raises Invalid."""
    name = str(query.get("period", "")).strip()
    first, last = (str(query.get(key, "")).strip() for key in ("from", "to"))
    if name and (first or last):
        raise Invalid(_("Give either a period, or from and to."), field="period")
    if first or last:
        return _stretch(first, last, now)
    if name in ("", *NAMED):
        return period_of({"period": name}, now=now)[1]
    try:
        return _calendar(name, now)
    except (ValueError, OverflowError) as error:
        told = _(
            "A period is written as 2026, 2026-Q4, 2026-10, 2026-W47 or 2026-11-20; or one of %(named)s."
        )
        raise Invalid(told % {"named": ", ".join(NAMED)}, field="period") from error


def _calendar(name: str, now: dt.datetime) -> Period:
    """A year, quarter, month, week or day by its name. Raises ValueError."""
    form, match = next(((f, m) for f, each in _FORMS.items() if (m := each.fullmatch(name))), ("", None))
    if match is None:
        raise ValueError(name)
    if form == "day":
        day = dt.date.fromisoformat(name)
        return Period.of_days(day, day, now)
    year, number = int(match["year"]), int(match.groupdict().get("number") or 1)
    if form == "week":
        start = midnight(dt.date.fromisocalendar(year, number, 1))
        return Period(start, start + dt.timedelta(weeks=1), local(now), Span.WEEK)
    months = {"year": 12, "quarter": 3, "month": 1}[form]
    start = midnight(dt.date(year, (number - 1) * months + 1, 1))
    return Period.of_days(start.date(), (add_months(start, months) - dt.timedelta(days=1)).date(), now)


def _stretch(first: str, last: str, now: dt.datetime) -> Period:
    """From day to day, both included; or from instant to instant, the second excluded. Raises Invalid."""
    if "T" not in first + last:
        # One day alone is a period of itself, as on the pages.
        return _renamed(lambda: period_of({"since": first or last, "until": last}, now=now)[1])
    start, end = _instant(first, "from"), _instant(last, "to")
    if end < start:
        raise Invalid(_("The end lies before the beginning."), field="to")
    if (end - start).days > LONGEST:
        raise Invalid(_("Please choose at most five years."), field="to")
    return Period(start, end, local(now))


def _renamed(read: Any) -> Period:
    """What the pages call `since` and `until` is `from` and `to` here. Raises Invalid."""
    try:
        period: Period = read()
    except Invalid as error:
        raise Invalid(error.message, field={"since": "from", "until": "to"}.get(error.field, "")) from error
    return period


def _instant(text: str, name: str) -> dt.datetime:
    try:
        at = dt.datetime.fromisoformat(text)
        if at.tzinfo is None or not 2000 <= at.year < 2100:
            raise ValueError(text)
    except ValueError as error:
        told = _("An instant is written with its zone, as 2026-11-20T08:00:00+08:00.")
        raise Invalid(told, field=name) from error
    return local(at)


def formulas_in(request: Request, known: Iterable[str]) -> list[str]:
    """The formulas that `formula` names, in the catalogue's order; all without one. Raises Invalid."""
    order = list(known)
    wanted = names_in(request, "formula", frozenset({*order, ALL}))
    return order if not wanted or ALL in wanted else [each for each in order if each in wanted]


def comparisons_in(request: Request) -> frozenset[str]:
    """What `compare` names. Raises Invalid."""
    return names_in(request, "compare", frozenset(COMPARISONS))


def series_step(selection: Period, dimension: str) -> Step | None:
    """The step of a series, None for another dimension. Raises Invalid for one of too many pieces."""
    if dimension not in STEPS:
        return None
    step = Step(dimension)
    shortest = {Step.HOUR: dt.timedelta(hours=1), Step.DAY: dt.timedelta(days=1)}.get(step)
    if shortest and (selection.end - selection.start) / shortest > MOST_PIECES:
        told = _("A series has at most %(most)d pieces: choose a longer step or a shorter period.")
        raise Invalid(told % {"most": MOST_PIECES}, field="dimension")
    return step


def bounds(period: Period) -> dict[str, str]:
    """`from` and `to` of exactly what was counted, so that a list opened later holds no more."""
    return {"from": period.start.isoformat(), "to": period.until.isoformat()}


def encoded(said: Mapping[str, str]) -> str:
    """Parameters as an address carries them; empty ones are left out."""
    query = QueryDict(mutable=True)
    query.update({name: value for name, value in said.items() if value})
    return query.urlencode()
