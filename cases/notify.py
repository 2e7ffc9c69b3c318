"""The messages that reach people in the portal: one row for each person and event (`in_app`).

Whom an event concerns: `cases.circles`. Outside working time only urgent orders disturb people: other
messages show from the next working moment. What a message says: `cases.wording`. What leaves the portal
beside it: `cases.outbound`.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

from cases.calendars import current_calendar
from cases.circles import audience
from cases.deadlines import next_working_moment
from cases.events import EVENT_KINDS
from cases.models import Case, CaseEvent, Notification, Urgency
from cases.outbound import write_deliveries
from cases.relay import Consumer
from cases.roster import load_roster

#: The kinds of which somebody learns.
TOLD = frozenset(kind for kind, row in EVENT_KINDS.items() if row.audience)


def in_app(events: Sequence[CaseEvent]) -> None:
    """Write a message for each person and event; a repeat changes nothing."""
    told = [event for event in events if event.kind in TOLD and not event.is_imported]
    found = Case.objects.real().select_related("place").in_bulk({event.case_id for event in told})
    told = [event for event in told if event.case_id in found]  # of tests nobody learns
    if not told:
        return
    # The orders as they are now: an event names whom it concerns wherever that could have changed since.
    roster = load_roster(told, found.values(), on=timezone.localdate(max(event.at for event in told)))
    calendar = current_calendar()
    rows = []
    for event in told:
        case = found[event.case_id]
        urgent = case.urgency == Urgency.URGENT
        due_at = event.at if urgent else next_working_moment(event.at, calendar)
        rows += [
            Notification(
                recipient_id=user,
                event=event,
                case=case,
                kind=event.kind,
                is_urgent=urgent,
                due_at=due_at,
            )
            for user, _circle in audience(event, case, roster)
        ]
    Notification.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)
    write_deliveries(rows)


IN_APP = Consumer("in_app", in_app, batch=1000, kinds=TOLD)
