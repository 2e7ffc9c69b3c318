"""What every action does: lock the order, permit, and append the one event that tells of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import prefetch_related_objects
from django.utils.translation import gettext_lazy as _
from structlog.contextvars import bind_contextvars

from cases import clocks, permissions
from cases.actors import Actor, PublicReporter, System
from cases.attachments import claim_attachments
from cases.events import EVENT_KINDS
from cases.models import Attachment, Case, CaseEvent
from cases.relay import nudge
from cases.workflow import WORKFLOWS, Kind, State
from governance.common.errors import Invalid, NotVisible
from governance.common.remembering import is_remembering, remembered
from partymembers.models import User

MAX_NOTE = 2000
TOO_LONG = _("At most %(limit)d characters. Please shorten it; what you wrote is still here.")
REASON_MISSING = _("Please give a reason in a sentence.")


def lock_case(case_id: int) -> Case:
    """The order, locked until the end of the transaction, with what rules and clocks look at.

    Raises NotVisible if there is no such order.
    """
    # The lock has a statement of its own: one that also joins, and waited for another action, would pair the
    # order's new row with the joined rows of before, and so lose its desk or unit, or the order itself.
    rows = Case.objects.filter(pk=case_id).defer("search_terms")  # long, and only ever written anew
    if is_remembering():
        rows = rows.select_for_update()
    else:
        Case.objects.select_for_update().filter(pk=case_id).values_list("pk").first()
        rows = rows.select_related("place", "desk", "matter__matter_class", "standard", "unit")
        rows = rows.defer("place__boundary", "desk__boundary")  # long, and no rule looks at them
    case = rows.first()
    if case is None:
        raise NotVisible()
    bind_contextvars(order=case.number)  # what is logged from here on in this request or task names the order
    if is_remembering():
        _recall(case)
    _look_around(case)
    return case


def _look_around(case: Case) -> None:
    """Read the order's clocks, and of its other rows those that a rule may ask for now."""
    there_may_be = {
        "clocks": True,
        "parts": case.unit_id is not None,  # before and after, nobody leads and nobody assists
        "requests": case.state == State.HANDLING,  # a request falls away when the order leaves its handler
        "co_reporters": case.co_reports > 0,
        "claims": case.kind == Kind.WISH,
    }
    if case.whistles_sent:
        there_may_be["whistles__calls"] = True
    prefetch_related_objects([case], *(name for name, may_be in there_may_be.items() if may_be))
    known: dict[str, object] = case.__dict__.setdefault("_prefetched_objects_cache", {})
    for name, may_be in there_may_be.items():
        if not may_be:
            known[name] = getattr(case, name).none()


def _recall(case: Case) -> None:
    """In a bulk load: what the order points to, read once for all orders."""
    for name in ("place", "desk", "matter", "standard", "unit"):
        pk = getattr(case, f"{name}_id")
        if pk is not None:
            setattr(case, name, remembered((name, pk), partial(getattr, case, name)))


def open_case(case_id: int, action: str, *, actor: Actor, at: datetime) -> Case:
    """Lock the order for an action that the actor may take now.

    Raises NotVisible, NotAllowed or WrongState (`permissions.require`).
    """
    case = lock_case(case_id)
    permissions.require(actor, action, case, at=at)
    return case


def record(
    case: Case,
    kind: str,
    *,
    actor: Actor,
    at: datetime,
    note: str = "",
    attachments: Sequence[str] = (),
    role: str = Attachment.Role.EVIDENCE,
    upload_key: str = "",
    into: str = "",
    **data: Any,
) -> Case:
    """Move the order as the table says, save it, append the event, and nudge the relay after commit.

    `into` is the state that an event leads to which is no action of the table; without it such an event
    leaves the state as it is. `data` is the event's payload (JSON-safe; `cases.events` lists it by kind).
    Raises Invalid for an attachment that is not the actor's or a note that is too long; nothing is written
    then.
    """
    from_state = case.state
    rule = WORKFLOWS.get(case.kind, {}).get(kind)
    case.state = rule.moves[case.state] if rule else into or case.state  # type: ignore[index]
    clocks.refresh(case)
    case.updated_at = at
    case.last_seq += 1
    case.save()
    note = checked_note(note)
    event = new_event(case, kind, actor=actor, at=at, note=note, from_state=from_state, data=data)
    event.save(force_insert=True)
    if attachments:
        by = actor if isinstance(actor, User) else None
        claim_attachments(attachments, case=case, event=event, by=by, upload_key=upload_key, role=role)
    transaction.on_commit(nudge)
    return case


def new_event(
    case: Case,
    kind: str,
    *,
    actor: Actor,
    at: datetime,
    from_state: str,
    data: dict[str, Any],
    note: str = "",
) -> CaseEvent:
    """The event that stands at the order's last number, not saved yet."""
    return CaseEvent(
        case=case,
        seq=case.last_seq,
        kind=kind,
        version=EVENT_KINDS[kind].version,
        at=at,
        actor=actor if isinstance(actor, User) else None,
        actor_kind=_actor_kind(actor),
        from_state=from_state,
        to_state=case.state,
        note=note,
        data=data,
    )


def _actor_kind(actor: Actor) -> str:
    if isinstance(actor, System):
        return CaseEvent.ActorKind.SYSTEM
    if isinstance(actor, PublicReporter):
        return CaseEvent.ActorKind.PUBLIC
    return CaseEvent.ActorKind.USER


def checked_note(note: str) -> str:
    """What somebody wrote, as the database takes it; raises Invalid when it is too long."""
    note = note.replace("\x00", "").strip()
    if len(note) > MAX_NOTE:
        raise Invalid(TOO_LONG % {"limit": MAX_NOTE}, field="note")
    return note


def require_reason(note: str, field: str = "note") -> str:
    """The reason, stripped; raises Invalid when there is none."""
    note = checked_note(note)
    if not note:
        raise Invalid(REASON_MISSING, field=field)
    return note
