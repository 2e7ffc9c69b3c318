"""Activities: their list, one of them, setting up and changing, signing up."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from governance.common.errors import NotAllowed, NotVisible
from governance.common.methods import require_form
from governance.common.pagination import paginate
from grids.models import Level, Place
from partymembers.actions.activities import (
    Plan,
    cancel_activity,
    cancel_sign_up,
    change_activity,
    create_activity,
    is_organizer,
    sign_up,
)
from partymembers.keepers import serves
from partymembers.middleware import access_for
from partymembers.models import Activity, SignUp, Team
from partymembers.volunteering import activities_in, kept_communities, kept_places, shown_activities
from partymembers.web.doors import do, user_of
from partymembers.web.service.forms import ActivityForm, ReasonForm
from partymembers.web.service.pages import Words, form_page, scope_for, show

PAGE_SIZE = 20


@login_required
@require_safe
def activities(request: HttpRequest) -> HttpResponse:
    """What is to come in a place and below (`?view=past`: what is over)."""
    scope, past = scope_for(request), request.GET.get("view") == "past"
    page = None
    if scope is not None:
        page = paginate(
            activities_in(scope.chosen, user_of(request), at=timezone.now(), past=past),
            order="-starts_at" if past else "starts_at",
            cursor=request.GET.get("cursor", ""),
            size=PAGE_SIZE,
        )
    may_create = _places(request).exists()
    return show(request, "activities", {"scope": scope, "page": page, "past": past, "may_create": may_create})


@login_required
@require_safe
def activity(request: HttpRequest, activity_id: int) -> HttpResponse:
    """One activity; who comes is for those who run it."""
    user, now = user_of(request), timezone.now()
    found = activity_of(request, activity_id)
    mine = SignUp.objects.filter(activity=found, user=user, cancelled_at=None).first()
    runs = is_organizer(found, user, at=now)
    context: dict[str, Any] = {
        "activity": found,
        "mine": mine,
        "runs": runs,
        "is_over": found.ends_at <= now,
        "has_begun": found.starts_at <= now,
        "is_full": found.taken >= found.capacity,  # type: ignore[attr-defined]
        "serves": serves(user),
    }
    if runs:
        rows = SignUp.objects.filter(activity=found, cancelled_at=None).select_related("user")
        context["coming"] = list(rows.order_by("signed_at", "pk"))
    return show(request, "activity", context)


@login_required
@require_form
def activity_new(request: HttpRequest) -> HttpResponse:
    """Announce an activity: a team's leader, desk or committee."""
    places = _places(request)
    if not places.exists():
        raise NotAllowed(_("Only the team leader, or desk or committee of the place, may do this."))
    form = ActivityForm(request.POST or None, places=places, teams=_teams(request))
    words = Words(
        title=_("New activity"),
        submit=_("Announce"),
        back=reverse("service:activities"),
        done=_("The activity is announced."),
    )

    def act(typed: dict[str, Any]) -> str:
        made = create_activity(plan=Plan(**typed), actor=user_of(request), at=timezone.now())
        return reverse("service:activity", args=[made.pk])

    return form_page(request, form, act, words)


@login_required
@require_form
def activity_edit(request: HttpRequest, activity_id: int) -> HttpResponse:
    """Change it before it starts."""
    found, back = run_by(request, activity_id), reverse("service:activity", args=[activity_id])
    form = ActivityForm(
        request.POST or None,
        initial=ActivityForm.of(found),
        places=_places(request),
        teams=_teams(request),
    )
    words = Words(
        title=_("Change the activity"),
        submit=_("Save"),
        back=back,
        done=_("Saved."),
        note=_("Who has signed up is told when time or meeting point change."),
    )

    def act(typed: dict[str, Any]) -> str:
        change_activity(
            activity_id=activity_id, plan=Plan(**typed), actor=user_of(request), at=timezone.now()
        )
        return back

    return form_page(request, form, act, words)


@login_required
@require_form
def activity_cancel(request: HttpRequest, activity_id: int) -> HttpResponse:
    """Call it off."""
    found, back = run_by(request, activity_id), reverse("service:activity", args=[activity_id])
    words = Words(
        title=_("Cancel the activity"),
        submit=_("Cancel the activity"),
        back=back,
        done=_("The activity is cancelled; those who signed up are told."),
        facts=((_("Activity"), found.title),),
        is_danger=True,
    )

    def act(typed: dict[str, Any]) -> str:
        cancel_activity(
            activity_id=activity_id, reason=typed["reason"], actor=user_of(request), at=timezone.now()
        )
        return back

    return form_page(request, ReasonForm(request.POST or None), act, words)


@login_required
@require_POST
def activity_sign_up(request: HttpRequest, activity_id: int) -> HttpResponse:
    """Take a seat."""
    return do(
        request,
        lambda at: sign_up(activity_id=activity_id, user=user_of(request), at=at),
        done=_("You are signed up."),
        to=reverse("service:activity", args=[activity_id]),
    )


@login_required
@require_POST
def activity_withdraw(request: HttpRequest, activity_id: int) -> HttpResponse:
    """Give one's seat back."""
    return do(
        request,
        lambda at: cancel_sign_up(activity_id=activity_id, user=user_of(request), at=at),
        done=_("Your place is free for somebody else."),
        to=reverse("service:activity", args=[activity_id]),
    )


def activity_of(request: HttpRequest, activity_id: int) -> Activity:
    """An activity with its seats. Raises NotVisible."""
    found = shown_activities(user_of(request)).filter(pk=activity_id).first()
    if found is None:
        raise NotVisible
    return found


def run_by(request: HttpRequest, activity_id: int) -> Activity:
    """The activity, for somebody who runs it; to others its inner pages do not exist. Raises NotVisible."""
    found = activity_of(request, activity_id)
    if not is_organizer(found, user_of(request), at=timezone.now()):
        raise NotVisible
    return found


def _places(request: HttpRequest) -> QuerySet[Place]:
    """Communities where the person may hold activities: those they keep, and those of the teams they lead."""
    led = Place.objects.filter(teams__leader=user_of(request), teams__dissolved_on=None)
    inside = Q()
    for place in led:
        inside |= Q(path__startswith=place.path)
    if not inside:
        return kept_communities(access_for(request))
    kept = kept_places(access_for(request))
    return Place.objects.current().filter(kept | inside, level=Level.COMMUNITY).order_by("code")


def _teams(request: HttpRequest) -> QuerySet[Team]:
    kept = Place.objects.filter(kept_places(access_for(request)))
    mine = Q(leader=user_of(request)) | Q(place__in=kept.values("pk"))
    return Team.objects.filter(mine, dissolved_on=None).order_by("name")
