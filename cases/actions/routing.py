"""Routing, written down: the suggested unit with its reason, and direct dispatch 直派."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from cases.actions.desk import accept_case, dispatch_case
from cases.actions.engine import lock_case, record
from cases.actors import SYSTEM
from cases.models import Case, Channel
from cases.routing import route
from cases.workflow import State


@transaction.atomic
def route_case(*, case_id: int, at: datetime) -> Case:
    """Suggest the unit that the rules name; dispatch by itself where the matter says so.

    Routing twice changes nothing. Direct dispatch never fires on an unverified public report.
    """
    case = lock_case(case_id)
    if case.routed_at is not None or case.state not in (State.REPORTED, State.ACCEPTED):
        return case
    found = route(case.matter, case.standard, case.place)
    case.suggested_unit, case.route_reason, case.routed_at = found.unit, found.reason, at
    direct = _goes_directly(case)
    unit: dict[str, Any] = {"unit_id": found.unit.pk, "unit": found.unit.name} if found.unit else {}
    record(case, "route", actor=SYSTEM, at=at, direct=direct, **unit)
    if found.unit is not None and direct:
        accept_case(case_id=case.pk, actor=SYSTEM, at=at)
        return dispatch_case(case_id=case.pk, unit=found.unit, actor=SYSTEM, at=at)
    return case


def _goes_directly(case: Case) -> bool:
    """Only where the matter says so, and never for what nobody vouches for."""
    trusted = case.channel != Channel.RESIDENT or case.reporter_verified
    return (
        case.matter.direct_dispatch
        and trusted
        and case.state == State.REPORTED
        and case.suggested_unit is not None
    )
