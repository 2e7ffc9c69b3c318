"""Working time in SQL, reckoned from the calendar's tables alone.

`days` is a table of days with the working seconds before each; an instant's position is what came before its
day and what is done of the day itself. Natural time needs no table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import connection

ZONE: Final = "Asia/Shanghai"
_DEFAULT_HOURS: Final = ((8 * 3600, 12 * 3600), (14 * 3600, 18 * 3600))
#: Rungs and dues are kept to the microsecond; a percentage is rounded down to one.
TOLERANCE: Final = "0.001"
_WORKING: Final = "('work_hour', 'work_day')"
#: The clock `k` has yet to follow a change of the calendar: the walk through open orders takes a while.
UNFOLLOWED: Final = f"""(k.timer_type IN {_WORKING} AND EXISTS (
    SELECT FROM cases_calendarchange g
    WHERE g.finished_at IS NULL AND g.at > %(at)s - interval '1 hour' AND g.position < k.case_id))"""
#: At the instant `t.at` another calendar may have been in force for the clock `k` than the one of now.
OTHER_CALENDAR: Final = f"""(k.timer_type IN {_WORKING} AND t.at <= coalesce(
    (SELECT max(coalesce(finished_at, %(at)s)) FROM cases_calendarchange), '-infinity'))"""


def read_hours() -> tuple[tuple[int, int], ...]:
    """Working hours as seconds of the day, joined where they touch; the usual ones where none are given."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM starts)::int, "
            "CASE WHEN ends = '00:00' THEN 86400 ELSE extract(epoch FROM ends)::int END "
            "FROM cases_workhours ORDER BY 1"
        )
        rows = cursor.fetchall()
    joined: list[tuple[int, int]] = []
    for start, end in rows:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined) or _DEFAULT_HOURS


def joined_day(name: str, instant: str) -> str:
    """The join that gives an instant its day."""
    return f"LEFT JOIN days {name} ON {name}.day = ({instant} AT TIME ZONE '{ZONE}')::date"


@dataclass(frozen=True)
class WorkingTime:
    """Statements' parts that reckon in working time, by hours given as seconds of the day."""

    hours: tuple[tuple[int, int], ...]

    def days(self) -> str:
        """The CTE `days`: every day that a clock may touch, whether it is worked, and what was worked before."""
        length = sum(end - start for start, end in self.hours)
        return f"""
span AS (
    SELECT coalesce(min(started_at), %(at)s)::date - 2 AS first,
           least(greatest(max(due_at), max(next_rung_at), %(at)s)::date + 400,
                 %(at)s::date + 20000) AS last
    FROM cases_clock
), days AS MATERIALIZED (
    SELECT day, works, {length} * (sum(works::int) OVER (ORDER BY day) - works::int) AS before
    FROM (SELECT series::date AS day, coalesce(d.is_workday, extract(isodow FROM series) < 6) AS works
          FROM span, generate_series(span.first, span.last, interval '1 day') AS series
          LEFT JOIN cases_calendarday d ON d.date = series::date) AS each
)"""

    def position(self, day: str, instant: str) -> str:
        """Working seconds up to an instant whose day is joined as `day`."""
        seconds = f"extract(epoch FROM ({instant} AT TIME ZONE '{ZONE}')::time)"
        done = " + ".join(f"greatest(0, least({seconds}, {end}) - {start})" for start, end in self.hours)
        return f"({day}.before + CASE WHEN {day}.works THEN {done} ELSE 0 END)"

    def spent(self, start: str, start_day: str, until: str, until_day: str, timer: str) -> str:
        """Seconds of the timer's own time between two instants whose days are joined."""
        worked = f"{self.position(until_day, until)} - {self.position(start_day, start)}"
        return (
            f"(CASE WHEN {timer} IN {_WORKING} THEN {worked} ELSE extract(epoch FROM {until} - {start}) END)"
        )
