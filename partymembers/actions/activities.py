"""Activities: set up, changed, cancelled by who organizes them; signed up for by who comes.

Every write locks the activity first, so that the last seat is given once.
"""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from governance.common.errors import Invalid, NotAllowed, NotVisible, WrongState
from grids.models import Level, Place
from partymembers.actions.notices import tell
from partymembers.keepers import access_at, check_lengths, keeps_place, require_servant, serves
from partymembers.models import Activity, SignUp, Team, User

#: Longer than a day is a mistake in a date.
LONGEST = dt.timedelta(hours=24)
#: And nobody plans further ahead than this.
FURTHEST = dt.timedelta(days=366)
MOST_SEATS = 1000


@dataclass(frozen=True)
class Plan:
    """What an activity is, where, when, and for how many."""

    title: str
    place: Place
    where: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    capacity: int = 20
    description: str = ""
    team: Team | None = None


@transaction.atomic
def create_activity(*, plan: Plan, actor: User, at: dt.datetime) -> Activity:
    """Announce an activity. Raises NotAllowed, Invalid (field named)."""
    if not may_organize(plan.place, plan.team, actor, at=at):
        raise NotAllowed(_("Only the team leader, or desk or committee of the place, may do this."))
    _check(plan, at=at)
    return Activity.objects.create(
        **_fields(plan), token=secrets.token_urlsafe(32), created_by=actor, created_at=at
    )


@transaction.atomic
def change_activity(*, activity_id: int, plan: Plan, actor: User, at: dt.datetime) -> Activity:
    """Change an activity before it starts; those signed up are told when it moves.

    Raises NotAllowed, WrongState, Invalid, NotVisible.
    """
    activity = lock_activity(activity_id)
    require_organizer(activity, actor, at=at)
    _require_open(activity)
    if activity.starts_at <= at:
        raise WrongState(_("The activity has begun; it can no longer be changed."))
    if not may_organize(plan.place, plan.team, actor, at=at):
        raise NotAllowed(_("Only the team leader, or desk or committee of the place, may do this."))
    _check(plan, at=at)
    if plan.capacity < seats_taken(activity):
        raise Invalid(_("More people than that have signed up already."), field="capacity")
    before = (activity.starts_at, activity.ends_at, activity.where)
    for name, value in _fields(plan).items():
        setattr(activity, name, value)
    activity.save()
    if before != (activity.starts_at, activity.ends_at, activity.where):
        _tell(activity, "activity_moved", f"activity:{activity.pk}:moved:{at.timestamp():.0f}", at=at)
    return activity


@transaction.atomic
def cancel_activity(*, activity_id: int, reason: str, actor: User, at: dt.datetime) -> Activity:
    """Call an activity off while nobody has arrived; those signed up are told.

    Raises NotAllowed, WrongState, Invalid without a reason, NotVisible.
    """
    activity = lock_activity(activity_id)
    require_organizer(activity, actor, at=at)
    _require_open(activity)
    if SignUp.objects.filter(activity=activity, arrived_at__isnull=False).exists() or activity.ends_at <= at:
        raise WrongState(_("Somebody has served here already; it can no longer be cancelled."))
    why = reason.strip()[:200]
    if not why:
        raise Invalid(_("Please give a reason in a sentence."), field="reason")
    activity.cancelled_at, activity.cancel_reason = at, why
    activity.save(update_fields=["cancelled_at", "cancel_reason"])
    _tell(activity, "activity_cancelled", f"activity:{activity.pk}:cancelled", at=at)
    return activity


@transaction.atomic
def sign_up(*, activity_id: int, user: User, at: dt.datetime) -> SignUp:
    """Take a seat; a second press changes nothing. Raises WrongState when it is full or over, NotAllowed."""
    activity = lock_activity(activity_id)
    _require_open(activity)
    if activity.ends_at <= at:
        raise WrongState(_("The activity is over."))
    return seat(activity, user, at=at)


def seat(activity: Activity, user: User, *, at: dt.datetime) -> SignUp:
    """The person's seat, taken now if need be. The activity must be locked. Raises WrongState, NotAllowed."""
    require_servant(user, at=at)
    mine = SignUp.objects.filter(activity=activity, user=user).first()
    if mine is not None and mine.cancelled_at is None:
        return mine
    if seats_taken(activity) >= activity.capacity:
        raise WrongState(_("All places are taken."))
    if mine is None:
        return SignUp.objects.create(activity=activity, user=user, signed_at=at)
    mine.signed_at, mine.cancelled_at = at, None
    mine.save(update_fields=["signed_at", "cancelled_at"])
    return mine


@transaction.atomic
def cancel_sign_up(*, activity_id: int, user: User, at: dt.datetime) -> None:
    """Give one's seat back before arriving. Raises WrongState after, NotVisible without a seat."""
    activity = lock_activity(activity_id)
    mine = SignUp.objects.filter(activity=activity, user=user).first()
    if mine is None:
        raise NotVisible
    if mine.arrived_at is not None:
        raise WrongState(_("You have arrived already."))
    if mine.cancelled_at is None:
        mine.cancelled_at = at
        mine.save(update_fields=["cancelled_at"])


def seats_taken(activity: Activity) -> int:
    """How many come."""
    return SignUp.objects.filter(activity=activity, cancelled_at=None).count()


def may_organize(place: Place, team: Team | None, actor: User, *, at: dt.datetime) -> bool:
    """Whether somebody may hold activities there: the team's leader, or desk or committee of the place.

    A leader who has left the volunteers or the Party no longer leads.
    """
    if team is not None and team.leader_id == actor.pk and team.dissolved_on is None and serves(actor):
        return place.path.startswith(team.place.path) or team.place.path.startswith(place.path)
    return keeps_place(access_at(actor, at), place.path)


def is_organizer(activity: Activity, actor: User, *, at: dt.datetime) -> bool:
    """Whether somebody runs this activity."""
    return may_organize(activity.place, activity.team, actor, at=at)


def require_organizer(activity: Activity, actor: User, *, at: dt.datetime) -> None:
    """Pass who runs the activity. Raises NotAllowed."""
    if not is_organizer(activity, actor, at=at):
        raise NotAllowed(_("Only the team leader, or desk or committee of the place, may do this."))


def lock_activity(activity_id: int) -> Activity:
    """The activity's row, locked until the transaction ends. Raises NotVisible."""
    rows = Activity.objects.select_for_update(of=("self",)).select_related(
        "place", "team__place", "created_by"
    )
    activity = rows.filter(pk=activity_id).first()
    if activity is None:
        raise NotVisible
    return activity


def _require_open(activity: Activity) -> None:
    if activity.cancelled_at is not None:
        raise WrongState(_("The activity was cancelled."))


def _fields(plan: Plan) -> dict[str, object]:
    return {
        "title": plan.title.strip(),
        "description": plan.description.strip(),
        "place": plan.place,
        "team": plan.team,
        "where": plan.where.strip(),
        "starts_at": plan.starts_at,
        "ends_at": plan.ends_at,
        "capacity": plan.capacity,
    }


def _check(plan: Plan, *, at: dt.datetime) -> None:
    for field, value in (("title", plan.title), ("where", plan.where)):
        if not value.strip():
            raise Invalid(_("Please fill this in."), field=field)
    check_lengths(Activity, title=plan.title, where=plan.where, description=plan.description)
    if plan.place.level != Level.COMMUNITY or plan.place.retired_on is not None:
        raise Invalid(_("Choose a community."), field="place")
    if plan.team is not None and plan.team.dissolved_on is not None:
        raise Invalid(_("This team no longer exists."), field="team")
    if not at < plan.starts_at <= at + FURTHEST:
        raise Invalid(_("Choose a time to come, within a year."), field="starts_at")
    if not plan.starts_at < plan.ends_at <= plan.starts_at + LONGEST:
        raise Invalid(_("It must end after it starts, within a day."), field="ends_at")
    if not 1 <= plan.capacity <= MOST_SEATS:
        raise Invalid(_("Between 1 and %(most)d people.") % {"most": MOST_SEATS}, field="capacity")


def _tell(activity: Activity, kind: str, source: str, *, at: dt.datetime) -> None:
    coming = User.objects.filter(sign_ups__activity=activity, sign_ups__cancelled_at=None)
    tell(
        coming,
        kind=kind,
        source=source,
        at=at,
        url=reverse("service:activity", args=[activity.pk]),
        title=activity.title,
        starts_at=activity.starts_at.isoformat(),
        reason=activity.cancel_reason,
    )
