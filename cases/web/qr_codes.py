"""The QR codes of a desk's buildings, to print and cut: each leads to the report page of its place."""

from __future__ import annotations

from dataclasses import dataclass

import segno
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cases.web.reporting import building_words
from governance.common.errors import NotAllowed
from governance.common.pagination import paginate
from grids.models import Building, QrCode
from partymembers.access import Access
from partymembers.middleware import access_for
from partymembers.models import DESK_ROLES

PAGE_SIZE = 24


@dataclass(frozen=True)
class Plate:
    """One code as it is put up: the drawing, the place in words, the address in full."""

    drawing: SafeString
    words: str
    label: str
    url: str


@login_required
@require_safe
def qr_codes(request: HttpRequest) -> HttpResponse:
    """Codes in use below the desks that the person staffs."""
    access = access_for(request)
    if not access.desk_place_ids:
        raise NotAllowed(_("This page is for the staff of a desk."))
    rows = QrCode.objects.filter(_below(access), revoked_at=None, place__retired_on=None)
    page = paginate(
        rows.select_related("place"),
        order="issued_at",
        cursor=request.GET.get("cursor", ""),
        size=PAGE_SIZE,
        count_up_to=10_000,
    )
    ids = [code.place_id for code in page.rows]
    buildings = Building.objects.filter(pk__in=ids).select_related("place", "compound")
    known = {building.pk: building_words(building) for building in buildings}
    plates = [_plate(request, code, known.get(code.place_id, code.place.name)) for code in page.rows]
    return render(request, "cases/qr_codes.html", {"plates": plates, "page": page})


def _below(access: Access) -> Q:
    condition = Q(pk__in=[])
    for grant in access.grants:
        if grant.roles & DESK_ROLES:
            condition |= Q(place__path__startswith=grant.path)
    return condition


def _plate(request: HttpRequest, code: QrCode, words: str) -> Plate:
    url = request.build_absolute_uri(reverse("cases:public_report", args=[code.token]))
    return Plate(drawn(url), words, code.label, url)


def drawn(url: str) -> SafeString:
    """The code of one of our own addresses, as SVG."""
    drawing = segno.make(url, error="q", micro=False).svg_inline(border=2, omitsize=True)
    return mark_safe(drawing)  # noqa: S308  our own address, drawn as paths
