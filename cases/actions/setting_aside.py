"""What the system officer does about an event that its reader gave up, and a message that did not get out."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cases.models import ConsumerCursor, StuckEvent
from cases.relay import nudge
from governance.common.errors import NotVisible, WrongState
from partymembers.audit import record_access
from partymembers.models import Role, User
from partymembers.rules import require_officer

#: What the audit officer reads for these actions.
AUDIT_LABELS: Final = {
    "stuck_event_retried": _("Event handed over again"),
    "stuck_event_skipped": _("Event skipped for a reader"),
}
NOT_FIRST = _("This event waits behind an earlier one of the same order.")


@transaction.atomic
def retry_stuck_event(*, stuck_id: int, actor: User | None, at: datetime, ip: str | None = None) -> None:
    """Have an event tried again now, with all its tries before it.

    Raises NotAllowed, NotVisible for one that has gone through meanwhile, WrongState for one that waits
    behind another.
    """
    row = _first_of_order(stuck_id, actor, at)
    StuckEvent.objects.filter(pk=row.pk).update(tries=0, dead_at=None, next_try_at=at)
    _record("stuck_event_retried", row, actor, at, ip)
    transaction.on_commit(nudge)


@transaction.atomic
def skip_stuck_event(*, stuck_id: int, actor: User | None, at: datetime, ip: str | None = None) -> None:
    """Let a reader go on without this event, for ever; what waited behind it is handed over next.

    Raises what `retry_stuck_event` does.
    """
    row = _first_of_order(stuck_id, actor, at)
    _record("stuck_event_skipped", row, actor, at, ip)
    row.delete()
    behind = StuckEvent.objects.filter(consumer=row.consumer, case=row.case_id).order_by("position").first()
    if behind is not None:
        StuckEvent.objects.filter(pk=behind.pk).update(next_try_at=at)
    transaction.on_commit(nudge)


def _first_of_order(stuck_id: int, actor: User | None, at: datetime) -> StuckEvent:
    """The row, with its reader held still meanwhile."""
    require_officer(actor, Role.SYSTEM_OFFICER, at=at)
    name = StuckEvent.objects.filter(pk=stuck_id).values_list("consumer", flat=True).first()
    ConsumerCursor.objects.select_for_update().filter(pk=name).first()
    row = StuckEvent.objects.select_related("event", "case").filter(pk=stuck_id).first()
    if row is None:
        raise NotVisible()
    if row.next_try_at is None and row.dead_at is None:
        raise WrongState(NOT_FIRST)
    return row


def _record(action: str, row: StuckEvent, actor: User | None, at: datetime, ip: str | None) -> None:
    facts = {"reader": row.consumer, "position": row.position, "kind": row.event.kind, "error": row.error}
    record_access(actor, action, f"case:{row.case.number}", ip, at=at, **facts)
