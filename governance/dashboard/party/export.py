"""The Party's figures and the rows behind them as tables of a file; names as masked as on the page."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from governance.dashboard.export import Sheet, members_sheet, require_size, whole_sheet
from governance.figures.party.formulas import PARTY_FIGURES, PARTY_PARTS
from governance.figures.party.queries import PartyOverview
from governance.figures.queries import FigureSet

from .listing import PartyListing
from .selection import PartySelection
from .tables import PartyTable, branch_table, place_table, unit_table


def party_sheets(selection: PartySelection, found: PartyOverview) -> list[Sheet]:
    """Every figure of the whole and of each member of each breakdown."""
    sheets = [whole_sheet(found.total, PARTY_FIGURES)]
    tables = [
        (_("By place"), _("Place"), place_table(selection, found)),
        (_("By branch"), _("Branch"), branch_table(selection, found)),
        (_("By work unit"), _("Work unit"), unit_table(selection, found)),
    ]
    for name, first, table in tables:
        if table.rows:
            sheets.append(members_sheet(name, first, _members(table), PARTY_PARTS, PARTY_FIGURES))
    return sheets


def _members(table: PartyTable) -> Sequence[tuple[str | Promise, FigureSet]]:
    return [(row.name, row.figures) for row in table.rows]


def rows_sheet(listing: PartyListing) -> Sheet:
    """The rows of a list as the page writes them. Raises TooLarge for too many."""
    require_size(listing.rows)
    rows = ([value.value for value in listing.values(row)] for row in listing.rows.iterator(chunk_size=2000))
    return Sheet(str(listing.label), listing.heads, rows)
