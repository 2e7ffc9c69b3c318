"""The doors of the dashboard: read the address, count, render. What one may not see answers 404."""

from __future__ import annotations

import datetime as dt
from typing import Any

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
from governance.figures import queries
from grids.models import ORDER_LEVELS, Level, Place
from partymembers.access import Access
from partymembers.middleware import access_for

from . import export
from .late import late_of
from .listing import listing_of
from .page import context_of, dimensions_of, filters_of, period_words, periods_of, title_of
from .selection import Selection, selection_of

#: Counted exactly up to here; more is said to be more.
COUNTED = 1_000_000


@require_safe
@login_required
def overview(request: HttpRequest) -> HttpResponse:
    """The figures of a place and a period, and everything they break down into."""
    now, access = timezone.now(), _access(request)
    selection, error = _selection(request, access, now)
    found = queries.overview(
        selection.subject, selection.period, access, dimensions=dimensions_of(selection), rank=Level.STREET
    )
    context = context_of(selection, found, everything=request.GET.get("rows") == "all") | {
        "late": late_of(selection, access, now=now),
        "posts": _own_places(selection, access),
        "error": error,
        "typed": {name: request.GET.get(name, "")[:20] for name in ("since", "until")},
        "nav_current": "dashboard",
        # A button that stays keeps the focus by its id; after a link that is gone the title takes it.
        "takes_focus": is_partial(request) and "HX-Trigger" not in request.headers,
    }
    template = "dashboard/_overview.html" if is_partial(request) else "dashboard/overview.html"
    return render(request, template, context, status=error.http_status if error else 200)


@require_safe
@login_required
def late(request: HttpRequest) -> HttpResponse:
    """The list of late orders by itself: a part that the overview renews every minute, or a page."""
    now, access = timezone.now(), _access(request)
    selection = selection_of(request.GET, access, now=now)
    context = {
        "late": late_of(selection, access, now=now),
        "title": title_of(selection),
        "back_url": selection.url(),
        "nav_current": "dashboard",
    }
    template = "dashboard/_late.html" if is_partial(request) else "dashboard/late.html"
    return render(request, template, context)


@require_safe
@login_required
def cases(request: HttpRequest) -> HttpResponse:
    """Exactly the orders that a number counts, in pages."""
    now, access = timezone.now(), _access(request)
    selection = selection_of(request.GET, access, now=now)
    listing = listing_of(request.GET.get("part", ""), selection, access, now=now)
    page = paginate(
        listing.cases, order=listing.order, cursor=request.GET.get("cursor", ""), count_up_to=COUNTED
    )
    context: dict[str, Any] = {
        "selection": selection,
        "listing": listing,
        "page": page,
        "title": title_of(selection),
        "period_words": period_words(selection.period) if listing.is_of_a_period else "",
        "periods": periods_of(selection),
        "filters": filters_of(selection),
        "territory": selection.territory,
        "nav_current": "dashboard",
        "typed": {},
        "back_url": selection.url(),
        "export_url": selection.url("export", part=listing.part),
        "export_csv_url": selection.url("export", part=listing.part, format="csv"),
    }
    template = "dashboard/_cases.html" if is_partial(request) else "dashboard/cases.html"
    return render(request, template, context)


@require_safe
@login_required
def export_file(request: HttpRequest) -> HttpResponseBase:
    """The figures of a selection, or the orders of a list, as CSV or XLSX."""
    now, access = timezone.now(), _access(request)
    selection = selection_of(request.GET, access, now=now)
    form, part = request.GET.get("format", "xlsx"), request.GET.get("part", "")
    if form not in export.FORMATS:
        raise Invalid(_("Files are given as XLSX or CSV."), field="format")
    if part:
        listing = listing_of(part, selection, access, now=now)
        sheets, what = [export.case_sheet(str(listing.label), listing.cases)], str(listing.label)
    else:
        found = queries.overview(
            selection.subject, selection.period, access, dimensions=dimensions_of(selection)
        )
        sheets, what = export.figure_sheets(selection, found), _("Figures")
    days = f"{selection.period.start:%Y%m%d}-{selection.period.last_day:%Y%m%d}"
    return export.answer(f"{title_of(selection)} {what} {days}", sheets, form)


def _access(request: HttpRequest) -> Access:
    """The reader's access; who holds nothing but an officer's post has no figures, and learns of no page."""
    access = access_for(request)
    if not (access.grants or access.unit_ids):
        raise NotVisible
    return access


def _selection(
    request: HttpRequest, access: Access, now: dt.datetime
) -> tuple[Selection, DomainError | None]:
    """What the address asks for. If a word of it is wrong, the same place in this month, and the error."""
    try:
        return selection_of(request.GET, access, now=now), None
    except Invalid as error:
        kept = {name: request.GET.get(name, "") for name in ("place", "unit")}
        return selection_of(kept, access, now=now), error


def _own_places(selection: Selection, access: Access) -> list[tuple[Place, str]]:
    """The places of the reader's own posts, to switch between; asked for only where there are several."""
    ids = [g.place_id for g in access.grants if not g.inherited and g.level in ORDER_LEVELS]
    if len(ids) < 2:
        return []
    places = Place.objects.filter(pk__in=ids).defer("boundary").order_by("path")
    return [(place, selection.url(place=place.code)) for place in places]
