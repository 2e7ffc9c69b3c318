"""Figures and lists as CSV or XLSX. Text is inert in a spreadsheet; rates are percent, times are local."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from io import BytesIO
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.functional import Promise
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from cases.models import Case, Channel
from cases.querysets import CaseQuerySet
from governance.common.errors import TooLarge
from governance.common.formats import DASH
from governance.common.text import spreadsheet_safe
from governance.figures.catalogue import part_label
from governance.figures.formulas import FIGURES, PARTS, Figure, Kind
from governance.figures.periods import local
from governance.figures.queries import FigureSet, Overview
from governance.figures.tallies import Tally

from .selection import Selection

#: Most orders in one file; a spreadsheet opens no more with ease.
MOST = 50_000
FORMATS = ("xlsx", "csv")
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Sheet:
    """One table of a file: its name, its header and its rows."""

    name: str
    header: Sequence[Any]
    rows: Iterable[Sequence[Any]]


def figure_sheets(selection: Selection, found: Overview) -> list[Sheet]:
    """Every figure of the whole and of each of its members; the first sheet also as it was before."""
    sheets = [whole_sheet(found.total)]
    if selection.territory:
        names = {child.pk: child.name for child in selection.territory.children}
        folded = selection.territory.folded(found.places)
        places = [(names.get(pk or 0, _("Placed no further down")), each) for pk, each in folded.items()]
        sheets.append(members_sheet(_("By place"), _("Place"), places))
    labels = dict(Channel.choices)
    channels = [(labels.get(key, key), each) for key, each in found.channels.items()]
    sheets.append(
        members_sheet(
            _("By unit"),
            _("Unit"),
            [(m.name or _("Not dispatched"), each) for m, each in found.units.items()],
        )
    )
    sheets.append(
        members_sheet(_("By matter"), _("Matter"), [(m.name, each) for m, each in found.matters.items()])
    )
    sheets.append(members_sheet(_("By channel"), _("Channel"), channels))
    steps = [(f"{piece.start:%Y-%m-%d %H:%M}", FigureSet(tally)) for piece, tally in found.trend]
    sheets.append(members_sheet(_("Trend"), pgettext("figure", "Time"), steps))
    return sheets


def case_sheet(name: str, cases: CaseQuerySet) -> Sheet:
    """The orders of a list, without anything that names who reported them. Raises TooLarge over `MOST`."""
    require_size(cases)
    header = [
        _("Order number"),
        _("Matter"),
        _("State"),
        _("Channel"),
        _("Place"),
        _("Unit"),
        _("Reported at"),
        _("Due at"),
        _("Closed at"),
        _("Handling hours"),
        _("Failed checks"),
        _("Extensions"),
        _("Satisfaction"),
    ]
    return Sheet(name, header, (_case_row(case) for case in cases.iterator(chunk_size=2000)))


def require_size(rows: QuerySet[Any]) -> None:
    """Pass a list that one file may hold. Raises TooLarge over `MOST`."""
    if rows.order_by()[: MOST + 1].count() > MOST:
        raise TooLarge(
            _("The list holds more than %(most)s rows. Please choose a shorter period or a smaller place.")
            % {"most": f"{MOST:,}"}
        )


def _case_row(case: Case) -> list[Any]:
    hours = case.handling_time and Decimal(str(case.handling_time.total_seconds())) / 3600
    return [
        case.number,
        case.matter.name,
        case.get_state_display(),
        case.get_channel_display(),
        case.place.name,
        case.unit.name if case.unit else "",
        case.reported_at,
        case.due_at,
        case.closed_at,
        hours,
        case.reworks,
        case.extensions,
        case.get_satisfaction_display() if case.satisfaction else "",
    ]


def whole_sheet(total: FigureSet, figures: Mapping[str, Figure] = FIGURES) -> Sheet:
    """Every figure of the whole, with both comparisons and what it was counted from."""
    header = [_("Figure"), _("Unit of the figure"), _("This period"), _("Period before"), _("Year before")]
    header += [_("Counted"), _("Out of")]
    rows = [
        [
            figure.label,
            figure.unit or _UNITS[figure.kind](),
            *(_number(each, key) for each in (total.current, total.previous, total.year_before)),
            total.current.numerator(key),
            total.current.denominator(key) if figure.denominator else DASH,
        ]
        for key, figure in figures.items()
    ]
    return Sheet(_("Figures"), header, rows)


_UNITS = {Kind.RATE: lambda: "%", Kind.DURATION: lambda: _("hours")}
_INCIDENTS = {key: figure for key, figure in FIGURES.items() if figure.kind is Kind.RATE}


def members_sheet(
    name: str,
    first: str,
    members: Sequence[tuple[str | Promise, FigureSet]],
    parts: Iterable[str] = PARTS,
    figures: Mapping[str, Figure] = _INCIDENTS,
) -> Sheet:
    """The parts and figures of each member of a breakdown."""
    units = {key: "%" if figure.kind is Kind.RATE else figure.unit for key, figure in figures.items()}
    labels = [f"{figure.label} {units[key]}".strip() for key, figure in figures.items()]
    header = [first, *(part_label(part) for part in parts), *labels]
    rows = [
        [
            member,
            *(each.current[part] for part in parts),
            *(_number(each.current, key) for key in figures),
        ]
        for member, each in members
    ]
    return Sheet(name, header, rows)


def _number(tally: Tally, key: str) -> Decimal | str:
    size = tally.size(key)
    return DASH if size is None else size.quantize(_CENT, rounding=ROUND_HALF_UP)


def cell(value: Any) -> Any:
    """A value as a spreadsheet may hold it: numbers stay numbers, instants are local, text is inert."""
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, Decimal):
        return value.quantize(_CENT, rounding=ROUND_HALF_UP) if value.as_tuple().exponent else int(value)
    if isinstance(value, dt.datetime):
        return f"{local(value):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, dt.date):
        return f"{value:%Y-%m-%d}"
    return spreadsheet_safe(ILLEGAL_CHARACTERS_RE.sub("", str(value)))


def answer(filename: str, sheets: Sequence[Sheet], form: str) -> HttpResponseBase:
    """The file to be saved. CSV holds one table: of several the second (the members), else the only one."""
    if form == "csv":
        return _csv(filename, sheets[1] if len(sheets) > 1 else sheets[0])
    return _xlsx(filename, sheets)


class _Echo:
    """A file that hands back what is written into it, so that a CSV leaves line by line."""

    def write(self, text: str) -> str:
        return text


def _csv(filename: str, sheet: Sheet) -> StreamingHttpResponse:
    writer = csv.writer(_Echo())

    def lines() -> Iterator[str]:
        yield "\ufeff"  # or a spreadsheet takes UTF-8 for the local code page
        yield writer.writerow([cell(each) for each in sheet.header])
        for row in sheet.rows:
            yield writer.writerow([cell(each) for each in row])

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    return _named(response, f"{filename}.csv")


def _xlsx(filename: str, sheets: Sequence[Sheet]) -> HttpResponse:
    book = Workbook(write_only=True)
    for sheet in sheets:
        page = book.create_sheet(title=_sheet_name(sheet.name))
        page.freeze_panes = "A2"
        page.append([cell(each) for each in sheet.header])
        for row in sheet.rows:
            page.append([cell(each) for each in row])
    data = BytesIO()
    book.save(data)
    return _named(HttpResponse(data.getvalue(), content_type=_XLSX), f"{filename}.xlsx")


def _sheet_name(name: str | Promise) -> str:
    return "".join(" " if each in r"[]:*?/\'" else each for each in str(name))[:31]


def _named(response: Any, filename: str) -> Any:
    safe = "".join("-" if each in '\\/:*?"<>|\r\n' else each for each in filename)
    response.headers["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=safe)
    response.headers["Cache-Control"] = "no-store"
    return response
