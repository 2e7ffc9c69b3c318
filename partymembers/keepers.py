"""Who keeps the volunteers' side of a place: its desk and those above it, and the committees that serve it.

One answer for activities, teams, points, stations and lists, asked by the actions and by the pages' buttons.
"""

from __future__ import annotations

import datetime as dt

from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext as _

from governance.common.errors import Invalid, NotAllowed
from grids.models import Place
from partymembers.access import Access, access_of
from partymembers.models import Branch, Member, User, Volunteer


def is_desk_over(access: Access, path: str) -> bool:
    """Whether the user staffs the desk of this place or one above it."""
    return access.is_desk_of(path) or access.is_desk_above(path)


def leads_place(access: Access, path: str) -> bool:
    """Whether the user sits in a committee that serves this place, or in one above that; up to one query."""
    if not access.branches:
        return False
    steps = range(Place.steplen, len(path) + 1, Place.steplen)
    serving = Branch.objects.filter(place__path__in=[path[:end] for end in steps], dissolved_on=None)
    return any(access.leads_branch(found) for found in serving.values_list("path", flat=True))


def keeps_place(access: Access, path: str) -> bool:
    """Whether desk or committee makes the user answerable for the volunteers' side of this place."""
    return is_desk_over(access, path) or leads_place(access, path)


def access_at(user: User, at: dt.datetime) -> Access:
    """What the user may reach on the day of `at`."""
    return access_of(user, on=timezone.localdate(at))


def require_keeper(user: User, place: Place | None, *, at: dt.datetime) -> None:
    """Pass desk and committee of the place, and those above. Raises NotAllowed."""
    if place is None or not keeps_place(access_at(user, at), place.path):
        raise NotAllowed(_("Only the desk or the committee of the place, or of one above it, may do this."))


def require_desk(user: User, place: Place, *, at: dt.datetime) -> None:
    """Pass the desk of the place and those above. Raises NotAllowed."""
    if not is_desk_over(access_at(user, at), place.path):
        raise NotAllowed(_("Only the desk of the place, or of one above it, may do this."))


def is_officer(user: User, *, at: dt.datetime) -> bool:
    """Whether the user is one of the three officers, who take no part in the business."""
    return bool(access_at(user, at).officer_roles)


def home_of(user: User) -> Place | None:
    """The community where somebody serves: as a volunteer, else where their check-in branch is."""
    volunteer = Volunteer.objects.select_related("community").filter(user=user, left_at=None).first()
    if volunteer is not None:
        return volunteer.community
    member = Member.objects.select_related("checkin_branch__place").filter(user=user, left_on=None).first()
    branch = member.checkin_branch if member else None
    return branch.place if branch else None


def serves(user: User) -> bool:
    """Whether somebody is a registered volunteer or a Party member."""
    return (
        Volunteer.objects.filter(user=user, left_at=None).exists()
        or Member.objects.filter(user=user, left_on=None).exists()
    )


def require_servant(user: User, *, at: dt.datetime) -> None:
    """Pass registered volunteers and Party members, unless they hold an officer's post. Raises NotAllowed."""
    if is_officer(user, at=at):
        raise NotAllowed(_("An officer's post stands alone: officers take no part in the business."))
    if not serves(user):
        raise NotAllowed(_("Register as a volunteer first."))


def check_lengths(model: type[Model], **typed: str) -> None:
    """No text is longer than its column. Raises Invalid (field named)."""
    for name, value in typed.items():
        limit = getattr(model._meta.get_field(name), "max_length", None)
        if limit is not None and len(value.strip()) > limit:
            raise Invalid(_("At most %(limit)d characters.") % {"limit": limit}, field=name)
