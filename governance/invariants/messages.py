"""The log's readers and the messages that people get: every event read, everybody told, once."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from .promises import Invariant

LOG: Final = (
    Invariant(
        "positions_in_line",
        _("Positions of events are given without a gap and without a repeat."),
        """
SELECT c.number, concat('position ', e.position, ' after ', e.before) AS detail
FROM (SELECT case_id, position, coalesce(lag(position) OVER (ORDER BY position), 0) AS before
      FROM cases_caseevent WHERE position IS NOT NULL) e
JOIN cases_case c ON c.id = e.case_id
WHERE e.position <> e.before + 1""",
    ),
    Invariant(
        "events_get_positions",
        _("No event waits long for its position."),
        """
SELECT c.number, concat('event ', e.id, ' since ', e.recorded_at) AS detail
FROM cases_caseevent e JOIN cases_case c ON c.id = e.case_id
WHERE e.position IS NULL AND e.recorded_at < %(at)s - %(grace)s""",
        repair="relay",
    ),
    Invariant(
        "nothing_is_set_aside",
        _("No event is set aside by its reader, and no order in quarantine from the ladder."),
        """
SELECT c.number, concat(s.consumer, ': event ', s.event_id, ' since ', s.since, ', tries ', s.tries) AS detail
FROM cases_stuckevent s JOIN cases_case c ON c.id = s.case_id
WHERE s.since < %(at)s - %(grace)s
UNION ALL
SELECT c.number, concat('clock ', k.id, ' ', k.stage, ' since ', q.since, ', tries ', q.times)
FROM cases_quarantinedclock q JOIN cases_clock k ON k.id = q.clock_id JOIN cases_case c ON c.id = k.case_id
WHERE q.resolved_at IS NULL AND q.since < %(at)s - %(grace)s""",
    ),
    Invariant(
        "readers_are_at_the_end",
        _("Every reader of the log has read what is older than a moment, and nothing that is not there."),
        """
SELECT r.name AS number, concat('at ', coalesce(k.position, 0), ' of ', top.position, ', next since ',
                                waiting.recorded_at) AS detail
FROM (SELECT unnest(%(readers)s::text[]) AS name) r
LEFT JOIN cases_consumercursor k ON k.name = r.name
CROSS JOIN (SELECT coalesce(max(position), 0) AS position FROM cases_caseevent) top
LEFT JOIN LATERAL (SELECT recorded_at FROM cases_caseevent WHERE position > coalesce(k.position, 0)
                   ORDER BY position LIMIT 1) waiting ON true
WHERE k.position > top.position OR waiting.recorded_at < %(at)s - %(grace)s""",
        repair="relay",
    ),
)

#: People at a desk or in a unit on the day before an event and the day after it: who came or went on that
#: very day may have been told or not. Substitutes act beside the holder.
_PEOPLE: Final = """
people AS (
    SELECT p.place_id, p.unit_id, p.role, p.user_id, p.starts_on, coalesce(p.ends_on, 'infinity') AS ends_on
    FROM partymembers_post p WHERE p.role IN ('secretary', 'desk', 'handler', 'unit_head')
    UNION ALL
    SELECT p.place_id, p.unit_id, p.role, s.substitute_id, greatest(p.starts_on, s.starts_on),
           least(coalesce(p.ends_on, 'infinity'), s.ends_on)
    FROM partymembers_substitution s JOIN partymembers_post p ON p.id = s.post_id
    WHERE p.role IN ('secretary', 'desk', 'handler', 'unit_head')
), staff AS (
    SELECT people.* FROM people JOIN partymembers_user u ON u.id = people.user_id
    WHERE u.disabled_at IS NULL
)"""

#: Events that everybody must have been told of by now: read by the reader of messages, and not older than
#: the first message that is still kept.
_TOLD: Final = """
told AS MATERIALIZED (
    SELECT e.id, e.case_id, e.seq, e.kind, e.actor_id, e.data, c.number, c.desk_id, c.unit_id, c.handler_id,
           (e.at AT TIME ZONE 'Asia/Shanghai')::date AS day
    FROM cases_caseevent e
    JOIN cases_case c ON c.id = e.case_id
    WHERE e.kind IN ('report', 'dispatch', 'late') AND NOT e.is_imported AND c.kind = 'incident' AND NOT c.is_test
      AND e.recorded_at > %(at)s - %(since)s
      AND e.position <= (SELECT position FROM cases_consumercursor WHERE name = 'in_app')
      AND e.id >= coalesce((SELECT min(event_id) FROM cases_notification), 0)
      AND NOT (e.kind = 'report' AND c.resolved_on_spot)
      AND NOT (e.kind = 'late' AND EXISTS (
          SELECT FROM cases_caseevent n WHERE n.case_id = e.case_id AND n.seq > e.seq
             AND n.kind NOT IN ('remind', 'late', 'comment', 'attach', 'urge', 'add_information', 'join',
                                'calendar_changed')))
)"""

_EXPECTED: Final = """
expected AS (
    SELECT t.id, s.user_id FROM told t JOIN staff s ON s.place_id = (t.data->>'desk_id')::bigint
        AND s.role IN ('secretary', 'desk') AND s.starts_on < t.day AND s.ends_on > t.day
    WHERE t.kind = 'report'
    UNION
    SELECT t.id, u.id FROM told t JOIN partymembers_user u ON u.id = (t.data->>'handler_id')::bigint
    WHERE t.kind = 'dispatch' AND u.disabled_at IS NULL AND NOT u.is_service
    UNION
    SELECT t.id, s.user_id FROM told t JOIN staff s ON s.unit_id = (t.data->>'unit_id')::bigint
        AND s.role IN ('handler', 'unit_head') AND s.starts_on < t.day AND s.ends_on > t.day
    WHERE t.kind = 'dispatch' AND t.data->>'handler_id' IS NULL
    UNION
    SELECT t.id, s.user_id FROM told t
    CROSS JOIN LATERAL jsonb_array_elements_text(
        CASE jsonb_typeof(t.data->'assist_ids') WHEN 'array' THEN t.data->'assist_ids' ELSE '[]' END) AS a (id)
    JOIN staff s ON s.unit_id = a.id::bigint
        AND s.role IN ('handler', 'unit_head') AND s.starts_on < t.day AND s.ends_on > t.day
    WHERE t.kind = 'dispatch' AND NOT EXISTS (
        SELECT FROM cases_caseevent n WHERE n.case_id = t.case_id AND n.seq > t.seq
           AND n.kind IN ('dispatch', 'reassign', 'return'))
    UNION
    SELECT t.id, s.user_id FROM told t JOIN staff s ON s.place_id = t.desk_id
        AND s.role IN ('secretary', 'desk') AND s.starts_on < t.day AND s.ends_on > t.day
    WHERE t.kind = 'late'
    UNION
    SELECT t.id, s.user_id FROM told t JOIN staff s ON s.unit_id = t.unit_id
        AND s.role = 'unit_head' AND s.starts_on < t.day AND s.ends_on > t.day
    WHERE t.kind = 'late'
)"""

MESSAGES: Final = (
    Invariant(
        "messages_are_single",
        _("Nobody has two messages of one event."),
        """
SELECT c.number, concat('event ', n.event_id, ', person ', n.recipient_id, ': ', n.n) AS detail
FROM (SELECT recipient_id, event_id, min(case_id) AS case_id, count(*) AS n
      FROM cases_notification GROUP BY recipient_id, event_id HAVING count(*) > 1) n
JOIN cases_case c ON c.id = n.case_id""",
    ),
    Invariant(
        "messages_reach_everybody",
        _("Whoever must learn of a report, a dispatch or a delay has a message of it."),
        f"""
WITH {_PEOPLE}, {_TOLD}, {_EXPECTED}
SELECT t.number, concat('event ', t.id, ' ', t.kind, ', person ', x.user_id) AS detail
FROM expected x JOIN told t ON t.id = x.id
WHERE x.user_id IS DISTINCT FROM t.actor_id
  AND NOT EXISTS (SELECT FROM cases_notification n
                  WHERE (n.event_id, n.recipient_id) = (t.id, x.user_id))""",
        repair="messages",
    ),
    Invariant(
        "messages_reach_nobody_else",
        _("Nobody was told of a report who never had a post at its desk."),
        f"""
WITH {_PEOPLE}, {_TOLD}
SELECT t.number, concat('event ', t.id, ', person ', n.recipient_id) AS detail
FROM told t JOIN cases_notification n ON n.event_id = t.id
WHERE t.kind = 'report'
  AND (n.recipient_id = t.actor_id
       OR NOT EXISTS (SELECT FROM people p WHERE p.user_id = n.recipient_id
                      AND p.place_id = (t.data->>'desk_id')::bigint))""",
    ),
    Invariant(
        "messages_of_tests",
        _("Nobody was told of a test order."),
        """
SELECT c.number, concat('message ', n.id, ' to ', n.recipient_id) AS detail
FROM cases_case c JOIN cases_notification n ON n.case_id = c.id
WHERE c.is_test""",
    ),
    Invariant(
        "messages_match_their_event",
        _("A message names the order and the kind of its own event."),
        """
SELECT c.number, concat('message ', n.id, ' of event ', e.id, ' ', e.kind) AS detail
FROM cases_notification n JOIN cases_caseevent e ON e.id = n.event_id JOIN cases_case c ON c.id = e.case_id
WHERE n.case_id <> e.case_id OR n.kind <> e.kind""",
    ),
    Invariant(
        "deliveries_are_single",
        _(
            "Outside the portal, too, nobody is told twice of one event on one channel, and nobody in another's place."
        ),
        """
SELECT c.number, concat('event ', d.event_id, ', person ', d.recipient_id, ' by ', d.channel, ': ', d.n) AS detail
FROM (SELECT event_id, recipient_id, channel, count(*) AS n FROM cases_delivery
      GROUP BY event_id, recipient_id, channel HAVING count(*) > 1) d
JOIN cases_caseevent e ON e.id = d.event_id JOIN cases_case c ON c.id = e.case_id
UNION ALL
SELECT c.number, concat('delivery ', d.id, ' to ', d.recipient_id, ' in message ', m.id, ' to ', m.recipient_id)
FROM cases_delivery d
JOIN cases_outboundmessage m ON m.id = d.message_id
JOIN cases_caseevent e ON e.id = d.event_id JOIN cases_case c ON c.id = e.case_id
WHERE m.recipient_id <> d.recipient_id OR m.channel <> d.channel""",
    ),
    Invariant(
        "deliveries_leave",
        _("No message that should leave the portal has been waiting for a sender."),
        """
SELECT concat('#', m.id) AS number, concat(m.channel, ' since ', m.next_try_at, ', tries ', m.tries) AS detail
FROM cases_outboundmessage m
WHERE m.state = 'waiting' AND m.next_try_at < %(at)s - %(grace)s""",
    ),
)
