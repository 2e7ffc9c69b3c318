"""Order numbers `YYMMDD-NNNNNN`: growing within a day, and past six digits where a day needs it."""

from __future__ import annotations

from datetime import date

from django.db import connection

_NEXT = """
INSERT INTO cases_daycounter (day, last) VALUES (%s, %s)
ON CONFLICT (day) DO UPDATE SET last = cases_daycounter.last + EXCLUDED.last RETURNING last
"""
# The order that carries a number commits after it, and its commit writes to disk whatever came before. So the
# number itself need not wait for the disk, and still is never given twice.
_NEXT_BY_ITSELF = f"{_NEXT.rstrip()}, set_config('synchronous_commit', 'off', true)"


def take_numbers(day: date, count: int = 1) -> list[str]:
    """The next order numbers of a day (city time).

    Outside a transaction the counter is free again at once, so that nobody waits for another's commit; a
    number whose order then comes to nothing leaves a gap. Inside one it stays locked until its end.
    """
    statement = _NEXT if connection.in_atomic_block else _NEXT_BY_ITSELF
    with connection.cursor() as cursor:
        cursor.execute(statement, [day, count])
        last: int = cursor.fetchone()[0]
    return [f"{day:%y%m%d}-{number:06d}" for number in range(last - count + 1, last + 1)]
