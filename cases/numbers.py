"""Order numbers `YYMMDD-NNNNNN`: gapless within a day, growing past six digits."""

from __future__ import annotations

from datetime import date

from django.db import connection

_NEXT = """
INSERT INTO cases_daycounter (day, last) VALUES (%s, %s)
ON CONFLICT (day) DO UPDATE SET last = cases_daycounter.last + EXCLUDED.last RETURNING last
"""


def take_numbers(day: date, count: int = 1) -> list[str]:
    """The next order numbers of a day (city time). The counter's row stays locked until commit."""
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, [day, count])
        (last,) = cursor.fetchone()
    return [f"{day:%y%m%d}-{number:06d}" for number in range(last - count + 1, last + 1)]
