"""The tables of the Party's figures: places, branches and work units, each number a link to its rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from governance.dashboard.numbers import written
from governance.dashboard.selection import NONE
from governance.dashboard.tables import FigureRow, worst_of
from governance.figures.catalogue import figure_of
from governance.figures.formulas import Good
from governance.figures.party.queries import PartyOverview
from governance.figures.party.subjects import By
from governance.figures.queries import FigureSet
from grids.models import Place
from partymembers.models import Branch, Unit

from .selection import PartySelection

#: What the tables show of each member, in this order; the head says it in a word.
COLUMNS: dict[str, str | Promise] = {
    "members_due": pgettext_lazy("party", "Due"),
    "members_in": pgettext_lazy("party", "Checked in"),
    "check_in": pgettext_lazy("party", "Rate"),
    "wishes_asked": pgettext_lazy("party", "Asked"),
    "wishes_published": pgettext_lazy("party", "Published"),
    "wishes_claimed": pgettext_lazy("party", "Claimed"),
    "wishes_delivered": pgettext_lazy("party", "Delivered"),
    "wishes_closed": pgettext_lazy("party", "Closed"),
    "time_to_claim": pgettext_lazy("party", "To claim"),
    "wish_satisfaction": pgettext_lazy("party", "Satisfaction"),
    "hours": pgettext_lazy("party", "Hours"),
    "points": pgettext_lazy("party", "Points"),
}
#: A wish that nobody has taken belongs to no home branch and no unit.
OF_NOBODY = ("wishes_asked", "wishes_published")
_COUNTS = ("members_due", "members_in")


@dataclass(frozen=True)
class Cell:
    """One number of a row and the list that it opens."""

    key: str
    text: str
    url: str
    label: str | Promise


@dataclass(frozen=True, kw_only=True)
class PartyRow(FigureRow):
    """One place, branch or unit; the rest that lies in none has no page of its own."""

    cells: Sequence[Cell]


@dataclass(frozen=True)
class PartyTable:
    """A breakdown with its head: (key, label) of each column."""

    columns: Sequence[tuple[str, str | Promise]]
    rows: Sequence[PartyRow]
    #: How many rows there are, shown or not.
    total: int = 0


#: A member of a breakdown: its name, what chooses it in an address, its place if it is one; None: the rest.
_Member = tuple[str, dict[str, Any], Place | None]


def place_table(selection: PartySelection, found: PartyOverview) -> PartyTable:
    """The places right below, those that stand today even with nothing to count."""
    territory = selection.territory
    if territory is None:
        return PartyTable((), ())
    children = {child.path: child for child in territory.children}
    counted = _kept(found.members.get(By.PLACE, {}), children)
    for path, child in children.items():
        if child.retired_on is None:
            counted.setdefault(path, FigureSet())

    def member(path: str | None) -> _Member:
        child = children.get(path or "")
        if child is None:
            return _("Placed no further down"), {"rest": "place"}, None
        return child.name, {"place": child.code}, child

    return _table(selection, counted, member)


def branch_table(selection: PartySelection, found: PartyOverview, *, limit: int | None = None) -> PartyTable:
    """The branches right below the one that the table begins at, else every one with something to count."""
    by = By.branch(selection.side)
    counted = dict(found.members.get(by, {}))
    if selection.base:
        branches = {branch.path: branch for branch in selection.below}
        if not branches:
            return PartyTable((), ())
        counted = _kept(counted, branches)
    else:
        branches = {each.path: each for each in Branch.objects.filter(path__in=[p for p in counted if p])}

    def member(path: str | None) -> _Member:
        branch = branches.get(path or "")
        if branch is None:
            return _("Of no branch below"), {"rest": "branch"}, None
        return branch.name, {"branch": branch.pk, "side": selection.side}, None

    return _table(selection, counted, member, is_of_people=by is By.HOME, limit=limit)


def unit_table(selection: PartySelection, found: PartyOverview, *, limit: int | None = None) -> PartyTable:
    """The work units whose people have something to count, and those without one; of one unit no table."""
    if selection.unit or selection.without_unit:
        return PartyTable((), ())
    counted = dict(found.members.get(By.UNIT, {}))
    names = dict(Unit.objects.filter(pk__in=[pk for pk in counted if pk]).values_list("pk", "name"))

    def member(pk: int | None) -> _Member:
        return names.get(pk or 0, _("Without a work unit")), {"unit": pk or NONE}, None

    return _table(selection, counted, member, is_of_people=True, limit=limit)


def _kept(counted: Mapping[str | None, FigureSet], known: Mapping[str, Any]) -> dict[str | None, FigureSet]:
    """Of members that are known, and all others together as the rest."""
    found: dict[str | None, FigureSet] = defaultdict(FigureSet)
    for path, each in counted.items():
        found[path if path in known else None] += each
    return dict(found)


def _table(
    selection: PartySelection,
    counted: Mapping[Any, FigureSet],
    member: Callable[[Any], _Member],
    *,
    is_of_people: bool = False,
    limit: int | None = None,
) -> PartyTable:
    hidden = OF_NOBODY if is_of_people or selection.is_of_people else ()
    columns = [(key, label) for key, label in COLUMNS.items() if key not in hidden]
    shown = {key: each for key, each in counted.items() if key is not None or _tells(each, columns)}
    worst = worst_of(shown, selection.metric)
    rows = []
    for key, each in shown.items():
        name, changes, place = member(key)
        rows.append(
            PartyRow(
                name=name,
                url="" if "rest" in changes else selection.url(**changes),
                cells=[_cell(column, each, selection, changes) for column, _label in columns],
                figures=each,
                place=place,
                is_worst=key is not None and key == worst,
            )
        )
    rows.sort(key=lambda row: _order(row, selection.metric))
    return PartyTable(columns, rows[:limit], len(rows))


def _tells(found: FigureSet, columns: Iterable[tuple[str, Any]]) -> bool:
    """Whether any number of a row is not 0."""
    return any(found.current[part] for key, _label in columns for part in _opens(key))


def _opens(column: str) -> tuple[str, ...]:
    return (column,) if column in _COUNTS else figure_of(column).parts


def _cell(column: str, found: FigureSet, selection: PartySelection, changes: Mapping[str, Any]) -> Cell:
    if column in _COUNTS:
        return Cell(column, f"{found.current[column]:,}", selection.list_url(column, **changes), "")
    figure = figure_of(column)
    url = selection.list_url(figure.opens, **changes)
    return Cell(column, written(column, found.current), url, figure.label)


def _order(row: PartyRow, metric: str) -> tuple[bool, bool, Decimal, str]:
    """The worst first where there is one, else the most; the rest and what has no number last."""
    size = row.figures.current.size(metric)
    sign = 1 if figure_of(metric).good is Good.UP else -1
    return (not row.url, size is None, sign * (size or Decimal(0)), row.name)
