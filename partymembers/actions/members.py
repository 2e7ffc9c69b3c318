"""Members: taken in, transferred, moved house, left. Personal data, so every step is audited."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from governance.common.errors import Invalid, NotAllowed, WrongState
from governance.common.formats import masked_name
from grids.models import Place
from partymembers.access import committee_of
from partymembers.actions.notices import tell
from partymembers.actions.volunteers import stop_serving
from partymembers.audit import record_access
from partymembers.keepers import serves
from partymembers.models import Branch, CheckIn, Member, MemberMove, User
from partymembers.party_rules import (
    check_home,
    check_past,
    is_system_officer,
    leads,
    live_branch,
    locked_member,
    present_member,
    require_committee_or_officer,
    require_not_oneself,
)
from partymembers.rules import locked_user, require_enabled


@transaction.atomic
def add_member(
    *,
    user_id: int,
    home_branch_id: int,
    status: str = Member.Status.FULL,
    lives_at: Place | None = None,
    door: str = "",
    settled_on: dt.date,
    actor: User | None,
    at: dt.datetime,
    ip: str | None = None,
) -> Member:
    """Enter somebody as a member of a home branch; who had left is taken in again.

    By the branch's committee or the system officer; nobody enters themselves. The check-in is due a month
    after `settled_on`. Raises Invalid, NotAllowed, NotVisible or WrongState.
    """
    user = locked_user(user_id)
    branch = live_branch(home_branch_id, field="home_branch")
    require_committee_or_officer(actor, branch, at=at)
    require_not_oneself(actor, user)
    require_enabled(user, field="user")
    check_home(lives_at)
    check_past(settled_on, at=at, field="settled_on")
    known = Member.objects.select_for_update(no_key=True).filter(user=user).first()
    if known is not None and known.left_on is None:
        raise Invalid(_("They are a member already. Transfer them instead."), field="user")
    member = known or Member(user=user)
    member.home_branch, member.status = branch, status
    member.lives_at, member.door = lives_at, door.strip()
    member.settled_on, member.left_on = settled_on, None
    member.save()
    write_move(member, MemberMove.Kind.HOME, None, branch, by=actor, at=at)
    record_access(actor, "member_added", user, ip, at=at, branch=branch.code, settled_on=settled_on)
    return member


@transaction.atomic
def change_status(
    *, member_id: int, status: str, actor: User | None, at: dt.datetime, ip: str | None = None
) -> Member:
    """A probationary member becomes a full one, or the row is put right. Raises NotAllowed or WrongState."""
    member = present_member(member_id)
    require_committee_or_officer(actor, member.home_branch, at=at)
    require_not_oneself(actor, member)
    if status not in Member.Status.values:
        raise Invalid(_("Please choose one."), field="status")
    if member.status != status:
        before, member.status = member.status, status
        member.save(update_fields=["status"])
        record_access(actor, "member_changed", member.user, ip, at=at, changes={"status": [before, status]})
    return member


@transaction.atomic
def transfer_member(
    *,
    member_id: int,
    to_branch_id: int,
    reason: str = "",
    actor: User | None,
    at: dt.datetime,
    ip: str | None = None,
) -> Member:
    """转接: let another branch be a member's home. By the receiving committee or the system officer.

    Raises Invalid, NotAllowed, NotVisible or WrongState.
    """
    member = present_member(member_id)
    branch = live_branch(to_branch_id, field="to_branch")
    require_committee_or_officer(actor, branch, at=at)
    require_not_oneself(actor, member)
    before = member.home_branch
    if before.pk == branch.pk:
        raise Invalid(_("This is their home branch already."), field="to_branch")
    member.home_branch = branch
    member.save(update_fields=["home_branch"])
    move = write_move(member, MemberMove.Kind.HOME, before, branch, by=actor, at=at, reason=reason)
    _tell_of_transfer(move, member, actor, at=at)
    told = {"from": before.code, "to": branch.code, "reason": reason}
    record_access(actor, "member_transferred", member.user, ip, at=at, **told)
    return member


@transaction.atomic
def move_house(
    *,
    member_id: int,
    lives_at: Place | None,
    door: str,
    moved_on: dt.date,
    actor: User | None,
    at: dt.datetime,
    ip: str | None = None,
) -> Member:
    """Write down a new home. The check-in ends, and a new one is due a month after the move.

    By the member, the committee of one of their two branches, or the system officer. The first home of
    somebody whose home was not known ends nothing. Raises Invalid, NotAllowed, NotVisible or WrongState.
    """
    member = present_member(member_id)
    _require_concerned(actor, member, at=at)
    check_home(lives_at)
    check_past(moved_on, at=at, field="moved_on")
    was_unknown = member.lives_at is None and not member.door
    if member.lives_at == lives_at and member.door == door.strip():
        raise WrongState(_("This is where they live already."), field="lives_at")
    member.lives_at, member.door = lives_at, door.strip()
    if not was_unknown:
        if moved_on < member.settled_on:
            raise Invalid(_("The move lies before the day when they settled."), field="moved_on")
        member.settled_on = moved_on
        end_check_in(member, at=at, by=actor)
    member.save(update_fields=["lives_at", "door", "settled_on", "checkin_branch", "checked_in_at"])
    record_access(actor, "member_moved_house", member.user, ip, at=at, moved_on=moved_on)
    return member


@transaction.atomic
def leave(
    *,
    member_id: int,
    on: dt.date,
    reason: str = "",
    actor: User | None,
    at: dt.datetime,
    ip: str | None = None,
) -> Member:
    """Let somebody be a member here no more: died, expelled, transferred out of the city.

    Unless they are a volunteer too, their places in teams and at activities to come are free again.
    By the home committee or the system officer. Raises Invalid, NotAllowed, NotVisible or WrongState.
    """
    member = locked_member(member_id)
    if member.left_on is not None:
        raise WrongState(_("This member has left."))
    require_committee_or_officer(actor, member.home_branch, at=at)
    require_not_oneself(actor, member)
    check_past(on, at=at, field="left_on")
    end_check_in(member, at=at, by=actor)
    member.left_on = on
    member.save(update_fields=["left_on", "checkin_branch", "checked_in_at"])
    write_move(member, MemberMove.Kind.HOME, member.home_branch, None, by=actor, at=at, reason=reason)
    if not serves(member.user):
        stop_serving(member.user, at=at)
    record_access(actor, "member_left", member.user, ip, at=at, on=on, reason=reason)
    return member


def _tell_of_transfer(move: MemberMove, member: Member, actor: User | None, *, at: dt.datetime) -> None:
    """Tell the member, and the committee of the branch that they have left without being asked."""
    left, branch = move.from_branch, str(move.to_branch)
    source = f"move:{move.pk}"
    tell([member.user], kind="transferred", source=source, url=reverse("party:me"), at=at, branch=branch)
    if left is None:
        return
    committee = committee_of(left.path, on=timezone.localdate(at), exactly=True).exclude(pk=member.user_id)
    tell(
        [each for each in committee if actor is None or each.pk != actor.pk],
        kind="transferred_out",
        source=source,
        url=f"{reverse('party:branch', args=[left.pk])}?which=home",
        at=at,
        who=masked_name(member.user.name),
        branch=branch,
    )


def end_check_in(member: Member, *, at: dt.datetime, by: User | None) -> None:
    """End what is in force and withdraw what waits; the caller saves the member, whose row it has locked."""
    waiting = member.check_ins.filter(state=CheckIn.State.ASKED)
    waiting.update(state=CheckIn.State.WITHDRAWN, decided_at=at, ended_at=at)
    member.check_ins.filter(state=CheckIn.State.ACCEPTED).update(state=CheckIn.State.ENDED, ended_at=at)
    if member.checkin_branch is not None:
        write_move(member, MemberMove.Kind.CHECK_IN, member.checkin_branch, None, by=by, at=at)
    member.checkin_branch, member.checked_in_at = None, None


def _require_concerned(actor: User | None, member: Member, *, at: dt.datetime) -> None:
    if actor is not None and actor.pk == member.user_id:
        return
    branches = (member.home_branch, member.checkin_branch)
    if not is_system_officer(actor, at=at) and not any(leads(actor, each, at=at) for each in branches):
        raise NotAllowed(_("Only the member or the committees of their two branches may do this."))


def write_move(
    member: Member,
    kind: MemberMove.Kind,
    before: Branch | None,
    after: Branch | None,
    *,
    by: User | None,
    at: dt.datetime,
    reason: str = "",
) -> MemberMove:
    """Append a row to the member's history."""
    return MemberMove.objects.create(
        member=member, kind=kind, from_branch=before, to_branch=after, at=at, by=by, reason=reason.strip()
    )
