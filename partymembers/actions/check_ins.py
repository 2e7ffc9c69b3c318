"""双报到: asked by the member, answered by the committee of the branch where they live; and its reminders."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from governance.common.errors import Invalid, NotVisible, WrongState
from governance.common.formats import masked_name
from partymembers.access import committee_of
from partymembers.actions.members import write_move
from partymembers.actions.notices import offer_notices, tell
from partymembers.actions.points import award_points
from partymembers.audit import record_access
from partymembers.checking_in import WARNING_DAYS, branches_to_ask, due_on, latest_settled
from partymembers.models import CheckIn, Member, MemberMove, Notice, User
from partymembers.party_rules import (
    live_branch,
    locked_check_in,
    present_member,
    require_committee,
    require_not_oneself,
)

_State = CheckIn.State
#: Reminders go out between these hours of the day, local time.
_FROM_HOUR, _TO_HOUR = 8, 20
_WEEK = 7
_BATCH = 500


@transaction.atomic
def ask_check_in(*, actor: User, branch_id: int, offer: str = "", at: dt.datetime) -> CheckIn:
    """Ask a branch where one lives to take one in; its committee is told.

    Raises Invalid, NotVisible (no member) or WrongState (checked in already, or a request waits).
    """
    own = Member.objects.filter(user=actor).values_list("pk", flat=True).first()
    if own is None:
        raise NotVisible
    member = present_member(own)
    if member.checkin_branch is not None:
        told = {"branch": member.checkin_branch}
        raise WrongState(_("You are checked in at %(branch)s. Say first that you have moved.") % told)
    if member.check_ins.filter(state=_State.ASKED).exists():
        raise WrongState(_("Your request waits already. Withdraw it to ask another branch."))
    branch = live_branch(branch_id)
    if not branches_to_ask(member).filter(pk=branch.pk).exists():
        raise Invalid(_("This branch does not serve where you live. Choose another."), field="branch")
    check_in = CheckIn.objects.create(member=member, branch=branch, offer=offer.strip(), asked_at=at)
    on = timezone.localdate(at)
    people = committee_of(branch.path, on=on, exactly=True)
    people = people if people.exists() else committee_of(branch.path, on=on)
    tell(
        people.exclude(pk=actor.pk),
        kind="check_in_asked",
        source=f"check_in:{check_in.pk}:asked",
        url=f"{reverse('party:branch', args=[branch.pk])}?tab=requests",
        at=at,
        who=masked_name(actor.name),
        branch=branch.name,
    )
    return check_in


@transaction.atomic
def withdraw_check_in(*, check_in_id: int, actor: User, at: dt.datetime) -> CheckIn:
    """Take one's own request back. Raises NotVisible for another's, WrongState where it was answered."""
    check_in = locked_check_in(check_in_id)
    if check_in.member.user_id != actor.pk:
        raise NotVisible
    _require_waiting(check_in)
    return _decide(check_in, _State.WITHDRAWN, by=actor, at=at)


@transaction.atomic
def accept_check_in(
    *, check_in_id: int, actor: User | None, at: dt.datetime, ip: str | None = None
) -> CheckIn:
    """Take the member in: their check-in branch from now on, and the points of dual check-in.

    By the committee of the branch or one above; nobody accepts themselves. Raises NotAllowed, NotVisible or
    WrongState.
    """
    check_in = locked_check_in(check_in_id)
    member, branch = check_in.member, check_in.branch
    require_committee(actor, branch, at=at)
    require_not_oneself(actor, member)
    _require_waiting(check_in)
    if branch.dissolved_on is not None or member.left_on is not None:
        raise WrongState(_("The branch was dissolved or the member has left."))
    before, member.checkin_branch, member.checked_in_at = member.checkin_branch, branch, at
    member.save(update_fields=["checkin_branch", "checked_in_at"])
    write_move(member, MemberMove.Kind.CHECK_IN, before, branch, by=actor, at=at)
    _decide(check_in, _State.ACCEPTED, by=actor, at=at)
    award_points(  # once a branch: moving from door to door and back earns nothing
        user=member.user, rule_code="check_in", source="check_in", source_id=f"branch:{branch.pk}",
        what=branch.name, at=at, by=actor, place=branch.place,
    )  # fmt: skip
    _answer(check_in, at=at)
    record_access(actor, "check_in_accepted", member.user, ip, at=at, branch=branch.code)
    return check_in


@transaction.atomic
def refuse_check_in(
    *, check_in_id: int, reason: str, actor: User | None, at: dt.datetime, ip: str | None = None
) -> CheckIn:
    """Send the member elsewhere, with a reason. Raises Invalid, NotAllowed, NotVisible or WrongState."""
    check_in = locked_check_in(check_in_id)
    require_committee(actor, check_in.branch, at=at)
    require_not_oneself(actor, check_in.member)
    _require_waiting(check_in)
    if not reason.strip():
        raise Invalid(_("Please give a reason in a sentence."), field="reason")
    check_in.note = reason.strip()
    _decide(check_in, _State.REFUSED, by=actor, at=at)
    _answer(check_in, at=at)
    told = {"branch": check_in.branch.code, "reason": check_in.note}
    record_access(actor, "check_in_refused", check_in.member.user, ip, at=at, **told)
    return check_in


def remind_members(*, at: dt.datetime) -> int:
    """Remind whose check-in is due within a week or overdue, by day only; how many notices were offered.

    A week before, on the due day, then every week: each is a source of its own, so a second sweep adds
    nothing, and one that was missed is made up for by the next. Who has asked waits for the branch.
    """
    now = timezone.localtime(at)
    if not _FROM_HOUR <= now.hour < _TO_HOUR:
        return 0
    today, last_pk, offered = now.date(), 0, 0
    latest = latest_settled(today + dt.timedelta(days=WARNING_DAYS))
    due = Member.objects.filter(
        left_on=None, checkin_branch=None, settled_on__lte=latest, user__disabled_at=None
    ).exclude(check_ins__state=_State.ASKED)
    while batch := list(due.filter(pk__gt=last_pk).order_by("pk")[:_BATCH]):
        offered += offer_notices([_reminder(member, today, at) for member in batch])
        last_pk = batch[-1].pk
    return offered


def _reminder(member: Member, today: dt.date, at: dt.datetime) -> Notice:
    day = due_on(member.settled_on)
    weeks = (today - day).days // _WEEK
    step = "before" if today < day else f"after{weeks}"
    return Notice(
        recipient_id=member.user_id,
        kind="check_in_due" if today <= day else "check_in_overdue",
        source=f"check_in_due:{member.settled_on.isoformat()}:{step}",
        data={"due_on": day.isoformat()},
        url=reverse("party:me"),
        at=at,
    )


def _require_waiting(check_in: CheckIn) -> None:
    if check_in.state != _State.ASKED:
        raise WrongState(_("This request is no longer waiting: %s.") % check_in.get_state_display())


def _decide(check_in: CheckIn, state: str, *, by: User | None, at: dt.datetime) -> CheckIn:
    check_in.state, check_in.decided_at, check_in.decided_by = state, at, by
    check_in.save(update_fields=["state", "decided_at", "decided_by", "note"])
    return check_in


def _answer(check_in: CheckIn, *, at: dt.datetime) -> None:
    """Tell the member what the branch decided."""
    tell(
        [check_in.member.user],
        kind=f"check_in_{check_in.state}",
        source=f"check_in:{check_in.pk}:answer",
        url=reverse("party:me"),
        at=at,
        branch=check_in.branch.name,
        reason=check_in.note,
    )
