"""Puts right what an order shows of its clocks, where the tables were found to disagree."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from cases import clocks
from cases.actions.engine import lock_case, record
from cases.actors import SYSTEM
from cases.models import Case


@transaction.atomic
def put_clocks_right(*, case_id: int, at: datetime) -> Case:
    """Take the next rung from clocks that stand or have stopped, and show the first due time again.

    No clock moves and no rung is taken; the event says that the portal did it. Raises NotVisible if there is
    no such order.
    """
    case = lock_case(case_id)
    clocks.silence_standing(case)
    return record(case, "put_right", actor=SYSTEM, at=at, what="clocks")
