"""The handler's work: acknowledge, assign, finish, return, ask."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import clocks
from cases.actions.desk import check_extension, drop_request, is_member
from cases.actions.engine import open_case, record, require_reason
from cases.actors import Actor
from cases.models import Attachment, Case, CaseRequest, CaseUnit
from cases.workflow import Stage
from governance.common.errors import Invalid
from partymembers.access import access_of
from partymembers.models import User


@transaction.atomic
def acknowledge_case(*, case_id: int, actor: User, at: datetime, note: str = "") -> Case:
    """签收: the unit takes the order; its handling clock starts, fresh for this unit."""
    case = open_case(case_id, "acknowledge", actor=actor, at=at)
    clocks.stop(case, Stage.ACKNOWLEDGE, at=at)
    clocks.start(case, Stage.HANDLE, at=at)
    case.acknowledged_at = at
    case.handler = case.handler or actor
    return record(case, "acknowledge", actor=actor, at=at, note=note)


@transaction.atomic
def assign_case(*, case_id: int, handler: User, actor: User, at: datetime, note: str = "") -> Case:
    """Give the order to a colleague of the lead unit; no clock moves."""
    case = open_case(case_id, "assign", actor=actor, at=at)
    if case.unit is None or not is_member(handler, case.unit, at):
        raise Invalid(_("This person is not in the unit."), field="handler")
    former_id, case.handler = case.handler_id, handler
    names: dict[str, Any] = {"handler_id": handler.pk, "from_handler_id": former_id}
    return record(case, "assign", actor=actor, at=at, note=note, **names)


@transaction.atomic
def return_case(*, case_id: int, actor: Actor, at: datetime, note: str, cause: str = "") -> Case:
    """退单: back to the desk for another dispatch. The whole order's clock runs on.

    `cause` says why the portal itself takes an order back (`cases.events`).
    """
    case = open_case(case_id, "return", actor=actor, at=at)
    reason = require_reason(note)
    unit = case.unit
    CaseUnit.objects.filter(case=case).update(part=CaseUnit.Part.FORMER)
    drop_request(case, at=at)
    clocks.stop(case, Stage.ACKNOWLEDGE, Stage.HANDLE, at=at)
    clocks.start(case, Stage.DISPATCH, at=at)
    case.unit, case.handler = None, None
    case.returns += 1
    names: dict[str, Any] = {"from_unit_id": unit.pk, "from_unit": unit.name} if unit else {}
    names |= {"cause": cause} if cause else {}
    return record(case, "return", actor=actor, at=at, note=reason, **names)


@transaction.atomic
def finish_case(
    *, case_id: int, actor: User, at: datetime, note: str, attachments: Sequence[str] = ()
) -> Case:
    """Say what was done, with a photo where the matter can be seen; somebody else checks it.

    The handling clock stands while the check is out, and runs on if it fails.
    """
    case = open_case(case_id, "finish", actor=actor, at=at)
    result = require_reason(note)
    if case.matter.needs_photo and not attachments:
        raise Invalid(_("Please add a photo of the result."), field="attachments")
    drop_request(case, at=at)
    clocks.pause(case, Stage.HANDLE, at=at)
    clocks.start(case, Stage.CHECK, at=at)
    case.handled_at, case.finisher = at, actor
    return record(
        case,
        "finish",
        actor=actor,
        at=at,
        note=result,
        attachments=attachments,
        role=Attachment.Role.AFTER,
        unit_id=case.unit_id,
    )


@transaction.atomic
def report_part_done(
    *, case_id: int, actor: User, at: datetime, note: str = "", attachments: Sequence[str] = ()
) -> Case:
    """An assisting unit says that its part is done."""
    case = open_case(case_id, "part_done", actor=actor, at=at)
    units = access_of(actor, on=timezone.localdate(at)).unit_ids
    mine = CaseUnit.objects.filter(case=case, part=CaseUnit.Part.ASSIST, unit_id__in=units)
    first = mine.order_by("pk").first()
    mine.filter(done_at=None).update(done_at=at)
    unit_id = first.unit_id if first else None
    return record(case, "part_done", actor=actor, at=at, note=note, attachments=attachments, unit_id=unit_id)


@transaction.atomic
def ask_extension(*, case_id: int, actor: User, at: datetime, extra: timedelta, note: str) -> Case:
    """Ask the desk for more time, in the handling clock's own time; a clock runs for the answer."""
    case = open_case(case_id, "ask_extension", actor=actor, at=at)
    request = CaseRequest(case=case, kind=CaseRequest.Kind.EXTENSION, extra=check_extension(extra))
    return _ask(request, actor, at, note)


@transaction.atomic
def ask_suspension(*, case_id: int, actor: User, at: datetime, note: str) -> Case:
    """Ask the desk to suspend the order; a clock runs for the answer."""
    case = open_case(case_id, "ask_suspension", actor=actor, at=at)
    return _ask(CaseRequest(case=case, kind=CaseRequest.Kind.SUSPENSION), actor, at, note)


def _ask(request: CaseRequest, actor: User, at: datetime, note: str) -> Case:
    """Keep the request and start the desk's clock for it."""
    case = request.case
    request.reason, request.asked_by, request.asked_at = require_reason(note), actor, at
    request.save()
    clocks.start(case, Stage.DECIDE, at=at)
    extra: dict[str, Any] = {"extra": int(request.extra.total_seconds())} if request.extra else {}
    action = f"ask_{request.kind}"
    return record(case, action, actor=actor, at=at, note=request.reason, request_id=request.pk, **extra)
