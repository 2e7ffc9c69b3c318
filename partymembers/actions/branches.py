"""The branch tree and the joint committees: configured by the system officer, each step audited."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from governance.common.errors import Invalid, NotVisible, WrongState
from grids.models import Place
from partymembers.audit import record_access
from partymembers.models import (
    Branch,
    BranchLevel,
    CheckIn,
    JointCommittee,
    JointMember,
    Member,
    Role,
    Unit,
    User,
)
from partymembers.party_rules import check_past, check_work_unit, live_branch, lock_tree, locked_branch
from partymembers.rules import check_period, overlapping, require_enabled, require_officer

#: Where organizations that reside there join the committee: 大工委 of a street, 大党委 of a community.
JOINED_LEVELS = (BranchLevel.STREET, BranchLevel.COMMUNITY)


@transaction.atomic
def add_branch(
    *,
    code: str,
    name: str,
    level: BranchLevel,
    parent_id: int | None,
    place: Place | None = None,
    unit: Unit | None = None,
    founded_on: dt.date | None = None,
    actor: User | None,
    at: dt.datetime,
    ip: str | None = None,
) -> Branch:
    """Put a branch below another, or at the top. A level may be skipped, never reversed or repeated.

    Raises Invalid, NotAllowed or NotVisible.
    """
    require_officer(actor, Role.SYSTEM_OFFICER, at=at)
    lock_tree()
    code, name = code.strip(), name.strip()
    if not code or not name:
        raise Invalid(_("Please fill this in."), field="name" if code else "code")
    if Branch.objects.filter(code=code).exists():
        raise Invalid(_("Another branch has this code."), field="code")
    parent = live_branch(parent_id, field="parent") if parent_id else None
    _check_level(level, parent)
    _check_place(place)
    check_work_unit(unit)
    fields: dict[str, Any] = {
        "code": code, "name": name, "level": level, "place": place, "unit": unit, "founded_on": founded_on,
    }  # fmt: skip
    tree = Branch.objects
    branch: Branch = tree.add_child(parent, fields) if parent else tree.add_root(fields)
    facts = {"parent": parent.code if parent else "", "level": level, "name": name}
    record_access(actor, "branch_added", branch, ip, at=at, **facts)
    return branch


@transaction.atomic
def change_branch(
    *,
    branch_id: int,
    name: str,
    place: Place | None,
    unit: Unit | None,
    founded_on: dt.date | None = None,
    actor: User | None,
    at: dt.datetime,
    ip: str | None = None,
) -> Branch:
    """Rename a branch, or say anew what it serves and whose members it gathers.

    Raises Invalid, NotAllowed or NotVisible.
    """
    require_officer(actor, Role.SYSTEM_OFFICER, at=at)
    branch = live_branch(branch_id)
    wanted = {"name": name.strip(), "place": place, "unit": unit, "founded_on": founded_on}
    if not wanted["name"]:
        raise Invalid(_("Please fill this in."), field="name")
    changes = {field: [_named(getattr(branch, field)), _named(value)] for field, value in wanted.items()}
    changes = {field: pair for field, pair in changes.items() if pair[0] != pair[1]}
    if not changes:
        return branch
    if "place" in changes:
        _check_place(place)
    if "unit" in changes:
        check_work_unit(unit)
    for field, value in wanted.items():
        setattr(branch, field, value)
    branch.save(update_fields=list(changes))
    record_access(actor, "branch_changed", branch, ip, at=at, changes=changes)
    return branch


@transaction.atomic
def move_branch(
    *, branch_id: int, parent_id: int, actor: User | None, at: dt.datetime, ip: str | None = None
) -> Branch:
    """Put a branch with all below it under another. Raises Invalid, NotAllowed or NotVisible."""
    require_officer(actor, Role.SYSTEM_OFFICER, at=at)
    lock_tree()
    branch, parent = live_branch(branch_id), live_branch(parent_id, field="parent")
    if parent.path.startswith(branch.path):
        raise Invalid(_("A branch cannot lie below itself."), field="parent")
    before = Branch.objects.get_parent(branch)
    if before is not None and before.pk == parent.pk:
        return branch
    _check_level(BranchLevel(branch.level), parent)
    Branch.objects.move(branch, parent, pos="last-child")
    branch.refresh_from_db()
    record_access(
        actor, "branch_moved", branch, ip, at=at, **{"from": before.code if before else "", "to": parent.code}
    )
    return branch


@transaction.atomic
def dissolve_branch(
    *, branch_id: int, on: dt.date, actor: User | None, at: dt.datetime, ip: str | None = None
) -> Branch:
    """Let a branch end; it stays with its history. Members, requests and sub-branches must have left first.

    Raises Invalid, NotAllowed, NotVisible or WrongState.
    """
    require_officer(actor, Role.SYSTEM_OFFICER, at=at)
    lock_tree()
    branch = locked_branch(branch_id)
    if branch.dissolved_on is not None:
        raise WrongState(_("This branch is dissolved already."))
    check_past(on, at=at, field="dissolved_on")
    _require_empty(branch)
    branch.dissolved_on = on
    branch.save(update_fields=["dissolved_on"])
    record_access(actor, "branch_dissolved", branch, ip, at=at, on=on)
    return branch


@transaction.atomic
def found_joint_committee(
    *,
    branch_id: int,
    name: str,
    founded_on: dt.date,
    actor: User | None,
    at: dt.datetime,
    ip: str | None = None,
) -> JointCommittee:
    """Join a street's or community's committee with the organizations that reside there.

    Raises Invalid, NotAllowed or NotVisible.
    """
    require_officer(actor, Role.SYSTEM_OFFICER, at=at)
    branch = live_branch(branch_id)
    if branch.level not in JOINED_LEVELS:
        raise Invalid(_("A street's or a community's committee has a joint committee."), field="branch")
    if JointCommittee.objects.filter(branch=branch).exists():
        raise Invalid(_("This branch has a joint committee already."), field="branch")
    committee = JointCommittee.objects.create(branch=branch, name=name.strip(), founded_on=founded_on)
    record_access(actor, "jointcommittee_added", committee, ip, at=at, branch=branch.code, name=name)
    return committee


@transaction.atomic
def seat_joint_member(
    *,
    committee_id: int,
    unit: Unit,
    user_id: int,
    duty: str = "",
    starts_on: dt.date,
    ends_on: dt.date | None = None,
    actor: User | None,
    at: dt.datetime,
    ip: str | None = None,
) -> JointMember:
    """Give an organization's representative a part-time seat for a term.

    Raises Invalid, NotAllowed, NotVisible or WrongState.
    """
    require_officer(actor, Role.SYSTEM_OFFICER, at=at)
    committee = JointCommittee.objects.select_for_update(no_key=True).filter(pk=committee_id).first()
    user = User.objects.people().filter(pk=user_id).first()
    if committee is None or user is None:
        raise NotVisible
    require_enabled(user, field="user")
    check_period(starts_on, ends_on)
    check_work_unit(unit)
    if committee.members.filter(overlapping(starts_on, ends_on), user=user).exists():
        raise Invalid(_("They already hold a seat in that time."), field="starts_on")
    seat = JointMember.objects.create(
        committee=committee, unit=unit, user=user, duty=duty.strip(), starts_on=starts_on, ends_on=ends_on
    )
    facts = {"committee": committee.pk, "unit": unit.code, "from": starts_on, "until": ends_on}
    record_access(actor, "jointmember_added", user, ip, at=at, **facts)
    return seat


@transaction.atomic
def end_joint_seat(
    *, seat_id: int, ends_on: dt.date, actor: User | None, at: dt.datetime, ip: str | None = None
) -> JointMember:
    """Let a part-time seat end with a day. Raises Invalid, NotAllowed or NotVisible."""
    require_officer(actor, Role.SYSTEM_OFFICER, at=at)
    rows = JointMember.objects.select_for_update(of=("self",), no_key=True).select_related("user")
    seat = rows.filter(pk=seat_id).first()
    if seat is None:
        raise NotVisible
    check_period(seat.starts_on, ends_on)
    if seat.ends_on is not None and ends_on > seat.ends_on:
        raise Invalid(_("A seat can only be shortened. Give a new one instead."), field="ends_on")
    seat.ends_on = ends_on
    seat.save(update_fields=["ends_on"])
    record_access(actor, "jointmember_ended", seat.user, ip, at=at, seat=seat.pk, until=ends_on)
    return seat


def _check_level(level: BranchLevel, parent: Branch | None) -> None:
    if parent is not None and level.rank <= BranchLevel(parent.level).rank:
        told = {"level": level.label, "parent": parent.get_level_display()}
        raise Invalid(_("A %(level)s cannot lie below a %(parent)s.") % told, field="level")


def _check_place(place: Place | None) -> None:
    if place is not None and place.retired_on is not None:
        raise Invalid(_("This place is retired. Choose the one that followed it."), field="place")


def _require_empty(branch: Branch) -> None:
    if Branch.objects.get_descendants(branch).filter(dissolved_on=None).exists():
        raise WrongState(_("There are branches below it. Move or dissolve them first."))
    own = Q(home_branch=branch) | Q(checkin_branch=branch)
    if Member.objects.filter(own, left_on=None).exists():
        raise WrongState(_("Members belong to it. Transfer them first."))
    if CheckIn.objects.filter(branch=branch, state=CheckIn.State.ASKED).exists():
        raise WrongState(_("Requests to check in wait here. Answer them first."))


def _named(value: Any) -> Any:
    """A value as the trail keeps it: rows by their code."""
    return getattr(value, "code", value)
