"""What an address asks for: place, period, metric and filters; and the addresses of what lies beside it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from cases.models import Channel, Matter
from governance.common.errors import Invalid, NotVisible
from governance.figures.periods import Period, Span, local, midnight
from governance.figures.subjects import NO_UNIT, Area, Subject
from partymembers.access import Access
from partymembers.models import Unit

from .territory import Territory, territory_of

#: What the map and the tables can be coloured and ordered by.
METRICS = ("on_time", "resolution", "satisfaction", "reported")
#: Parameters that make up a selection; all others belong to single pages.
NAMES = ("place", "rest", "period", "since", "until", "metric", "unit", "matter", "channel")
#: Stands for "no unit" in an address.
NONE = "none"
#: The longest custom period, in days: five years and a leap day.
LONGEST = 5 * 365 + 2
_EARLIEST = dt.date(2000, 1, 1)
_LATEST = dt.date(2100, 1, 1)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What any page of figures has chosen, and the addresses beside it. `params` is what the address said."""

    #: The page itself, and the one that lists the rows behind its numbers.
    own_page: ClassVar[str]
    list_page: ClassVar[str]

    period: Period
    named: Span
    metric: str
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def since_day(self) -> str:
        """The first day, as a date input wants it."""
        return f"{self.period.start:%Y-%m-%d}"

    @property
    def until_day(self) -> str:
        """The last day that is counted, likewise."""
        return f"{self.period.last_day:%Y-%m-%d}"

    def url(self, page: str = "", **changes: object) -> str:
        """The address of a page of this room with this selection, changed; None or "" drops a parameter."""
        if "place" in changes:
            changes = {"rest": ""} | changes
        wanted = {
            **self.params,
            **{name: "" if value is None else str(value) for name, value in changes.items()},
        }
        if wanted.get("period") != Span.CUSTOM:
            wanted |= {"since": "", "until": ""}
        query = QueryDict(mutable=True)
        query.update({name: value for name, value in wanted.items() if value})
        return reverse(f"dashboard:{page or self.own_page}") + (f"?{query.urlencode()}" if query else "")

    def list_url(self, part: str, **changes: object) -> str:
        """The address of the rows that a part counts."""
        return self.url(self.list_page, part=part, metric="", **changes)


@dataclass(frozen=True, kw_only=True)
class Selection(Choice):
    """One reader's choice among incidents."""

    own_page = "overview"
    list_page = "cases"

    territory: Territory | None
    unit: Unit | None = None
    matter: Matter | None = None
    channel: str = ""
    is_rest: bool = False
    without_unit: bool = False

    @property
    def area(self) -> Area | None:
        """The place as orders know it."""
        if self.territory is None:
            return None
        return replace(self.territory.area, is_rest=self.is_rest)

    @property
    def subject(self) -> Subject:
        """What is counted."""
        return Subject(
            self.area,
            unit_id=NO_UNIT if self.without_unit else self.unit.pk if self.unit else None,
            matter_id=self.matter.pk if self.matter else None,
            channel=self.channel,
        )

    def piece_url(self, part: str, piece: Period) -> str:
        """The orders of a part in one piece of the period."""
        return self.list_url(part, period=Span.CUSTOM.value, **bounds_of(piece))


def bounds_of(piece: Period) -> dict[str, str]:
    """`since` and `until` of a piece: days where it consists of whole ones (both included), else instants."""
    day = dt.timedelta(days=1)
    if piece.start == midnight(piece.start.date()) and piece.end == midnight(piece.end.date()):
        return {"since": f"{piece.start:%Y-%m-%d}", "until": f"{piece.end - day:%Y-%m-%d}"}
    return {"since": f"{piece.start:%Y-%m-%dT%H:%M}", "until": f"{piece.end:%Y-%m-%dT%H:%M}"}


def selection_of(query: Mapping[str, Any], access: Access, *, now: dt.datetime) -> Selection:
    """Read an address's parameters.

    Raises NotVisible for a place outside the reader's posts or an unknown place, unit or matter; Invalid,
    naming the field, for what is no period, day or metric.
    """
    said = {name: str(query.get(name, "")).strip() for name in NAMES}
    territory = _territory(said, access)
    unit = row_of(Unit, said["unit"]) if said["unit"] not in ("", NONE) else None
    if territory is None and unit is None:
        unit = Unit.objects.filter(pk__in=access.unit_ids).order_by("pk").first()
    if territory is None and (unit is None or not access.in_unit(unit.pk)):
        raise NotVisible
    named, period = period_of(said, now=now)
    return Selection(
        territory=territory,
        period=period,
        named=named,
        metric=chosen_of(said["metric"], METRICS, "metric"),
        unit=unit,
        matter=row_of(Matter, said["matter"]) if said["matter"] else None,
        channel=chosen_of(said["channel"], ("", *Channel.values), "channel", optional=True),
        is_rest=said["rest"] == "1",
        without_unit=said["unit"] == NONE,
        params={name: value for name, value in said.items() if value},
    )


def period_of(said: Mapping[str, str], *, now: dt.datetime) -> tuple[Span, Period]:
    """The named period (this month without a name) or the custom one. Raises Invalid."""
    name = said.get("period") or (Span.CUSTOM if said.get("since") else Span.MONTH)
    named = Span(chosen_of(name, [span.value for span in Span], "period"))
    if named is not Span.CUSTOM:
        return named, Period.named(named, now)
    since, until = said.get("since", ""), said.get("until", "")
    if "T" in since or "T" in until:
        return named, _instants(since, until, now)
    first = _day(since, "since")
    last = _day(until, "until") if until else first
    if last < first:
        raise Invalid(_("The last day lies before the first. Please exchange them."), field="until")
    if (last - first).days > LONGEST:
        raise Invalid(_("Please choose at most five years."), field="until")
    return named, Period.of_days(first, last, now)


def _instants(since: str, until: str, now: dt.datetime) -> Period:
    """A piece shorter than a day, as the trend of a day links to it."""
    zone = local(now).tzinfo
    try:
        start, end = (dt.datetime.fromisoformat(text).replace(tzinfo=zone) for text in (since, until))
        if not (start.date() >= _EARLIEST and end.date() <= _LATEST and start < end):
            raise ValueError(since)
    except ValueError as error:
        raise Invalid(_("Please give a time as in 2026-11-20T08:00."), field="since") from error
    return Period(start, end, local(now))


def _day(text: str, name: str) -> dt.date:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError as error:
        raise Invalid(_("Please give a day as in 2026-11-20."), field=name) from error
    if not _EARLIEST <= day < _LATEST:
        raise Invalid(_("Please give a day between 2000 and 2099."), field=name)
    return day


def chosen_of(value: str, choices: Any, name: str, *, optional: bool = False) -> str:
    """One of the choices, the first unless it is optional. Raises Invalid, naming the field."""
    if not value and not optional:
        return str(next(iter(choices)))
    if value not in choices:
        raise Invalid(_("There is no such choice. Please pick one of the buttons."), field=name)
    return str(value)


def _territory(said: Mapping[str, str], access: Access) -> Territory | None:
    """None only for somebody without a post over a place, who reads about their unit."""
    if not said["place"] and not any(not grant.inherited for grant in access.grants):
        return None
    if said["place"] and not (said["place"].isascii() and said["place"].isdigit()):
        raise NotVisible
    return territory_of(said["place"], access)


def row_of(model: type[Any], text: str) -> Any:
    """A unit, matter or branch by id; what does not exist and what is no number is not found alike."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NotVisible
    row = model.objects.filter(pk=int(text)).first()
    if row is None:
        raise NotVisible
    return row
