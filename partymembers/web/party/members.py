"""One member as a committee sees them: masked, with a logged way to open what is sensitive."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from governance.common.errors import DomainError, Invalid, NotVisible
from governance.common.typed import row_id, words
from partymembers.actions.members import change_status, leave, transfer_member
from partymembers.audit import address_of, read_personal
from partymembers.branching import led_branches, members_led, minutes_of
from partymembers.checking_in import due_on, standing_of
from partymembers.homes import is_masked, shown_home, whole_home
from partymembers.middleware import access_for
from partymembers.models import CheckIn, Evaluation, Member, ServiceRecord
from partymembers.web.doors import user_of

#: So many rows of each history stand on the page.
SHOWN = 20


@login_required
@require_safe
def member(request: HttpRequest, member_id: int) -> HttpResponse:
    """A member of one of my branches."""
    return render(request, "partymembers/party/member.html", _context(request, _visible(request, member_id)))


@login_required
@require_POST
def open_personal(request: HttpRequest, member_id: int) -> HttpResponse:
    """A member's phone or door in full; opening it is written into the audit trail."""
    found = _visible(request, member_id)
    values = {"phone": found.user.phone or "", "door": whole_home(found) if is_masked(found) else ""}
    what = request.POST.get("what", "")
    if not values.get(what):
        raise NotVisible
    shown = read_personal(
        user_of(request),
        what=f"member_{what}",
        value=values[what],
        target=found.user,
        at=timezone.now(),
        ip=address_of(request),
    )
    return render(request, "partymembers/party/_opened.html", {"what": what, "value": shown})


@login_required
@require_POST
def transfer(request: HttpRequest, member_id: int) -> HttpResponse:
    """Transfer a member to another of my branches."""
    found = _visible(request, member_id)
    branch = led_branches(access_for(request)).filter(pk=row_id(request.POST.get("branch", ""))).first()

    def act(acting: dict[str, Any]) -> str:
        if branch is None:
            raise Invalid(_("Please choose one."), field="branch")
        reason = words(request.POST.get("reason", ""), most=200)
        transfer_member(member_id=found.pk, to_branch_id=branch.pk, reason=reason, **acting)
        return _("%(who)s now belongs to %(branch)s.") % {"who": found.user.name, "branch": branch.name}

    return _done(request, found, act)


@login_required
@require_POST
def status(request: HttpRequest, member_id: int) -> HttpResponse:
    """A probationary member becomes a full one, or back."""
    found = _visible(request, member_id)

    def act(acting: dict[str, Any]) -> str:
        change_status(member_id=found.pk, status=request.POST.get("status", ""), **acting)
        return _("Saved.")

    return _done(request, found, act)


@login_required
@require_POST
def left(request: HttpRequest, member_id: int) -> HttpResponse:
    """Let somebody be a member here no more, from today."""
    found = _visible(request, member_id)

    def act(acting: dict[str, Any]) -> str:
        reason = words(request.POST.get("reason", ""), most=200)
        if not reason:
            raise Invalid(_("Please give a reason in a sentence."), field="reason")
        leave(member_id=found.pk, on=timezone.localdate(), reason=reason, **acting)
        return _("%(who)s is no longer a member here.") % {"who": found.user.name}

    return _done(request, found, act)


def _done(request: HttpRequest, found: Member, act: Any) -> HttpResponse:
    """Do it; a refusal stands above the page, with what was typed still there."""
    try:
        told = act({"actor": user_of(request), "at": timezone.now(), "ip": address_of(request)})
    except DomainError as refusal:
        messages.error(request, str(refusal.message))
        context = _context(request, found) | {"typed_reason": request.POST.get("reason", "")}
        return render(request, "partymembers/party/member.html", context, status=int(refusal.http_status))
    messages.success(request, told)
    if not members_led(access_for(request)).filter(pk=found.pk).exists():
        return redirect("party:branches")
    return redirect("party:member", member_id=found.pk)


def _visible(request: HttpRequest, member_id: int) -> Member:
    found = members_led(access_for(request)).filter(pk=member_id).first()
    if found is None:
        raise NotVisible
    return found


def _context(request: HttpRequest, member: Member) -> dict[str, Any]:
    access, today = access_for(request), timezone.localdate()
    waiting = member.check_ins.filter(state=CheckIn.State.ASKED).select_related("branch").first()
    own = member.user_id == access.user_id
    leads_home = access.leads_branch(member.home_branch.path) and not own
    services = ServiceRecord.objects.filter(user=member.user, cancelled_at=None)
    present = member.left_on is None and not own
    targets = led_branches(access).exclude(pk=member.home_branch_id).order_by("path")[:200] if present else []
    return {
        "member": member,
        "standing": standing_of(member, on=today, is_waiting=waiting is not None).value,
        "due_on": due_on(member.settled_on),
        "waiting": waiting,
        "leads_home": leads_home and present,
        "targets": targets,
        "home": shown_home(member),
        "has_door": is_masked(member),
        "statuses": Member.Status.choices,
        "moves": member.moves.select_related("from_branch", "to_branch", "by")[:SHOWN],
        "grades": Evaluation.objects.filter(member=member).select_related("branch").order_by("-year"),
        "services": services.order_by("-at", "-pk")[:SHOWN],
        "hours": round(minutes_of([member], year=today.year).get(member.user_id, 0) / 60, 1),
        "year": today.year,
        "nav_current": "branches",
    }
