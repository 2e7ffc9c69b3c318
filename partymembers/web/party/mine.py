"""A member's own page: the two branches, the check-in, service and grades."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from governance.common.errors import DomainError, NotVisible
from governance.common.methods import require_form
from governance.common.typed import row_id, words
from partymembers.actions.check_ins import ask_check_in, withdraw_check_in
from partymembers.actions.members import move_house
from partymembers.audit import address_of
from partymembers.branching import minutes_of
from partymembers.checking_in import due_on, open_request, standing_of
from partymembers.homes import homes_offered, is_masked, shown_home
from partymembers.models import Evaluation, Member, ServiceRecord
from partymembers.web.doors import do, user_of
from partymembers.web.party.forms import AskForm, MovedForm

#: So many of the newest services stand on the page.
SHOWN_SERVICES = 20


@login_required
@require_safe
def me(request: HttpRequest) -> HttpResponse:
    """My two branches, where my check-in stands, what I have served and how it was graded."""
    return _page(request, own_member(request))


@login_required
@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    """Ask the branch where I live to take me in."""
    member = _required(request)
    form = AskForm(request.POST, member=member)
    if form.is_valid():
        try:
            ask_check_in(
                actor=user_of(request),
                branch_id=form.cleaned_data["branch"].pk,
                offer=form.cleaned_data["offer"],
                at=timezone.now(),
            )
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            messages.success(request, _("Sent. The branch will answer you here."))
            return redirect("party:me")
    return _page(request, member, form=form, status=400)


@login_required
@require_POST
def withdraw(request: HttpRequest, check_in_id: int) -> HttpResponse:
    """Take my request back."""
    user = user_of(request)
    return do(
        request,
        lambda at: withdraw_check_in(check_in_id=check_in_id, actor=user, at=at),
        done=_("Your request is withdrawn."),
        to=reverse("party:me"),
    )


@login_required
@require_form
def moved(request: HttpRequest) -> HttpResponse:
    """Say where I live now; that ends a check-in."""
    member = _required(request)
    form = MovedForm(request.POST or None, member=member, chosen=row_id(request.GET.get("lives_at", "")))
    if request.method == "POST" and form.is_valid():
        try:
            move_house(
                member_id=member.pk,
                **form.cleaned_data,
                actor=user_of(request),
                at=timezone.now(),
                ip=address_of(request),
            )
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            messages.success(request, _("Saved. Now ask the branch where you live to take you in."))
            return redirect("party:me")
    context = {"member": member, "form": form, "nav_current": "party"}
    context |= _offered(request, form.chosen_id)
    return render(request, "partymembers/party/moved.html", context, status=400 if form.errors else 200)


@login_required
@require_safe
def moved_homes(request: HttpRequest) -> HttpResponse:
    """What "I have moved" offers: the places of a name, and what lies inside the one that is ticked."""
    _required(request)
    context = _offered(request, row_id(request.GET.get("lives_at", "")))
    return render(request, "partymembers/party/_homes.html", context)


def _offered(request: HttpRequest, chosen: int | None) -> dict[str, Any]:
    typed = words(request.GET.get("words", ""), most=50)
    return {"words": typed, "homes": homes_offered(typed, chosen=chosen)}


def own_member(request: HttpRequest) -> Member | None:
    """The signed-in user as a member; None for who is none."""
    rows = Member.objects.select_related("user", "home_branch__unit", "checkin_branch__place", "lives_at")
    return rows.filter(user=user_of(request)).first()


def _required(request: HttpRequest) -> Member:
    member = own_member(request)
    if member is None:
        raise NotVisible
    return member


def _page(
    request: HttpRequest, member: Member | None, *, form: AskForm | None = None, status: int = 200
) -> HttpResponse:
    context = {"member": member, "nav_current": "party"}
    if member is not None:
        context |= _facts(member, form)
    return render(request, "partymembers/party/me.html", context, status=status)


def _facts(member: Member, form: AskForm | None) -> dict[str, Any]:
    today = timezone.localdate()
    waiting = open_request(member)
    standing = standing_of(member, on=today, is_waiting=waiting is not None)
    may_ask = member.left_on is None and member.checkin_branch is None and waiting is None
    services = ServiceRecord.objects.filter(user=member.user, cancelled_at=None).select_related("branch")
    grades = Evaluation.objects.filter(member=member).select_related("branch").order_by("-year")
    return {
        "standing": standing.value,
        "home": shown_home(member),
        "is_masked": is_masked(member),
        "due_on": due_on(member.settled_on),
        "days_left": (due_on(member.settled_on) - today).days,
        "waiting": waiting,
        "last": member.check_ins.select_related("branch").exclude(state="asked").first(),
        "form": (form or AskForm(member=member)) if may_ask else None,
        "services": services[:SHOWN_SERVICES],
        "hours": round(minutes_of([member], year=today.year).get(member.user_id, 0) / 60, 1),
        "year": today.year,
        "grades": grades,
        "moves": member.moves.select_related("from_branch", "to_branch")[:SHOWN_SERVICES],
    }
