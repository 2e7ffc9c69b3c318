"""Who is called to an order by the whistle that stands, and what they may still answer."""

from __future__ import annotations

from cases.models import Case, Whistle, WhistleCall
from partymembers.access import Access
from partymembers.models import User


def standing_whistle(case: Case) -> Whistle | None:
    """The whistle that has not ended, if any; reads `case.whistles`, and asks nothing of most orders."""
    if not case.whistles_sent:
        return None
    return next((whistle for whistle in case.whistles.all() if whistle.ended_at is None), None)


def call_for(case: Case, user: User, access: Access) -> WhistleCall | None:
    """The call that this person answers: their own, else their unit's or branch's; none where none stands."""
    whistle = standing_whistle(case)
    if whistle is None:
        return None
    calls = list(whistle.calls.all())
    own = [call for call in calls if call.user_id == user.pk]
    theirs = [
        call
        for call in calls
        if (call.unit_id is not None and access.in_unit(call.unit_id)) or call.branch_id in access.branch_ids
    ]
    return next(iter([*own, *theirs]), None)


def was_called(case: Case, user: User, access: Access) -> bool:
    """Whether the person was ever whistled to the order: then it stays theirs to read."""
    if not case.whistles_sent:
        return False
    calls = (call for whistle in case.whistles.all() for call in whistle.calls.all())
    return any(
        call.user_id == user.pk
        or (call.unit_id is not None and access.in_unit(call.unit_id))
        or (call.branch_id is not None and call.branch_id in access.branch_ids)
        for call in calls
    )


def may_take(action: str, call: WhistleCall | None) -> bool:
    """Whether a called person may take this step now: answer, come, report, each once."""
    if call is None:
        return False
    if action in ("answer_whistle", "come_to_whistle"):  # who said no may still come
        return call.came_at is None
    return call.came_at is not None and call.reported_at is None
