"""Watching over an order: escalate, take over, give back, urge, supervise, instruct, comment, attach."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import clocks
from cases.actions.engine import open_case, record, require_reason
from cases.actors import Actor, PublicReporter
from cases.models import Attachment, Case
from cases.placing import level_below
from governance.common.errors import Invalid, NotAllowed
from grids.models import Place
from partymembers.access import access_of
from partymembers.models import DESK_ROLES, User


@transaction.atomic
def escalate_case(*, case_id: int, actor: Actor, at: datetime, note: str) -> Case:
    """上报上级: the desk one level up takes over. The place and every clock stay."""
    case = open_case(case_id, "escalate", actor=actor, at=at)
    reason = require_reason(note)
    above = Place.objects.get_parent(case.desk)
    if above is None:
        raise Invalid(_("No desk is above this one."))
    return record(case, "escalate", actor=actor, at=at, note=reason, **move_up(case, above))


def move_up(case: Case, above: Place) -> dict[str, Any]:
    """Hand a locked order to a desk above, by hand or by the ladder; what its event says of that."""
    former, case.desk = case.desk, above
    case.climbs += 1
    return _move(former, above)


def _move(former: Place, desk: Place) -> dict[str, Any]:
    return {"from_desk_id": former.pk, "to_desk_id": desk.pk}


@transaction.atomic
def take_over_case(*, case_id: int, actor: User, at: datetime, note: str = "") -> Case:
    """A desk above takes the order to itself; of several, the nearest."""
    case = open_case(case_id, "take_over", actor=actor, at=at)
    access = access_of(actor, on=timezone.localdate(at))
    # A place that is retired takes nothing over: where the order's desk is, the places that followed do.
    own = [g for g in access.grants if g.roles & DESK_ROLES and not g.inherited]
    above = [g for g in own if g.is_over(case.desk.path)] or own
    if not above:
        raise NotAllowed()
    former, case.desk = case.desk, Place.objects.get(pk=max(above, key=lambda g: len(g.path)).place_id)
    return record(case, "take_over", actor=actor, at=at, note=note, **_move(former, case.desk))


@transaction.atomic
def give_back_case(*, case_id: int, actor: User, at: datetime, note: str) -> Case:
    """Hand the order down one level, towards where it happened; never below the community."""
    case = open_case(case_id, "give_back", actor=actor, at=at)
    reason = require_reason(note)
    former, level = case.desk, level_below(case)
    below: Place | None = getattr(case, level.value) if level else None
    if below is None:
        raise Invalid(_("No desk is below this one."))
    case.desk = below
    clocks.rearm(case, at=at)
    return record(case, "give_back", actor=actor, at=at, note=reason, **_move(former, below))


@transaction.atomic
def urge_case(*, case_id: int, actor: Actor, at: datetime, note: str = "") -> Case:
    """催办: whoever holds the ball is told to hurry.

    A reporter urges once in `permissions.URGE_PAUSE`; the event tells which co-reporter spoke by a link.
    """
    case = open_case(case_id, "urge", actor=actor, at=at)
    case.urges += 1
    joined = actor.co_reporter_id if isinstance(actor, PublicReporter) else None
    speaker: dict[str, Any] = {} if joined is None else {"co_reporter_id": joined}
    return record(case, "urge", actor=actor, at=at, note=note, **speaker)


@transaction.atomic
def supervise_case(*, case_id: int, actor: User, at: datetime, note: str) -> Case:
    """督办: a desk above or an official watches this one until it ends."""
    case = open_case(case_id, "supervise", actor=actor, at=at)
    case.is_supervised = True
    return record(case, "supervise", actor=actor, at=at, note=require_reason(note))


@transaction.atomic
def instruct_case(*, case_id: int, actor: User, at: datetime, note: str) -> Case:
    """批示: an official's instruction, told to the desk and the lead unit."""
    case = open_case(case_id, "instruct", actor=actor, at=at)
    return record(case, "instruct", actor=actor, at=at, note=require_reason(note))


@transaction.atomic
def comment_case(
    *, case_id: int, actor: User, at: datetime, note: str, attachments: Sequence[str] = ()
) -> Case:
    """A remark for everybody who works on it; the reporter does not see it. No clock moves."""
    case = open_case(case_id, "comment", actor=actor, at=at)
    return record(case, "comment", actor=actor, at=at, note=require_reason(note), attachments=attachments)


@transaction.atomic
def attach_to_case(
    *, case_id: int, actor: User, at: datetime, attachments: Sequence[str], note: str = ""
) -> Case:
    """Pictures added to the record."""
    case = open_case(case_id, "attach", actor=actor, at=at)
    if not attachments:
        raise Invalid(_("Please choose at least one picture."), field="attachments")
    return record(
        case,
        "attach",
        actor=actor,
        at=at,
        note=note,
        attachments=attachments,
        role=Attachment.Role.EVIDENCE,
    )
