"""What an answer about orders is made from, read for all its rows at once: the queries of the endpoints.

Nothing is read for a field that was not asked for, and nothing row by row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from django.db.models import F, Value
from django.urls import reverse
from django.utils import timezone
from rest_framework.request import Request

from cases.api.payload_codes import Codes
from cases.api.standing import Half, halves_of, may_open
from cases.catalogue import full_code
from cases.models import (
    Attachment,
    Case,
    CaseEvent,
    CaseRequest,
    CaseUnit,
    Claim,
    Clock,
    Matter,
    Standard,
    Whistle,
    Wish,
)
from cases.workflow import Kind
from governance.common.kept import Kept, among, prefetched
from grids.api.crs import system_of
from grids.models import Compound, Place
from partymembers.access import Access
from partymembers.api.callers import access_of_caller, key_of, user_of
from partymembers.audit import access_entry, address_of
from partymembers.models import AuditEntry, Unit, User

#: What every row is judged by, whatever is asked of it.
ALWAYS = (
    "pk", "number", "kind", "state", "place_id", "desk_id", "building_id", "unit_id", "reporter_id",
    "whistles_sent", "last_seq",
)  # fmt: skip
#: Stands in an address for what is named there.
_NAME = "NAME"
#: Fields that name a place, by the column that points to it.
PLACES = ("place", "desk", "city", "district", "street", "community", "grid", "building")


class Named(NamedTuple):
    """A thing that a row points to, as other systems know it."""

    code: str
    name: str


@dataclass
class Reading:
    """One answer: who asks, what for, and everything that its rows point to."""

    request: Request
    fields: Collection[str]
    now: datetime = field(default_factory=timezone.now)
    places: dict[int, Place] = field(default_factory=dict)
    names: dict[tuple[str, int], Named] = field(default_factory=dict)
    beside: dict[str, dict[int, list[Any]]] = field(default_factory=dict)
    wishes: dict[int, Wish] = field(default_factory=dict)
    halves: dict[int, Half] = field(default_factory=dict)
    codes: Codes = field(default_factory=Codes)
    opened: dict[tuple[str, str], AuditEntry] = field(default_factory=dict)
    _urls: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Know the coordinate system of positions. Raises Invalid for an unknown one, whatever is read."""
        self.system = system_of(self.request)

    @cached_property
    def access(self) -> Access:
        """What the caller reaches."""
        return access_of_caller(self.request)

    @cached_property
    def user(self) -> User:
        """Who calls."""
        return user_of(self.request)

    @cached_property
    def opens_people(self) -> bool:
        """Whether names and phones come in full; to persons never, who open each on its page."""
        key = key_of(self.request)
        return key is not None and "personal:read" in key.scopes

    def load(self, cases: Sequence[Case]) -> None:
        """Read what the asked fields of these rows need."""
        self.places = _places_of(cases, self.fields)
        for case in cases:
            case.place, case.desk = self.places[case.place_id], self.places[case.desk_id]
        self._load_parts(cases)
        self._load_whistles(cases)
        self.halves = halves_of(cases, self.access)
        self.names = _names_of(cases, self.fields)
        self._load_people(cases)
        self._load_beside(cases)
        if "wish" in self.fields:
            self.wishes = _wishes_of([case.pk for case in cases if case.kind == Kind.WISH])

    def url(self, route: str, name: str) -> str:
        """The whole address of an order or a picture; looked up once an answer."""
        if route not in self._urls:
            address = reverse(f"api:{route}", args=[_NAME])
            self._urls[route] = self.request.build_absolute_uri(address)
        return self._urls[route].replace(_NAME, name)

    def named(self, what: str, pk: int | None) -> Named | None:
        """A thing by its id; None for none."""
        return None if pk is None else self.names.get((what, pk))

    def rows(self, what: str, case: Case) -> list[Any]:
        """The order's clocks, parts, attachments, events, requests or whistles."""
        return self.beside.get(what, {}).get(case.pk, [])

    def opens(self, case: Case) -> bool:
        """Whether the caller gets this order's reporter in full."""
        return self.opens_people and may_open(case, self.access, self.halves[case.pk])

    def open(self, case: Case, what: str) -> None:
        """Remember that a personal value was handed over; `write_down` saves it."""
        target, ip = f"case:{case.number}", address_of(self.request)
        entry = access_entry(self.user, "personal_data_opened", target, ip, at=self.now, what=what)
        self.opened.setdefault((target, what), entry)

    def write_down(self) -> None:
        """Every personal value of the answer into the audit trail; one statement, none for none."""
        if self.opened:
            AuditEntry.objects.bulk_create(self.opened.values())

    def _load_parts(self, cases: Sequence[Case]) -> None:
        """Units' parts: all that are asked for, else those of the caller's own units, which rules look at."""
        if "parts" in self.fields:
            self.beside["parts"] = _grouped(_parts().ask(cases=[case.pk for case in cases]))
        elif self.access.unit_ids:
            mine = CaseUnit.objects.filter(case__in=cases, unit_id__in=self.access.unit_ids)
            self.beside["own_parts"] = _grouped(mine)
        own = self.beside.get("parts") or self.beside.get("own_parts") or {}
        for case in filter(self._is_judged, cases):
            prefetched(case, "parts", own.get(case.pk, []))

    def _load_whistles(self, cases: Sequence[Case]) -> None:
        is_asked = "whistles" in self.fields
        wanted = [c for c in cases if c.whistles_sent and (is_asked or not self.access.covers(c.place.path))]
        found: dict[int, list[Whistle]] = {}
        if wanted:
            rows = Whistle.objects.filter(case__in=wanted).select_related("sent_by")
            found = _grouped(rows.prefetch_related("calls__unit", "calls__branch", "calls__user"))
        self.beside["whistles"] = found
        for case in filter(self._is_judged, cases):
            prefetched(case, "whistles", found.get(case.pk, []))

    def _is_judged(self, case: Case) -> bool:
        """Whether rules ask by which parts or calls the caller meets the order: most lie in its area."""
        return "allowed_actions" in self.fields or not self.access.covers(case.place.path)

    def _load_people(self, cases: Sequence[Case]) -> None:
        """Reporter and handler, one query for both."""
        wanted = [name for name in ("reporter", "handler") if name in self.fields]
        ids = {pk for case in cases for name in wanted if (pk := getattr(case, f"{name}_id"))}
        people = {user.pk: user for user in _people().ask(ids=list(ids))} if ids else {}
        for case in cases:
            for name in wanted:
                setattr(case, name, people.get(getattr(case, f"{name}_id")))

    def _load_beside(self, cases: Sequence[Case]) -> None:
        ids = [case.pk for case in cases]
        for what, statement in _BESIDE.items():
            if what in self.fields and ids:
                self.beside[what] = _grouped(statement().ask(cases=ids))
        self.codes.look_up(row for rows in self.beside.get("events", {}).values() for row in rows)
        for case in cases if "requests" in self.fields else ():  # which actions are allowed looks at them
            prefetched(case, "requests", self.rows("requests", case))


def _grouped(rows: Iterable[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.case_id].append(row)
    return found


@lru_cache(maxsize=1)
def _clocks() -> Kept[Clock]:
    return Kept(Clock.objects.filter(among("case_id", "cases")).order_by("started_at", "pk"))


@lru_cache(maxsize=1)
def _parts() -> Kept[CaseUnit]:
    rows = CaseUnit.objects.filter(among("case_id", "cases"))
    return Kept(rows.select_related("unit").order_by("pk"))


@lru_cache(maxsize=1)
def _attachments() -> Kept[Attachment]:
    rows = Attachment.objects.filter(among("case_id", "cases"))
    return Kept(rows.annotate(seq=F("event__seq")).order_by("pk"))


@lru_cache(maxsize=1)
def _events() -> Kept[CaseEvent]:
    rows = CaseEvent.objects.filter(among("case_id", "cases"))
    return Kept(rows.select_related("actor").order_by("seq"))


@lru_cache(maxsize=1)
def _people() -> Kept[User]:
    return Kept(User.objects.filter(among()).only("username", "name", "phone").order_by())


@lru_cache(maxsize=1)
def _places() -> Kept[Place]:
    rows = Place.objects.filter(among()).order_by()
    return Kept(rows.only("code", "name", "level", "path", "depth"))


@lru_cache(maxsize=1)
def _requests() -> Kept[CaseRequest]:
    rows = CaseRequest.objects.filter(among("case_id", "cases"))
    return Kept(rows.select_related("asked_by", "decided_by").order_by("pk"))


_BESIDE: dict[str, Callable[[], Kept[Any]]] = {
    "clocks": _clocks,
    "attachments": _attachments,
    "events": _events,
    "requests": _requests,
}


def _places_of(cases: Sequence[Case], fields: Collection[str]) -> dict[int, Place]:
    wanted = {"place", "desk"} | {name for name in PLACES if name in fields}
    wanted |= {"community"} if "place" in fields else set()  # of a wish that is somebody else's
    ids = {pk for case in cases for name in wanted if (pk := getattr(case, f"{name}_id"))}
    return {place.pk: place for place in _places().ask(ids=list(ids))} if ids else {}


def _names_of(cases: Sequence[Case], fields: Collection[str]) -> dict[tuple[str, int], Named]:
    """What is known by code and name alone, in one statement however much of it was asked for."""
    ids = {
        f"{what}s": list({pk for case in cases for name in names if name in fields
                          if (pk := getattr(case, f"{name}_id"))})
        for what, names in _NAMED.items()
    }  # fmt: skip
    if not any(ids.values()):
        return {}
    return {(what, pk): Named(code, name) for what, pk, code, name in _names().ask(**ids)}


_NAMED = {
    "matter": ("matter",),
    "standard": ("standard",),
    "compound": ("compound",),
    "unit": ("unit", "suggested_unit"),
    "order": ("merged_into",),
}


@lru_cache(maxsize=1)
def _names() -> Kept[tuple[str, int, str, str]]:
    def named(model: Any, what: str, code: Any, name: str) -> Any:
        rows = model.objects.filter(among("pk", f"{what}s")).order_by()
        return rows.values_list(Value(what), "pk", code, name)

    return Kept(
        named(Matter, "matter", full_code(), "name").union(
            named(Standard, "standard", Value(""), "condition"),
            named(Compound, "compound", Value(""), "name"),
            named(Unit, "unit", F("code"), "name"),
            named(Case, "order", F("number"), "number"),
            all=True,
        )
    )


def _wishes_of(ids: Sequence[int]) -> dict[int, Wish]:
    """The public halves with skills and branch, and the claims of each; three queries, none for none."""
    if not ids:
        return {}
    wishes = Wish.objects.filter(pk__in=ids).select_related("branch").prefetch_related("skills")
    found = {wish.pk: wish for wish in wishes}
    claims = _grouped(Claim.objects.filter(case__in=ids).select_related("user", "unit", "branch"))
    for wish in found.values():
        wish.all_claims = claims.get(wish.pk, [])  # type: ignore[attr-defined]
    return found
