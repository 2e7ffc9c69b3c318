"""Teams: their list, one team, founding, joining, leading."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from governance.common.errors import NotAllowed, NotVisible
from governance.common.methods import require_form
from partymembers.actions.teams import dissolve_team, found_team, hand_over_team, join_team, leave_team
from partymembers.keepers import keeps_place, serves
from partymembers.middleware import access_for
from partymembers.models import Team, TeamMember
from partymembers.volunteering import activities_in, candidates, kept_communities, teams_in
from partymembers.web.doors import do, user_of
from partymembers.web.service.forms import HandOverForm, TeamForm
from partymembers.web.service.pages import Words, form_page, scope_for, show

#: So many teams of a place are listed; a place has a few.
MOST = 200


@login_required
@require_safe
def teams(request: HttpRequest) -> HttpResponse:
    """The teams of a place and below."""
    scope = scope_for(request)
    rows = teams_in(scope.chosen, user_of(request))[:MOST] if scope else []
    may_found = kept_communities(access_for(request)).exists()
    return show(request, "teams", {"scope": scope, "teams": rows, "may_found": may_found})


@login_required
@require_safe
def team(request: HttpRequest, team_id: int) -> HttpResponse:
    """One team: purpose, leader, how many, what it does next; its people for itself and its keepers."""
    user = user_of(request)
    found = _team(team_id)
    members = list(
        TeamMember.objects.filter(team=found, left_at=None).select_related("user").order_by("joined_at", "pk")
    )
    is_in = any(member.user_id == user.pk for member in members)
    keeps = keeps_place(access_for(request), found.place.path)
    now = timezone.now()
    context = {
        "team": found,
        "members": members,
        "is_in": is_in,
        "is_leader": found.leader_id == user.pk,
        "keeps": keeps,
        "shows_people": is_in or keeps,
        "may_join": not is_in and serves(user),
        "activities": activities_in(found.place, user, at=now).filter(team=found).order_by("starts_at")[:10],
    }
    return show(request, "team", context)


@login_required
@require_form
def team_new(request: HttpRequest) -> HttpResponse:
    """Found a team: desk or committee."""
    places = kept_communities(access_for(request))
    if not places.exists():
        raise NotAllowed(_("Only the desk or the committee of the place, or of one above it, may do this."))
    form = TeamForm(request.POST or None, places=places, leaders=candidates(access_for(request)))
    words = Words(
        title=_("Found a team"),
        submit=_("Found the team"),
        back=reverse("service:teams"),
        done=_("The team is founded."),
    )

    def act(typed: dict[str, Any]) -> str:
        made = found_team(**typed, actor=user_of(request), at=timezone.now())
        return reverse("service:team", args=[made.pk])

    return form_page(request, form, act, words)


@login_required
@require_form
def team_hand_over(request: HttpRequest, team_id: int) -> HttpResponse:
    """Let another member lead."""
    found, user = _team(team_id), user_of(request)
    if found.leader_id != user.pk and not keeps_place(access_for(request), found.place.path):
        raise NotVisible
    form = HandOverForm(request.POST or None, team=found)
    back = reverse("service:team", args=[team_id])
    words = Words(
        title=_("Hand over the team"), submit=_("Hand over"), back=back, done=_("The team has a new leader.")
    )

    def act(typed: dict[str, Any]) -> str:
        hand_over_team(team_id=team_id, leader=typed["leader"], actor=user, at=timezone.now())
        return back

    return form_page(request, form, act, words)


@login_required
@require_POST
def team_act(request: HttpRequest, team_id: int, action: str) -> HttpResponse:
    """Join, leave or dissolve."""
    user, to = user_of(request), reverse("service:team", args=[team_id])
    acts: dict[str, tuple[Any, str, str]] = {
        "join": (
            lambda at: join_team(team_id=team_id, user=user, at=at),
            _("You are in the team."),
            to,
        ),
        "leave": (lambda at: leave_team(team_id=team_id, user=user, at=at), _("You have left the team."), to),
        "dissolve": (
            lambda at: dissolve_team(team_id=team_id, actor=user, at=at),
            _("The team is dissolved."),
            reverse("service:teams"),
        ),
    }
    if action not in acts:
        raise Http404
    act, done, where = acts[action]
    return do(request, act, done=done, to=where)


def _team(team_id: int) -> Team:
    found = Team.objects.select_related("place", "leader").filter(pk=team_id, dissolved_on=None).first()
    if found is None:
        raise NotVisible
    return found
