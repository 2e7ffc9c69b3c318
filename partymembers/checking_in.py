"""Dual check-in 双报到: when it is due, how that looks, and which branches a member may ask.

Pure but for `branches_to_ask`. The date is plain: one calendar month after joining or moving.
"""

from __future__ import annotations

import calendar
import datetime as dt
from enum import StrEnum

from django.db.models import Q, QuerySet

from grids.models import Level, Place
from partymembers.models import Branch, BranchLevel, CheckIn, Member

#: From so many days before the due day on, the light is yellow and the first reminder goes out.
WARNING_DAYS = 7
#: Levels of the territory whose branches take members in, widest first.
CHECK_IN_LEVELS = (Level.COMMUNITY, Level.GRID, Level.BUILDING)


class Standing(StrEnum):
    """How a member's check-in stands on a day."""

    CHECKED_IN = "checked_in"
    WAITING = "waiting"
    DUE = "due"
    NEARLY_DUE = "nearly_due"
    OVERDUE = "overdue"
    LEFT = "left"


def due_on(settled_on: dt.date) -> dt.date:
    """The last day to check in: the same day of the next month, or that month's last day."""
    year, month = divmod(settled_on.year * 12 + settled_on.month, 12)
    month += 1
    return dt.date(year, month, min(settled_on.day, calendar.monthrange(year, month)[1]))


def latest_settled(due_by: dt.date) -> dt.date:
    """The last day of settling whose check-in is due on `due_by` or before: `due_on` backwards."""
    year, month = divmod(due_by.year * 12 + due_by.month - 2, 12)
    month += 1
    last = calendar.monthrange(year, month)[1]
    is_month_end = due_by.day == calendar.monthrange(due_by.year, due_by.month)[1]
    return dt.date(year, month, last if is_month_end else min(due_by.day, last))


def standing_of(member: Member, *, on: dt.date, is_waiting: bool) -> Standing:
    """Where the member stands; `is_waiting`: they have asked and the branch has not answered."""
    if member.left_on is not None and member.left_on <= on:
        return Standing.LEFT
    if member.checkin_branch_id is not None:
        return Standing.CHECKED_IN
    if is_waiting:
        return Standing.WAITING
    days = (due_on(member.settled_on) - on).days
    if days < 0:
        return Standing.OVERDUE
    return Standing.NEARLY_DUE if days <= WARNING_DAYS else Standing.DUE


def stands(standing: Standing, *, on: dt.date) -> Q:
    """`standing_of` as a condition on members, who are annotated with `is_waiting`."""
    left = Q(left_on__isnull=False, left_on__lte=on)
    checked_in = Q(checkin_branch__isnull=False)
    late = Q(settled_on__lte=latest_settled(on - dt.timedelta(days=1)))
    soon = Q(settled_on__lte=latest_settled(on + dt.timedelta(days=WARNING_DAYS)))
    idle = ~left & ~checked_in & Q(is_waiting=False)
    return {
        Standing.LEFT: left,
        Standing.CHECKED_IN: ~left & checked_in,
        Standing.WAITING: ~left & ~checked_in & Q(is_waiting=True),
        Standing.OVERDUE: idle & late,
        Standing.NEARLY_DUE: idle & ~late & soon,
        Standing.DUE: idle & ~soon,
    }[standing]


def open_request(member: Member) -> CheckIn | None:
    """The request that waits for a branch's answer."""
    return member.check_ins.select_related("branch").filter(state=CheckIn.State.ASKED).first()


def branches_to_ask(member: Member) -> QuerySet[Branch]:
    """The live branches of a community or below that serve where the member lives.

    Nothing narrower than what is known: who has told only their community may ask any branch inside it, who
    has told nothing may ask any. The nearest stand first.
    """
    live = Branch.objects.filter(dissolved_on=None, place__level__in=CHECK_IN_LEVELS, place__retired_on=None)
    if member.lives_at is not None:
        live = live.filter(_serves(member.lives_at))
    return live.select_related("place").order_by("-place__path", "-path")


def _serves(place: Place) -> Q:
    """A condition: the branch's place holds this one, or lies inside it."""
    steps = range(Place.steplen, len(place.path), Place.steplen)
    return Q(place__path__in=[place.path[:end] for end in steps]) | Q(place__path__startswith=place.path)


def suggested_branch(member: Member) -> Branch | None:
    """The branch nearest above where the member lives; None where no single one can be named."""
    if member.lives_at is None:
        return None
    path = member.lives_at.path
    holders = [
        (len(branch.place.path), -BranchLevel(branch.level).rank, -branch.pk, branch)
        for branch in branches_to_ask(member)
        if branch.place and path.startswith(branch.place.path)
    ]
    # Several may serve one place (a committee and its branches): the topmost of them takes members in.
    return max(holders, key=lambda each: each[:3])[3] if holders else None
