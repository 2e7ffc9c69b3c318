"""The desk's side of wishes: the inbox in deadline order, one wish with its asker, what the desk decides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.db.models import Count, Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from cases.actions.wishes import confirm_claim
from cases.models import Attachment, Case, Claim
from cases.permissions import allowed_actions, require
from cases.queries import ClockFace, ball, face, pictures_of, timeline, with_row_facts
from cases.querysets import CaseQuerySet
from cases.timeline import lines_of
from cases.web.forms import ActionForm
from cases.web.forms.wishes_desk import WISH_DESK_FORMS
from cases.web.reporting import Posted, kept_photos, posted
from cases.wish_text import blanked
from cases.wishes import asker_name, asker_phone, last_claim, standing_claim
from cases.workflow import WISH_OPEN_STATES, WORKFLOWS, Kind, Rule, Stage, State
from governance.common.errors import DomainError, Invalid, NotAllowed, NotVisible, WrongState
from governance.common.formats import masked_name, masked_phone
from governance.common.kept import MOST_KEPT, Kept, Slot
from governance.common.methods import require_form
from governance.common.pagination import CursorPage, paginate
from partymembers.access import Access
from partymembers.audit import address_of, read_personal
from partymembers.middleware import access_for
from partymembers.models import User

#: The entry of the navigation that a wish of the desk stands under: its address lies below the wall's.
NAV: Final = "wish_desk"
PAGE_SIZE: Final = 30
MOST_AT_ONCE: Final = 100
_ENDED: Final = (State.CLOSED, State.DECLINED, State.VOIDED)
#: The badge counts up to here, and is counted anew after so many seconds.
_MOST_COUNTED: Final = 100
_COUNTED_FOR: Final = 20
ICONS: Final = {
    "publish": "send",
    "edit_wish": "edit",
    "decline": "x",
    "confirm": "check",
    "refuse_claim": "undo",
    "assign_wish": "user",
    "to_branch": "flag",
    "fail": "undo",
    "urge": "bell",
    "comment": "msg",
    "void": "trash",
    "revoke": "undo",
}
#: What is done at once, without a form; the words that are asked before, where there are any.
AT_ONCE: Final[dict[str, str | Promise]] = {
    "confirm": "",
    "to_branch": gettext_lazy("The branch’s committee is asked to assign it; it stays on the wall."),
}


@dataclass(frozen=True)
class View:
    """One heap of the desk's wishes; `own` are those that its own desk holds."""

    key: str
    label: Promise
    states: Sequence[State]
    own: bool = False
    is_late: bool = False

    def condition(self, access: Access, now: Any) -> Q:
        """Which of the wishes of the desk's place lie here."""
        found = Q(state__in=self.states)
        if self.is_late:
            found &= Q(next_due_at__lt=now)
        return found & Q(desk_id__in=access.desk_place_ids) if self.own else found


VIEWS: Final = (
    View("vet", gettext_lazy("To vet"), (State.ASKED,), own=True),
    View("confirm", gettext_lazy("Claims to confirm"), (State.CLAIMED,), own=True),
    View("late", gettext_lazy("Late"), WISH_OPEN_STATES, own=True, is_late=True),
    View("wall", gettext_lazy("On the wall"), (State.PUBLISHED,)),
    View("going", gettext_lazy("Under way"), (State.CONFIRMED, State.BEGUN)),
    View("delivered", gettext_lazy("Delivered"), (State.DELIVERED,)),
    View("ended", gettext_lazy("Ended"), _ENDED),
)


def waiting_count(request: HttpRequest) -> int:
    """Wishes to vet, claims to confirm and what is late at the actor's own desk.

    It stands on every page of a desk, so it is counted anew every so often and after a deed, not each time.
    """
    access = access_for(request)
    if not access.desk_place_ids:
        return 0
    count = cache.get_or_set(_waiting_key(access), lambda: _count_waiting(access), _COUNTED_FOR)
    return count or 0


def _waiting_key(access: Access) -> str:
    """Whoever staffs the same desks reads the same number."""
    return "wishes-waiting:" + "-".join(str(pk) for pk in sorted(access.desk_place_ids))


def _count_waiting(access: Access) -> int:
    return len(_waiting(access).ask(now=timezone.now()))


@lru_cache(maxsize=MOST_KEPT)
def _waiting(access: Access) -> Kept[int]:
    own = Case.objects.wishes_of_desk(access).filter(desk_id__in=access.desk_place_ids)
    waits = Q(state__in=(State.ASKED, State.CLAIMED))
    late = Q(state__in=WISH_OPEN_STATES, next_due_at__lt=Slot("now"))
    return Kept(own.filter(waits | late).order_by().values_list("pk", flat=True)[:_MOST_COUNTED])


@dataclass(frozen=True)
class WishRow:
    """A wish in the desk's list: its leading clock, and who has claimed it."""

    case: Case
    clock: ClockFace | None
    claim: Claim | None
    may_confirm: bool

    @property
    def words(self) -> str:
        """Its title; before it has one the asker's words without name, number and door, else its kind."""
        case = self.case
        return case.wish.title or blanked(case, case.description).strip() or case.matter.name


@login_required
@require_safe
def wish_desk(request: HttpRequest) -> HttpResponse:
    """The desk's wishes, first due first, in heaps by what is to be done."""
    access, now = access_for(request), timezone.now()
    if not access.desk_place_ids:
        raise NotAllowed(_("This page is for the staff of a desk."))
    view = next((v for v in VIEWS if v.key == request.GET.get("view", "")), VIEWS[0])
    rows = Case.objects.wishes_of_desk(access)
    counts = rows.order_by().aggregate(**{v.key: Count("pk", filter=v.condition(access, now)) for v in VIEWS})
    page = _page(request, rows.filter(view.condition(access, now)), view)
    context = {
        "views": [(each, counts[each.key]) for each in VIEWS],
        "view": view,
        "page": page,
        "rows": [_row(case, cast(User, request.user), access, now) for case in page.rows],
        "now": now,
        "here": request.get_full_path(),
    }
    return render(request, "cases/wishes/desk.html", context)


def _page(request: HttpRequest, rows: CaseQuerySet, view: View) -> CursorPage[Case]:
    people = Claim.objects.select_related("user", "unit", "branch")
    facts = with_row_facts(rows).select_related("wish", "community", "reporter")
    facts = facts.prefetch_related(Prefetch("claims", people)).defer("community__boundary")
    order = "-updated_at" if view.key == "ended" else "next_due_at"
    return paginate(facts, order=order, cursor=request.GET.get("cursor", ""), size=PAGE_SIZE)


def _row(case: Case, user: User, access: Access, now: datetime) -> WishRow:
    claim = last_claim(case)
    is_desk = access.is_desk_of(case.desk.path) or access.is_desk_above(case.desk.path)
    waits = case.state == State.CLAIMED and claim is not None and claim.user_id != user.pk
    return WishRow(case, ball(case, now=now), claim, is_desk and waits)


@login_required
@require_POST
def confirm_many(request: HttpRequest) -> HttpResponse:
    """Confirm every ticked claim, each in its own transaction; what did not go says why."""
    numbers = {number.replace("\x00", "") for number in request.POST.getlist("number")}
    if not 0 < len(numbers) <= MOST_AT_ONCE:
        raise Invalid(_("Please tick between 1 and %(most)d wishes.") % {"most": MOST_AT_ONCE})
    cases = Case.objects.wishes_of_desk(access_for(request)).filter(number__in=numbers).order_by("pk")
    done = 0
    for case in cases:
        try:
            confirm_claim(case_id=case.pk, actor=cast(User, request.user), at=timezone.now())
            done += 1
        except DomainError as error:
            messages.error(request, f"{case.number}: {error.message}")
    cache.delete(_waiting_key(access_for(request)))
    if done:
        told = ngettext("%(count)s claim confirmed.", "%(count)s claims confirmed.", done)
        messages.success(request, told % {"count": done})
    return redirect(reverse("cases:wish_desk") + "?view=confirm")


def desk_wish(number: str, access: Access) -> Case:
    """The wish of a number for the staff of its desk or of one above; raises NotVisible for anybody else."""
    rows = Case.objects.wishes_of_desk(access).filter(number=number.replace("\x00", ""))
    beside = ("matter__matter_class", "wish__branch", "place", "desk", "community", "compound", "reporter")
    people = Claim.objects.select_related("user", "unit", "branch", "confirmed_by", "assigned_by")
    claims = Prefetch("claims", people)
    facts = rows.select_related(*beside).defer("search_terms", "place__boundary", "desk__boundary")
    case = facts.prefetch_related(
        claims, "clocks", "parts", "requests", "co_reporters", "wish__skills"
    ).first()
    if case is None:
        raise NotVisible(_("The order does not exist, or is not in your area. Please check the number."))
    return case


@login_required
@require_safe
def wish_order(request: HttpRequest, number: str) -> HttpResponse:
    """Everything of a wish for its desk: the asker, the public half, claims, clocks, history, actions."""
    access, now, user = access_for(request), timezone.now(), cast(User, request.user)
    case = desk_wish(number, access)
    allowed = allowed_actions(user, case, at=now, access=access)
    pictures = pictures_of(case)
    context = {
        "case": case,
        "wish": case.wish,
        "ball": ball(case, now=now),
        "clocks": _clocks(case, now),
        "asker": _asker(case),
        "claims": list(reversed(case.claims.all())),
        "claim": standing_claim(case),
        "lines": lines_of(timeline(case), pictures),
        "before": [p for p in pictures if p.role == Attachment.Role.BEFORE],
        "after": [p for p in pictures if p.role == Attachment.Role.AFTER],
        **_buttons(case, allowed, user),
        "nav_current": NAV,
    }
    return render(request, "cases/wishes/order.html", context)


def _clocks(case: Case, now: datetime) -> list[ClockFace]:
    """The last round of each stage that has begun, in the order of the loop; the whole wish's last."""
    order = [stage.value for stage in Stage]
    last: dict[str, Any] = {}
    for clock in sorted(case.clocks.all(), key=lambda c: c.round):
        last[clock.stage] = clock
    rounds = {stage: sum(c.stage == stage for c in case.clocks.all()) for stage in last}
    found = sorted(last.values(), key=lambda c: order.index(c.stage))
    return [face(clock, now=now, rounds=rounds[clock.stage]) for clock in found]


def _asker(case: Case) -> dict[str, Any]:
    """Who asked and for whom; name, phone and door masked."""
    return {
        "name": masked_name(asker_name(case)),
        "phone": masked_phone(asker_phone(case)),
        "has_door": bool(case.address),
        "on_behalf": case.reporter if case.reporter_name else None,
    }


def _personal(case: Case) -> dict[str, str]:
    """What opens one by one."""
    return {"phone": asker_phone(case), "door": case.address}


def _buttons(case: Case, allowed: Iterable[str], user: User) -> dict[str, Any]:
    """What the desk may do now: the first is the one red button."""
    rules = WORKFLOWS[Kind.WISH]
    offered = [action for action in WISH_DESK_FORMS if action in set(allowed)]
    claim = standing_claim(case)
    if claim is not None and claim.user_id == user.pk:  # nobody confirms a claim of their own
        offered = [action for action in offered if action != "confirm"]
    buttons = [
        {
            "action": action,
            "label": rules[action].label,
            "icon": ICONS.get(action, "edit"),
            "at_once": action in AT_ONCE,
            "asks": AT_ONCE.get(action, ""),
        }
        for action in offered
    ]
    is_first = bool(buttons) and buttons[0]["action"] in ("publish", "confirm")
    return {"primary": buttons[0] if is_first else None, "buttons": buttons[1:] if is_first else buttons}


@login_required
@require_POST
def wish_open(request: HttpRequest, number: str) -> HttpResponse:
    """The asker's phone or door in full; opening it is written into the audit trail."""
    case = desk_wish(number, access_for(request))
    what = request.POST.get("what", "")
    value = _personal(case).get(what, "")
    if not value:
        raise NotVisible
    shown = read_personal(
        cast(User, request.user),
        what="reporter_phone" if what == "phone" else "asker_door",
        value=value,
        target=f"case:{case.number}",
        at=timezone.now(),
        ip=address_of(request),
    )
    return render(request, "cases/wishes/_opened.html", {"what": what, "value": shown})


@login_required
@require_form
def wish_desk_act(request: HttpRequest, number: str, action: str) -> HttpResponse:
    """Show the form of an action (GET), or take it (POST); a refusal gives back what was typed."""
    case = desk_wish(number, access_for(request))
    if action not in WISH_DESK_FORMS:
        raise NotVisible
    try:
        return _take(request, case, WORKFLOWS[Kind.WISH][action])
    except WrongState as error:
        error.extra["typed"] = request.POST.get("note", "") or request.POST.get("text", "")
        error.extra["fresh_url"] = reverse("cases:wish_order", args=[case.number])
        raise


def _take(request: HttpRequest, case: Case, rule: Rule) -> HttpResponse:
    access, at, user = access_for(request), timezone.now(), cast(User, request.user)
    require(user, rule.action, case, at=at, access=access)
    make = WISH_DESK_FORMS[rule.action]
    if request.method != "POST" or "find" in request.POST:
        looked = {"initial": request.POST.dict()} if request.POST else {}
        return _show(request, make(**looked, case=case, actor=user, access=access, at=at), rule, Posted())
    form = make(request.POST, case=case, actor=user, access=access, at=at)
    photos = posted(request, "photos", at=at) if form.photos else Posted()
    if form.is_valid() and not photos.error:
        try:
            return _done(request, form.run(photos=photos.tokens), rule)
        except DomainError as error:
            if error.http_status in (HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND) and not error.field:
                raise
            form.add_domain_error(error)
    return _show(request, form, rule, photos)


def _show(request: HttpRequest, form: ActionForm, rule: Rule, photos: Posted) -> HttpResponse:
    context = {
        "form": form,
        "rule": rule,
        "case": form.case,
        "kept": kept_photos(request, photos) if photos.tokens else [],
        "photo_errors": [photos.error] if photos.error else [],
        "next": _next(request, form.case),
        "is_danger": not rule.undoable,
        "nav_current": NAV,
    }
    status = HTTPStatus.BAD_REQUEST if form.is_bound else HTTPStatus.OK
    return render(request, "cases/wishes/act.html", context, status=status)


def _done(request: HttpRequest, case: Case, rule: Rule) -> HttpResponse:
    cache.delete(_waiting_key(access_for(request)))
    told = _("%(number)s: %(action)s, done. Now: %(state)s.") % {
        "number": case.number,
        "action": rule.label,
        "state": case.get_state_display(),
    }
    messages.success(request, told)
    return redirect(_next(request, case))


def _next(request: HttpRequest, case: Case) -> str:
    """Where to go after: the page that asked, if it is ours, else the wish."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    if wanted and url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}):
        return wanted
    return reverse("cases:wish_order", args=[case.number])
