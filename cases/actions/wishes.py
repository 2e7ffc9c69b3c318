"""A wish from the desk to thanks: vet, claim, confirm, begin, deliver, rate; and every way back.

The asker's words, name, phone and door stay in the order, which only the desk and (from the confirmation
on) the claimer read; what is published is text of its own (`cases.models.Wish`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import clocks
from cases.actions.checking import Answer, keep_answer
from cases.actions.engine import checked_note, lock_case, open_case, record, require_reason
from cases.actions.wish_points import credit, most_points, take_back
from cases.actors import SYSTEM, Actor
from cases.models import Attachment, Case, Claim, Feedback, Wish
from cases.wish_text import require_anonymous
from cases.wishes import branch_for, may_help, standing_claim
from cases.workflow import Stage, State
from governance.common.errors import DomainError, Invalid, WrongState
from partymembers.access import access_of
from partymembers.models import Branch, Skill, Unit, User

#: One person holds so many claims at a time at most, so that wishes do not pile up with one.
MOST_CLAIMS = 3
#: A wish is wanted within this time at most.
LONGEST_WAIT = timedelta(days=180)
#: So many minutes of service at most are believed for one wish.
MOST_MINUTES = 24 * 60


@dataclass(frozen=True)
class Publishing:
    """What the wall will show; it must name nobody and no door."""

    title: str
    text: str
    points: int
    deliver_by: date
    skills: Sequence[Skill] = ()


@transaction.atomic
def publish_wish(*, case_id: int, publishing: Publishing, actor: User, at: datetime) -> Case:
    """Vet a wish and put it on the wall, in words that name nobody; its claim clock starts.

    Raises Invalid (field named) where the text gives the asker away, a day is past, or points are too many.
    """
    case = open_case(case_id, "publish", actor=actor, at=at)
    wish = _write_publishing(case, publishing, at)
    wish.published_at, wish.branch = at, branch_for(case)
    wish.save()
    clocks.stop(case, Stage.VET, at=at)
    clocks.start(case, Stage.CLAIM, at=at)
    clocks.start_until(case, Stage.WHOLE, _end_of(publishing.deliver_by), at=at)
    case.accepted_at = at
    return record(case, "publish", actor=actor, at=at, points=wish.points, title=wish.title)


@transaction.atomic
def edit_wish(*, case_id: int, publishing: Publishing, actor: User, at: datetime) -> Case:
    """Change what the wall shows while nobody has claimed it; no clock moves but the day it is wanted by."""
    case = open_case(case_id, "edit_wish", actor=actor, at=at)
    wish = _write_publishing(case, publishing, at)
    wish.save()
    clocks.move_due(case, Stage.WHOLE, _end_of(publishing.deliver_by))
    return record(case, "edit_wish", actor=actor, at=at, points=wish.points, title=wish.title)


def _write_publishing(case: Case, publishing: Publishing, at: datetime) -> Wish:
    """The wish's public half with the new words, not saved yet (its skills are)."""
    title, text = publishing.title.strip(), publishing.text.strip()
    if not title:
        raise Invalid(_("Please give a title; it is what people see first."), field="title")
    for field, value, limit in (("title", title, 40), ("text", text, 300)):
        if len(value) > limit:
            raise Invalid(_("At most %(limit)d characters.") % {"limit": limit}, field=field)
        require_anonymous(case, value, field=field)
    _check_day(publishing.deliver_by, at)
    _check_points(publishing.points)
    wish = case.wish
    wish.title, wish.text = title, text
    wish.points, wish.deliver_by = publishing.points, publishing.deliver_by
    wish.skills.set(publishing.skills)
    return wish


def _check_day(day: date, at: datetime) -> None:
    today = timezone.localdate(at)
    if not today < day <= today + LONGEST_WAIT:
        told = {"days": LONGEST_WAIT.days}
        raise Invalid(_("Choose a day after today, within %(days)d days.") % told, field="deliver_by")


def _check_points(points: int) -> None:
    most = most_points()
    if not 0 <= points <= most:
        raise Invalid(_("Between 0 and %(most)d points.") % {"most": most}, field="points")


def _end_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))


@transaction.atomic
def claim_wish(
    *, case_id: int, actor: User, at: datetime, unit: Unit | None = None, branch: Branch | None = None
) -> Case:
    """接单: of several at once one wins, by the order's lock and a constraint; the others get WrongState.

    Raises Invalid for a unit or branch that is not the actor's, WrongState with too many claims at hand.
    """
    case = open_case(case_id, "claim", actor=actor, at=at)
    access = access_of(actor, on=timezone.localdate(at))
    if unit is not None and not access.in_unit(unit.pk):
        raise Invalid(_("You do not act for this unit."), field="unit")
    if branch is not None and branch.pk not in access.branch_ids:
        raise Invalid(_("You do not act for this branch."), field="branch")
    _require_free_hands(actor)
    claim = Claim.objects.create(case=case, user=actor, unit=unit, branch=branch, claimed_at=at)
    _take_off_the_wall(case, at)
    clocks.start(case, Stage.CONFIRM, at=at)
    return record(case, "claim", actor=actor, at=at, **_claim_facts(claim))


def held_by(user: User) -> int:
    """How many wishes somebody has at hand: claimed and not delivered."""
    return Claim.objects.filter(user=user, ended_at=None, delivered_at=None).count()


def _require_free_hands(user: User) -> None:
    """Lock the person, then count: two claims at once cannot both pass."""
    User.objects.select_for_update(no_key=True).filter(pk=user.pk).values_list("pk").first()
    held = held_by(user)
    if held >= MOST_CLAIMS:
        raise WrongState(
            _("You have %(count)d wishes at hand. Please deliver or hand back one of them first.")
            % {"count": held}
        )


def _take_off_the_wall(case: Case, at: datetime) -> None:
    wish = case.wish
    wish.first_claimed_at = wish.first_claimed_at or at
    wish.save(update_fields=["first_claimed_at"])
    clocks.stop(case, Stage.CLAIM, at=at)


def _claim_facts(claim: Claim) -> dict[str, Any]:
    facts: dict[str, Any] = {"claim_id": claim.pk, "claimer_id": claim.user_id}
    if claim.unit_id:
        facts["unit_id"] = claim.unit_id
    if claim.branch_id:
        facts["branch_id"] = claim.branch_id
    return facts


@transaction.atomic
def assign_wish(*, case_id: int, claimant: User, actor: User, at: datetime, note: str = "") -> Case:
    """The branch (or the desk) gives a wish that nobody claims to somebody; it needs no confirmation.

    Raises Invalid for a person who may not claim it.
    """
    case = open_case(case_id, "assign_wish", actor=actor, at=at)
    access = access_of(claimant, on=timezone.localdate(at))
    if not may_help(claimant, access, case):
        told = _("Choose a member, a volunteer, or somebody of a unit; of the wish’s city.")
        raise Invalid(told, field="claimant")
    if claimant.pk == actor.pk:  # else one's own claim would need no second person
        raise Invalid(_("Claim it yourself on the wish wall; somebody else confirms it."), field="claimant")
    claim = Claim.objects.create(
        case=case, user=claimant, claimed_at=at, assigned_by=actor, confirmed_at=at, confirmed_by=actor
    )
    _take_off_the_wall(case, at)
    clocks.start(case, Stage.BEGIN, at=at)
    return record(case, "assign_wish", actor=actor, at=at, note=note, **_claim_facts(claim))


@transaction.atomic
def confirm_claim(*, case_id: int, actor: User, at: datetime, note: str = "") -> Case:
    """One tap by desk or branch: from here on the claimer knows whom they help."""
    case = open_case(case_id, "confirm", actor=actor, at=at)
    claim = _claim(case)
    if claim.user_id == actor.pk:
        raise WrongState(_("Somebody else must confirm your own claim."))
    claim.confirmed_at, claim.confirmed_by = at, actor
    claim.save(update_fields=["confirmed_at", "confirmed_by"])
    clocks.stop(case, Stage.CONFIRM, at=at)
    clocks.start(case, Stage.BEGIN, at=at)
    return record(case, "confirm", actor=actor, at=at, note=note, **_claim_facts(claim))


@transaction.atomic
def refuse_claim(*, case_id: int, actor: User, at: datetime, note: str) -> Case:
    """The claim does not fit; the wish returns to the wall."""
    case = open_case(case_id, "refuse_claim", actor=actor, at=at)
    return _return(case, "refuse_claim", Claim.Ending.REFUSED, actor=actor, at=at, note=require_reason(note))


@transaction.atomic
def hand_back_wish(*, case_id: int, actor: User, at: datetime, note: str) -> Case:
    """The claimer cannot do it after all; the wish returns to the wall."""
    case = open_case(case_id, "hand_back", actor=actor, at=at)
    return _return(case, "hand_back", Claim.Ending.HANDED_BACK, actor=actor, at=at, note=require_reason(note))


@transaction.atomic
def lapse_claim(*, case_id: int, at: datetime) -> Case:
    """A claim that was not begun in time, or whose claimer can no longer act, ends by itself.

    The wish returns to the wall.
    """
    case = open_case(case_id, "lapse", actor=SYSTEM, at=at)
    return _return(case, "lapse", Claim.Ending.LAPSED, actor=SYSTEM, at=at)


def _return(case: Case, kind: str, ending: str, *, actor: Actor, at: datetime, note: str = "") -> Case:
    """End the claim and start a fresh clock of finding somebody; the whole wish's runs on."""
    claim = _claim(case)
    _end(claim, ending, at)
    clocks.stop(case, Stage.CONFIRM, Stage.BEGIN, Stage.DELIVER, at=at)
    clocks.start(case, Stage.CLAIM, at=at)
    case.returns += 1
    return record(case, kind, actor=actor, at=at, note=note, **_claim_facts(claim))


@transaction.atomic
def begin_wish(*, case_id: int, actor: User, at: datetime, note: str = "") -> Case:
    """The claimer sets out; delivery is due when the wish says."""
    case = open_case(case_id, "begin", actor=actor, at=at)
    _begin(case, _claim(case), at)
    return record(case, "begin", actor=actor, at=at, note=note)


def _begin(case: Case, claim: Claim, at: datetime) -> None:
    claim.begun_at = at
    claim.save(update_fields=["begun_at"])
    clocks.stop(case, Stage.BEGIN, at=at)
    day = case.wish.deliver_by or timezone.localdate(at)
    clocks.start_until(case, Stage.DELIVER, _end_of(day), at=at)


@transaction.atomic
def deliver_wish(
    *,
    case_id: int,
    actor: User,
    at: datetime,
    note: str,
    minutes: int = 0,
    attachments: Sequence[str] = (),
) -> Case:
    """Say what was done and show it; the asker has 15 days to rate. Raises Invalid without words or photo."""
    case = open_case(case_id, "deliver", actor=actor, at=at)
    result = checked_note(note)
    if not result:
        raise Invalid(_("Please say in a sentence what was done."), field="note")
    if not attachments and case.matter.needs_photo:
        raise Invalid(_("Please add a photo of the result."), field="attachments")
    if not 0 <= minutes <= MOST_MINUTES:
        raise Invalid(_("Between 0 and %(most)d minutes.") % {"most": MOST_MINUTES}, field="minutes")
    claim = _claim(case)
    if claim.begun_at is None:
        _begin(case, claim, at)
    claim.delivered_at, claim.minutes = at, minutes
    claim.save(update_fields=["delivered_at", "minutes"])
    case.handled_at, case.wish.delivered_at = at, at
    case.wish.save(update_fields=["delivered_at"])
    clocks.stop(case, Stage.DELIVER, at=at)
    clocks.start(case, Stage.RATE, at=at)
    role = Attachment.Role.AFTER
    return record(case, "deliver", actor=actor, at=at, note=result, attachments=attachments, role=role)


@transaction.atomic
def fail_delivery(*, case_id: int, actor: Actor, at: datetime, note: str) -> Case:
    """It is not what was wished for: the claimer makes it good, or hands it back."""
    case = open_case(case_id, "fail", actor=actor, at=at)
    reason = require_reason(note)
    claim = _claim(case)
    claim.delivered_at = None
    claim.save(update_fields=["delivered_at"])
    case.wish.delivered_at = None
    case.wish.save(update_fields=["delivered_at"])
    clocks.stop(case, Stage.RATE, at=at)
    day = case.wish.deliver_by or timezone.localdate(at)
    clocks.start_until(case, Stage.DELIVER, _end_of(day), at=at)
    case.reworks += 1
    return record(case, "fail", actor=actor, at=at, note=reason)


@transaction.atomic
def rate_wish(*, case_id: int, actor: Actor, at: datetime, answer: Answer) -> Case:
    """评单: closes the wish and credits the points; a later rating replaces an earlier one, and so do points.

    "Not solved" on the first rating means that it was not delivered: it goes back to the claimer. On a
    closed wish it takes the points back. Raises Invalid without a face or a reason, WrongState too late.
    """
    if answer.solved is False:
        case = lock_case(case_id)
        if case.state == State.DELIVERED:
            return fail_delivery(case_id=case_id, actor=actor, at=at, note=answer.comment)
    case = open_case(case_id, "rate", actor=actor, at=at)
    by = actor if isinstance(actor, User) else None
    keep_answer(answer, Feedback(case=case, source=Feedback.Source.REPORTER, by=by, at=at))
    if case.state == State.DELIVERED:
        _close(case, at)
    facts: dict[str, Any] = {"solved": answer.solved, "satisfaction": answer.satisfaction}
    record(case, "rate", actor=actor, at=at, note=answer.comment, **facts)
    _settle(case, at)
    return case


@transaction.atomic
def close_unrated(*, case_id: int, at: datetime) -> Case:
    """15 days without a rating: it counts as delivered, points are credited, nobody's satisfaction is."""
    case = open_case(case_id, "close_unrated", actor=SYSTEM, at=at)
    _close(case, at)
    record(case, "close_unrated", actor=SYSTEM, at=at)
    _settle(case, at)
    return case


def _close(case: Case, at: datetime) -> None:
    _end(_claim(case), Claim.Ending.COMPLETED, at)
    clocks.stop(case, at=at)
    case.closed_at = case.ended_at = at
    case.handling_time = at - case.reported_at


def _settle(case: Case, at: datetime) -> None:
    """Points and service stand exactly while the wish is closed and not said to be unsolved."""
    if case.state == State.CLOSED and case.solved is not False:
        credit(case, at=at)
    else:
        take_back(case, at=at)


@transaction.atomic
def thank_claimer(*, case_id: int, actor: Actor, at: datetime, note: str) -> Case:
    """A word of thanks, shown to the claimer."""
    case = open_case(case_id, "thank", actor=actor, at=at)
    words = require_reason(note)
    if len(words) > 300:
        raise Invalid(_("At most %(limit)d characters.") % {"limit": 300}, field="note")
    case.wish.thanks = words
    case.wish.save(update_fields=["thanks"])
    return record(case, "thank", actor=actor, at=at)


@transaction.atomic
def revoke_wish(*, case_id: int, actor: User, at: datetime, note: str) -> Case:
    """A closed wish turns out not to hold: it is voided and its points are taken back."""
    case = open_case(case_id, "revoke", actor=actor, at=at)
    reason = require_reason(note)
    case.closed_at = None
    record(case, "revoke", actor=actor, at=at, note=reason)
    _settle(case, at)
    return case


@transaction.atomic
def leave_to_branch(*, case_id: int, actor: Actor, at: datetime) -> Case:
    """Nobody claims it: the branch is asked to assign it. It stays on the wall meanwhile."""
    case = open_case(case_id, "to_branch", actor=actor, at=at)
    wish = case.wish
    wish.left_to_branch_at = wish.left_to_branch_at or at
    wish.save(update_fields=["left_to_branch_at"])
    facts: dict[str, Any] = {"branch_id": wish.branch_id} if wish.branch_id else {}
    return record(case, "to_branch", actor=actor, at=at, **facts)


def _claim(case: Case) -> Claim:
    claim = standing_claim(case)
    if claim is None:
        raise DomainError(_("Nobody has claimed this wish."))
    return claim


def _end(claim: Claim, ending: str, at: datetime) -> None:
    claim.ended_at, claim.ending = at, ending
    claim.save(update_fields=["ended_at", "ending"])
