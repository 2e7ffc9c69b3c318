"""Who may write what about branches and members, and the locks under which it is checked."""

from __future__ import annotations

import datetime as dt

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from governance.common.errors import Invalid, NotAllowed, NotVisible, WrongState
from grids.models import Place
from partymembers.access import access_of
from partymembers.homes import HOME_LEVELS
from partymembers.models import Branch, CheckIn, Member, Role, Unit, User

#: One writer at a time changes the shape of the branch tree: its paths are made from the number of siblings.
_TREE_LOCK = 0x67657A68
#: No member joined, and no branch ended, before this day: an earlier one is a slip in the year.
_FOUNDED = dt.date(1921, 7, 1)


def lock_tree() -> None:
    """Hold back other changes of the tree's shape until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_TREE_LOCK])


def locked_branch(branch_id: int) -> Branch:
    """The branch's row, locked until the transaction ends. Raises NotVisible."""
    branch = Branch.objects.select_for_update(no_key=True).filter(pk=branch_id).first()
    if branch is None:
        raise NotVisible
    return branch


def live_branch(branch_id: int, *, field: str = "branch") -> Branch:
    """The same for one that is not dissolved. Raises Invalid."""
    branch = locked_branch(branch_id)
    if branch.dissolved_on is not None:
        raise Invalid(_("This branch is dissolved. Choose another."), field=field)
    return branch


def locked_member(member_id: int) -> Member:
    """The member's row with their people and places, locked until the transaction ends. Raises NotVisible."""
    rows = Member.objects.select_for_update(of=("self",), no_key=True)
    member = (
        rows.select_related("user", "home_branch", "checkin_branch", "lives_at").filter(pk=member_id).first()
    )
    if member is None:
        raise NotVisible
    return member


def present_member(member_id: int) -> Member:
    """The same for somebody who has not left. Raises WrongState."""
    member = locked_member(member_id)
    if member.left_on is not None:
        raise WrongState(_("This member has left."))
    return member


def locked_check_in(check_in_id: int) -> CheckIn:
    """The request and its member, locked in that order: member first. Raises NotVisible."""
    found = CheckIn.objects.filter(pk=check_in_id).values_list("member_id", flat=True).first()
    if found is None:
        raise NotVisible
    member = locked_member(found)
    rows = CheckIn.objects.select_for_update(of=("self",), no_key=True).select_related("branch__place")
    check_in = rows.get(pk=check_in_id)
    check_in.member = member
    return check_in


def leads(actor: User | None, branch: Branch | None, *, at: dt.datetime) -> bool:
    """Whether the actor sits in the committee of the branch or of one above it; the command line does."""
    if actor is None:
        return True
    if branch is None:
        return False
    return access_of(actor, on=timezone.localdate(at)).leads_branch(branch.path)


def is_system_officer(actor: User | None, *, at: dt.datetime) -> bool:
    """Whether the actor configures the portal; the command line does."""
    return actor is None or access_of(actor, on=timezone.localdate(at)).is_officer(Role.SYSTEM_OFFICER)


def require_committee(actor: User | None, branch: Branch | None, *, at: dt.datetime) -> None:
    """Pass the committee of the branch and those above. Raises NotAllowed."""
    if not leads(actor, branch, at=at):
        raise NotAllowed(_("Only the branch's own committee, or one above it, may do this."))


def require_committee_or_officer(actor: User | None, branch: Branch | None, *, at: dt.datetime) -> None:
    """Pass the system officer too. Raises NotAllowed."""
    if not is_system_officer(actor, at=at):
        require_committee(actor, branch, at=at)


def require_not_oneself(actor: User | None, member: Member | User) -> None:
    """Nobody takes in, accepts, transfers or grades themselves. Raises NotAllowed."""
    own_id = member.user_id if isinstance(member, Member) else member.pk
    if actor is not None and actor.pk == own_id:
        raise NotAllowed(_("Somebody else of the committee must do this for you."))


def check_home(place: Place | None) -> None:
    """Somebody lives in a community, grid or building that is there. Raises Invalid."""
    if place is None:
        return
    if place.level not in HOME_LEVELS:
        raise Invalid(_("Choose a community, grid or building."), field="lives_at")
    if place.retired_on is not None:
        raise Invalid(_("This place is retired. Choose the one that followed it."), field="lives_at")


def check_work_unit(unit: Unit | None) -> None:
    """A branch belongs to a unit that is at work. Raises Invalid."""
    if unit is not None and unit.disabled_at is not None:
        raise Invalid(_("This unit is disabled. Choose another."), field="unit")


def check_past(day: dt.date, *, at: dt.datetime, field: str) -> None:
    """What has happened lies not in the future, nor before there was a Party. Raises Invalid."""
    if day > timezone.localdate(at):
        raise Invalid(_("This day is still to come."), field=field)
    if day < _FOUNDED:
        raise Invalid(_("This day is too long ago."), field=field)
