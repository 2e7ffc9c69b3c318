"""A resident's wish: asked by a QR code or signed in, and followed to the thanks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final, cast
from uuid import uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cases import pace
from cases.actions.wish_asking import ask_wish
from cases.actors import PublicReporter
from cases.models import Case, Channel, Claim
from cases.permissions import URGED_LATELY, allowed_actions
from cases.public import PUBLIC_ACTIONS, Followed, pictures_of, public_timeline
from cases.web import challenge
from cases.web.attachments import ensure_upload_key
from cases.web.forms import ActionForm
from cases.web.forms.wishes_asking import WISH_ASKER_FORMS, PublicAskForm, SignedAskForm
from cases.web.public import Spot, asks_first, gone, spot_of
from cases.web.qr_codes import drawn
from cases.web.reporting import Posted, grids_of, kept_photos, posted, posted_publicly
from cases.wishes import last_claim
from cases.workflow import WORKFLOWS, State
from governance.common.errors import DomainError, NotAllowed, NotVisible, WrongState
from governance.common.methods import require_form
from governance.common.pagination import paginate
from governance.common.typed import row_id, words
from partymembers.devices import may_trust
from partymembers.homes import homes_offered
from partymembers.keepers import home_of
from partymembers.middleware import access_for
from partymembers.models import Member, User

#: Wishes asked stand beside reports made, whose entry everybody has who may ask.
NAV: Final = "mine"
PAGE_SIZE: Final = 30
#: What the asker reads of each state.
TOLD: Final[dict[str, Promise]] = {
    State.ASKED: gettext_lazy("The community reads it first and publishes it without your name."),
    State.PUBLISHED: gettext_lazy("It hangs on the wish wall and waits for somebody."),
    State.CLAIMED: gettext_lazy("Somebody wants to take it on; the community confirms it."),
    State.CONFIRMED: gettext_lazy("Somebody has taken it on and will get in touch with you."),
    State.BEGUN: gettext_lazy("It is under way."),
    State.DELIVERED: gettext_lazy("It was delivered. Please say how it went."),
    State.CLOSED: gettext_lazy("It is fulfilled."),
    State.DECLINED: gettext_lazy("It was not taken on; the reason stands below."),
    State.VOIDED: gettext_lazy("It has ended without being fulfilled."),
}
WISH_THANKS: Final[Mapping[str, Promise]] = {
    "rate": gettext_lazy("Thank you. Your answer has been kept."),
    "fail": gettext_lazy("Kept. Whoever took it on is asked to make it good."),
    "thank": gettext_lazy("Your thanks are on their way."),
    "add_information": gettext_lazy("Added. Whoever handles it sees it."),
    "urge": gettext_lazy("Urged. Whoever handles it has been told."),
    "withdraw": gettext_lazy("Withdrawn. The wish has ended."),
}
_KNOWN: Final = (State.CONFIRMED, State.BEGUN, State.DELIVERED, State.CLOSED)


@never_cache
@require_form
def public_wish(request: HttpRequest, token: str) -> HttpResponse:
    """The wish form of a code (GET), or the wish (POST), which leads to the page that follows it."""
    spot, at = spot_of(token), timezone.now()
    if spot is None:
        return gone(request)
    ensure_upload_key(request)
    if request.method != "POST":
        return _ask_public(request, spot, PublicAskForm(initial={"client_id": str(uuid4())}), Posted())
    form, asks, status = PublicAskForm(request.POST), False, HTTPStatus.BAD_REQUEST
    photos = posted_publicly(request, "photos", at=at)
    if form.is_valid() and not photos.error:
        try:
            asks = asks_first(request, spot, form, at)
            if not asks:
                return _taken_public(request, spot, form, photos, at)
            form.add_error(None, str(challenge.ANSWER_FIRST))
        except DomainError as error:
            form.add_domain_error(error)
            status = error.http_status
    return _ask_public(request, spot, form, photos, status=max(status, photos.status), asks=asks)


def _taken_public(
    request: HttpRequest, spot: Spot, form: PublicAskForm, photos: Posted, at: datetime
) -> HttpResponse:
    key = ensure_upload_key(request)
    ask = form.public_ask(place=spot.place, photos=photos.tokens, upload_key=key)
    case = ask_wish(ask=ask, asker=None, contact=form.contact(), at=at)
    if not case.came_before:
        pace.note_report(request, code=spot.target, number=case.number, at=at)
        challenge.forget_question(request)
    response = redirect("cases:public_follow_order", token=case.follow_token)
    response["Location"] += "?new=1"
    return response


def _ask_public(
    request: HttpRequest,
    spot: Spot,
    form: PublicAskForm,
    photos: Posted,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    asks: bool = False,
) -> HttpResponse:
    question = challenge.question(request) if asks else ""
    context = {"form": form, "spot": spot, "question": question, **_pictures(request, photos)}
    response = render(request, "cases/wishes/ask_public.html", context, status=status)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        response.headers["Retry-After"] = "600"
    return response


def _pictures(request: HttpRequest, photos: Posted) -> dict[str, Any]:
    """The pictures of a refused form, and what was wrong with another."""
    return {
        "kept": kept_photos(request, photos) if photos.tokens else [],
        "photo_errors": [photos.error] if photos.error else [],
    }


@login_required
@require_form
def wish_ask(request: HttpRequest) -> HttpResponse:
    """Ask for a wish of one's own, or on behalf of a resident where one works among them."""
    access, user, at = access_for(request), cast(User, request.user), timezone.now()
    if access.officer_roles:
        raise NotAllowed(_("Officers configure, grant and audit; they do not report."))
    on_behalf = bool(access.place_roles() or access.unit_ids)
    grids = grids_of(access)
    known: dict[str, Any] = {"grids": grids, "on_behalf": on_behalf, "has_phone": bool(user.phone)}
    only = list(grids.values_list("pk", flat=True)[:2])
    first = {
        "client_id": str(uuid4()),
        "grid": only[0] if len(only) == 1 else None,
        "home": home_of(user),
    }
    if request.method != "POST":
        return _ask_signed(request, SignedAskForm(initial=first, **known), Posted())
    form, photos = SignedAskForm(request.POST, **known), posted(request, "photos", at=at)
    if form.is_valid() and not photos.error:
        channel = Channel.GRID_WORKER if on_behalf else Channel.RESIDENT
        ask = form.signed_ask(channel=channel, photos=photos.tokens)
        try:
            case = ask_wish(ask=ask, asker=user, contact=form.contact(), at=at)
        except DomainError as error:
            form.add_domain_error(error)
        else:
            messages.success(request, _("The wish %(number)s has been taken.") % {"number": case.number})
            return redirect("cases:my_wish", number=case.number)
    return _ask_signed(request, form, photos, max(HTTPStatus.BAD_REQUEST, photos.status))


def _ask_signed(
    request: HttpRequest, form: SignedAskForm, photos: Posted, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    away = not may_trust(access_for(request))
    shown = {"form": form, "homes": form.homes, "away": away, "nav_current": NAV}
    context = {**shown, **_pictures(request, photos)}
    return render(request, "cases/wishes/ask.html", context, status=status)


@login_required
@require_safe
def ask_homes(request: HttpRequest) -> HttpResponse:
    """Communities of a name, and what lies inside the place that is ticked; asked while somebody types."""
    typed = words(request.GET.get("words_of_place", ""), most=50)
    offered = homes_offered(typed, chosen=row_id(request.GET.get("home", "")))
    return render(request, "cases/wishes/_homes.html", {"homes": offered, "typed": typed})


@login_required
@require_safe
def my_wishes(request: HttpRequest) -> HttpResponse:
    """What I asked, for myself or on somebody's behalf, newest first, and what became of it."""
    rows = Case.objects.wishes().filter(reporter=cast(User, request.user))
    page = paginate(
        rows.select_related("wish", "matter").defer("search_terms"),
        order="-reported_at",
        cursor=request.GET.get("cursor", ""),
        size=PAGE_SIZE,
    )
    lines = [{"case": case, "told": TOLD[State(case.state)]} for case in page.rows]
    context = {
        "page": page,
        "lines": lines,
        "away": not may_trust(access_for(request)),
        "nav_current": NAV,
    }
    return render(request, "cases/wishes/mine.html", context)


@login_required
@require_safe
def my_wish(request: HttpRequest, number: str) -> HttpResponse:
    """One wish of mine: where it stands, and what I may do."""
    return _show_mine(request, _mine(request, number))


@login_required
@require_POST
def my_wish_act(request: HttpRequest, number: str, action: str) -> HttpResponse:
    """Rate, thank, add information, urge or withdraw as the asker."""
    case, at, user = _mine(request, number), timezone.now(), cast(User, request.user)
    if action not in WISH_ASKER_FORMS:
        raise NotVisible
    access = access_for(request)
    form = WISH_ASKER_FORMS[action](request.POST, case=case, actor=user, access=access, at=at)
    if action not in allowed_actions(user, case, at=at, access=access):
        raise WrongState(
            why_not(case, action), extra={"typed": request.POST.get("note", ""), "fresh_url": _url(case)}
        )
    photos = posted(request, "photos", at=at) if form.photos else Posted()
    if form.is_valid() and not photos.error:
        try:
            form.run(photos=photos.tokens)
        except WrongState as error:
            error.extra |= {"typed": request.POST.get("note", ""), "fresh_url": _url(case)}
            raise
        except DomainError as error:
            form.add_domain_error(error)
        else:
            messages.success(request, str(WISH_THANKS[action]))
            return redirect("cases:my_wish", number=case.number)
    return _show_mine(request, case, form=form, action=action, photos=photos)


def _url(case: Case) -> str:
    return reverse("cases:my_wish", args=[case.number])


def _mine(request: HttpRequest, number: str) -> Case:
    """A wish that this very person asked; raises NotVisible for any other number."""
    rows = Case.objects.wishes().filter(reporter=cast(User, request.user), number=number.replace("\x00", ""))
    related = ("wish", "matter__matter_class", "place", "compound", "community", "desk")
    case = rows.select_related(*related).prefetch_related("claims", "co_reporters", "requests").first()
    if case is None:
        raise NotVisible
    return case


def _show_mine(
    request: HttpRequest,
    case: Case,
    *,
    form: ActionForm | None = None,
    action: str = "",
    photos: Posted | None = None,
) -> HttpResponse:
    access, at = access_for(request), timezone.now()
    followed, photos = Followed(case, PublicReporter(case.pk), ""), photos or Posted()
    allowed = allowed_actions(cast(User, request.user), case, at=at, access=access)
    before, after = pictures_of(followed)
    urls = {each: reverse("cases:my_wish_act", args=[case.number, each]) for each in WISH_ASKER_FORMS}
    context = {
        "case": case,
        "followed": followed,
        "lines": public_timeline(followed),
        "before": before,
        "after": after,
        "actions": [each for each in PUBLIC_ACTIONS if each in allowed],
        "form": form,
        "action": action,
        "away": not may_trust(access),
        "nav_current": NAV,
        "handed": follow_link(request, case),
        **_pictures(request, photos),
        **wish_context(case, urls=urls),
    }
    status = HTTPStatus.OK if form is None else max(photos.status, HTTPStatus.BAD_REQUEST)
    return render(request, "cases/wishes/my_wish.html", context, status=status)


@dataclass(frozen=True)
class Handed:
    """What a worker hands to whom they helped: the link that follows the wish, and the code that opens it."""

    link: str
    drawing: SafeString


def follow_link(request: HttpRequest, case: Case) -> Handed | None:
    """The link of a wish that was asked on somebody's behalf; None for one's own."""
    if case.follow_token is None:
        return None
    link = request.build_absolute_uri(reverse("cases:public_follow_order", args=[case.follow_token]))
    return Handed(link, drawn(link))


def wish_context(case: Case, *, urls: Mapping[str, str]) -> dict[str, Any]:
    """What the asker's page says of a wish beside an order's facts; `urls` are where its forms go."""
    return {
        "wish": case.wish,
        "told": TOLD[State(case.state)],
        "coming": who_comes(case),
        "urls": urls,
        "wanted_by": case.wish.deliver_by if case.is_open else None,
    }


def who_comes(case: Case) -> str:
    """Who has taken the wish on, from the confirmation on, and never by name; empty before."""
    claim = last_claim(case) if case.state in _KNOWN else None
    if claim is None:
        return ""
    community = case.community.name if case.community is not None else case.place.name
    return _("%(who)s of %(community)s") % {"who": _sort_of(claim), "community": community}


def _sort_of(claim: Claim) -> str:
    if claim.unit_id is not None:
        return _("A unit")
    if claim.branch_id is not None:
        return _("A Party branch")
    if Member.objects.filter(user=claim.user_id, left_on=None).exists():
        return _("A Party member")
    return _("A volunteer")


def why_not(case: Case, action: str) -> str:
    """Why the asker cannot do this now, in a sentence."""
    rule = WORKFLOWS[case.kind][action]
    if action == "rate" and case.state == State.CLOSED:
        return _("Rating ended 15 days after the wish was closed.")
    if action == "urge" and rule.allowed_in(case.state):
        return str(URGED_LATELY)
    return _("Meanwhile the wish is “%(state)s”, so this is not possible any more.") % {
        "state": case.get_state_display()
    }
