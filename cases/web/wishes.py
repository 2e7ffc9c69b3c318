"""The wish wall and a wish, for members, volunteers, units and committees; phone first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, cast

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cases.catalogue import wish_kinds
from cases.models import Attachment, Case, Claim, Wish
from cases.permissions import allowed_actions
from cases.queries import ball, pictures_of, timeline
from cases.standpoint import standpoint
from cases.timeline import TOLD_OF_WISHES, Line, lines_of
from cases.web.forms.wishes import WISH_FORMS
from cases.wish_lists import (
    MOST_SHOWN,
    branch_wishes,
    by_urgency,
    cards_of,
    claims_at_hand,
    claims_of,
    needs_by_place,
    resources_for_wish,
)
from cases.wish_queries import (
    ICONS,
    Wanted,
    numbered_page,
    visible_wish,
    waiting_count,
    wall_page,
)
from cases.wishes import asker_name, asker_phone, is_claimer, is_helper, last_claim, sees_asker, where_of
from cases.workflow import WORKFLOWS, Kind, State
from governance.common.errors import NotAllowed
from governance.common.formats import masked_phone
from governance.common.pagination import paginate
from grids.models import Level, Place
from partymembers.access import Access
from partymembers.audit import address_of, read_personal
from partymembers.ledger import balance_of
from partymembers.middleware import access_for
from partymembers.models import Skill, User

PAGE_SIZE: Final = 20
#: The one red button of a wish, by what is allowed: the first that applies.
PRIMARY: Final = ("deliver", "begin", "confirm", "assign_wish", "claim")
_ICONS_OF_ACTIONS: Final = {
    "hand_back": "undo",
    "refuse_claim": "x",
    "comment": "msg",
    "confirm": "check",
    "assign_wish": "user",
    "begin": "play",
    "deliver": "camera",
    "claim": "heart",
}
_MOST_PAGES: Final = 1000


@login_required
@require_safe
def wishes(request: HttpRequest) -> HttpResponse:
    """The wall: one's own claims above, below what waits for somebody, the nearest first."""
    user, access, now = cast(User, request.user), access_for(request), timezone.now()
    require_helper(user, access)
    stand = standpoint(user, access)
    here = _position(request)
    is_near = request.GET.get("sort", "near") == "near"
    wanted = Wanted(
        kind_id=_number(request, "kind"),
        skill_id=_number(request, "skill"),
        position=(here or stand.position) if is_near else None,
        page=page_number(request),
    )
    cards = by_urgency(cards_of(claims_at_hand(user, access)[:MOST_SHOWN], now=now))
    page = wall_page(stand, wanted, user, now=now, size=PAGE_SIZE)
    context = {
        "cards": cards,
        "first_deed": next((card for card in cards if card.deed), None),
        "page": page,
        "rows": page.rows,
        "waiting": waiting_count(stand.city_id, on=timezone.localdate(now)),
        "wanted": wanted,
        "is_near": wanted.position is not None,
        "is_here": here is not None,
        "kinds": wish_kinds(),
        "skills": Skill.objects.filter(is_active=True),
        "stand": stand,
        "balance": balance_of(user),
        "may_confirm": bool(access.branches),
        "may_claim": True,
        **frame(access),
    }
    return render(request, "cases/wishes/wall.html", context)


def require_helper(user: User, access: Access) -> None:
    """The wall is for those who may help. Raises NotAllowed."""
    if not is_helper(user, access):
        words = _("The wish wall is for members, volunteers, units and branches")
        raise NotAllowed(words, extra={} if access.officer_roles else _way_in())


def _way_in() -> dict[str, object]:
    return {
        "who_may": _("A volunteer may claim wishes too."),
        "way_url": reverse("service:volunteer"),
        "way_label": _("Become a volunteer"),
    }


def frame(access: Access) -> dict[str, Any]:
    """On phones and for those who work on them the phone's page, at a desk the wide one."""
    is_phone = not access.desk_place_ids
    return {"base": "base_phone.html" if is_phone else "base.html", "is_phone": is_phone}


def page_number(request: HttpRequest) -> int:
    """Which page of a list is asked for; the first where that is no number."""
    return min(_number(request, "cursor") or 1, _MOST_PAGES)


def _number(request: HttpRequest, name: str) -> int | None:
    typed = request.GET.get(name, "")
    return int(typed) if typed.isascii() and typed.isdigit() and 0 < len(typed) < 10 else None


def _position(request: HttpRequest) -> tuple[float, float] | None:
    """Where the browser says that the reader is, to three decimals; anything odd is no position."""
    try:
        lng, lat = float(request.GET["lng"]), float(request.GET["lat"])
    except (KeyError, ValueError):
        return None
    return (round(lng, 3), round(lat, 3)) if abs(lng) <= 180 and abs(lat) <= 85 else None


@login_required
@require_safe
def my_claims(request: HttpRequest) -> HttpResponse:
    """Everything that one has taken on, newest first, and what became of it."""
    user, access, now = cast(User, request.user), access_for(request), timezone.now()
    require_helper(user, access)
    page = paginate(
        claims_of(user, access), order="-id", cursor=request.GET.get("cursor", ""), size=PAGE_SIZE
    )
    context = {"page": page, "cards": cards_of(page.rows, now=now), **frame(access)}
    return render(request, "cases/wishes/my_claims.html", context)


@login_required
@require_safe
def wish(request: HttpRequest, number: str) -> HttpResponse:
    """One wish: its public half, and for the confirmed claimer whom it is for and where."""
    user, access, now = cast(User, request.user), access_for(request), timezone.now()
    case = visible_wish(number, user, access)
    knows = sees_asker(user, case, at=now, access=access)
    allowed = [a for a in allowed_actions(user, case, at=now, access=access) if a in WISH_FORMS]
    claim = last_claim(case)
    is_mine = is_claimer(user, claim, access)
    if claim is not None and claim.user_id == user.pk:  # somebody else confirms one's own claim
        allowed = [a for a in allowed if a not in ("confirm",)]
    oversees = _oversees(case, access)
    pictures = pictures_of(case) if knows else []
    context = {
        "case": case,
        "wish": case.wish,
        "where": where_of(case),
        "icon": ICONS.get(case.matter.code, "heart"),
        "clock": ball(case, now=now),
        "claim": claim,
        "is_mine": is_mine,
        "claimant": _claimant(claim, is_mine=is_mine, oversees=oversees),
        "asker": _asker(case) if knows and is_mine else None,  # the desk's own page masks and opens it
        "is_desk": access.is_desk_of(case.desk.path) or access.is_desk_above(case.desk.path),
        "may_open_phone": knows and case.reporter_id != user.pk and bool(asker_phone(case)),
        "lines": _lines(case, user, pictures, knows=knows),
        "shots": [p for p in pictures if p.role == Attachment.Role.BEFORE],
        "pictures": [p for p in pictures if p.role == Attachment.Role.AFTER],
        "resources": resources_for_wish(case, on=timezone.localdate(now)) if oversees else [],
        "oversees": oversees,
        **buttons(allowed, case),
        **frame(access),
    }
    return render(request, "cases/wishes/wish.html", context)


def _oversees(case: Case, access: Access) -> bool:
    """Desk and committee: they see who has claimed it, and what resources fit."""
    branch = case.wish.branch
    is_desk = access.is_desk_of(case.desk.path) or access.is_desk_above(case.desk.path)
    return is_desk or (branch is not None and access.leads_branch(branch.path))


def _claimant(claim: Claim | None, *, is_mine: bool, oversees: bool) -> str:
    """Who has it: units and branches by name; a person only to themselves and to those who oversee it."""
    if claim is None:
        return ""
    if is_mine or oversees:
        side = claim.unit or claim.branch
        return f"{claim.user.name} · {side}" if side else claim.user.name
    return str(claim.unit or claim.branch or _("Somebody"))


def _asker(case: Case) -> dict[str, str]:
    name, phone = asker_name(case) or _("Resident"), masked_phone(asker_phone(case))
    return {"name": name, "phone": phone, "words": case.description}


def _lines(case: Case, user: User, pictures: Iterable[Attachment], *, knows: bool) -> list[Line]:
    """The history without names; remarks and pictures only for those who know the asker, or one's own."""
    events = timeline(case, kinds=TOLD_OF_WISHES)
    for event in events:
        if not knows and event.actor_id != user.pk:
            event.note = ""
    shown = lines_of(events, pictures)
    return [Line(**{**line.__dict__, "who": ""}) for line in shown]


def buttons(allowed: Sequence[str], case: Case) -> dict[str, Any]:
    """The one red button and the others, as the workflow names them."""
    rules = WORKFLOWS[Kind.WISH]
    primary = next((action for action in PRIMARY if action in allowed), None)
    named = [{"action": a, "label": rules[a].label, "icon": _ICONS_OF_ACTIONS[a]} for a in allowed]
    return {
        "primary": next((each for each in named if each["action"] == primary), None),
        "others": [each for each in named if each["action"] != primary],
    }


@login_required
@require_POST
def open_wish_phone(request: HttpRequest, number: str) -> HttpResponse:
    """The asker's phone in full, for whoever fulfils the wish and for the desk; written into the trail."""
    user, access, now = cast(User, request.user), access_for(request), timezone.now()
    case = visible_wish(number, user, access)
    phone = asker_phone(case)
    if case.reporter_id == user.pk or not phone or not sees_asker(user, case, at=now, access=access):
        raise NotAllowed(_("Only those who fulfil the wish, and its desk, may open the phone."))
    shown = read_personal(
        user,
        what="reporter_phone",
        value=phone,
        target=f"case:{case.number}",
        at=now,
        ip=address_of(request),
    )
    return render(request, "cases/_phone.html", {"phone": shown})


TABS: Final = {"confirm": State.CLAIMED, "assign": State.PUBLISHED}


@login_required
@require_safe
def branch(request: HttpRequest) -> HttpResponse:
    """What waits for the committee: claims to confirm, and wishes that nobody has claimed."""
    user, access, now = cast(User, request.user), access_for(request), timezone.now()
    if not access.branches:
        raise NotAllowed(_("This page is for the committees of branches."))
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else "confirm"
    page = numbered_page(branch_wishes(access, state=TABS[tab]), page_number(request), size=PAGE_SIZE)
    context = {
        "tab": tab,
        "page": page,
        "rows": [_branch_row(each, user, now) for each in page.rows],
        "counts": _branch_counts(access),
        **frame(access),
    }
    return render(request, "cases/wishes/branch.html", context)


def _branch_counts(access: Access) -> dict[str, int]:
    """The numbers of both tabs; one query."""
    mine = Q(pk__in=[])
    for grant in access.branches:
        mine |= Q(branch__path__startswith=grant.path)
    left = Q(case__state=State.PUBLISHED, left_to_branch_at__isnull=False)
    return Wish.objects.filter(mine, case__kind=Kind.WISH, case__is_test=access.is_sandbox).aggregate(
        confirm=Count("pk", filter=Q(case__state=State.CLAIMED)), assign=Count("pk", filter=left)
    )


def _branch_row(wish: Wish, user: User, now: datetime) -> dict[str, Any]:
    case = wish.case
    claim = next(iter(case.standing_claims), None)  # type: ignore[attr-defined]
    return {
        "wish": wish,
        "case": case,
        "where": where_of(case),
        "clock": ball(case, now=now),
        "claim": claim,
        "claimant": _claimant(claim, is_mine=False, oversees=True),
        "is_own": claim is not None and claim.user_id == user.pk,
    }


@login_required
@require_safe
def needs(request: HttpRequest) -> HttpResponse:
    """The list of needs: open wishes compound by compound, with resources that may meet them."""
    user, access, now = cast(User, request.user), access_for(request), timezone.now()
    if not access.desk_place_ids:
        require_helper(user, access)
    stand = standpoint(user, access)
    place = _place_of(request, stand.city_id) or stand.home
    if request.GET.get("place") == "all":
        place = None
    groups = needs_by_place(stand.city_id, on=timezone.localdate(now), place=place) if stand.city_id else []
    context = {
        "groups": groups,
        "place": place,
        "home": stand.home,
        "grids": _grids_of(stand.home),
        **frame(access),
    }
    return render(request, "cases/wishes/needs.html", context)


def _place_of(request: HttpRequest, city_id: int | None) -> Place | None:
    """The grid or community asked for by its code, in the reader's city."""
    code = request.GET.get("place", "").replace("\x00", "")
    if not code or city_id is None:
        return None
    return Place.objects.filter(
        code=code, level__in=(Level.COMMUNITY, Level.GRID), path__startswith=_path_of(city_id)
    ).first()


def _path_of(city_id: int) -> str:
    return Place.objects.values_list("path", flat=True).get(pk=city_id)


def _grids_of(home: Place | None) -> list[Place]:
    if home is None:
        return []
    return list(Place.objects.filter(path__startswith=home.path, level=Level.GRID, retired_on=None)[:30])
