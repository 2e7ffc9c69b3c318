"""Clocks: each stage has the one that it should have, and orders show the time that is due first."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from .promises import Invariant
from .time import TOLERANCE, UNFOLLOWED, WorkingTime, joined_day

_NAME: Final = "concat('clock ', k.id, ' ', k.stage, ' ', k.round)"
#: By state: the stages whose clock has not stopped while an order of ours is in it.
_STAGES: Final = (
    ("reported", "accept"),
    ("accepted", "dispatch"),
    ("dispatched", "acknowledge"),
    ("handling", "handle"),
    ("suspended", "handle"),
    ("handled", "check"),
    ("asked", "vet"),
    ("published", "claim"),
    ("claimed", "confirm"),
    ("confirmed", "begin"),
    ("begun", "deliver"),
    ("delivered", "rate"),
    *(
        (state, "whole")
        for state in ("reported", "accepted", "dispatched", "handling", "suspended", "handled")
    ),
)
_NEEDED: Final = ", ".join(f"('{state}', '{stage}')" for state, stage in _STAGES)

AT_REST: Final = (
    Invariant(
        "one_clock_a_stage",
        _("A stage has at most one clock that has not stopped, and its rounds are numbered without a gap."),
        """
SELECT c.number, concat(k.stage, ': ', k.running, ' running, rounds ', k.rounds, ' of ', k.most) AS detail
FROM (SELECT case_id, stage, count(*) FILTER (WHERE stopped_at IS NULL) AS running, count(*) AS rounds,
             max(round) AS most
      FROM cases_clock GROUP BY case_id, stage) k
JOIN cases_case c ON c.id = k.case_id
WHERE k.running > 1 OR k.rounds <> k.most""",
    ),
    Invariant(
        "open_orders_have_clocks",
        _("Every open order has the clock of its stage, so that none can be forgotten."),
        f"""
WITH needed (state, stage) AS (VALUES {_NEEDED})
SELECT c.number, concat('state ', c.state, ' without a clock of ', n.stage) AS detail
FROM cases_case c JOIN needed n ON n.state = c.state
WHERE NOT c.is_imported
  AND NOT EXISTS (SELECT FROM cases_clock k
                  WHERE k.case_id = c.id AND k.stage = n.stage AND k.stopped_at IS NULL)""",
    ),
    Invariant(
        "ended_orders_have_none",
        _("The clocks of an order that has ended have all stopped."),
        f"""
SELECT c.number, {_NAME} || ' in state ' || c.state AS detail
FROM cases_clock k JOIN cases_case c ON c.id = k.case_id
WHERE k.stopped_at IS NULL AND c.state IN ('closed', 'declined', 'merged', 'voided')""",
    ),
    Invariant(
        "standing_clocks_have_no_rung",
        _("A clock that has stopped or stands still has no next rung; stopped, it says how long it ran."),
        f"""
SELECT c.number, {_NAME} || concat(' stopped ', k.stopped_at, ' paused ', k.paused_at, ' rung ',
                                   k.next_rung_at) AS detail
FROM cases_clock k JOIN cases_case c ON c.id = k.case_id
WHERE k.next_rung_at IS NOT NULL AND (k.stopped_at IS NOT NULL OR k.paused_at IS NOT NULL)
   OR (k.used IS NULL) <> (k.stopped_at IS NULL)""",
        repair="clocks",
    ),
    Invariant(
        "suspended_orders_rest",
        _("A suspended order has no due time, and none of its clocks for handling it runs."),
        """
SELECT c.number, concat('due ', c.due_at, ', running ', k.stages) AS detail
FROM cases_case c
LEFT JOIN LATERAL (SELECT string_agg(stage, ' ') AS stages FROM cases_clock
                   WHERE case_id = c.id AND stopped_at IS NULL AND paused_at IS NULL
                     AND stage IN ('whole', 'handle')) k ON true
WHERE c.state = 'suspended' AND (c.due_at IS NOT NULL OR k.stages IS NOT NULL)""",
    ),
    Invariant(
        "orders_show_their_first_due",
        _("An order shows the due time of its running clock that is due first."),
        """
SELECT c.number, concat('shown ', c.next_due_at, ' ', c.next_stage, ', least ', k.due) AS detail
FROM cases_case c
LEFT JOIN (SELECT case_id, min(due_at) AS due, min(warn_at) AS warn
           FROM cases_clock WHERE stopped_at IS NULL AND paused_at IS NULL GROUP BY case_id) k
  ON k.case_id = c.id
WHERE c.next_due_at IS DISTINCT FROM k.due OR c.next_warn_at IS DISTINCT FROM k.warn
   OR (c.next_stage = '') <> (k.due IS NULL)""",
        repair="clocks",
    ),
)


def reckoned(time: WorkingTime) -> tuple[Invariant, ...]:
    """What needs the calendar: a clock is due when it has used up its limit, pauses and extensions included."""
    used = time.spent("k.started_at", "a", "k.due_at", "b", "k.timer_type")
    whole = 'extract(epoch FROM k."limit" + k.extended + k.paused_total)'
    return (
        Invariant(
            "dues_are_right",
            _(
                "A running clock is due when its limit, its extensions and its pauses have passed, by the calendar in force."
            ),
            f"""
WITH {time.days()}
SELECT c.number, {_NAME} || concat(' due ', k.due_at, ' after ', round({used}), ' s instead of ',
                                   round({whole}), ' s') AS detail
FROM cases_clock k
JOIN cases_case c ON c.id = k.case_id
{joined_day("a", "k.started_at")}
{joined_day("b", "k.due_at")}
WHERE k.stopped_at IS NULL AND k.paused_at IS NULL AND abs({used} - {whole}) > {TOLERANCE}
  AND NOT {UNFOLLOWED}""",
        ),
    )
