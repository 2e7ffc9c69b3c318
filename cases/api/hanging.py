"""What hangs on an order, as other systems read it: clocks, parts, pictures, events, requests, whistles."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from cases.api.reading import Reading
from cases.api.standing import Half
from cases.attachments import is_for_reporters
from cases.deadlines import light
from cases.events import label_of
from cases.models import Attachment, Case, CaseEvent, CaseRequest, CaseUnit, Clock, Whistle, WhistleCall
from cases.permissions import REPORTERS_ACTIONS
from cases.public import PUBLIC_KINDS
from cases.timeline import SAID_TO_REPORTER, TOLD_OF_WISHES, without_phones
from governance.common.formats import masked_name
from grids.api.crs import point_out
from partymembers.models import User

Body = dict[str, Any]
#: By these people speak for themselves: their names are masked as the reporter's is.
_OWN_WORDS: Final = REPORTERS_ACTIONS | {"ask", "thank", "urge"}
#: What people do who took a wish on or were called: systems get their names as `members/` gives them.
_AS_MEMBERS: Final = frozenset(
    {"claim", "begin", "deliver", "hand_back", "answer_whistle", "come_to_whistle", "report_whistle"}
)


def instant(at: datetime | None) -> str | None:
    """A time with the city's offset."""
    return None if at is None else timezone.localtime(at).isoformat()


def seconds(span: timedelta | None) -> int | None:
    """A span in whole seconds."""
    return None if span is None else round(span.total_seconds())


def person(user: User | None) -> Body | None:
    """Somebody of the staff, by account and name."""
    return None if user is None else {"code": user.username, "name": user.name}


def member(reading: Reading, case: Case, user: User) -> Body:
    """Who was called or took a wish on: named as in `members/`, or whoever calls could ask for anybody's."""
    if reading.user.is_service:
        if not reading.opens_people or reading.access.is_sandbox:
            return {"code": user.username, "name": masked_name(user.name)}
        reading.open(case, "member_name")
    return {"code": user.username, "name": user.name}


def clocks(reading: Reading, case: Case) -> list[Body]:
    """Every stage's clock, the first to start first."""
    return [_clock(clock, reading.now) for clock in reading.rows("clocks", case)]


def _clock(clock: Clock, now: datetime) -> Body:
    is_paused = clock.paused_at is not None and clock.stopped_at is None
    state = "stopped" if clock.stopped_at else "paused" if is_paused else "running"
    shown = light(clock.stopped_at or now, warn_at=clock.warn_at, due_at=clock.due_at, paused=is_paused)
    return {
        "stage": clock.stage,
        "round": clock.round,
        "state": state,
        "light": shown.value,
        "timer_type": clock.timer_type,
        "limit_seconds": seconds(clock.limit),
        "extended_seconds": seconds(clock.extended),
        "paused_seconds": seconds(clock.paused_total),
        "used_seconds": seconds(clock.used),
        "started_at": instant(clock.started_at),
        "warn_at": instant(clock.warn_at),
        "due_at": instant(clock.due_at),
        "paused_at": instant(clock.paused_at) if is_paused else None,
        "stopped_at": instant(clock.stopped_at),
    }


def parts(reading: Reading, case: Case) -> list[Body]:
    """The units that lead, assist or once led it."""
    rows: Iterable[CaseUnit] = reading.rows("parts", case)
    return [
        {
            "unit": {"code": row.unit.code, "name": row.unit.name},
            "part": row.part,
            "since": instant(row.since),
            "done_at": instant(row.done_at),
        }
        for row in rows
    ]


def attachments(reading: Reading, case: Case) -> list[Body]:
    """The pictures that the caller may open."""
    rows: Iterable[Attachment] = reading.rows("attachments", case)
    if reading.halves[case.pk] == Half.OWN:
        rows = (row for row in rows if is_for_reporters(row, case, reading.user.pk))
    return [_attachment(row, reading) for row in rows]


def _attachment(row: Attachment, reading: Reading) -> Body:
    url = reading.url("attachment", row.token)
    place = None
    if row.claimed_lng is not None and row.claimed_lat is not None:
        lng, lat = point_out(row.claimed_lng, row.claimed_lat, reading.system)
        place = {"lng": lng, "lat": lat, "crs": reading.system}
    return {
        "token": row.token,
        "role": row.role,
        "event": row.seq,  # type: ignore[attr-defined]  # annotated by `reading`
        "url": url,
        "thumbnail_url": f"{url}?size=thumbnail",
        "sha256": row.sha256,
        "size": row.size,
        "width": row.width,
        "height": row.height,
        "claimed_at": instant(row.claimed_at),
        "claimed_position": place,
        "uploaded_at": instant(row.uploaded_at),
    }


def events(reading: Reading, case: Case) -> list[Body]:
    """The order's history, the oldest first, as far as the caller may read it."""
    kinds = kinds_for(case, reading.halves[case.pk])
    rows: Iterable[CaseEvent] = reading.rows("events", case)
    return [event_body(reading, case, row) for row in rows if kinds is None or row.kind in kinds]


def kinds_for(case: Case, half: Half) -> frozenset[str] | None:
    """The kinds of events that somebody may read; None for all."""
    if half == Half.OWN:
        return frozenset(PUBLIC_KINDS)
    return TOLD_OF_WISHES if half == Half.PUBLIC else None


def event_body(reading: Reading, case: Case, event: CaseEvent) -> Body:
    """One event, the same in the feed and in its order's history; `reading.codes` knows what it points to."""
    half = reading.halves[case.pk]
    is_inside = half in (Half.ALL, Half.BARE)
    return {
        "seq": event.seq,
        "position": event.position,
        "kind": event.kind,
        "label": str(label_of(event.kind)),
        "version": event.version,
        "at": instant(event.at),
        "recorded_at": instant(event.recorded_at),
        "actor_kind": event.actor_kind,
        "actor": _actor(reading, case, event) if is_inside else None,
        "from_state": event.from_state or None,
        "to_state": event.to_state or None,
        "note": _note(reading, case, event),
        "data": reading.codes.data_of(event) if is_inside else {},
        "is_imported": event.is_imported,
    }


def _actor(reading: Reading, case: Case, event: CaseEvent) -> Body | None:
    if event.actor is None or event.actor_kind != CaseEvent.ActorKind.USER:
        return None
    is_reporter = event.kind in _OWN_WORDS or event.actor_id == case.reporter_id
    if not is_reporter or event.actor.is_service:
        is_member = event.kind in _AS_MEMBERS and not event.actor.is_service
        return member(reading, case, event.actor) if is_member else person(event.actor)
    if reading.opens(case):
        reading.open(case, "reporter")
        return person(event.actor)
    if reading.halves[case.pk] == Half.BARE:
        return None
    return {"code": None, "name": masked_name(event.actor.name)}


def _note(reading: Reading, case: Case, event: CaseEvent) -> str:
    half = reading.halves[case.pk]
    if half in (Half.OWN, Half.PUBLIC):
        is_told = event.actor_id == reading.user.pk or (half == Half.OWN and event.kind in SAID_TO_REPORTER)
        return event.note if is_told else ""
    return words(reading, case, event.note)


def words(reading: Reading, case: Case, text: str) -> str:
    """A free text: to systems that may not open people, and to units that only read, without phones."""
    is_person = not reading.user.is_service
    masked = without_phones(text)
    if masked == text or (is_person and reading.halves[case.pk] != Half.BARE):
        return text
    if not reading.opens(case):
        return masked
    reading.open(case, "reporter")
    return text


def requests(reading: Reading, case: Case) -> list[Body]:
    """What the handling unit asked of the desk."""
    rows: Iterable[CaseRequest] = reading.rows("requests", case)
    return [
        {
            "kind": row.kind,
            "reason": words(reading, case, row.reason),
            "extra_seconds": seconds(row.extra),
            "asked_by": person(row.asked_by),
            "asked_at": instant(row.asked_at),
            "is_granted": row.is_granted,
            "decided_by": person(row.decided_by),
            "decided_at": instant(row.decided_at),
            "note": words(reading, case, row.note),
        }
        for row in rows
    ]


def whistles(reading: Reading, case: Case) -> list[Body]:
    """Who was called to the order, and what became of each call; the last whistle first."""
    rows: Iterable[Whistle] = reading.rows("whistles", case)
    return [
        {
            "need": words(reading, case, row.need),
            "meeting_point": row.meeting_point,
            "needed_by": instant(row.needed_by),
            "sent_at": instant(row.sent_at),
            "sent_by": person(row.sent_by),
            "ended_at": instant(row.ended_at),
            "calls": [_call(reading, case, call) for call in row.calls.all()],
        }
        for row in rows
    ]


def _call(reading: Reading, case: Case, call: WhistleCall) -> Body:
    what = "unit" if call.unit else "branch" if call.branch else "member"
    side = call.unit or call.branch
    called = {"code": side.code, "name": side.name} if side else {"code": "", "name": ""}
    return {
        "to": what,
        **(member(reading, case, call.user) if call.user else called),
        "answer": call.answer or None,
        "answered_at": instant(call.answered_at),
        "came_at": instant(call.came_at),
        "reported_at": instant(call.reported_at),
        "note": words(reading, case, call.note),
        "report": words(reading, case, call.report),
        "minutes": call.minutes,
    }
