"""A resident's report by QR code, without an account: the code says where, everything else is optional."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from typing import Final
from uuid import uuid4

from django.core import signing
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cases import pace
from cases.actions.reporting import join_case, report_case
from cases.catalogue import catalogue_tree, matter_leaf
from cases.models import Case
from cases.public import open_in_community
from cases.queries import near_duplicates
from cases.web import challenge
from cases.web.attachments import ensure_upload_key
from cases.web.forms.reporting import PublicJoinForm, PublicReportForm
from cases.web.picking import Choice, choice_of, found_part, matter_of
from cases.web.reporting import (
    PHRASES,
    SIMILAR_FOR,
    Posted,
    building_words,
    kept_photos,
    picker_context,
    posted_publicly,
)
from governance.common.errors import DomainError
from governance.common.forms import BaseForm
from governance.common.methods import require_form
from grids.models import Building, Level, Place, QrCode

_FEW: Final = 8
_LOOK_BACK: Final = timedelta(days=90)
_SALT: Final = "cases.public.similar"
_OFFER_LASTS: Final = 24 * 3600

#: Writes what a form in order says, and leads to the page that follows it. Raises a DomainError.
Take = Callable[[PublicReportForm, Posted, datetime], HttpResponse]


@dataclass(frozen=True)
class Spot:
    """Where a QR code hangs: its place, the line above it, and how it reads."""

    code: QrCode
    words: str
    city_id: int
    community: Place | None

    @property
    def place(self) -> Place:
        """The building, gate or grid."""
        return self.code.place

    @property
    def target(self) -> str:
        """How limits name the code."""
        return f"qr:{self.code.pk}"


def spot_of(token: str) -> Spot | None:
    """The place of a code that has not been revoked; None otherwise. At most three queries."""
    code = QrCode.objects.filter(token=token[:43], revoked_at=None).select_related("place").first()
    if code is None or code.place.retired_on is not None:
        return None
    line = {Level(p.level): p for p in Place.objects.above(code.place)} | {
        Level(code.place.level): code.place
    }
    building = None
    if code.place.level == Level.BUILDING:
        building = Building.objects.filter(pk=code.place.pk).select_related("compound", "place").first()
    words = building_words(building) if building else code.place.name
    community = line.get(Level.COMMUNITY)
    return Spot(code, words, line[Level.CITY].pk, community)


def gone(request: HttpRequest) -> HttpResponse:
    """A code that was revoked or never existed: the same friendly page."""
    return render(request, "cases/public_gone.html", status=HTTPStatus.NOT_FOUND)


@never_cache
@require_form
def public_report(request: HttpRequest, token: str) -> HttpResponse:
    """The form of a code (GET), or the report (POST), which leads to the page that follows it."""
    spot, at = spot_of(token), timezone.now()
    if spot is None:
        return gone(request)
    ensure_upload_key(request)
    if request.method != "POST":
        form = PublicReportForm(initial={"client_id": str(uuid4())})
        return _show(request, spot, form, at)
    return _sent(request, spot, PublicReportForm(request.POST), at, take=partial(_taken, request, spot))


def _sent(
    request: HttpRequest, spot: Spot, form: PublicReportForm, at: datetime, *, take: Take
) -> HttpResponse:
    """What `take` makes of a form in order; or the form again, with everything that came with it."""
    photos = posted_publicly(request, "photos", at=at)
    status, asks = photos.status, False
    if form.is_valid() and not photos.error:
        try:
            asks = asks_first(request, spot, form, at)
            if not asks:
                return take(form, photos, at)
            form.add_error(None, str(challenge.ANSWER_FIRST))
        except DomainError as error:
            form.add_domain_error(error)
            status = error.http_status
    status = status if status != HTTPStatus.OK else HTTPStatus.BAD_REQUEST
    return _show(request, spot, form, at, photos=photos, status=status, asks=asks)


def asks_first(request: HttpRequest, spot: Spot, form: BaseForm, at: datetime) -> bool:
    """Whether a question must be answered before a valid form is taken. Raises Throttled."""
    data = form.cleaned_data
    needed = pace.report_needs_answer(
        request, code=spot.target, phone=data["phone"], city_id=spot.city_id, at=at
    )
    return (needed or bool(data["website"])) and not challenge.is_answered(request, data["answer"])


def _taken(
    request: HttpRequest, spot: Spot, form: PublicReportForm, photos: Posted, at: datetime
) -> HttpResponse:
    key = ensure_upload_key(request)
    report = form.public_report(at=at, place=spot.place, photos=photos.tokens, upload_key=key)
    case = report_case(report=report, reporter=None, at=at, contact=form.contact())
    if not case.came_before:
        pace.note_report(request, code=spot.target, number=case.number, at=at)
        challenge.forget_question(request)
    response = redirect("cases:public_follow_order", token=case.follow_token)
    response["Location"] += "?new=1"
    return response


def _show(
    request: HttpRequest,
    spot: Spot,
    form: PublicReportForm,
    at: datetime,
    *,
    photos: Posted | None = None,
    status: HTTPStatus = HTTPStatus.OK,
    asks: bool = False,
) -> HttpResponse:
    photos = photos or Posted()
    context = {
        **picker_context(form, at),
        "recent": common_matters(spot.community, at),
        "form": form,
        "spot": spot,
        "kept": kept_photos(request, photos) if photos.tokens else [],
        "photo_errors": [photos.error] if photos.error else [],
        "phrases": PHRASES[:3],
        "question": challenge.question(request) if asks else "",
    }
    response = render(request, "cases/public_report.html", context, status=status)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        response.headers["Retry-After"] = "600"
    return response


def common_matters(community: Place | None, at: datetime) -> list[Choice]:
    """The few matters that this community is told of most, filled up with the first of each class."""
    rows = Case.objects.real().filter(reported_community=community, reported_at__gte=at - _LOOK_BACK)
    often = rows.values_list("matter_id").annotate(n=Count("pk")).order_by("-n", "matter_id")[:_FEW]
    known = [leaf for pk, _n in often if (leaf := matter_leaf(pk)) is not None]
    firsts = [branch.matters[0] for branch in catalogue_tree()]
    leaves = {leaf.matter.pk: leaf for leaf in [*known, *firsts]}
    return [choice_of(leaf, at) for leaf in list(leaves.values())[:_FEW]]


@require_safe
def public_matters(request: HttpRequest, token: str) -> HttpResponse:
    """Matters by everyday words."""
    return found_part(request, timezone.now()) if spot_of(token) else gone(request)


@never_cache
@require_safe
def public_similar(request: HttpRequest, token: str) -> HttpResponse:
    """Open reports of the same matter around the code: what, when, which state; nobody's name or words."""
    spot, leaf = spot_of(token), matter_of(request.GET.get("matter", ""))
    if spot is None:
        return gone(request)
    found = _similar(spot, leaf.matter.pk, timezone.now()) if leaf else []
    for case in found:
        case.offer = signing.dumps([case.pk, spot.code.pk], salt=_SALT)  # type: ignore[attr-defined]
    return render(request, "cases/_similar.html", {"found": found, "spot": spot})


def _similar(spot: Spot, matter_id: int, at: datetime) -> list[Case]:
    """Around the code's own position; where it has none, of the very same building."""
    since, place = at - SIMILAR_FOR, spot.place
    rows = open_in_community(spot.community.pk if spot.community else None)
    if place.lng is not None and place.lat is not None:
        return near_duplicates(rows, matter_id=matter_id, lng=place.lng, lat=place.lat, since=since)
    if place.level != Level.BUILDING:
        return []
    same = rows.filter(matter_id=matter_id, building_id=place.pk, reported_at__gte=since)
    return list(same.select_related("matter", "place").order_by("-reported_at")[:5])


@require_POST
def public_join(request: HttpRequest, token: str, offer: str) -> HttpResponse:
    """ "The same one": become a co-reporter of the order that was offered, with a link of one's own."""
    spot, at = spot_of(token), timezone.now()
    case_id = _offered(offer, spot) if spot else None
    if spot is None or case_id is None:
        return gone(request)
    ensure_upload_key(request)
    take = partial(_joined, request, (spot, case_id))
    return _sent(request, spot, PublicJoinForm(request.POST), at, take=take)


def _offered(offer: str, spot: Spot) -> int | None:
    """The order of an offer that this code made within a day."""
    try:
        case_id, code_id = signing.loads(offer, salt=_SALT, max_age=_OFFER_LASTS)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return int(case_id) if code_id == spot.code.pk else None


def _joined(
    request: HttpRequest, offered: tuple[Spot, int], form: PublicReportForm, photos: Posted, at: datetime
) -> HttpResponse:
    """Join with what was typed and photographed. Raises WrongState when the order has ended meanwhile."""
    (spot, case_id), key = offered, ensure_upload_key(request)
    joined = join_case(
        case_id=case_id,
        user=None,
        at=at,
        contact=form.contact(),
        note=form.cleaned_data["description"],
        client_id=sha256(f"{key}:{case_id}".encode()).hexdigest(),
        attachments=photos.tokens,
        upload_key=key,
    )
    pace.note_report(request, code=spot.target, number=joined.case.number, at=at)
    challenge.forget_question(request)
    response = redirect("cases:public_follow_order", token=joined.follow_token)
    response["Location"] += "?new=1"
    return response
