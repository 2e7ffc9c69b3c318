"""How an order ends without having been handled: declined, voided, withdrawn."""

from __future__ import annotations

from datetime import datetime

from cases import clocks
from cases.actions.engine import record
from cases.actors import Actor
from cases.models import Case, Claim, Whistle
from cases.workflow import Kind


def end_case(case: Case, kind: str, *, actor: Actor, at: datetime, note: str = "") -> Case:
    """End a locked order by an event of this kind: its clocks stop, and a wish's claim ends with it."""
    if case.kind == Kind.WISH:
        standing = Claim.objects.filter(case=case, ended_at=None)
        standing.update(ended_at=at, ending=Claim.Ending.CANCELLED)
    end_whistles(case, at=at)
    clocks.stop(case, at=at)
    case.ended_at = at
    return record(case, kind, actor=actor, at=at, note=note)


def end_whistles(case: Case, *, at: datetime) -> None:
    """With the order its whistle ends: nobody is asked to come to what is over."""
    if case.whistles_sent:
        Whistle.objects.filter(case=case, ended_at=None).update(ended_at=at)
