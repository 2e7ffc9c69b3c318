"""Running clocks follow an edited ladder: many orders in one transaction. Rungs already taken stay taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import connection, transaction
from django.db.models import Prefetch

from cases import clocks
from cases.ladder import LOOKED_AT
from cases.models import Case, Clock

_POINT = """
UPDATE {clocks} AS clock SET next_rung_percent = fresh.percent, next_rung_at = fresh.at
FROM unnest(%s::bigint[], %s::int[], %s::timestamptz[]) AS fresh (id, percent, at)
WHERE clock.id = fresh.id
"""


@transaction.atomic
def follow_ladder(*, case_ids: Sequence[int]) -> int:
    """Point the clocks of these orders at their next rung on the ladder in force; how many clocks moved.

    What a clock has passed stays passed, so a rung that now stands lower comes only to those that had not
    come so far; one that stands where a clock has been unawares is due at once.
    """
    moved = []
    ladder = clocks.active_ladder()
    for case in _locked(case_ids):
        for clock in case.clocks.all():
            before = (clock.next_rung_percent, clock.next_rung_at)
            clocks.schedule_rung(clock, case, ladder)
            if before != (clock.next_rung_percent, clock.next_rung_at):
                moved.append(clock)
    if moved:
        with connection.cursor() as cursor:
            cursor.execute(
                _POINT.format(clocks=Clock._meta.db_table),
                [
                    [clock.pk for clock in moved],
                    [clock.next_rung_percent for clock in moved],
                    [clock.next_rung_at for clock in moved],
                ],
            )
    return len(moved)


def _locked(case_ids: Sequence[int]) -> Iterable[Case]:
    """The orders with the clocks that have not stopped; the lock is a statement of its own (`lock_case`)."""
    rows = Case.objects.filter(pk__in=case_ids).order_by("pk")
    list(rows.select_for_update().values_list("pk"))
    running = Prefetch("clocks", Clock.objects.filter(stopped_at=None))
    rows = rows.select_related("desk", "matter").only(*LOOKED_AT)
    return rows.prefetch_related(running)
