"""What the overview shows: all that its template needs, out of one count."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from governance.common.formats import points_delta, rate
from governance.figures.catalogue import figure_of
from governance.figures.counting import Dimension
from governance.figures.formulas import FIGURES, Kind
from governance.figures.periods import Period, Span, Step
from governance.figures.queries import FigureSet, Overview, ranking
from governance.figures.tallies import Tally
from grids.models import Level, Place

from . import tables
from .choropleth import AreaValue, Choropleth, choropleth
from .numbers import Door, door, shown, written
from .selection import METRICS, Choice, Selection
from .territory import Territory

TILES = ("reported", "registration", "resolution", "on_time", "rework", "satisfaction")
#: Shown in a table under the tiles, so that no figure of the catalogue is missing.
OTHERS = tuple(key for key in FIGURES if key not in TILES)
#: A day with fewer orders due than this is no low point worth a note.
NOTEWORTHY = 5

_BELOW: dict[str, str | Promise] = {
    Level.DISTRICT: gettext_lazy("Districts"),
    Level.STREET: gettext_lazy("Streets"),
    Level.COMMUNITY: gettext_lazy("Communities"),
    Level.GRID: gettext_lazy("Grids"),
}


@dataclass(frozen=True)
class Finding:
    """先看这里: the place below that closes the least on time, and the orders that show it."""

    text: str
    door: Door


def dimensions_of(selection: Selection) -> list[Dimension]:
    """What the page breaks down: places only where there are any, a ranking beside them only for a city."""
    wanted = [Dimension.UNIT, Dimension.MATTER, Dimension.CHANNEL, Dimension.STEP]
    territory = selection.territory
    if territory:
        wanted.append(Dimension.PLACE)
        if territory.rank:
            wanted.append(Dimension.RANK)
    return wanted


def context_of(selection: Selection, found: Overview, *, everything: bool = False) -> dict[str, Any]:
    """The template's context; `everything` shows all rows of the long tables."""
    territory, tallies = selection.territory, [tally for _piece, tally in found.trend]
    limit = None if everything else tables.SHORT
    context: dict[str, Any] = {
        "selection": selection,
        "title": title_of(selection),
        "period_words": period_words(selection.period),
        "periods": periods_of(selection),
        "metrics": [(key, FIGURES[key].label, selection.url(metric=key)) for key in METRICS],
        "tiles": [shown(key, found.total, selection, tallies) for key in TILES],
        "others": [shown(key, found.total, selection) for key in OTHERS],
        "trend": trend_of(selection, found.trend),
        "matters": tables.matter_rows(selection, found.matters, limit=limit),
        "matter_count": sum(1 for each in found.matters.values() if each.current["reported"]),
        "units": tables.unit_rows(selection, found.units, limit=limit),
        "unit_count": sum(1 for each in found.units.values() if each.current["due"]),
        "channels": tables.channel_rows(selection, found.channels),
        "filters": filters_of(selection),
        "export_url": selection.url("export"),
        "export_csv_url": selection.url("export", format="csv"),
        "everything": everything,
    }
    return context | (_place_context(selection, territory, found) if territory else {})


def _place_context(selection: Selection, territory: Territory, found: Overview) -> dict[str, Any]:
    folded = territory.folded(found.places)
    rows = tables.place_rows(selection, territory, folded)
    ranked = _ranked_places(territory, found, folded)
    drawn = map_of(selection, rows)
    return {
        "territory": territory,
        "line": [(place, selection.url(place=place.code)) for place in territory.line],
        "up": (territory.line[-2], selection.url(place=territory.line[-2].code))
        if territory.line[1:]
        else None,
        "children": [
            (each, selection.url(place=each.code)) for each in territory.children if not each.retired_on
        ],
        "below_label": below_label(territory),
        "rows": rows,
        "map": drawn,
        "legend": legend_of(drawn, selection.metric) if drawn else [],
        "has_worst": any(row.is_worst for row in rows),
        "is_schematic": any(child.is_schematic for child in territory.children),
        "finding": finding_of(selection, territory, found.total, folded, ranked),
        "red_black": tables.red_and_black(selection, territory, ranked) if ranked else None,
        "ranking_title": _RANKINGS[Level.STREET if territory.rank else _child_level(territory)],
    }


def _ranked_places(
    territory: Territory, found: Overview, folded: Mapping[int | None, FigureSet]
) -> dict[Place, FigureSet]:
    """The places to be ranked: a city's streets, else the places right below."""
    if territory.rank:
        named = ((territory.find(member.pk), each) for member, each in found.ranked.items())
    else:
        named = ((territory.find(pk), each) for pk, each in folded.items())
    return {place: each for place, each in named if place is not None}


def title_of(selection: Selection) -> str:
    """Whose figures these are."""
    if selection.territory:
        return _("Governance of %(place)s") % {"place": selection.territory.place.name}
    return _("Orders of %(unit)s") % {"unit": selection.unit}


_RANKINGS: dict[str, str | Promise] = {
    Level.DISTRICT: gettext_lazy("Districts, commended and criticised"),
    Level.STREET: gettext_lazy("Streets, commended and criticised"),
    Level.COMMUNITY: gettext_lazy("Communities, commended and criticised"),
    Level.GRID: gettext_lazy("Grids, commended and criticised"),
}


def _child_level(territory: Territory) -> str:
    return territory.children[0].level if territory.children else Level.GRID


def below_label(territory: Territory) -> str | Promise:
    """What the places below are called; a city without districts has streets there."""
    return _BELOW[_child_level(territory)]


def period_words(period: Period) -> str:
    """The counted days in words; of a period that runs, until which instant."""
    first, last = period.start, period.until if period.is_running else period.last_day
    words = {"first": _day(first, period), "last": _day(last, period)}
    if period.is_running:
        words["time"] = f"{period.until:%H:%M}"
        if period.days == 1:
            return _("%(last)s until %(time)s") % words
        return _("%(first)s to %(last)s %(time)s") % words
    return words["last"] if period.days == 1 else _("%(first)s to %(last)s") % words


def _day(at: dt.datetime | dt.date, period: Period) -> str:
    is_this_year = at.year == period.now.year
    return date_format(at, pgettext("date format", "F j") if is_this_year else "DATE_FORMAT")


def periods_of(selection: Choice) -> list[tuple[Span, str | Promise, str, bool]]:
    """The named periods with their addresses, and whether each is chosen."""
    named = [span for span in Span if span is not Span.CUSTOM]
    return [(span, span.label, selection.url(period=span.value), span is selection.named) for span in named]


def filters_of(selection: Selection) -> list[tuple[str, str]]:
    """The filters in force beside the place, each with the address that drops it."""
    found: list[tuple[str, str]] = []
    if selection.is_rest:
        found.append((_("Placed no further down"), selection.url(rest="")))
    if selection.without_unit or (selection.unit and selection.territory):
        name = _("Not dispatched") if selection.without_unit else str(selection.unit)
        found.append((name, selection.url(unit="")))
    if selection.matter:
        found.append((selection.matter.name, selection.url(matter="")))
    if selection.channel:
        found.append((str(dict(tables.Channel.choices)[selection.channel]), selection.url(channel="")))
    return found


def finding_of(
    selection: Selection,
    territory: Territory,
    total: FigureSet,
    folded: Mapping[int | None, FigureSet],
    ranked: Mapping[Place, FigureSet],
) -> Finding | None:
    """The worst place below with a sufficient sample, if it does worse than the whole; None otherwise."""
    places = {pk: each for pk, each in folded.items() if territory.find(pk)}
    order = ranking(places, "on_time").ranked
    whole = total.current.rate("on_time")
    if len(order) < 2 or whole is None:
        return None
    pk, worst = order[-1]
    place, low = territory.find(pk), worst.current.rate("on_time")
    if place is None or low is None or low >= whole:
        return None
    text = _("%(name)s closes %(rate)s on time, %(points)s below %(whole)s.") % {
        "name": place.name,
        "rate": rate(low),
        "points": points_delta(whole - low),
        "whole": territory.place.name,
    }
    return _with_hotspot(selection, text, place, worst.current, ranked)


def _with_hotspot(
    selection: Selection, text: str, place: Place, worst: Tally, ranked: Mapping[Place, FigureSet]
) -> Finding:
    """Name the street of the worst district where most of the missed orders lie, and open those."""
    inner = [(p, f) for p, f in ranked.items() if p.pk != place.pk and p.path.startswith(place.path)]
    counts = {"missed": f"{worst['missed']:,}", "due": f"{worst['due']:,}"}
    if not inner:
        text += _(" %(missed)s of %(due)s were not closed on time.") % counts
        return Finding(text, door("missed", worst, selection, place=place.code))
    street, found = max(inner, key=lambda each: each[1].current["missed"])
    counts |= {"street": street.name, "inner": f"{found.current['missed']:,}"}
    text += _(" %(missed)s of %(due)s were not closed on time, %(inner)s of them in %(street)s.") % counts
    return Finding(text, door("missed", found.current, selection, place=street.code))


def map_of(selection: Choice, rows: Sequence[tables.FigureRow]) -> Choropleth | None:
    """The places below, coloured by the chosen metric."""
    metric = selection.metric
    return choropleth(
        [
            AreaValue(
                key=row.place.pk,
                name=row.name,
                boundary=row.place.boundary,
                value=row.figures.current.size(metric),
                text=row.text(metric),
                url=row.url,
                is_worst=row.is_worst,
            )
            for row in rows
            if row.place is not None
        ]
    )


def legend_of(drawn: Choropleth, metric: str) -> list[tuple[int, str]]:
    """Each shade in use, and the numbers that it stands for."""
    unit = "%" if figure_of(metric).kind is Kind.RATE else ""
    bounds = [f"{bound:f}" for bound in drawn.bounds]
    if not bounds:
        return []
    words = [f"<{bounds[0]}", *(f"{low}–{high}" for low, high in pairwise(bounds)), f"≥{bounds[-1]}"]
    return [(5 - len(bounds) + index, f"{text}{unit}") for index, text in enumerate(words)]


def trend_of(selection: Selection, pieces: Sequence[tuple[Period, Tally]]) -> dict[str, Any]:
    """The chart's data, and the table that says the same."""
    step = selection.period.steps()
    labels = [_step_label(piece, step) for piece, _tally in pieces]
    rates = [tally.rate("on_time") for _piece, tally in pieces]
    bars = {part: [float(tally[part]) for _piece, tally in pieces] for part in ("reported", "closed")}
    chart = {
        "labels": labels,
        "series": [
            _series(
                pgettext("figure", "Reported"),
                "bar",
                [float(tally["reported"]) for _piece, tally in pieces],
                "",
            ),
            _series(_("Due and closed"), "bar", bars["closed"], ""),
            _series(
                _("On-time rate"), "line", [None if r is None else round(float(r), 2) for r in rates], "%"
            ),
        ],
        "note": _low_point(labels, pieces),
        "partial_last": selection.period.is_running,
        "urls": [selection.piece_url("due", piece) for piece, _tally in pieces],
    }
    parts = ("reported", "due", "closed", "on_time")
    table = [
        {
            "label": label,
            "doors": [Door(tally[part], selection.piece_url(part, piece)) for part in parts],
            "on_time": written("on_time", tally),
        }
        for label, (piece, tally) in zip(labels, pieces, strict=True)
    ]
    # In an element of its own and no script: htmx takes scripts out of what it swaps in.
    return {"chart": json.dumps(chart, ensure_ascii=False), "table": table, "title": _TREND_TITLES[step]}


_TREND_TITLES = {
    Step.HOUR: gettext_lazy("Reported, closed and on time, by hour"),
    Step.DAY: gettext_lazy("Reported, closed and on time, by day"),
    Step.WEEK: gettext_lazy("Reported, closed and on time, by week"),
    Step.MONTH: gettext_lazy("Reported, closed and on time, by month"),
}


def _series(name: str, kind: str, values: Sequence[float | None], unit: str) -> dict[str, Any]:
    return {"name": name, "kind": kind, "values": values, "unit": unit}


def _step_label(piece: Period, step: Step) -> str:
    patterns = {Step.HOUR: "%H:%M", Step.DAY: "%m-%d", Step.WEEK: "%m-%d", Step.MONTH: "%Y-%m"}
    return piece.start.strftime(patterns[step])


def _low_point(labels: Sequence[str], pieces: Sequence[tuple[Period, Tally]]) -> dict[str, Any] | None:
    """The step that closed the least on time, where enough fell due to say so."""
    low: list[tuple[Decimal, int]] = [
        (found, index)
        for index, (_piece, tally) in enumerate(pieces)
        if (found := tally.rate("on_time")) is not None and tally["due"] >= NOTEWORTHY
    ]
    if len(low) < 3:
        return None
    worst, index = min(low)
    words = {"step": labels[index], "rate": rate(worst)}
    return {"index": index, "text": _("%(step)s lowest: %(rate)s") % words}
