"""After the handling: check, rate, follow up, reopen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from cases import clocks
from cases.actions.ending import end_whistles
from cases.actions.engine import checked_note, open_case, record, require_reason
from cases.actors import SYSTEM, Actor
from cases.models import Attachment, Case, Feedback, Satisfaction
from cases.permissions import co_reporter_of
from cases.workflow import Stage
from governance.common.errors import Invalid
from partymembers.models import User


@dataclass(frozen=True)
class Answer:
    """The three facts of a rating or follow-up; None where nobody said."""

    contacted: bool | None = None
    solved: bool | None = None
    satisfaction: str = ""
    comment: str = ""


@transaction.atomic
def pass_check(
    *, case_id: int, actor: User, at: datetime, note: str = "", attachments: Sequence[str] = ()
) -> Case:
    """The result was seen on the spot and holds: the order is closed and all its clocks stop."""
    case = open_case(case_id, "check_pass", actor=actor, at=at)
    end_whistles(case, at=at)
    clocks.stop(case, at=at)
    case.closed_at = case.ended_at = at
    case.handling_time = clocks.time_since_report(case, until=at)
    return record(
        case,
        "check_pass",
        actor=actor,
        at=at,
        note=note,
        attachments=attachments,
        role=Attachment.Role.CHECK,
    )


@transaction.atomic
def fail_check(
    *, case_id: int, actor: User, at: datetime, note: str, attachments: Sequence[str] = ()
) -> Case:
    """返工: the handler's clock runs on from where it stood; rework never resets it."""
    case = open_case(case_id, "check_fail", actor=actor, at=at)
    reason = require_reason(note)
    clocks.stop(case, Stage.CHECK, at=at)
    if clocks.running(case, Stage.HANDLE) is None:
        # Resolved on the spot: no handler's clock ran yet, and the desk now reassigns it to a unit.
        clocks.start(case, Stage.HANDLE, at=at)
    else:
        clocks.resume(case, Stage.HANDLE, at=at)
    case.reworks += 1
    return record(
        case,
        "check_fail",
        actor=actor,
        at=at,
        note=reason,
        attachments=attachments,
        role=Attachment.Role.CHECK,
    )


@transaction.atomic
def rate_case(*, case_id: int, actor: Actor, at: datetime, answer: Answer) -> Case:
    """The reporter's three facts, once for each closing; "not solved" reopens the order.

    Raises Invalid without a face, WrongState when they have rated this closing already (looked up under the
    order's lock, so of two ratings at once one is refused) or `permissions.RATING_TIME` has passed.
    """
    case = open_case(case_id, "rate", actor=actor, at=at)
    # An earlier instant, of a door that waited for the closing's lock, would belong to the closing before.
    at = max(at, case.closed_at or at)
    co_reporter = co_reporter_of(actor, case)
    source = Feedback.Source.CO_REPORTER if co_reporter else Feedback.Source.REPORTER
    by = actor if isinstance(actor, User) else None
    keep_answer(answer, Feedback(case=case, source=source, by=by, co_reporter=co_reporter, at=at))
    facts = _facts(answer) | ({"co_reporter_id": co_reporter.pk} if co_reporter else {})
    record(case, "rate", actor=actor, at=at, note=answer.comment, **facts)
    if answer.solved is False:
        return _reopen(case, SYSTEM, at, _("The reporter says that it is not solved."))
    return case


@transaction.atomic
def follow_up_case(*, case_id: int, actor: User, at: datetime, answer: Answer) -> Case:
    """回访: the desk asks the reporter and writes down the answer."""
    case = open_case(case_id, "follow_up", actor=actor, at=at)
    keep_answer(answer, Feedback(case=case, source=Feedback.Source.FOLLOW_UP, by=actor, at=at))
    return record(case, "follow_up", actor=actor, at=at, note=answer.comment, **_facts(answer))


@transaction.atomic
def reopen_case(*, case_id: int, actor: Actor, at: datetime, note: str) -> Case:
    """回头看: what was closed did not hold. The original due stays; handling and check open new rounds.

    The whole order's clock runs on as if it had not been closed, so that it lights, climbs and is counted by
    the due time that it always had.
    """
    case = open_case(case_id, "reopen", actor=actor, at=at)
    return _reopen(case, actor, at, require_reason(note))


def _reopen(case: Case, actor: Actor, at: datetime, reason: str) -> Case:
    clocks.start(case, Stage.HANDLE, at=at)
    clocks.run_on(case, Stage.WHOLE, at=at)
    if case.is_imported and case.due_at is not None:
        clocks.run_until(case, Stage.WHOLE, case.due_at)
    case.reopenings += 1
    case.closed_at = case.ended_at = None
    cause = "rated_unsolved" if actor is SYSTEM else "look_back"
    return record(case, "reopen", actor=actor, at=at, note=reason, cause=cause)


def keep_answer(answer: Answer, feedback: Feedback) -> None:
    """Append the answer; the order carries the latest, which the figures count."""
    if answer.satisfaction not in Satisfaction.values:
        raise Invalid(_("Please choose one of the three faces."), field="satisfaction")
    feedback.contacted, feedback.solved = answer.contacted, answer.solved
    feedback.satisfaction, feedback.comment = answer.satisfaction, checked_note(answer.comment)
    feedback.save()
    case = feedback.case
    case.contacted, case.solved = answer.contacted, answer.solved
    case.satisfaction, case.rated_at = answer.satisfaction, feedback.at


def _facts(answer: Answer) -> dict[str, Any]:
    return {
        "contacted": answer.contacted,
        "solved": answer.solved,
        "satisfaction": answer.satisfaction,
    }
