"""What the overview of the Party's figures shows: all that its template needs, out of one count."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from governance.dashboard.numbers import shown
from governance.dashboard.page import below_label, legend_of, map_of, period_words, periods_of
from governance.dashboard.tables import SHORT
from governance.figures.catalogue import figure_of
from governance.figures.party.queries import PartyOverview
from governance.figures.party.subjects import Side

from .selection import PARTY_METRICS, PartySelection
from .tables import OF_NOBODY, branch_table, place_table, unit_table

TILES = ("check_in", "wishes_asked", "time_to_claim", "wish_satisfaction", "hours", "points")
#: The way of a wish, in a table beside the map.
WISHES = ("wishes_asked", "wishes_published", "wishes_claimed", "wishes_delivered", "wishes_closed")


def party_context(
    selection: PartySelection, found: PartyOverview, *, everything: bool = False
) -> dict[str, Any]:
    """The template's context; `everything` shows all rows of the long tables."""
    hidden = OF_NOBODY if selection.is_of_people else ()
    tiles = [key if key not in hidden else "wishes_claimed" for key in TILES]
    limit = None if everything else SHORT
    context: dict[str, Any] = {
        "selection": selection,
        "title": party_title(selection),
        "period_words": period_words(selection.period),
        "periods": periods_of(selection),
        "metrics": [(key, figure_of(key).label, selection.url(metric=key)) for key in PARTY_METRICS],
        "sides": _sides(selection),
        "tiles": [shown(key, found.total, selection) for key in tiles],
        "wishes": [shown(key, found.total, selection) for key in WISHES if key not in hidden],
        "branches": branch_table(selection, found, limit=limit),
        "units": unit_table(selection, found, limit=limit),
        "filters": party_filters(selection),
        "export_url": selection.url("party_export"),
        "export_csv_url": selection.url("party_export", format="csv"),
        "map_hint": _("Choose an area to go down."),
    }
    return context | _place_context(selection, found)


def _place_context(selection: PartySelection, found: PartyOverview) -> dict[str, Any]:
    """The place's line, what lies below it, and the map of that; nothing without a place."""
    territory = selection.territory
    if territory is None:
        return {}
    table = place_table(selection, found)
    drawn = map_of(selection, table.rows)
    line = [(place, selection.url(place=place.code)) for place in territory.line]
    return {
        "territory": territory,
        "line": line,
        "up": line[-2] if line[1:] else None,
        "children": [(p, selection.url(place=p.code)) for p in territory.children if not p.retired_on],
        "below_label": below_label(territory),
        "places": table,
        "map": drawn,
        "legend": legend_of(drawn, selection.metric) if drawn else [],
        "has_worst": any(row.is_worst for row in table.rows),
        "is_schematic": any(child.is_schematic for child in territory.children),
    }


def party_title(selection: PartySelection) -> str:
    """Whose figures these are."""
    whose = selection.territory.place if selection.territory else selection.branch or selection.unit
    return _("Party building of %(whose)s") % {"whose": whose}


def party_filters(selection: PartySelection) -> list[tuple[str, str]]:
    """What narrows the page beside whom it is of, each with the address that drops it."""
    found: list[tuple[str, str]] = []
    if selection.branch and selection.territory:
        found.append((selection.branch.name, selection.url(branch="", side="")))
    if selection.without_unit:
        found.append((_("Without a work unit"), selection.url(unit="")))
    elif selection.unit and (selection.territory or selection.branch):
        found.append((selection.unit.name, selection.url(unit="")))
    if selection.rest:
        words = {"place": _("Placed no further down"), "branch": _("Of no branch below")}
        found.append((words[selection.rest], selection.url(rest="")))
    return found


def _sides(selection: PartySelection) -> list[tuple[str, str, str, bool]]:
    """The two sides of dual check-in that branches can be counted by: key, label, address, whether chosen."""
    labels = {Side.CHECK_IN: _("By branch of check-in"), Side.HOME: _("By home branch")}
    return [
        (side.value, label, selection.url(side=side.value), side is selection.side)
        for side, label in labels.items()
    ]
