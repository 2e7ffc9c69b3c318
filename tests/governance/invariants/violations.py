"""One way to break each promise, behind the back of every action: what a fault of the code would leave."""

from __future__ import annotations

from typing import Final

_UNGUARD: Final = "ALTER TABLE cases_caseevent DISABLE TRIGGER USER"
#: The ladder has just touched most orders, and what has just changed is not judged yet.
_LONG_AGO: Final = "UPDATE cases_case SET updated_at = '2026-11-20'"
_SOME: Final = "(SELECT min(id) FROM cases_case WHERE state = '{}' AND kind = 'incident')"
HANDLING: Final = _SOME.format("handling")
REPORTED: Final = _SOME.format("reported")
CLOSED: Final = _SOME.format("closed")
MERGED: Final = _SOME.format("merged")
SUSPENDED: Final = _SOME.format("suspended")
WISH: Final = "(SELECT min(id) FROM cases_case WHERE state = 'begun' AND kind = 'wish')"
_CLOCK: Final = "(SELECT min(k.id) FROM cases_clock k WHERE k.stage = '{}' AND k.stopped_at IS NULL AND k.paused_at IS NULL)"
RUNNING: Final = _CLOCK.format("handle")
TAKEN: Final = "(SELECT min(t.id) FROM cases_takenrung t WHERE t.deed = 'late')"
LAST: Final = "(SELECT max(id) FROM cases_caseevent WHERE position IS NOT NULL)"
REPORT: Final = (
    "(SELECT min(e.id) FROM cases_caseevent e JOIN cases_notification n ON n.event_id = e.id "
    "WHERE e.kind = 'report')"
)

_OUTBOUND: Final = (
    "INSERT INTO cases_outboundmessage (key, recipient_id, channel, kind, state, made_at, next_try_at, tries, error) "
    f"SELECT gen_random_uuid(), recipient_id, 'sms', 'single', 'waiting', '2026-11-20', '2026-11-20', 0, '' "
    f"FROM cases_notification WHERE event_id = {REPORT} LIMIT 1"
)

#: By check: what is done to the tables. Every check of the package has at least one.
VIOLATIONS: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "events_in_line": (
        (f"UPDATE cases_case SET last_seq = last_seq + 1 WHERE id = {HANDLING}",),
        (_UNGUARD, f"UPDATE cases_caseevent SET seq = seq + 50 WHERE case_id = {HANDLING} AND seq = 2"),
    ),
    "states_follow_events": (
        (f"UPDATE cases_case SET state = 'dispatched' WHERE id = {HANDLING}",),
        (_UNGUARD, f"UPDATE cases_caseevent SET from_state = 'handled' WHERE case_id = {CLOSED} AND seq = 3"),
    ),
    "transitions_are_legal": (
        (_UNGUARD, f"UPDATE cases_caseevent SET to_state = 'closed' WHERE case_id = {HANDLING} AND seq = 2"),
        (
            _UNGUARD,
            f"UPDATE cases_caseevent SET kind = 'comment' WHERE case_id = {CLOSED} AND kind = 'accept'",
        ),
    ),
    "counters_agree": ((f"UPDATE cases_case SET returns = returns + 1 WHERE id = {HANDLING}",),),
    "ends_are_dated": (
        (f"UPDATE cases_case SET ended_at = now() WHERE id = {HANDLING}",),
        (f"UPDATE cases_case SET ended_at = NULL WHERE id = {CLOSED}",),
    ),
    "client_ids_are_single": (
        (
            "DROP INDEX one_order_a_client_id",
            "UPDATE cases_case SET client_id = 'sent twice', reporter_id = NULL",
        ),
    ),
    "merged_have_masters": (
        (f"UPDATE cases_case SET merged_into_id = NULL WHERE id = {MERGED}",),
        (f"UPDATE cases_case SET merged_into_id = {CLOSED} WHERE id = {HANDLING}",),
    ),
    "desks_stand": (
        (_LONG_AGO, "UPDATE grids_place SET retired_on = '2026-11-01' WHERE level = 'community'"),
        (
            _LONG_AGO,
            f"UPDATE cases_case SET desk_id = (SELECT id FROM grids_place WHERE name = '东门社区') WHERE id = {HANDLING}",
        ),
    ),
    "handlers_can_act": (
        (
            _LONG_AGO,
            f"UPDATE partymembers_user SET disabled_at = '2026-11-20' WHERE id = "
            f"(SELECT handler_id FROM cases_case WHERE id = {HANDLING})",
        ),
        (
            _LONG_AGO,
            f"UPDATE partymembers_unit SET disabled_at = '2026-11-20' WHERE id = "
            f"(SELECT unit_id FROM cases_case WHERE id = {HANDLING})",
        ),
    ),
    "units_lead": (
        (f"UPDATE cases_caseunit SET part = 'former' WHERE case_id = {HANDLING} AND part = 'lead'",),
        (f"UPDATE cases_case SET unit_id = NULL WHERE id = {HANDLING}",),
    ),
    "one_clock_a_stage": (
        (
            "DROP INDEX one_running_clock_a_stage",
            f"UPDATE cases_clock SET stage = 'whole', round = 2 WHERE case_id = {HANDLING} AND stage = 'handle'",
        ),
        (f"UPDATE cases_clock SET round = 3 WHERE id = {RUNNING}",),
    ),
    "open_orders_have_clocks": (
        (
            f"UPDATE cases_clock SET stopped_at = now(), used = '0' WHERE case_id = {REPORTED} AND stage = 'accept'",
        ),
        (
            f"UPDATE cases_clock SET stopped_at = now(), used = '0' WHERE case_id = {HANDLING} AND stage = 'whole'",
        ),
    ),
    "ended_orders_have_none": (
        (
            f"UPDATE cases_clock SET stopped_at = NULL, used = NULL WHERE case_id = {CLOSED} AND stage = 'whole'",
        ),
    ),
    "standing_clocks_have_no_rung": (
        (f"UPDATE cases_clock SET next_rung_at = now() WHERE case_id = {CLOSED} AND stage = 'whole'",),
        (f"UPDATE cases_clock SET used = NULL WHERE case_id = {CLOSED} AND stage = 'whole'",),
    ),
    "suspended_orders_rest": (
        (f"UPDATE cases_case SET due_at = now() WHERE id = {SUSPENDED}",),
        (f"UPDATE cases_clock SET paused_at = NULL WHERE case_id = {SUSPENDED} AND stage = 'handle'",),
    ),
    "orders_show_their_first_due": (
        (f"UPDATE cases_case SET next_due_at = next_due_at + interval '1 hour' WHERE id = {HANDLING}",),
        (f"UPDATE cases_case SET next_due_at = now() WHERE id = {CLOSED}",),
        (f"UPDATE cases_case SET next_warn_at = NULL WHERE id = {HANDLING}",),
    ),
    "dues_are_right": (
        (f"UPDATE cases_clock SET due_at = due_at + interval '1 second' WHERE id = {RUNNING}",),
        (
            "INSERT INTO cases_calendarday (date, is_workday, name, source) VALUES ('2026-11-20', false, '', '')",
        ),
    ),
    "due_rungs_are_taken": (
        (f"UPDATE cases_clock SET next_rung_at = '2026-11-20 03:00+00' WHERE id = {RUNNING}",),
    ),
    "rungs_have_their_event": (
        (f"DELETE FROM cases_takenrung WHERE id = {TAKEN}",),
        (f"UPDATE cases_takenrung SET percent = 110 WHERE id = {TAKEN}",),
        (
            "ALTER TABLE cases_takenrung DROP CONSTRAINT each_rung_once_a_clock",
            "INSERT INTO cases_takenrung (clock_id, percent, deed, at) "
            f"SELECT clock_id, percent, deed, at FROM cases_takenrung WHERE id = {TAKEN}",
        ),
    ),
    "no_rung_is_early": (
        (
            f"UPDATE cases_takenrung SET at = (SELECT started_at FROM cases_clock WHERE id = clock_id) WHERE id = {TAKEN}",
        ),
    ),
    "next_rungs_are_right": (
        (f"UPDATE cases_clock SET next_rung_at = next_rung_at - interval '5 seconds' WHERE id = {RUNNING}",),
        (f"UPDATE cases_clock SET next_rung_at = NULL WHERE id = {RUNNING}",),
    ),
    "no_rung_is_missing": (
        (f"DELETE FROM cases_takenrung WHERE id = {TAKEN}",),
        (
            "UPDATE cases_clock SET next_rung_at = NULL, next_rung_percent = NULL "
            f"WHERE id = (SELECT clock_id FROM cases_takenrung WHERE id = {TAKEN})",
            f"DELETE FROM cases_takenrung WHERE id = {TAKEN}",
        ),
    ),
    "positions_in_line": (
        (_UNGUARD, f"UPDATE cases_caseevent SET position = position + 1 WHERE id = {LAST}"),
    ),
    "events_get_positions": (
        (
            _UNGUARD,
            f"UPDATE cases_caseevent SET position = NULL, recorded_at = '2026-11-20' WHERE id = {LAST}",
        ),
    ),
    "nothing_is_set_aside": (
        (
            "INSERT INTO cases_stuckevent (consumer, event_id, case_id, position, error, tries, since) "
            f"SELECT 'in_app', id, case_id, position, 'x', 8, '2026-11-20' FROM cases_caseevent WHERE id = {LAST}",
        ),
        (
            "INSERT INTO cases_quarantinedclock (clock_id, error, times, since, last_at) "
            f"VALUES ({RUNNING}, 'x', 3, '2026-11-20', '2026-11-20')",
        ),
    ),
    "readers_are_at_the_end": (
        (
            _UNGUARD,
            f"UPDATE cases_caseevent SET recorded_at = '2026-11-20' WHERE id = {LAST}",
            "UPDATE cases_consumercursor SET position = position - 1 WHERE name = 'router'",
        ),
        ("UPDATE cases_consumercursor SET position = position + 1 WHERE name = 'router'",),
        (
            _UNGUARD,
            "UPDATE cases_caseevent SET recorded_at = '2026-11-20'",
            "DELETE FROM cases_consumercursor WHERE name = 'strays'",
        ),
    ),
    "messages_are_single": (
        (
            "ALTER TABLE cases_notification DROP CONSTRAINT one_notification_an_event",
            "INSERT INTO cases_notification (recipient_id, event_id, case_id, kind, is_urgent, due_at) "
            "SELECT recipient_id, event_id, case_id, kind, is_urgent, due_at FROM cases_notification LIMIT 1",
        ),
    ),
    "messages_reach_everybody": (
        ("DELETE FROM cases_notification",),
        (
            "DELETE FROM cases_notification WHERE id = (SELECT max(id) FROM cases_notification WHERE kind = 'report')",
        ),
        (
            "DELETE FROM cases_notification WHERE id = (SELECT max(id) FROM cases_notification WHERE kind = 'dispatch')",
        ),
        ("DELETE FROM cases_notification WHERE kind = 'late'",),
    ),
    "messages_reach_nobody_else": (
        (
            "INSERT INTO cases_notification (recipient_id, event_id, case_id, kind, is_urgent, due_at) "
            "SELECT (SELECT id FROM partymembers_user WHERE name = '王居民'), e.id, e.case_id, e.kind, false, e.at "
            f"FROM cases_caseevent e WHERE e.id = {REPORT}",
        ),
    ),
    "messages_of_tests": (
        (
            f"UPDATE cases_case SET is_test = true WHERE id = (SELECT case_id FROM cases_caseevent WHERE id = {REPORT})",
        ),
    ),
    "messages_match_their_event": (
        ("UPDATE cases_notification SET kind = 'late' WHERE kind = 'report'",),
        (f"UPDATE cases_notification SET case_id = {MERGED} WHERE case_id = {HANDLING}",),
    ),
    "deliveries_are_single": (
        (
            "ALTER TABLE cases_delivery DROP CONSTRAINT one_delivery_an_event_and_channel",
            "INSERT INTO cases_delivery (recipient_id, event_id, channel, is_urgent, held, due_at) "
            "SELECT recipient_id, event_id, 'sms', false, '', due_at FROM cases_notification, generate_series(1, 2) "
            f"WHERE event_id = {REPORT}",
        ),
        (
            _OUTBOUND,
            "INSERT INTO cases_delivery (recipient_id, event_id, channel, is_urgent, held, due_at, message_id) "
            "SELECT n.recipient_id, n.event_id, 'mail', false, '', n.due_at, m.id "
            f"FROM cases_notification n, cases_outboundmessage m WHERE n.event_id = {REPORT}",
        ),
    ),
    "deliveries_leave": ((_OUTBOUND,),),
    "one_claim_stands": (
        (f"UPDATE cases_claim SET ended_at = now() WHERE case_id = {WISH}",),
        (
            "DROP INDEX one_claim_a_wish",
            "INSERT INTO cases_claim (case_id, user_id, claimed_at, minutes, ending) "
            f"SELECT case_id, user_id, claimed_at, 0, '' FROM cases_claim WHERE case_id = {WISH}",
        ),
    ),
    "wishes_are_whole": ((f"UPDATE cases_case SET kind = 'wish' WHERE id = {HANDLING}",),),
    "points_balance": (
        (
            "ALTER TABLE partymembers_pointsentry DISABLE TRIGGER USER",
            "UPDATE partymembers_pointsentry SET amount = amount + 1 WHERE amount > 0",
        ),
    ),
    "accounts_follow_entries": (
        (
            "ALTER TABLE partymembers_pointsaccount DISABLE TRIGGER USER",
            "UPDATE partymembers_pointsaccount SET balance = balance + 1 WHERE kind = 'person'",
        ),
    ),
    "pictures_belong": ((f"UPDATE cases_attachment SET case_id = {HANDLING} WHERE case_id = {CLOSED}",),),
}
