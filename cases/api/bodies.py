"""An order as other systems read it, field by field: which columns a field needs, and what it says.

Every answer about orders is made here: lists, details, what creating and acting give back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rest_framework.request import Request

from cases.api import hanging
from cases.api.hanging import Body, instant, words
from cases.api.kinds import offered_actions
from cases.api.reading import ALWAYS, PLACES, Reading
from cases.api.standing import Half
from cases.deadlines import light
from cases.models import Case, Claim
from cases.routing import explain_reason
from cases.wishes import asker_name, asker_phone
from cases.workflow import Kind, State
from governance.common.formats import masked_name, masked_phone
from grids.api.crs import point_out

Maker = Callable[[Reading, Case], Any]


@dataclass(frozen=True)
class Field:
    """How a field is made. `to`: who reads it; anybody else gets null, or an empty list."""

    make: Maker
    columns: tuple[str, ...] = ()
    to: frozenset[Half] = frozenset({Half.ALL, Half.BARE, Half.OWN})
    empty: Any = None


_EVERYBODY: Final = frozenset(Half)
_INSIDE: Final = frozenset({Half.ALL, Half.BARE})


def represent(cases: Sequence[Case], request: Request, fields: Collection[str]) -> list[Body]:
    """The bodies of orders that the caller may see, with these fields; a fixed number of queries."""
    reading = Reading(request, frozenset(fields))
    bodies = bodies_of(reading, cases)
    reading.write_down()
    return bodies


def bodies_of(reading: Reading, cases: Sequence[Case]) -> list[Body]:
    """The same of one answer's next rows; what it opened of people is for the caller to write down."""
    reading.load(cases)
    return [_body(reading, case) for case in cases]


def represent_order(case: Case, request: Request) -> Body:
    """An order that the caller has just made or acted on, read anew: its detail without the events."""
    return represent([Case.objects.defer("search_terms").get(pk=case.pk)], request, DETAIL)[0]


def columns_for(fields: Iterable[str]) -> tuple[str, ...]:
    """The columns to read for these fields, with those that every row is judged by."""
    wanted = dict.fromkeys(ALWAYS)
    for name in fields:
        wanted |= dict.fromkeys(FIELDS[name].columns)
    return tuple(wanted)


def _body(reading: Reading, case: Case) -> Body:
    half = reading.halves[case.pk]
    return {
        name: made.make(reading, case) if half in made.to else made.empty
        for name, made in FIELDS.items()
        if name in reading.fields
    }


def _plain(name: str) -> Maker:
    return lambda _reading, case: getattr(case, name)


def _or_null(name: str) -> Maker:
    return lambda _reading, case: getattr(case, name) or None


def _instant(name: str) -> Maker:
    return lambda _reading, case: instant(getattr(case, name))


def _place(name: str) -> Maker:
    def make(reading: Reading, case: Case) -> Body | None:
        place = reading.places.get(getattr(case, f"{name}_id"))
        return place and {"code": place.code, "name": place.name, "level": place.level}

    return make


def _named(name: str, what: str) -> Maker:
    def make(reading: Reading, case: Case) -> Body | None:
        found = reading.named(what, getattr(case, f"{name}_id"))
        return found and {"code": found.code, "name": found.name}

    return make


def _name(name: str, what: str = "") -> Maker:
    def make(reading: Reading, case: Case) -> str | None:
        found = reading.named(what or name, getattr(case, f"{name}_id"))
        return found and found.name

    return make


def _light(reading: Reading, case: Case) -> str:
    is_paused = case.next_due_at is None and case.state == State.SUSPENDED
    ended = None if case.is_open else reading.now
    due = {"warn_at": case.next_warn_at, "due_at": case.next_due_at}
    return light(reading.now, paused=is_paused, ended_at=ended, **due).value


def _position(reading: Reading, case: Case) -> Body | None:
    if case.lng is None or case.lat is None or not _knows_door(reading, case):
        return None
    lng, lat = point_out(case.lng, case.lat, reading.system)
    return {"lng": lng, "lat": lat, "accuracy_m": case.accuracy_m, "crs": reading.system}


def _knows_door(reading: Reading, case: Case) -> bool:
    """A wish's door is open to who asked and to who fulfils it; to a system as people's phones are."""
    if case.kind != Kind.WISH or reading.opens(case):
        return True
    access, path = reading.access, case.desk.path
    return not (reading.user.is_service or access.is_desk_of(path) or access.is_desk_above(path))


def _address(reading: Reading, case: Case) -> str | None:
    if not _knows_door(reading, case):
        return None
    if case.kind == Kind.WISH and case.address and reading.user.is_service:
        reading.open(case, "asker_door")
    return case.address


def _description(reading: Reading, case: Case) -> str:
    """The reporter's words: not for others who joined."""
    if reading.halves[case.pk] == Half.OWN and case.reporter_id != reading.user.pk:
        return ""
    return words(reading, case, case.description)


def _reporter(reading: Reading, case: Case) -> Body | None:
    """Who reported; nothing of it to others who joined."""
    if reading.halves[case.pk] == Half.OWN and case.reporter_id != reading.user.pk:
        return None
    name = asker_name(case)
    phone = asker_phone(case) if case.kind == Kind.WISH else case.reporter_phone or _own_phone(case)
    is_open = reading.opens(case)
    if is_open and (name or phone):
        reading.open(case, "reporter")
    return {
        "name": name if is_open else masked_name(name),
        "phone": phone if is_open else masked_phone(phone),
        "is_verified": case.reporter_verified,
        "is_masked": not is_open,
    }


def _own_phone(case: Case) -> str:
    return (case.reporter.phone if case.reporter else "") or ""


def _client_id(reading: Reading, case: Case) -> str | None:
    return case.client_id or None if case.reporter_id == reading.user.pk else None


_COUNTERS: Final = ("returns", "reworks", "extensions", "reopenings", "urges", "climbs", "co_reports")


def _counters(_reading: Reading, case: Case) -> Body:
    return {name: getattr(case, name) for name in _COUNTERS} | {"whistles": case.whistles_sent}


def _rating(_reading: Reading, case: Case) -> Body | None:
    told = {"contacted": case.contacted, "solved": case.solved, "satisfaction": case.satisfaction or None}
    if case.rated_at is None and all(value is None for value in told.values()):
        return None
    return told | {"rated_at": instant(case.rated_at)}


def _wish(reading: Reading, case: Case) -> Body | None:
    """The public half, and who has taken it on."""
    wish = reading.wishes.get(case.pk)
    if wish is None:
        return None
    branch = wish.branch
    return {
        "title": wish.title,
        "text": wish.text,
        "skills": [{"code": skill.code, "name": skill.name} for skill in wish.skills.all()],
        "points": wish.points,
        "deliver_by": wish.deliver_by.isoformat() if wish.deliver_by else None,
        "published_at": instant(wish.published_at),
        "left_to_branch_at": instant(wish.left_to_branch_at),
        "delivered_at": instant(wish.delivered_at),
        "thanks": wish.thanks,
        "branch": {"code": branch.code, "name": branch.name} if branch else None,
        "claim": _claim(reading, case, wish.all_claims),  # type: ignore[attr-defined]
    }


def _claim(reading: Reading, case: Case, claims: Sequence[Claim]) -> Body | None:
    """The claim that stands or fulfilled it. Units and branches by name; a person to those inside alone."""
    kept = [c for c in claims if c.ended_at is None or c.ending == Claim.Ending.COMPLETED]
    if not kept:
        return None
    claim, is_inside = kept[-1], reading.halves[case.pk] == Half.ALL
    is_named = is_inside or claim.user_id == reading.user.pk
    return {
        "user": hanging.member(reading, case, claim.user) if is_named else None,
        "unit": {"code": claim.unit.code, "name": claim.unit.name} if claim.unit else None,
        "branch": {"code": claim.branch.code, "name": claim.branch.name} if claim.branch else None,
        "claimed_at": instant(claim.claimed_at),
        "confirmed_at": instant(claim.confirmed_at),
        "begun_at": instant(claim.begun_at),
        "delivered_at": instant(claim.delivered_at),
        "minutes": claim.minutes,
    }


def _stage(_reading: Reading, case: Case) -> str | None:
    return case.next_stage or None


def _own_place(reading: Reading, case: Case) -> Body | None:
    """Where it happened; of somebody else's wish the community."""
    is_public = reading.halves[case.pk] == Half.PUBLIC
    return _place("community")(reading, case) if is_public else _place("place")(reading, case)


_PERSONS: Final = ("reporter_id", "reporter_name", "reporter_phone", "reporter_verified")
#: Every field, in the order in which it is given.
FIELDS: Final[dict[str, Field]] = {
    "number": Field(_plain("number"), to=_EVERYBODY),
    "url": Field(lambda reading, case: reading.url("order", case.number), to=_EVERYBODY),
    "version": Field(_plain("last_seq"), to=_EVERYBODY),
    "kind": Field(_plain("kind"), to=_EVERYBODY),
    "state": Field(_plain("state"), to=_EVERYBODY),
    "light": Field(_light, ("next_due_at", "next_warn_at")),
    "channel": Field(_plain("channel"), ("channel",)),
    "matter": Field(_named("matter", "matter"), ("matter_id",), to=_EVERYBODY),
    "standard": Field(_name("standard"), ("standard_id",)),
    "urgency": Field(_plain("urgency"), ("urgency",)),
    "description": Field(_description, ("description",)),
    "address": Field(_address, ("address",)),
    "position": Field(_position, ("lng", "lat", "accuracy_m")),
    "outside_grid": Field(_plain("outside_grid"), ("outside_grid",)),
    "place": Field(_own_place, ("community_id",), to=_EVERYBODY),
    "desk": Field(_place("desk")),
    **{
        name: Field(_place(name), (f"{name}_id",), to=_EVERYBODY)
        for name in PLACES
        if name not in ("place", "desk", "grid", "building")
    },
    "grid": Field(_place("grid"), ("grid_id",)),
    "building": Field(_place("building"), to=_INSIDE),
    "compound": Field(_name("compound"), ("compound_id",), to=_EVERYBODY),
    "unit": Field(_named("unit", "unit")),
    "handler": Field(lambda _r, case: hanging.person(case.handler), ("handler_id",), to=_INSIDE),
    "suggested_unit": Field(_named("suggested_unit", "unit"), ("suggested_unit_id",), to=_INSIDE),
    "route_reason": Field(lambda _r, case: explain_reason(case.route_reason), ("route_reason",), to=_INSIDE),
    "reporter": Field(_reporter, _PERSONS, to=frozenset({Half.ALL, Half.OWN})),
    **{
        name: Field(_instant(name), (name,))
        for name in (
            "reported_at", "accepted_at", "dispatched_at", "acknowledged_at", "handled_at", "closed_at",
            "ended_at", "due_at", "next_due_at",
        )
    },
    "next_stage": Field(_stage, ("next_stage",)),
    "counters": Field(_counters, _COUNTERS),
    "rating": Field(_rating, ("contacted", "solved", "satisfaction", "rated_at")),
    "is_supervised": Field(_plain("is_supervised"), ("is_supervised",)),
    "resolved_on_spot": Field(_plain("resolved_on_spot"), ("resolved_on_spot",)),
    "merged_into": Field(_name("merged_into", "order"), ("merged_into_id",)),
    "source": Field(_or_null("source"), ("source",)),
    "source_number": Field(_or_null("source_number"), ("source_number",)),
    "client_id": Field(_client_id, ("client_id",)),
    "is_test": Field(_plain("is_test"), ("is_test",), to=_EVERYBODY),
    "is_imported": Field(_plain("is_imported"), ("is_imported",)),
    "updated_at": Field(_instant("updated_at"), ("updated_at",), to=_EVERYBODY),
    "wish": Field(_wish, to=_EVERYBODY),
    "clocks": Field(hanging.clocks, to=_INSIDE, empty=[]),
    "parts": Field(hanging.parts, to=_INSIDE, empty=[]),
    "attachments": Field(hanging.attachments, empty=[]),
    "events": Field(hanging.events, to=_EVERYBODY, empty=[]),
    "requests": Field(hanging.requests, to=_INSIDE, empty=[]),
    "whistles": Field(hanging.whistles, to=_INSIDE, empty=[]),
    "allowed_actions": Field(
        lambda reading, case: offered_actions(reading.request, case, at=reading.now), to=_EVERYBODY, empty=[]
    ),
}  # fmt: skip
#: What a list gives when it is asked for (`expand`).
EXPANDABLE: Final = frozenset({"clocks", "parts", "attachments", "events"})
#: What a detail gives unasked.
DETAIL: Final = frozenset(FIELDS) - {"events"}
