"""A report from a phone: photos, matter, words, position; the same one instead; resolved on the spot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final, cast
from uuid import uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cases.actions.reporting import join_case, report_case, too_far
from cases.attachments import lend_to_session, unclaimed
from cases.catalogue import recent_matters
from cases.models import Case, Channel
from cases.queries import near_duplicates, visible_case
from cases.web.attachments import ensure_upload_key, posted_photos, shown, upload_key_of
from cases.web.forms.reporting import JoinForm, ReportForm, point_of
from cases.web.picking import choice_classes, choice_of, chosen, found_part, matter_of
from governance.common.errors import DomainError, NotAllowed
from governance.common.methods import require_form
from grids.boundaries import locate as locate_point
from grids.geojson import feature_collection
from grids.models import Building, Level, Place
from grids.querysets import PlaceQuerySet
from partymembers.access import Access
from partymembers.devices import may_trust
from partymembers.middleware import access_for
from partymembers.models import GROUND_ROLES, User

#: How old a similar order may be to be offered as "the same one".
SIMILAR_FOR: Final = timedelta(days=30)
_MOST_GRIDS: Final = 60
#: What people say most often: one tap adds it to the description.
PHRASES: Final = (
    gettext_lazy("a danger to people"),
    gettext_lazy("blocks the way"),
    gettext_lazy("reported several times"),
    gettext_lazy("residents have been told"),
)
#: Buildings are looked for this far around a position, in degrees (about 60 m).
_NEAR: Final = 0.0006


@dataclass(frozen=True)
class Posted:
    """The pictures of a form: tokens of those that are stored, and what was wrong with another."""

    tokens: Sequence[str] = ()
    error: str = ""
    status: HTTPStatus = HTTPStatus.OK


def posted(request: HttpRequest, name: str, *, at: datetime) -> Posted:
    """The pictures that came with a form; a bad one is told and the others stay."""
    try:
        return Posted(posted_photos(request, name, at=at))
    except DomainError as error:
        tokens = cast(list[str], error.extra.get("kept", []))
        return Posted(tokens, str(error.message), error.http_status)


def posted_publicly(request: HttpRequest, name: str, *, at: datetime) -> Posted:
    """The same on a page without an account, which may be open to somebody who is signed in."""
    photos = posted(request, name, at=at)
    if photos.tokens and isinstance(request.user, User):
        lend_to_session(photos.tokens, by=request.user, upload_key=ensure_upload_key(request))
    return photos


def kept_photos(request: HttpRequest, photos: Posted) -> list[dict[str, Any]]:
    """The stored pictures of a refused form, to show them again."""
    user = request.user if isinstance(request.user, User) else None
    rows = unclaimed(photos.tokens, by=user, upload_key=upload_key_of(request))
    return [shown(row) for row in rows]


@login_required
@require_form
def report(request: HttpRequest) -> HttpResponse:
    """The form (GET), or the report (POST); the same `client_id` again answers with the first order."""
    access, at = access_for(request), timezone.now()
    if access.officer_roles:
        raise NotAllowed(_("Officers configure, grant and audit; they do not report."))
    if request.method != "POST":
        form = ReportForm(initial={"client_id": str(uuid4())}, grids=grids_of(access))
        return _show(request, form, access, at)
    form = ReportForm(request.POST, grids=grids_of(access))
    photos, after = posted(request, "photos", at=at), posted(request, "after", at=at)
    status = max(photos.status, after.status)
    if form.is_valid() and status == HTTPStatus.OK:
        try:
            case = _take(request, form, photos, after, at)
        except DomainError as error:
            form.add_domain_error(error)
        else:
            return _taken(request, case)
    status = status if form.is_valid() and status != HTTPStatus.OK else HTTPStatus.BAD_REQUEST
    if wants_json(request):
        return refused_json(form, [photos.error, after.error], status)
    return _show(request, form, access, at, photos=photos, after=after, status=status)


def _take(request: HttpRequest, form: ReportForm, photos: Posted, after: Posted, at: datetime) -> Case:
    """Call the action. Raises a DomainError, and then nothing has been written."""
    access = access_for(request)
    is_staff = bool(access.place_roles() or access.unit_ids)
    channel = Channel.GRID_WORKER if is_staff else Channel.RESIDENT
    report = form.report(at=at, channel=channel, photos=photos.tokens, after=after.tokens)
    return report_case(report=report, reporter=cast(User, request.user), at=at)


def _taken(request: HttpRequest, case: Case) -> HttpResponse:
    url = reverse("cases:reported", args=[case.number])
    if wants_json(request):
        return JsonResponse({"number": case.number, "url": url}, status=HTTPStatus.CREATED)
    return redirect(url)


def wants_json(request: HttpRequest) -> bool:
    """Whether the outbox sends, and not the page itself."""
    return request.headers.get("Accept", "").startswith("application/json")


def refused_json(form: ReportForm, others: Sequence[str], status: HTTPStatus) -> JsonResponse:
    """Why a report of the outbox was not taken, in sentences."""
    told = [str(message) for errors in form.errors.values() for message in errors]
    return JsonResponse({"errors": [*told, *filter(None, others)]}, status=status)


def _show(
    request: HttpRequest,
    form: ReportForm,
    access: Access,
    at: datetime,
    *,
    photos: Posted | None = None,
    after: Posted | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    photos, after = photos or Posted(), after or Posted()
    grids = list(grids_of(access)[:_MOST_GRIDS])
    context = {
        **picker_context(form, at),
        "recent": [choice_of(leaf, at) for leaf in recent_matters(cast(User, request.user))],
        "form": form,
        "grids": grids,
        "boundaries": feature_collection(grids),
        "home": grids[0].name if len(grids) == 1 else "",
        "may_resolve": bool(access.place_roles() & GROUND_ROLES),
        "kept": kept_photos(request, photos) if photos.tokens else [],
        "kept_after": kept_photos(request, after) if after.tokens else [],
        "photo_errors": [photos.error] if photos.error else [],
        "after_errors": [after.error] if after.error else [],
        "phrases": PHRASES,
        "away": not may_trust(access),
    }
    return render(request, "cases/report.html", context, status=status)


def picker_context(form: ReportForm, at: datetime) -> dict[str, Any]:
    """What the matter's field and sheet show."""
    classes = choice_classes(at)
    return {"classes": classes, "choice": chosen(classes, form["matter"].value())}


def grids_of(access: Access) -> PlaceQuerySet:
    """The grids of a person who works in a community or below it; for others the position decides."""
    condition = Q(pk__in=[])
    for grant in access.grants:
        if grant.level.rank >= Level.COMMUNITY.rank and not grant.inherited:
            condition |= Q(path__startswith=grant.path)
    return cast(PlaceQuerySet, Place.objects.filter(condition).at_level(Level.GRID).current())


@login_required
@require_safe
def reported(request: HttpRequest, number: str) -> HttpResponse:
    """What became of the report that was just sent: its number and what comes next."""
    case = visible_case(number, access_for(request))
    return render(request, "cases/reported.html", {"case": case})


@login_required
@require_safe
def matter_search(request: HttpRequest) -> HttpResponse:
    """Matters by everyday words, as rows of the sheet."""
    return found_part(request, timezone.now())


@login_required
@require_safe
def locate(request: HttpRequest) -> HttpResponse:
    """The grid of a position, as a part of the form; outside every grid it says to whom it goes."""
    return render(request, "cases/_where.html", where(request))


def where(request: HttpRequest) -> dict[str, Any]:
    """Which grid a position (`lng`, `lat`) lies in, and the building beside it; at most two queries."""
    try:
        point = point_of(request.GET.get("lng", "").strip(), request.GET.get("lat", "").strip())
        found = locate_point(*point) if point else None
    except DomainError as error:
        return {"error": error.message}
    if point is None:
        return {}
    if found is None:
        return {"error": _("This position is not in the area of any desk. Please move the pin.")}
    if found.is_far:
        return {"error": too_far()}
    return {"found": found, "near": "" if found.outside else _building_near(found.place, *point)}


def _building_near(grid: Place, lng: float, lat: float) -> str:
    """The nearest building of the grid within about 60 m, as an address reads; empty for none."""
    rows = Building.objects.filter(
        place__path__startswith=grid.path,
        place__level=Level.BUILDING,
        place__retired_on__isnull=True,
        place__lng__range=(lng - _NEAR, lng + _NEAR),
        place__lat__range=(lat - _NEAR, lat + _NEAR),
    ).select_related("place", "compound")
    near = min(
        rows[:50],
        key=lambda row: ((row.place.lng or 0) - lng) ** 2 + ((row.place.lat or 0) - lat) ** 2,
        default=None,
    )
    return building_words(near) if near else ""


def building_words(building: Building) -> str:
    """A building with its compound, as an address reads."""
    return " ".join(filter(None, [str(building.compound or ""), building.place.name]))


@login_required
@require_safe
def similar(request: HttpRequest) -> HttpResponse:
    """Open orders of the same matter around the position, of those that the person may see."""
    leaf = matter_of(request.GET.get("matter", ""))
    try:
        point = point_of(request.GET.get("lng", "").strip(), request.GET.get("lat", "").strip())
    except DomainError:
        point = None
    found: list[Case] = []
    if leaf is not None and point is not None:
        found = near_duplicates(
            Case.objects.visible_to(access_for(request)).exclude(reporter=cast(User, request.user)),
            matter_id=leaf.matter.pk,
            lng=point[0],
            lat=point[1],
            since=timezone.now() - SIMILAR_FOR,
        )
    return render(request, "cases/_similar.html", {"found": found})


@login_required
@require_POST
def join(request: HttpRequest, number: str) -> HttpResponse:
    """ "The same one": join that order with what was typed and photographed, instead of reporting again."""
    at, user = timezone.now(), cast(User, request.user)
    case = visible_case(number, access_for(request))
    form, photos = JoinForm(request.POST), posted(request, "photos", at=at)
    status = photos.status
    if form.is_valid() and not photos.error:
        try:
            note = form.cleaned_data["description"]
            join_case(case_id=case.pk, user=user, at=at, note=note, attachments=photos.tokens)
        except DomainError as error:
            form.add_domain_error(error)
            status = error.http_status
    if form.errors or photos.error:
        return _not_joined(request, form, photos, status, at)
    told = _("You have joined %(number)s and will get its news. No second order was made.")
    if wants_json(request):
        url = reverse("cases:detail", args=[case.number])
        return JsonResponse({"number": case.number, "url": url}, status=HTTPStatus.CREATED)
    messages.success(request, told % {"number": case.number})
    return redirect("cases:mine")


def _not_joined(
    request: HttpRequest, form: JoinForm, photos: Posted, status: HTTPStatus, at: datetime
) -> HttpResponse:
    """The form again, with everything that was typed and photographed."""
    status = HTTPStatus.BAD_REQUEST if status == HTTPStatus.OK else status
    if wants_json(request):
        return refused_json(form, [photos.error], status)
    after = posted(request, "after", at=at)
    return _show(request, form, access_for(request), at, photos=photos, after=after, status=status)


@never_cache
@require_safe
def outbox_state(request: HttpRequest) -> HttpResponse:
    """What the outbox needs before it sends: who is signed in, and a fresh token against forgery."""
    if not request.user.is_authenticated:
        return JsonResponse({"message": _("Please sign in again.")}, status=HTTPStatus.UNAUTHORIZED)
    return JsonResponse({"owner": str(request.user.pk), "csrf": get_token(request)})


@login_required
@require_safe
def outbox(request: HttpRequest) -> HttpResponse:
    """What waits on this phone; the page's script fills it from the phone's own store."""
    return render(request, "cases/outbox.html")


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """The script that lets the report page open without network; it stands at the root, so as to serve it."""
    body = render_to_string("cases/sw.js")
    headers = {"Cache-Control": "no-cache", "Service-Worker-Allowed": "/"}
    return HttpResponse(body, content_type="text/javascript; charset=utf-8", headers=headers)
