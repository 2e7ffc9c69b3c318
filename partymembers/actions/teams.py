"""Teams of volunteers: founded by the desk or committee of their place, led by one of their own."""

from __future__ import annotations

import datetime as dt

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from governance.common.errors import Invalid, NotAllowed, NotVisible, WrongState
from grids.models import Place
from partymembers.keepers import (
    access_at,
    check_lengths,
    keeps_place,
    require_keeper,
    require_servant,
    serves,
)
from partymembers.models import Activity, Team, TeamMember, User


@transaction.atomic
def found_team(*, name: str, place: Place, leader: User, purpose: str, actor: User, at: dt.datetime) -> Team:
    """Set up a team with its leader as the first member. Raises NotAllowed, Invalid (field named)."""
    require_keeper(actor, place, at=at)
    name = name.strip()
    if not name:
        raise Invalid(_("Please give the team a name."), field="name")
    check_lengths(Team, name=name, purpose=purpose)
    _require_leader(leader)
    today = timezone.localdate(at)
    try:
        with transaction.atomic():
            team = Team.objects.create(
                name=name, place=place, leader=leader, purpose=purpose.strip(), founded_on=today
            )
    except IntegrityError as error:
        raise Invalid(_("The place has a team of this name already."), field="name") from error
    TeamMember.objects.create(team=team, user=leader, joined_at=at)
    return team


@transaction.atomic
def join_team(*, team_id: int, user: User, at: dt.datetime) -> TeamMember:
    """Become one of the team; a second press changes nothing. Raises WrongState, NotVisible, NotAllowed."""
    team = _live_team(team_id)
    require_servant(user, at=at)
    member, _is_new = TeamMember.objects.get_or_create(
        team=team, user=user, left_at=None, defaults={"joined_at": at}
    )
    return member


@transaction.atomic
def leave_team(*, team_id: int, user: User, at: dt.datetime) -> None:
    """Leave; nothing happens to somebody who is not in it. Raises WrongState for the leader."""
    team = _locked_team(team_id)
    if team.leader_id == user.pk and team.dissolved_on is None:
        raise WrongState(_("You lead this team. Hand it over to somebody else first."))
    TeamMember.objects.filter(team=team, user=user, left_at=None).update(left_at=at)


@transaction.atomic
def hand_over_team(*, team_id: int, leader: User, actor: User, at: dt.datetime) -> Team:
    """Let another member lead: said by the leader, or by desk or committee of the place.

    Raises NotAllowed, Invalid for somebody who is not in the team, WrongState, NotVisible.
    """
    team = _live_team(team_id)
    _require_lead(team, actor, at=at)
    if not TeamMember.objects.filter(team=team, user=leader, left_at=None).exists():
        raise Invalid(_("Choose somebody of the team."), field="leader")
    _require_leader(leader)
    team.leader = leader
    team.save(update_fields=["leader"])
    return team


@transaction.atomic
def dissolve_team(*, team_id: int, actor: User, at: dt.datetime) -> Team:
    """End a team, by the desk or committee of its place; its history stays.

    Raises NotAllowed, WrongState while an activity of it is still to come, NotVisible.
    """
    team = _live_team(team_id)
    require_keeper(actor, team.place, at=at)
    if Activity.objects.filter(team=team, cancelled_at=None, ends_at__gt=at).exists():
        raise WrongState(_("An activity of this team is still to come. Cancel it first."))
    TeamMember.objects.filter(team=team, left_at=None).update(left_at=at)
    team.dissolved_on = timezone.localdate(at)
    team.save(update_fields=["dissolved_on"])
    return team


def may_lead(team: Team, actor: User, *, at: dt.datetime) -> bool:
    """Whether somebody runs the team: its leader while they serve, or desk or committee of the place."""
    leads = team.leader_id == actor.pk and serves(actor)
    return leads or keeps_place(access_at(actor, at), team.place.path)


def _require_lead(team: Team, actor: User, *, at: dt.datetime) -> None:
    if not may_lead(team, actor, at=at):
        raise NotAllowed(_("Only the team leader, or desk or committee of the place, may do this."))


def _require_leader(user: User) -> None:
    if user.disabled_at is not None or not serves(user):
        raise Invalid(_("Choose a volunteer or a member."), field="leader")


def _locked_team(team_id: int) -> Team:
    rows = Team.objects.select_for_update(of=("self",)).select_related("place")
    team = rows.filter(pk=team_id).first()
    if team is None:
        raise NotVisible
    return team


def _live_team(team_id: int) -> Team:
    team = _locked_team(team_id)
    if team.dissolved_on is not None:
        raise WrongState(_("This team no longer exists."))
    return team
