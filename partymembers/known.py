"""Of whom a reader may have lists: their membership, check-ins and points; by desk and committee, as pages.

A connected system that acts for a desk stands in its place; one that only reads there, or acts for a unit,
learns of nobody. Everybody finds themselves.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from grids.models import Place
from partymembers.access import Access
from partymembers.branching import led_branches, members_led
from partymembers.models import CheckIn, Member, PointsAccount, PointsEntry, User
from partymembers.volunteering import kept_places

_PERSON = PointsAccount.Kind.PERSON


def members_known_to(access: Access) -> QuerySet[Member]:
    """Members of the reader's branches, and those whom the places that the reader keeps have to do with.

    These are checked in there, have asked to be, or live there and are checked in nowhere (回头看). Each has
    `is_waiting`: whether a request of theirs waits for an answer.
    """
    kept = _kept(access)
    waiting = CheckIn.objects.filter(member=OuterRef("pk"), state=CheckIn.State.ASKED)
    concerned = Q(checkin_branch__place__in=kept) | Q(Exists(waiting.filter(branch__place__in=kept)))
    concerned |= Q(checkin_branch__isnull=True, lives_at__in=kept)
    if access.branches:
        concerned |= Q(pk__in=members_led(access).order_by().values("pk"))
    rows = Member.objects.filter(concerned | Q(user_id=access.user_id))
    return rows.select_related("user", "home_branch__place", "checkin_branch__place").annotate(
        is_waiting=Exists(waiting)
    )


def check_ins_known_to(access: Access) -> QuerySet[CheckIn]:
    """Check-ins that were asked of the reader's branches, or of those that serve what the reader keeps."""
    concerned = Q(branch__place__in=_kept(access)) | Q(member__user_id=access.user_id)
    if access.branches:
        concerned |= Q(branch__in=led_branches(access).order_by().values("pk"))
    return CheckIn.objects.filter(concerned).select_related("member__user", "branch__place")


def accounts_known_to(access: Access) -> QuerySet[PointsAccount]:
    """Accounts of people who serve in a place that the reader keeps (`keepers.home_of`)."""
    concerned = _at_home("user__", _kept(access)) | Q(user_id=access.user_id)
    return PointsAccount.objects.filter(concerned, kind=_PERSON).select_related("user")


def holders_known_to(access: Access) -> QuerySet[User]:
    """Whose points a reader may ask for: who serves where accounts are read, and who has entries to read."""
    entries = entries_known_to(access).filter(account__user=OuterRef("pk"))
    known = _at_home("", _kept(access)) | Q(pk=access.user_id) | Q(Exists(entries))
    return User.objects.filter(known)


def entries_known_to(access: Access) -> QuerySet[PointsEntry]:
    """What moved people's points in a place that the reader keeps, or nowhere and they serve there."""
    kept = _kept(access)
    nowhere = Q(transaction__place__isnull=True) & _at_home("account__user__", kept)
    concerned = Q(transaction__place__in=kept) | nowhere | Q(account__user_id=access.user_id)
    rows = PointsEntry.objects.filter(concerned, account__kind=_PERSON)
    return rows.select_related("account__user", "transaction__rule", "transaction__place")


def _kept(access: Access) -> QuerySet[Place, Any]:
    if access.is_sandbox:  # people are real, whatever is tried out
        return Place.objects.none().values("pk")
    return Place.objects.order_by().filter(kept_places(access)).values("pk")


def _at_home(user: str, kept: QuerySet[Place, Any]) -> Q:
    """A condition: the person serves as a volunteer in one of these, or is checked in there and is none."""
    volunteers = Q(**{f"{user}volunteer__left_at__isnull": True, f"{user}volunteer__community__in": kept})
    no_volunteer = Q(**{f"{user}volunteer__isnull": True}) | Q(**{f"{user}volunteer__left_at__isnull": False})
    member = {f"{user}member__left_on": None, f"{user}member__checkin_branch__place__in": kept}
    return volunteers | (no_volunteer & Q(**member))
