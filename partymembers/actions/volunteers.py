"""Volunteers: registering, changing what one offers, leaving. Everybody does it for themselves.

A volunteer has an account: points belong to a person who signs in, and hours are checked in by them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext as _

from governance.common.errors import Invalid, NotAllowed, WrongState
from grids.models import Level, Place
from partymembers.keepers import is_officer
from partymembers.models import SignUp, Skill, Team, TeamMember, User, Volunteer
from partymembers.rules import locked_user

MAX_INTRODUCTION = 500


@transaction.atomic
def register_volunteer(
    *, user: User, community: Place, skills: Iterable[Skill], introduction: str, at: dt.datetime
) -> Volunteer:
    """Enter somebody's own name; whoever had left comes back, and a second press changes nothing but words.

    Raises NotAllowed for an officer, Invalid (field named) for a place that is no community.
    """
    if is_officer(user, at=at):
        raise NotAllowed(_("An officer's post stands alone: officers take no part in the business."))
    _check_community(community)
    words = _checked_words(introduction)
    locked_user(user.pk)
    volunteer, is_new = Volunteer.objects.get_or_create(
        user=user, defaults={"community": community, "introduction": words, "registered_at": at}
    )
    if not is_new:
        if volunteer.left_at is not None:
            volunteer.registered_at, volunteer.left_at = at, None
        volunteer.community, volunteer.introduction = community, words
        volunteer.save(update_fields=["community", "introduction", "registered_at", "left_at"])
    volunteer.skills.set(_offered(skills))
    return volunteer


@transaction.atomic
def change_volunteer(
    *, user: User, community: Place, skills: Iterable[Skill], introduction: str, at: dt.datetime
) -> Volunteer:
    """Change community, skills or words of one's own registration. Raises WrongState, Invalid."""
    _registered(user)
    return register_volunteer(user=user, community=community, skills=skills, introduction=introduction, at=at)


@transaction.atomic
def leave_volunteers(*, user: User, at: dt.datetime) -> Volunteer:
    """Stop serving: teams and sign-ups to come end too; points and records stay.

    Raises WrongState for somebody who still leads a team.
    """
    volunteer = _registered(user)
    if Team.objects.filter(leader=user, dissolved_on=None).exists():
        raise WrongState(_("You lead a team. Hand it over to somebody else first."))
    stop_serving(user, at=at)
    volunteer.left_at = at
    volunteer.save(update_fields=["left_at"])
    return volunteer


def stop_serving(user: User, *, at: dt.datetime) -> None:
    """End somebody's places in teams and give back their seats at activities to come."""
    TeamMember.objects.filter(user=user, left_at=None).update(left_at=at)
    to_come = SignUp.objects.filter(user=user, cancelled_at=None, arrived_at=None)
    to_come.filter(activity__starts_at__gt=at).update(cancelled_at=at)


def _registered(user: User) -> Volunteer:
    """The user's registration, locked. Raises WrongState."""
    locked_user(user.pk)
    volunteer = Volunteer.objects.filter(user=user, left_at=None).first()
    if volunteer is None:
        raise WrongState(_("You are not registered as a volunteer."))
    return volunteer


def _check_community(place: Place) -> None:
    if place.level != Level.COMMUNITY or place.retired_on is not None:
        raise Invalid(_("Choose a community."), field="community")


def _checked_words(introduction: str) -> str:
    words = introduction.replace("\x00", "").strip()
    if len(words) > MAX_INTRODUCTION:
        told = {"limit": MAX_INTRODUCTION}
        raise Invalid(_("At most %(limit)d characters.") % told, field="introduction")
    return words


def _offered(skills: Iterable[Skill]) -> list[Skill]:
    """Skills in use; one that was switched off meanwhile is left out."""
    return [skill for skill in skills if skill.is_active]
