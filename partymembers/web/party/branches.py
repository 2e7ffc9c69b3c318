"""The pages of a branch's committee: its branches, and one branch with its tabs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from governance.common.errors import DomainError, Invalid, NotVisible
from governance.common.pagination import paginate
from governance.common.typed import row_id, words
from partymembers.actions.check_ins import accept_check_in, refuse_check_in
from partymembers.actions.members import add_member, transfer_member
from partymembers.audit import address_of
from partymembers.branching import (
    led_branches,
    members_of,
    minutes_of,
    not_checked_in,
    not_served,
    numbers_of,
    requests_of,
    topmost,
)
from partymembers.checking_in import due_on, standing_of
from partymembers.middleware import access_for
from partymembers.models import Branch, CheckIn, JointCommittee, Member, User
from partymembers.phones import normal_identifier
from partymembers.web.doors import do, user_of
from partymembers.web.party.forms import TakeInForm
from partymembers.web.party.grading import grading_context

PAGE_SIZE = 30
TABS = ("members", "requests", "lookback", "evaluations", "committee", "below")


@login_required
@require_safe
def branches(request: HttpRequest) -> HttpResponse:
    """The branches whose committees I sit in, with all below them and their figures."""
    access, today = access_for(request), timezone.localdate()
    led = led_branches(access).select_related("place", "unit")
    page = paginate(led, order="path", cursor=request.GET.get("cursor", ""), size=PAGE_SIZE, count_up_to=1000)
    tops = list(led.filter(path__in=topmost([grant.path for grant in access.branches])))
    numbers = numbers_of([*tops, *page.rows], on=today)
    context = {
        "page": page,
        "tops": [(branch, numbers[branch.pk]) for branch in tops],
        "rows": [(branch, numbers[branch.pk]) for branch in page.rows],
        "year": today.year,
        "nav_current": "branches",
    }
    return render(request, "partymembers/party/branches.html", context)


@login_required
@require_safe
def branch(request: HttpRequest, branch_id: int) -> HttpResponse:
    """One branch; `?tab=` says which of its lists."""
    return branch_page(request, visible_branch(request, branch_id))


def visible_branch(request: HttpRequest, branch_id: int) -> Branch:
    """A live branch that the user leads. Raises NotVisible."""
    rows = led_branches(access_for(request)).select_related("place", "unit")
    found = rows.filter(pk=branch_id).first()
    if found is None:
        raise NotVisible
    return found


def branch_page(
    request: HttpRequest, branch: Branch, *, tab: str = "", status: int = 200, **more: Any
) -> HttpResponse:
    """The page of a branch with one of its tabs; `more` is what a refused form brings back."""
    chosen = tab or request.GET.get("tab", "")
    chosen = chosen if chosen in TABS else TABS[0]
    today = timezone.localdate()
    context = {
        "branch": branch,
        "above": _above(request, branch),
        "numbers": numbers_of([branch], on=today)[branch.pk],
        "tab": chosen,
        "today": today,
        "year": today.year,
        "nav_current": "branches",
        **_CONTEXTS[chosen](request, branch),
        **more,
    }
    return render(request, "partymembers/party/branch.html", context, status=status)


@login_required
@require_POST
def take_in(request: HttpRequest, branch_id: int) -> HttpResponse:
    """Enter somebody in the branch, or transfer a member of another branch to it."""
    branch = visible_branch(request, branch_id)
    form = TakeInForm(request.POST)
    if form.is_valid():
        try:
            told = _take_in(request, branch, form.cleaned_data)
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            messages.success(request, told)
            return redirect(f"{reverse('party:branch', args=[branch.pk])}?which=home")
    return branch_page(request, branch, tab="members", status=400, take_in_form=form)


def _take_in(request: HttpRequest, branch: Branch, typed: dict[str, Any]) -> str:
    user = User.objects.people().filter(username=normal_identifier(typed["staff_number"])).first()
    if user is None:
        raise Invalid(_("Nobody has this staff number."), field="staff_number")
    acting: dict[str, Any] = {
        "actor": user_of(request), "at": timezone.now(), "ip": address_of(request),
    }  # fmt: skip
    known = Member.objects.filter(user=user, left_on=None).first()
    if known is not None:
        transfer_member(member_id=known.pk, to_branch_id=branch.pk, reason=typed["reason"], **acting)
        return _("%(who)s is transferred to this branch.") % {"who": user.name}
    add_member(
        user_id=user.pk, home_branch_id=branch.pk, status=typed["status"], settled_on=typed["settled_on"],
        **acting,
    )  # fmt: skip
    return _("%(who)s is entered in this branch.") % {"who": user.name}


@login_required
@require_POST
def accept(request: HttpRequest, check_in_id: int) -> HttpResponse:
    """Take a member in."""
    check_in, user = _visible_request(request, check_in_id), user_of(request)
    ip = address_of(request)
    return do(
        request,
        lambda at: accept_check_in(check_in_id=check_in.pk, actor=user, at=at, ip=ip),
        done=_("%(who)s is checked in.") % {"who": check_in.member.user.name},
        to=_requests_url(request, check_in),
    )


@login_required
@require_POST
def refuse(request: HttpRequest, check_in_id: int) -> HttpResponse:
    """Refuse a request, with a reason."""
    check_in, user = _visible_request(request, check_in_id), user_of(request)
    reason, ip = words(request.POST.get("reason", ""), most=500), address_of(request)
    return do(
        request,
        lambda at: refuse_check_in(check_in_id=check_in.pk, reason=reason, actor=user, at=at, ip=ip),
        done=_("Refused. The member has been told why."),
        to=_requests_url(request, check_in),
    )


def _visible_request(request: HttpRequest, check_in_id: int) -> CheckIn:
    led = led_branches(access_for(request))
    rows = CheckIn.objects.select_related("member__user", "branch").filter(branch__in=led)
    check_in = rows.filter(pk=check_in_id).first()
    if check_in is None:
        raise NotVisible
    return check_in


def _requests_url(request: HttpRequest, check_in: CheckIn) -> str:
    """The list that the button stood in: of the branch itself, or of one above."""
    led = led_branches(access_for(request)).filter(pk=row_id(request.POST.get("of", ""))).first()
    return f"{reverse('party:branch', args=[led.pk if led else check_in.branch_id])}?tab=requests"


def _above(request: HttpRequest, branch: Branch) -> list[Branch]:
    """The branches between the topmost that the user leads and this one, for the breadcrumbs."""
    steps = range(Branch.steplen, len(branch.path), Branch.steplen)
    return list(led_branches(access_for(request)).filter(path__in=[branch.path[:end] for end in steps]))


def _members(request: HttpRequest, branch: Branch) -> dict[str, Any]:
    which = request.GET.get("which", "")
    if which not in ("home", "checkin"):
        which = "checkin" if branch.place_id and not branch.unit_id else "home"
    text = request.GET.get("q", "").strip()[:50]
    rows = members_of(branch, which=which, text=text)
    page = paginate(rows, order="id", cursor=request.GET.get("cursor", ""), size=PAGE_SIZE, count_up_to=1000)
    today = timezone.localdate()
    minutes = minutes_of(page.rows, year=today.year)
    lines = [
        {
            "member": member,
            "standing": standing_of(member, on=today, is_waiting=getattr(member, "is_waiting", False)).value,
            "due_on": due_on(member.settled_on),
            "hours": round(minutes.get(member.user_id, 0) / 60, 1),
        }
        for member in page.rows
    ]
    return {"page": page, "lines": lines, "which": which, "q": text, "take_in_form": TakeInForm()}


def _requests(request: HttpRequest, branch: Branch) -> dict[str, Any]:
    cursor, today = request.GET.get("cursor", ""), timezone.localdate()
    page = paginate(requests_of(branch), order="asked_at", cursor=cursor, size=PAGE_SIZE)
    lines = [
        {
            "check_in": row,
            "due_on": due_on(row.member.settled_on),
            "late": due_on(row.member.settled_on) < today,
        }
        for row in page.rows
    ]
    return {"page": page, "lines": lines}


def _lookback(request: HttpRequest, branch: Branch) -> dict[str, Any]:
    today = timezone.localdate()
    which = "not_served" if request.GET.get("which") == "not_served" else "not_checked_in"
    chosen = _year(request, today.year)
    rows = {"not_served": not_served(branch, year=chosen), "not_checked_in": not_checked_in(branch, on=today)}
    page = paginate(rows[which], order="id", cursor=request.GET.get("cursor", ""), size=PAGE_SIZE)
    lines = [{"member": member, "due_on": due_on(member.settled_on)} for member in page.rows]
    counts = {key: queryset.order_by().count() for key, queryset in rows.items()}
    years = [today.year, today.year - 1]
    return {"page": page, "lines": lines, "which": which, "counts": counts, "chosen": chosen, "years": years}


def _evaluations(request: HttpRequest, branch: Branch) -> dict[str, Any]:
    today = timezone.localdate()
    return grading_context(request, branch, year=_year(request, today.year))


def _committee(request: HttpRequest, branch: Branch) -> dict[str, Any]:
    posts = branch.posts.select_related("user").order_by("-starts_on", "-role", "pk")[:100]
    joint = JointCommittee.objects.filter(branch=branch).first()
    seats = joint.members.select_related("user", "unit").order_by("-starts_on", "pk")[:100] if joint else []
    return {"posts": posts, "joint": joint, "seats": seats}


def _subbranches(request: HttpRequest, branch: Branch) -> dict[str, Any]:
    below = led_branches(access_for(request)).filter(path__startswith=branch.path).exclude(pk=branch.pk)
    below = below.select_related("place", "unit")
    page = paginate(below, order="path", cursor=request.GET.get("cursor", ""), size=PAGE_SIZE)
    numbers = numbers_of(page.rows, on=timezone.localdate())
    return {"page": page, "rows": [(row, numbers[row.pk]) for row in page.rows]}


def _year(request: HttpRequest, this_year: int) -> int:
    """This year or the last: `?year=`."""
    typed = request.POST.get("year") or request.GET.get("year", "")
    return this_year - 1 if typed == str(this_year - 1) else this_year


_CONTEXTS: dict[str, Callable[[HttpRequest, Branch], dict[str, Any]]] = {
    "members": _members,
    "requests": _requests,
    "lookback": _lookback,
    "evaluations": _evaluations,
    "committee": _committee,
    "below": _subbranches,
}
