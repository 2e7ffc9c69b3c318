"""The escalation ladder: each rung that came due was taken once, with its event, and none early."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from .promises import Invariant
from .time import OTHER_CALENDAR, TOLERANCE, UNFOLLOWED, WorkingTime, joined_day

_NAME: Final = "concat('clock ', k.id, ' ', k.stage, ' ', k.round)"
#: Events that move a clock's later percentages: what was taken before them was due by the former limit.
_MOVING: Final = "('grant_extension', 'resume', 'check_fail', 'reopen', 'correct_matter', 'accept')"
#: Events after which earlier rungs of a clock are not made up for.
_FRESH: Final = (
    "('reopen', 'give_back', 'correct_place', 'place_changed', 'correct_matter', 'accept', "
    "'grant_extension', 'calendar_changed')"
)
#: The sweep could not take this clock's rung and has said so; it is tried again.
_SET_ASIDE: Final = (
    "EXISTS (SELECT FROM cases_quarantinedclock q WHERE q.clock_id = k.id AND q.resolved_at IS NULL)"
)
#: More percentages than this of one clock are not looked through.
_FARTHEST: Final = 2000

TAKEN: Final = (
    Invariant(
        "due_rungs_are_taken",
        _("No rung of a running clock that came due is still waiting, unless it is in quarantine."),
        f"""
SELECT c.number, {_NAME} || concat(' ', k.next_rung_percent, ' %% since ', k.next_rung_at) AS detail
FROM cases_clock k JOIN cases_case c ON c.id = k.case_id
WHERE k.next_rung_at < %(at)s - %(grace)s AND NOT {_SET_ASIDE}""",
        repair="rungs",
    ),
    Invariant(
        "rungs_have_their_event",
        _("Each rung that was taken has exactly one event, and each such event its rung."),
        """
SELECT c.number, concat('clock ', k.id, ' ', k.stage, ' ', coalesce(t.percent, e.percent), ' %% ',
                        coalesce(t.deed, e.kind), ': ', coalesce(t.n, 0), ' taken, ', coalesce(e.n, 0),
                        ' events') AS detail
FROM (SELECT clock_id, percent, deed, count(*) AS n FROM cases_takenrung
      WHERE deed IN ('remind', 'late', 'climb') GROUP BY clock_id, percent, deed) t
FULL JOIN (SELECT (data->>'clock_id')::bigint AS clock_id, (data->>'percent')::int AS percent, kind,
                  min(case_id) AS case_id, count(*) AS n
           FROM cases_caseevent
           WHERE kind IN ('remind', 'late', 'climb') AND NOT is_imported AND data ? 'clock_id'
           GROUP BY 1, 2, 3) e
  ON (e.clock_id, e.percent, e.kind) = (t.clock_id, t.percent, t.deed)
LEFT JOIN cases_clock k ON k.id = coalesce(t.clock_id, e.clock_id)
LEFT JOIN cases_case c ON c.id = coalesce(k.case_id, e.case_id)
WHERE coalesce(t.n, 0) <> 1 OR coalesce(e.n, 0) <> 1""",
    ),
)


def reckoned(time: WorkingTime) -> tuple[Invariant, ...]:
    """What needs the calendar: when a percentage of a clock is reached."""
    return (_early(time), _misplaced(time), _missing(time))


def _early(time: WorkingTime) -> Invariant:
    """A rung's instant is reckoned from the clock as it is; where something moved it since, from its event.

    The event tells when the clock was due then. With pauses in it, that gives a bound instead of the instant.
    What was taken by another calendar is not asked for: a day may be taken off when it has passed.
    """
    used = time.spent("k.started_at", "a", "t.at", "b", "k.timer_type")
    whole = 'extract(epoch FROM k."limit" + k.extended)'
    paused = "extract(epoch FROM k.paused_total)"
    then = time.spent("k.started_at", "a", "t.due_at", "d", "k.timer_type")
    share = "t.percent / 100.0"
    bound = f"CASE WHEN t.percent > 100 THEN {share} * {then} - ({share} - 1) * {paused} ELSE {share} * {then} END"
    return Invariant(
        "no_rung_is_early",
        _("No rung was taken before its percentage of the limit had passed."),
        f"""
WITH {time.days()},
t AS (
    SELECT r.*, (e.data->>'due_at')::timestamptz AS due_at,
           EXISTS (SELECT FROM cases_caseevent m
                   WHERE m.case_id = k.case_id AND m.at >= r.at AND m.kind IN {_MOVING}) AS was_moved
    FROM cases_takenrung r
    JOIN cases_clock k ON k.id = r.clock_id
    LEFT JOIN cases_caseevent e ON e.case_id = k.case_id AND e.kind = r.deed
         AND (e.data->>'clock_id')::bigint = r.clock_id AND (e.data->>'percent')::int = r.percent
)
SELECT c.number, {_NAME} || concat(' ', t.percent, ' %% ', t.deed, ' at ', t.at) AS detail
FROM t
JOIN cases_clock k ON k.id = t.clock_id
JOIN cases_case c ON c.id = k.case_id
{joined_day("a", "k.started_at")}
{joined_day("b", "t.at")}
{joined_day("d", "t.due_at")}
WHERE NOT {OTHER_CALENDAR}
  AND (NOT t.was_moved AND {used} < {whole} * {share} + {paused} - {TOLERANCE}
       OR t.was_moved AND t.due_at IS NOT NULL AND {used} < {bound} - {TOLERANCE})""",
    )


def _misplaced(time: WorkingTime) -> Invariant:
    used = time.spent("k.started_at", "a", "k.next_rung_at", "b", "k.timer_type")
    due = (
        'extract(epoch FROM k."limit" + k.extended) * k.next_rung_percent / 100.0 '
        "+ extract(epoch FROM k.paused_total)"
    )
    return Invariant(
        "next_rungs_are_right",
        _("A running clock's next rung stands at the instant of its percentage."),
        f"""
WITH {time.days()}
SELECT c.number, {_NAME} || concat(' ', k.next_rung_percent, ' %% at ', k.next_rung_at) AS detail
FROM cases_clock k
JOIN cases_case c ON c.id = k.case_id
{joined_day("a", "k.started_at")}
{joined_day("b", "k.next_rung_at")}
WHERE k.stopped_at IS NULL AND k.paused_at IS NULL
  AND NOT {_SET_ASIDE} AND NOT {UNFOLLOWED}
  AND ((k.next_rung_at IS NULL) <> (k.next_rung_percent IS NULL)
       OR abs({used} - ({due})) > {TOLERANCE})""",
    )


def _passed_by_running_clocks(time: WorkingTime) -> str:
    """The CTE `reached`: each running clock with the percentages that it has passed since it was last touched.

    What happened before the ladder's last edit, or before the order was reopened, given back, corrected or
    extended, is not asked for: another ladder, or none, was in force.
    """
    now = time.spent("k.started_at", "a", "(%(at)s - %(grace)s)", "b", "k.timer_type")
    known = time.spent("k.started_at", "a", "k.fresh", "f", "k.timer_type")
    whole = 'extract(epoch FROM k."limit" + k.extended)'
    paused = "extract(epoch FROM k.paused_total)"
    return f"""
edited AS (SELECT greatest(
    (SELECT max(at) FROM partymembers_auditentry WHERE action LIKE 'ladderrung%%'),
    (SELECT max(coalesce(finished_at, %(at)s)) FROM cases_ladderchange)) AS at),
k AS MATERIALIZED (
    SELECT k.*, greatest(k.started_at, edited.at,
               (SELECT max(m.at) FROM cases_caseevent m
                WHERE m.case_id = k.case_id AND m.kind IN {_FRESH})) AS fresh
    FROM cases_clock k, edited
    WHERE k.stopped_at IS NULL AND k.paused_at IS NULL AND k."limit" + k.extended > interval '0'
),
reached AS MATERIALIZED (
    SELECT k.*, least(floor(({now} - {paused}) / {whole} * 100)::bigint,
                      coalesce(k.next_rung_percent, 2147483647) - 1) AS up_to,
           ceil(({known} - {paused}) / {whole} * 100)::bigint AS since
    FROM k {joined_day("a", "k.started_at")} {joined_day("b", "(%(at)s - %(grace)s)")} {joined_day("f", "k.fresh")}
)"""


def _missing(time: WorkingTime) -> Invariant:
    return Invariant(
        "no_rung_is_missing",
        _("A running clock has taken every rung of the ladder that it has passed."),
        f"""
WITH {time.days()}, {_passed_by_running_clocks(time)}
SELECT c.number, concat('clock ', k.id, ' ', k.stage, ' ', k.round, ' ', p.percent, ' %% ', r.deed) AS detail
FROM reached k
JOIN cases_case c ON c.id = k.case_id
JOIN cases_matter m ON m.id = c.matter_id
JOIN grids_place d ON d.id = c.desk_id
JOIN cases_ladderrung r ON r.is_active AND r.kind IN ('', c.kind) AND r.stage IN ('', k.stage)
    AND r.urgency IN ('', c.urgency) AND (r.matter_class_id IS NULL OR r.matter_class_id = m.matter_class_id)
    AND NOT (r.deed = 'climb' AND (d.depth = 1 OR k.stage = 'answer'))
CROSS JOIN LATERAL generate_series(
    r.percent::bigint,
    CASE WHEN r.repeat_every = 0 THEN least(r.percent, k.up_to)
         ELSE least(k.up_to, r.percent + {_FARTHEST}::bigint * r.repeat_every) END,
    greatest(r.repeat_every, 1)::bigint) AS p (percent)
WHERE p.percent > k.since
  AND NOT {_SET_ASIDE}
  AND NOT EXISTS (SELECT FROM cases_takenrung t
                  WHERE (t.clock_id, t.percent, t.deed) = (k.id, p.percent, r.deed))""",
    )
