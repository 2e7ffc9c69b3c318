"""Rows for tests of what reads the event log: an order and its events, written without an action."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any

from cases import relay
from cases.models import Case, CaseEvent, Feedback, Matter
from cases.placing import put_at, stamp_report, territory_of
from cases.relay import Consumer
from grids.models import Place
from tests.factories.catalogue import make_matter

_numbers = count(1)

#: A Friday, 10:24 in China: within working time.
FRIDAY = datetime(2026, 11, 20, 2, 24, tzinfo=UTC)


def make_order(place: Place, *, matter: Matter | None = None, at: datetime = FRIDAY, **fields: Any) -> Case:
    """An order at the place, held by its community's desk, in state `reported` unless told otherwise."""
    territory = territory_of(place)
    case = Case(
        number=f"261120-{next(_numbers):06d}",
        matter=matter or make_matter(),
        desk=fields.pop("desk", None) or territory.desk,
        channel=fields.pop("channel", "patrol"),
        reported_at=at,
        updated_at=at,
        **fields,
    )
    put_at(case, territory)
    stamp_report(case)
    case.save()
    return case


def append_event(case: Case, kind: str = "comment", *, at: datetime = FRIDAY, **fields: Any) -> CaseEvent:
    """The order's next event, which leaves its state alone."""
    case.last_seq += 1
    Case.objects.filter(pk=case.pk).update(last_seq=case.last_seq)
    fields.setdefault("actor_kind", "user" if fields.get("actor") else "system")
    fields.setdefault("to_state", case.state)
    return CaseEvent.objects.create(case=case, seq=case.last_seq, kind=kind, at=at, **fields)


class Notebook:
    """A consumer whose effect is a row in the database: what it has handled stands there once, in order."""

    def __init__(
        self, name: str = "notebook", refuse: Callable[[CaseEvent], bool] = lambda event: False
    ) -> None:
        self.name = name
        self.refuse = refuse
        relay.register(Consumer(name, self.handle, batch=3))

    def handle(self, events: Sequence[CaseEvent]) -> None:
        for event in events:
            Feedback.objects.create(
                case_id=event.case_id, source="follow_up", comment=f"{self.name} {event.pk}", at=FRIDAY
            )
            if self.refuse(event):
                raise RuntimeError("no")

    @property
    def seen(self) -> list[int]:
        words = (f.comment.split() for f in Feedback.objects.order_by("pk"))
        return [int(pk) for name, pk in words if name == self.name]
