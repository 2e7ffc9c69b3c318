"""Coming and going at an activity, and the hours and points that follow from it.

What counts is the time between arriving and leaving inside the activity's span. Points are awarded by who
set the activity up; their own presence goes into the record but brings no points: nobody awards themselves.
"""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from governance.common.errors import Invalid, NotAllowed, NotVisible, WrongState
from partymembers.actions.activities import lock_activity, require_organizer, seat
from partymembers.actions.points import award_points, correct_points
from partymembers.actions.service import cancel_service, record_service
from partymembers.audit import record_access
from partymembers.models import Activity, PointsTransaction, ServiceRecord, SignUp, User

RULE = "activity"
SOURCE = "activity"
#: Doors open so long before the start.
EARLY = dt.timedelta(hours=1)
#: A forgotten check-in is put right within this time after the end.
CORRECTABLE = dt.timedelta(days=30)


@transaction.atomic
def arrive(*, token: str, user: User, at: dt.datetime) -> SignUp:
    """Check in by the activity's code; whoever did not sign up takes a free seat at the door.

    A second press changes nothing. Raises NotVisible, NotAllowed, or WrongState when full or not open.
    """
    activity = _lock_by_token(token)
    if activity.cancelled_at is not None:
        raise WrongState(_("The activity was cancelled."))
    if not activity.starts_at - EARLY <= at < activity.ends_at:
        raise WrongState(_("You can check in from an hour before the start until the end."))
    mine = seat(activity, user, at=at)
    if mine.arrived_at is None:
        mine.arrived_at = at
        mine.save(update_fields=["arrived_at"])
    return mine


@transaction.atomic
def leave(*, token: str, user: User, at: dt.datetime) -> SignUp:
    """Check out by the same code: hours are recorded and points credited, once.

    Raises NotVisible, or WrongState for somebody who has not arrived.
    """
    activity = _lock_by_token(token)
    mine = SignUp.objects.select_related("user").filter(activity=activity, user=user).first()
    if mine is None or mine.arrived_at is None:
        raise WrongState(_("You have not checked in yet."))
    if mine.left_at is None:
        _check_out(activity, mine, max(mine.arrived_at, min(at, activity.ends_at)), at=at)
    return mine


@transaction.atomic
def check_out_all(*, activity_id: int, at: dt.datetime) -> int:
    """Check everybody out who is still in when the activity has ended; how many they were."""
    activity = lock_activity(activity_id)
    if at < activity.ends_at:
        return 0
    still_in = SignUp.objects.select_related("user").filter(
        activity=activity, arrived_at__isnull=False, left_at=None
    )
    rows = list(still_in.order_by("user_id"))
    for mine in rows:
        _check_out(activity, mine, activity.ends_at, at=at)
    return len(rows)


def ended_with_people(*, at: dt.datetime, most: int = 200) -> list[int]:
    """Activities that are over but where somebody is still checked in."""
    rows = Activity.objects.filter(
        ends_at__lte=at, sign_ups__arrived_at__isnull=False, sign_ups__left_at=None
    )
    return list(rows.order_by("ends_at", "pk").values_list("pk", flat=True).distinct()[:most])


@transaction.atomic
def correct_attendance(
    *,
    sign_up_id: int,
    arrived_at: dt.datetime | None,
    left_at: dt.datetime | None,
    reason: str,
    actor: User,
    at: dt.datetime,
    ip: str | None = None,
) -> SignUp:
    """Put a forgotten or wrong check-in right; hours and points follow. Both times empty: was not there.

    By who organizes it, never for oneself, until 30 days after the end; the audit trail keeps the reason.
    Raises NotAllowed, Invalid (field named), WrongState, NotVisible.
    """
    found = SignUp.objects.filter(pk=sign_up_id).values_list("activity_id", flat=True).first()
    if found is None:
        raise NotVisible
    activity = lock_activity(found)
    require_organizer(activity, actor, at=at)
    mine = SignUp.objects.select_related("user").get(pk=sign_up_id)
    if mine.user_id == actor.pk:
        raise NotAllowed(_("Somebody else must put your own attendance right."))
    _check_correction(activity, arrived_at, left_at, reason, at=at)
    before = [mine.arrived_at, mine.left_at]
    mine.arrived_at, mine.left_at, mine.cancelled_at = arrived_at, left_at, None
    mine.save(update_fields=["arrived_at", "left_at", "cancelled_at"])
    _settle(activity, mine, at=at, why=reason.strip())
    record_access(
        actor, "attendance_corrected", mine, ip, at=at, reason=reason.strip(),
        changes={"arrived_at": [before[0], arrived_at], "left_at": [before[1], left_at]},
    )  # fmt: skip
    return mine


def minutes_served(activity: Activity, mine: SignUp) -> int:
    """Whole minutes between arriving and leaving, inside the activity's span."""
    if mine.arrived_at is None or mine.left_at is None:
        return 0
    span = min(mine.left_at, activity.ends_at) - max(mine.arrived_at, activity.starts_at)
    return max(0, int(span.total_seconds()) // 60)


def _check_out(activity: Activity, mine: SignUp, left_at: dt.datetime, *, at: dt.datetime) -> None:
    mine.left_at = left_at
    mine.save(update_fields=["left_at"])
    _settle(activity, mine, at=at, why=activity.title)


def _settle(activity: Activity, mine: SignUp, *, at: dt.datetime, why: str) -> None:
    """Let record and points say what was served: what no longer fits is taken back and given anew."""
    minutes = minutes_served(activity, mine)
    recorded = ServiceRecord.objects.filter(
        user=mine.user, source=SOURCE, source_id=str(activity.pk), cancelled_at=None
    ).first()
    if minutes == (recorded.minutes if recorded else 0):
        return
    if minutes == 0:
        cancel_service(user=mine.user, source=SOURCE, source_id=activity.pk, at=at)
    else:
        record_service(
            user=mine.user,
            kind=ServiceRecord.Kind.ACTIVITY,
            source=SOURCE,
            source_id=activity.pk,
            what=activity.title,
            at=activity.starts_at,
            minutes=minutes,
            place=activity.place,
            by=activity.created_by,
        )
    if activity.created_by_id != mine.user_id:
        _credit(activity, mine, minutes, at=at, why=why)


def _credit(activity: Activity, mine: SignUp, minutes: int, *, at: dt.datetime, why: str) -> None:
    given = PointsTransaction.objects.filter(
        user=mine.user, source=SOURCE, source_id__startswith=f"{activity.pk}:"
    )
    for award in given.filter(reversed_by=None, kind=PointsTransaction.Kind.AWARD):
        correct_points(transaction_id=award.pk, reason=why, at=at)
    award_points(
        user=mine.user,
        rule_code=RULE,
        source=SOURCE,
        source_id=f"{activity.pk}:{given.count() + 1}",
        renews=f"{activity.pk}:",
        what=activity.title,
        minutes=minutes,
        at=mine.left_at or at,
        by=activity.created_by,
        place=activity.place,
    )


def _check_correction(
    activity: Activity,
    arrived_at: dt.datetime | None,
    left_at: dt.datetime | None,
    reason: str,
    *,
    at: dt.datetime,
) -> None:
    if activity.cancelled_at is not None or at < activity.starts_at:
        raise WrongState(_("The activity has not taken place."))
    if at > activity.ends_at + CORRECTABLE:
        raise WrongState(_("It is too late: attendance can be put right for 30 days."))
    if not reason.strip():
        raise Invalid(_("Please give a reason in a sentence."), field="reason")
    if (arrived_at is None) != (left_at is None):
        raise Invalid(_("Give both times, or none if they were not there."), field="left_at")
    if arrived_at is None or left_at is None:
        return
    if not activity.starts_at - EARLY <= arrived_at < activity.ends_at:
        raise Invalid(_("Within the time of the activity."), field="arrived_at")
    if not arrived_at <= left_at <= min(activity.ends_at, at):
        raise Invalid(_("After arriving, within the time of the activity."), field="left_at")


def _lock_by_token(token: str) -> Activity:
    found = Activity.objects.filter(token=token).values_list("pk", flat=True).first()
    if found is None:
        raise NotVisible
    return lock_activity(found)
