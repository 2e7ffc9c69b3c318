"""A merged order follows the news of the order that it was merged into."""

from __future__ import annotations

from django.db import transaction

from cases.actions.engine import lock_case, record
from cases.actors import SYSTEM
from cases.models import Case, CaseEvent


@transaction.atomic
def tell_merged(*, case_id: int, event: CaseEvent) -> Case:
    """Write on a merged order what became of its master, at the instant at which it did.

    News that the master itself got from an order further on is passed on as it is.
    """
    case = lock_case(case_id)
    own = {
        "master_id": event.case_id,
        "master_number": event.case.number,
        "news": event.kind,
        "state": event.to_state,
    }
    told = {key: event.data[key] for key in own} if event.kind == "merged_news" else own
    return record(case, "merged_news", actor=SYSTEM, at=event.at, **told)
