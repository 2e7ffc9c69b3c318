"""The doors of the Party's figures: read the address, count, render. What one may not see answers 404."""

from __future__ import annotations

import datetime as dt

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from governance.common.errors import DomainError, Invalid, NotVisible
from governance.common.htmx import is_partial
from governance.common.pagination import paginate
from governance.dashboard.export import FORMATS, answer
from governance.dashboard.page import period_words, periods_of
from governance.dashboard.views import COUNTED
from governance.figures.party.queries import party_overview
from governance.figures.party.subjects import reads_party_figures
from partymembers.access import Access
from partymembers.middleware import access_for

from .export import party_sheets, rows_sheet
from .listing import party_listing_of
from .page import party_context, party_filters, party_title
from .selection import PartySelection, party_selection_of

NAV = "party_figures"


@require_safe
@login_required
def overview(request: HttpRequest) -> HttpResponse:
    """The Party's figures of a place, branch or unit in a period, and what they break down into."""
    now, access = timezone.now(), _access(request)
    selection, error = _selection(request, access, now)
    found = party_overview(selection.subject, selection.period, access, folds=selection.folds)
    everything = request.GET.get("rows") == "all"
    context = party_context(selection, found, everything=everything) | {
        "error": error,
        "typed": {name: request.GET.get(name, "")[:20] for name in ("since", "until")},
        "nav_current": NAV,
        "takes_focus": is_partial(request) and "HX-Trigger" not in request.headers,
    }
    template = "dashboard/party/_overview.html" if is_partial(request) else "dashboard/party/overview.html"
    return render(request, template, context, status=error.http_status if error else 200)


@require_safe
@login_required
def rows(request: HttpRequest) -> HttpResponse:
    """Exactly the rows that a number counts, in pages."""
    now, access = timezone.now(), _access(request)
    selection = party_selection_of(request.GET, access, now=now)
    listing = party_listing_of(request.GET.get("part", ""), selection, access)
    page = paginate(
        listing.rows, order=listing.order, cursor=request.GET.get("cursor", ""), count_up_to=COUNTED
    )
    context = {
        "selection": selection,
        "listing": listing,
        "lines": [[*zip(listing.values(row), listing.heads, strict=True)] for row in page.rows],
        "page": page,
        "title": party_title(selection),
        "period_words": period_words(selection.period),
        "periods": periods_of(selection),
        "filters": party_filters(selection),
        "territory": selection.territory,
        "nav_current": NAV,
        "typed": {},
        "back_url": selection.url(rest=""),
        "export_url": selection.url("party_export", part=listing.part),
        "export_csv_url": selection.url("party_export", part=listing.part, format="csv"),
    }
    template = "dashboard/party/_rows.html" if is_partial(request) else "dashboard/party/rows.html"
    return render(request, template, context)


@require_safe
@login_required
def export_file(request: HttpRequest) -> HttpResponseBase:
    """The figures of a selection, or the rows of a list, as CSV or XLSX."""
    now, access = timezone.now(), _access(request)
    selection = party_selection_of(request.GET, access, now=now)
    form, part = request.GET.get("format", "xlsx"), request.GET.get("part", "")
    if form not in FORMATS:
        raise Invalid(_("Files are given as XLSX or CSV."), field="format")
    if part:
        listing = party_listing_of(part, selection, access)
        sheets, what = [rows_sheet(listing)], str(listing.label)
    else:
        found = party_overview(selection.subject, selection.period, access, folds=selection.folds)
        sheets, what = party_sheets(selection, found), _("Figures")
    days = f"{selection.period.start:%Y%m%d}-{selection.period.last_day:%Y%m%d}"
    return answer(f"{party_title(selection)} {what} {days}", sheets, form)


def _access(request: HttpRequest) -> Access:
    """The reader's access; who answers for no place, branch or unit learns of no page."""
    access = access_for(request)
    if not reads_party_figures(access):
        raise NotVisible
    return access


def _selection(
    request: HttpRequest, access: Access, now: dt.datetime
) -> tuple[PartySelection, DomainError | None]:
    """What the address asks for. If a word of it is wrong, the same people in this month, and the error."""
    try:
        return party_selection_of(request.GET, access, now=now), None
    except Invalid as error:
        kept = {name: request.GET.get(name, "") for name in ("place", "branch", "unit")}
        return party_selection_of(kept, access, now=now), error
