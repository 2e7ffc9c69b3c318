"""Page-ready reads of orders: what rows and the order page need, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from math import cos, radians
from typing import Any, Final

from django.db.models import Case as Choose
from django.db.models import Exists, F, OuterRef, Prefetch, When
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from cases import clocks
from cases.calendars import current_calendar
from cases.deadlines import WORK_DAY, Light, TimerType, elapsed, light
from cases.models import Attachment, Case, CaseEvent, CaseUnit, Clock, CoReporter
from cases.querysets import CaseQuerySet
from cases.whistles import was_called
from cases.workflow import ENDED_STATES, OPEN_STATES, Stage, State
from governance.common.errors import NotVisible
from governance.common.formats import duration
from governance.common.kept import MOST_KEPT, Kept, Slot, among, prefetched
from grids.models import Place
from partymembers.access import Access

#: Stages as the order page shows them, left to right.
SHOWN_STAGES = (Stage.ACCEPT, Stage.DISPATCH, Stage.ACKNOWLEDGE, Stage.HANDLE, Stage.CHECK)


#: Long columns that lists and locks have no use for: outlines of places may be megabytes.
_LONG = ("place__boundary", "desk__boundary", "search_terms")


def with_row_facts(cases: CaseQuerySet) -> CaseQuerySet:
    """What a row of a list shows, in one query beside the list's own; of its clocks those not stopped.

    PostgreSQL plans each list anew, and its time for that doubles with every other table that is joined.
    """
    related = ("matter__matter_class", "place", "desk", "compound")
    live = Prefetch("clocks", Clock.objects.filter(stopped_at__isnull=True), to_attr="live_clocks")
    return cases.select_related(*related).defer(*_LONG).prefetch_related(live)


def visible_case(number: str, access: Access) -> Case:
    """The order of a number, if the actor may see it; raises NotVisible, whether or not it exists.

    Its places come with a statement of their own: planning one of thirteen tables took PostgreSQL ten times
    as long as running it.
    """
    case = _order_for(access).first(number=number.replace("\x00", ""))  # which PostgreSQL has no text for
    if case is None:
        raise NotVisible(_("The order does not exist, or is not in your area. Please check the number."))
    _place(case)
    _prefetch_for(case, access)
    return case


@lru_cache(maxsize=MOST_KEPT)
def _order_for(access: Access) -> Kept[Case]:
    mine = CoReporter.objects.filter(case=OuterRef("pk"), user=access.user_id)
    rows = Case.objects.visible_to(access).filter(number=Slot("number")).annotate(is_joined=Exists(mine))
    beside = ("matter__matter_class", "standard", "compound", "unit", "handler", "suggested_unit", "reporter")
    return Kept(rows.select_related(*beside).defer("search_terms"))


#: What an order's places are to it; several are often the same.
_PLACES = ("place", "desk", "street", "community", "grid")


def _place(case: Case) -> None:
    """Join its places to the order; of their outlines, which may be megabytes, the one that a map draws."""
    drawn = case.grid_id or case.community_id
    ids = {pk for name in _PLACES if (pk := getattr(case, f"{name}_id"))}
    rows = _places().ask(ids=list(ids), drawn=drawn)
    for place in rows:
        if place.pk == drawn:
            place.boundary = place.outline
    by_id = {place.pk: place for place in rows}
    for name in _PLACES:
        setattr(case, name, by_id.get(getattr(case, f"{name}_id")))


@lru_cache(maxsize=1)
def _places() -> Kept[Place]:
    outline = When(pk=Slot("drawn"), then=F("boundary"))
    return Kept(Place.objects.filter(among()).annotate(outline=Choose(outline)).defer("boundary").order_by())


def _prefetch_for(case: Case, access: Access) -> None:
    """What the rules look at beside the row: asked for only where the row says that there may be any.

    No unit has a part before the first dispatch; a request waits only while the order is handled; and of
    the co-reporters a rule looks for the reader alone.
    """
    none: list[Any] = []
    known: dict[str, list[Any]] = {
        "clocks": _clocks_of_order().ask(case_id=case.pk),
        "parts": none if case.dispatched_at is None else _parts_of_order().ask(case_id=case.pk),
        "requests": list(case.requests.all()) if case.state == State.HANDLING else none,
        "co_reporters": list(case.co_reporters.filter(user=access.user_id))
        if case.is_joined  # type: ignore[attr-defined]
        else none,
        "whistles": list(case.whistles.prefetch_related("calls")) if case.whistles_sent else none,
    }
    for name, rows in known.items():
        prefetched(case, name, rows)


@lru_cache(maxsize=1)
def _clocks_of_order() -> Kept[Clock]:
    return Kept(Clock.objects.filter(case_id=Slot("case_id")))


@lru_cache(maxsize=1)
def _parts_of_order() -> Kept[CaseUnit]:
    return Kept(CaseUnit.objects.filter(case_id=Slot("case_id")).select_related("unit"))


@dataclass(frozen=True)
class ClockFace:
    """A clock as a page shows it; its spans are as people say them, and `left` is negative when late."""

    stage: str
    name: str | Promise
    light: Light
    percent: int
    left: timedelta
    used: timedelta
    limit: timedelta
    timer: str
    due_at: datetime
    is_stopped: bool
    rounds: int = 1


def face(clock: Clock, *, now: datetime, rounds: int = 1) -> ClockFace:
    """Light, share and time left of a clock at an instant."""
    spent = clocks.used(clock, now=now)
    limit = clock.limit + clock.extended
    shown = light(
        now if clock.stopped_at is None else clock.stopped_at,
        warn_at=clock.warn_at,
        due_at=clock.due_at,
        paused=clock.paused_at is not None and clock.stopped_at is None,
    )
    return ClockFace(
        stage=clock.stage,
        name=clock.get_stage_display(),
        light=shown,
        percent=min(100, round(spent / limit * 100)) if limit else 100,
        left=as_said(_left(clock, now), clock.timer_type),
        used=as_said(spent, clock.timer_type),
        limit=as_said(limit, clock.timer_type),
        timer=clock.timer_type,
        due_at=clock.due_at,
        is_stopped=clock.stopped_at is not None,
        rounds=rounds,
    )


def as_said(span: timedelta, timer: str) -> timedelta:
    """A span of a clock's own time as people say it: in working time eight hours are a day."""
    if not TimerType(timer).is_working_time:
        return span
    days, rest = divmod(abs(span), WORK_DAY)
    said = timedelta(days=days) + rest
    return said if span >= timedelta(0) else -said


def _left(clock: Clock, now: datetime) -> timedelta:
    """Clock time until the due time; negative after it."""
    timer, calendar = TimerType(clock.timer_type), current_calendar()
    moment = clock.stopped_at or clock.paused_at or now
    if moment <= clock.due_at:
        return elapsed(moment, clock.due_at, timer, calendar)
    # Just past the due time no working time may have gone by yet, over a weekend say: late all the same.
    return -max(elapsed(clock.due_at, moment, timer, calendar), timedelta(microseconds=1))


def ball(case: Case, *, now: datetime) -> ClockFace | None:
    """The clock that leads: of the stage at hand, the one due first; None for an ended order."""
    if case.state in ENDED_STATES:
        return None
    known: Iterable[Clock] | None = getattr(case, "live_clocks", None)
    return leading(case.clocks.all() if known is None else known, now=now)


def leading(clocks: Iterable[Clock], *, now: datetime) -> ClockFace | None:
    """Of an open order's clocks the one that leads."""
    live = [c for c in clocks if c.stopped_at is None and c.stage != Stage.WHOLE]
    running = [c for c in live if c.paused_at is None] or live
    first = min(running, key=lambda c: c.due_at, default=None)
    return face(first, now=now) if first else None


def stage_faces(case: Case, *, now: datetime) -> tuple[list[dict[str, object]], dict[str, object] | None]:
    """The order page's stepper: every stage done, at hand or to come, and the whole order's clock.

    Where a stage had several rounds, the last one shows, with their number.
    """
    limits = clocks.limits_of(case)
    rounds: dict[str, list[Clock]] = {}
    for clock in case.clocks.all():
        rounds.setdefault(clock.stage, []).append(clock)
    at_hand = ball(case, now=now)
    shown = []
    for stage in SHOWN_STAGES:
        if (mine := rounds.get(stage)) is None:
            shown.append(_to_come(stage, limits[stage]))
            continue
        last = face(max(mine, key=lambda c: c.round), now=now, rounds=len(mine))
        is_now = at_hand is not None and at_hand.stage == stage
        shown.append(_step(last, "now" if is_now else "done"))
    whole = rounds.get(Stage.WHOLE)
    return shown, _step(face(whole[0], now=now), "now") if whole else None


def _to_come(stage: Stage, limit: clocks.Limit) -> dict[str, object]:
    words = duration(as_said(limit.length, limit.timer))
    return {
        "name": stage.label,
        "step": "next",
        "light": "",
        "percent": 0,
        "words": words,
        "short": words,
        "word": "",
    }


def _step(clock: ClockFace, step: str) -> dict[str, object]:
    words = _("%(used)s of %(limit)s") % {"used": duration(clock.used), "limit": duration(clock.limit)}
    if clock.rounds > 1:
        words = _("%(words)s, round %(round)d") % {"words": words, "round": clock.rounds}
    return {
        "name": clock.name,
        "step": step,
        "light": clock.light.value,
        "percent": clock.percent,
        "words": words,
        "short": _short(clock, step),
        "word": _word(clock),
        "due_at": clock.due_at,
    }


def _short(clock: ClockFace, step: str) -> str:
    """For a narrow pane: the limit stands beside what was used only while it can still be kept."""
    spent = duration(clock.used)
    in_time = step == "now" and clock.light != Light.RED
    return f"{spent} / {duration(clock.limit)}" if in_time else spent


def _word(clock: ClockFace) -> str:
    if clock.light == Light.PAUSED:
        return _("Standing still")
    if clock.light == Light.RED:
        return _("Late by %(span)s") % {"span": duration(clock.left)}
    if clock.is_stopped:
        return _("In time")
    return _("%(span)s left") % {"span": duration(clock.left)}


def timeline(case: Case, *, kinds: frozenset[str] | None = None) -> list[CaseEvent]:
    """The order's events (all, or of some kinds), newest first, with their people; one query."""
    return _events(kinds).ask(case_id=case.pk)


@lru_cache(maxsize=2)
def _events(kinds: frozenset[str] | None) -> Kept[CaseEvent]:
    rows = CaseEvent.objects.filter(case_id=Slot("case_id")).select_related("actor").order_by("-seq")
    return Kept(rows if kinds is None else rows.filter(kind__in=kinds))


def pictures_of(case: Case) -> list[Attachment]:
    """The order's pictures, oldest first; one query."""
    return _pictures().ask(case_id=case.pk)


@lru_cache(maxsize=1)
def _pictures() -> Kept[Attachment]:
    return Kept(Attachment.objects.filter(case_id=Slot("case_id")).order_by("pk"))


#: Orders whose distance is measured.
_MOST_COMPARED: Final = 50


def near_duplicates(
    cases: CaseQuerySet, *, matter_id: int, lng: float, lat: float, since: datetime, metres: float = 50
) -> list[Case]:
    """Open orders of the same matter reported nearby since an instant; nearest first, at most five.

    Where there are very many, the latest are compared.
    """
    degree = metres / 111_320
    wide = degree / max(0.01, abs(_cos(lat)))
    rows = (
        cases.filter(
            matter_id=matter_id,
            state__in=OPEN_STATES,
            reported_at__gte=since,
            lng__range=(lng - wide, lng + wide),
            lat__range=(lat - degree, lat + degree),
        )
        .select_related("matter", "place")
        .order_by("-reported_at", "-pk")
    )
    found = [
        (metres_between(lng, lat, c.lng, c.lat), c)
        for c in rows[:_MOST_COMPARED]
        if c.lng is not None and c.lat is not None
    ]
    found = sorted((pair for pair in found if pair[0] <= metres), key=lambda pair: pair[0])[:5]
    for distance, case in found:
        case.distance_m = distance  # type: ignore[attr-defined]
    return [case for _distance, case in found]


def metres_between(lng: float, lat: float, other_lng: float, other_lat: float) -> float:
    """Distance on the ground between two near points (equirectangular: exact to a metre within a city)."""
    east = (other_lng - lng) * _cos((lat + other_lat) / 2)
    return float((east**2 + (other_lat - lat) ** 2) ** 0.5 * 111_320)


def _cos(degrees: float) -> float:
    return cos(radians(degrees))


def is_onlooker(case: Case, access: Access) -> bool:
    """Whether the actor sees the order only as somebody who reported or joined it, by no post of theirs.

    They read what the public is told, and their own words (`CaseQuerySet.worked_by` for one row).
    """
    units = {case.unit_id, *(part.unit_id for part in case.parts.all())}
    return not (
        access.covers(case.place.path)
        or case.building_id in access.building_ids()
        or case.desk_id in access.desk_place_ids
        or units & access.unit_ids
        or was_called(case, access)
    )


def is_reader_only(case: Case, access: Access) -> bool:
    """Whether the actor sees the order only because their unit once had it: without the reporter's phone."""
    covers = access.covers(case.place.path)
    in_play = access.in_unit(case.unit_id) or any(
        p.part == "assist" and access.in_unit(p.unit_id) for p in case.parts.all()
    )
    return not (
        covers or in_play or case.desk_id in access.desk_place_ids or case.reporter_id == access.user_id
    )
