"""The shelf of a station: what came in and went out otherwise than for points; each change is audited."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from governance.common.errors import Invalid, NotVisible, WrongState
from partymembers.audit import record_access
from partymembers.keepers import require_desk
from partymembers.models import StationItem, User

MOST = 100_000


@transaction.atomic
def change_stock(
    *, item_id: int, change: int, reason: str, actor: User, at: dt.datetime, ip: str | None = None
) -> StationItem:
    """Put so many on the shelf, or (below zero) take them off.

    It is a difference, so that a redemption at the same moment is not lost. By the desk of the station's
    community or one above it. Raises NotAllowed, Invalid, WrongState, NotVisible.
    """
    rows = StationItem.objects.select_for_update(of=("self",)).select_related("station__place")
    item = rows.filter(pk=item_id).first()
    if item is None:
        raise NotVisible
    require_desk(actor, item.station.place, at=at)
    if item.station.closed_on is not None:
        raise WrongState(_("This station is closed for good."))
    why = reason.strip()[:200]
    if not why:
        raise Invalid(_("Please give a reason in a sentence."), field="reason")
    if change == 0 or not 0 <= item.stock + change <= MOST:
        told = {"stock": item.stock}
        raise Invalid(_("There are %(stock)d; that many cannot be added or taken.") % told, field="change")
    before = item.stock
    item.stock += change
    item.save(update_fields=["stock"])
    record_access(
        actor, "stock_changed", item, ip, at=at, reason=why, changes={"stock": [before, item.stock]}
    )
    return item
