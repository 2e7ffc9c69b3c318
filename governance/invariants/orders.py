"""Orders and their histories: nothing missing, nothing twice, nothing that the table of transitions forbids."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from cases.workflow import WORKFLOWS

from .promises import Invariant

#: Events that lead into a state without being an action of the table: (kind of order, event, from, to).
_BESIDE: Final = (
    ("incident", "report", "reported", "reported"),
    ("incident", "resolve", "reported", "handled"),
    ("wish", "ask", "asked", "asked"),
)
#: By counter of the order: the events that it counts.
_COUNTED: Final = {
    "reworks": ("check_fail",),
    "returns": ("return",),
    "extensions": ("grant_extension",),
    "reopenings": ("reopen",),
    "urges": ("urge",),
    "climbs": ("escalate", "climb"),
}
_OPEN: Final = (
    "('reported', 'accepted', 'dispatched', 'handling', 'suspended', 'handled', "
    "'asked', 'published', 'claimed', 'confirmed', 'begun', 'delivered')"
)


def _legal_moves() -> str:
    """Every transition that the tables know, as rows of a VALUES list."""
    moves = [
        (str(kind), action, str(start), str(end))
        for kind, rules in WORKFLOWS.items()
        for action, rule in rules.items()
        for start, end in rule.moves.items()
    ]
    return ", ".join(f"('{k}', '{a}', '{s}', '{e}')" for k, a, s, e in [*moves, *_BESIDE])


def _actions() -> str:
    """Every action of the tables, by kind: what is none of them leaves the state alone."""
    return ", ".join(f"('{kind}', '{action}')" for kind, rules in WORKFLOWS.items() for action in rules)


def _miscounted() -> str:
    counts = ", ".join(
        f"count(*) FILTER (WHERE kind IN ({', '.join(repr(k) for k in kinds)})) AS {name}"
        for name, kinds in _COUNTED.items()
    )
    differs = " OR ".join(f"c.{name} <> e.{name}" for name in _COUNTED)
    told = ", ".join(
        f"CASE WHEN c.{name} <> e.{name} THEN '{name} ' || c.{name} || ', events ' || e.{name} END"
        for name in _COUNTED
    )
    return f"""
SELECT c.number, concat_ws('; ', {told}) AS detail
FROM cases_case c
JOIN (SELECT case_id, {counts} FROM cases_caseevent WHERE NOT is_imported GROUP BY case_id) e
  ON e.case_id = c.id
WHERE NOT c.is_imported AND ({differs})"""


HISTORY: Final = (
    Invariant(
        "events_in_line",
        _("An order's events are numbered 1 to n without a gap, and the order knows n."),
        """
SELECT c.number, concat('last_seq ', c.last_seq, ', events ', coalesce(e.n, 0), ' from ', e.least,
                        ' to ', e.most) AS detail
FROM cases_case c
LEFT JOIN (SELECT case_id, count(*) AS n, min(seq) AS least, max(seq) AS most
           FROM cases_caseevent GROUP BY case_id) e ON e.case_id = c.id
WHERE e.n IS NULL OR e.least <> 1 OR e.most <> e.n OR c.last_seq <> e.n""",
    ),
    Invariant(
        "states_follow_events",
        _(
            "Each event begins in the state in which the one before ended, and the order is where the last led."
        ),
        """
SELECT c.number, concat('seq ', e.seq, ' ', e.kind, ' from ', e.from_state, ' after ', e.before) AS detail
FROM (SELECT case_id, seq, kind, from_state, is_imported,
             lag(to_state) OVER (PARTITION BY case_id ORDER BY seq) AS before
      FROM cases_caseevent) e
JOIN cases_case c ON c.id = e.case_id
WHERE e.from_state <> e.before AND NOT e.is_imported
UNION ALL
SELECT c.number, concat('state ', c.state, ', last event ', e.kind, ' to ', e.to_state)
FROM cases_case c
JOIN cases_caseevent e ON e.case_id = c.id AND e.seq = c.last_seq
WHERE e.to_state <> c.state""",
    ),
    Invariant(
        "transitions_are_legal",
        _("Every step of every order is one that the table of transitions allows."),
        f"""
WITH legal (kind, action, start, finish) AS (VALUES {_legal_moves()}),
     known (kind, action) AS (VALUES {_actions()})
SELECT c.number, concat('seq ', e.seq, ' ', e.kind, ': ', e.from_state, ' to ', e.to_state) AS detail
FROM cases_caseevent e
JOIN cases_case c ON c.id = e.case_id
LEFT JOIN legal ON (legal.kind, legal.action, legal.start, legal.finish)
                 = (c.kind, e.kind, e.from_state, e.to_state)
LEFT JOIN known ON (known.kind, known.action) = (c.kind, e.kind)
WHERE NOT e.is_imported AND legal.kind IS NULL
  AND (known.kind IS NOT NULL OR e.from_state <> e.to_state)""",
    ),
    Invariant(
        "counters_agree",
        _("What an order counts (returns, rework, urges, climbs and the like) are as many events."),
        _miscounted(),
    ),
    Invariant(
        "ends_are_dated",
        _("An order has an end exactly while it has ended, and a closing exactly while it is closed."),
        f"""
SELECT number, concat('state ', state, ', ended_at ', ended_at, ', closed_at ', closed_at) AS detail
FROM cases_case
WHERE (state IN {_OPEN}) <> (ended_at IS NULL) AND NOT (is_imported AND state NOT IN {_OPEN})
   OR (state = 'closed') <> (closed_at IS NOT NULL)
      AND NOT (kind = 'wish' AND state = 'voided' AND closed_at IS NOT NULL)""",
    ),
    Invariant(
        "client_ids_are_single",
        _("One report of one reporter is one order, however often it was sent."),
        """
SELECT min(number) AS number, concat(count(*), ' orders of one client id: ids ', string_agg(id::text, ' '))
       AS detail
FROM cases_case WHERE client_id <> '' GROUP BY reporter_id, client_id HAVING count(*) > 1""",
    ),
    Invariant(
        "merged_have_masters",
        _(
            "A merged order, and no other, names the order that it was merged into, and there is an end to it."
        ),
        """
SELECT c.number, concat('state ', c.state, ', merged into ', m.number, ' ', m.state) AS detail
FROM cases_case c LEFT JOIN cases_case m ON m.id = c.merged_into_id
WHERE (c.state = 'merged') <> (c.merged_into_id IS NOT NULL) OR m.id = c.id
   OR (m.state = 'merged' AND m.merged_into_id = c.id)""",
    ),
)

PEOPLE: Final = (
    Invariant(
        "desks_stand",
        _(
            "Every open order is at a desk, and in a place, that is not retired; its desk is in its line of places."
        ),
        f"""
SELECT c.number, concat('desk ', d.id, ' until ', d.retired_on, ', place ', p.id, ' until ', p.retired_on)
       AS detail
FROM cases_case c
JOIN grids_place d ON d.id = c.desk_id
JOIN grids_place p ON p.id = c.place_id
WHERE c.state IN {_OPEN} AND c.updated_at < %(at)s - %(grace)s
  AND (greatest(d.retired_on, p.retired_on) < (%(at)s - %(grace)s)::date OR NOT starts_with(p.path, d.path))""",
        repair="places",
    ),
    Invariant(
        "handlers_can_act",
        _("No open order waits for a person or a unit that has been disabled for more than a minute."),
        """
SELECT c.number, concat('handler ', u.id, ' since ', u.disabled_at, ', unit ', n.id, ' since ', n.disabled_at)
       AS detail
FROM cases_case c
LEFT JOIN partymembers_user u ON u.id = c.handler_id
LEFT JOIN partymembers_unit n ON n.id = c.unit_id
WHERE c.updated_at < %(at)s - interval '1 minute'
  AND (c.state IN ('dispatched', 'handling', 'suspended') AND c.unit_id IS NOT NULL
       AND u.disabled_at < %(at)s - interval '1 minute'
       OR c.state IN ('dispatched', 'handling') AND n.disabled_at < %(at)s - interval '1 minute')""",
        repair="people",
    ),
    Invariant(
        "units_lead",
        _("The lead unit of an order has exactly one part in it, and orders being handled have a unit."),
        """
SELECT c.number, concat('unit ', c.unit_id, ', leading ', p.units) AS detail
FROM cases_case c
LEFT JOIN (SELECT case_id, array_agg(unit_id) AS units FROM cases_caseunit WHERE part = 'lead'
           GROUP BY case_id) p ON p.case_id = c.id
WHERE NOT c.is_imported AND c.kind = 'incident'
  AND (coalesce(p.units, '{}') <> array_remove(ARRAY[c.unit_id], NULL)
       OR c.unit_id IS NULL AND NOT c.resolved_on_spot
          AND c.state IN ('dispatched', 'handling', 'suspended', 'handled'))""",
    ),
)
