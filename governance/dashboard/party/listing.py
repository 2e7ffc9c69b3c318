"""The rows behind a number of the Party's figures, in words that name nobody whom the reader may not know."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from cases.wishes import where_of
from governance.common.errors import Invalid
from governance.common.formats import DASH, local_time, masked_name
from governance.figures.party.formulas import PARTY_PARTS, Rows, party_parts_of
from governance.figures.party.queries import counted_rows
from partymembers.access import Access
from partymembers.checking_in import due_on
from partymembers.keepers import is_desk_over
from partymembers.models import Branch, Member, PointsTransaction, User

from .selection import PartySelection
from .tables import OF_NOBODY


@dataclass(frozen=True)
class Value:
    """One cell of a list: text, an instant or a day, or a number; `url` where the reader may open it."""

    value: Any
    url: str = ""

    @property
    def is_time(self) -> bool:
        """Whether it is an instant or a day, which no line is to break."""
        return isinstance(self.value, dt.date)

    @property
    def is_none(self) -> bool:
        """Whether there is nothing to write."""
        return self.value is None or self.value == DASH

    @property
    def text(self) -> str:
        """The value as pages write it."""
        if self.value is None:
            return DASH
        if isinstance(self.value, dt.datetime):
            return local_time(self.value)
        return f"{self.value:,}" if isinstance(self.value, int) else str(self.value)


@dataclass(frozen=True)
class PartyListing:
    """Rows of one part, the heads of their columns, and what each row writes into them."""

    part: str
    label: str | Promise
    rows: QuerySet[Any]
    order: str
    heads: Sequence[str]
    values: Callable[[Any], list[Value]]
    #: The other parts of the same rows: (key, label, address, whether it is this one).
    others: Sequence[tuple[str, str | Promise, str, bool]]
    #: Whether the last column is one of numbers.
    ends_in_number: bool = False

    @property
    def is_of_a_period(self) -> bool:
        """Every list of the Party's side is."""
        return True


def party_listing_of(part: str, selection: PartySelection, access: Access) -> PartyListing:
    """The rows of a part in a selection. Raises Invalid for a part that is none."""
    if part not in PARTY_PARTS or (selection.is_of_people and part in OF_NOBODY):
        raise Invalid(_("There is no such list. Please open it from a number."), field="part")
    counted = PARTY_PARTS[part]
    list_ = _LISTS[counted.cohort.rows]
    rows = counted_rows(part, selection.subject, selection.period, access)
    others = [
        (each.key, each.label, selection.list_url(each.key), each.key == part)
        for each in party_parts_of(counted.cohort)
    ]
    return PartyListing(
        part=part,
        label=counted.label,
        rows=rows.select_related(*list_.related).defer(*list_.deferred),
        order=list_.order,
        heads=list_.heads(),
        values=lambda row: list_.values(row, _Reader(access)),
        others=others,
        ends_in_number=counted.cohort.rows in (Rows.SERVICES, Rows.ENTRIES),
    )


@dataclass(frozen=True)
class _Reader:
    """Whose names the reader may read: their own branches' and unit's people; as a desk, who served there."""

    access: Access

    def knows(self, *branches: Branch | None) -> bool:
        return any(
            branch is not None
            and (self.access.leads_branch(branch.path) or self.access.is_head_of(branch.unit_id))
            for branch in branches
        )

    def leads(self, *branches: Branch | None) -> bool:
        return any(branch is not None and self.access.leads_branch(branch.path) for branch in branches)

    def keeps(self, path: str | None) -> bool:
        return path is not None and is_desk_over(self.access, path)


@dataclass(frozen=True)
class _List:
    related: Sequence[str]
    order: str
    heads: Callable[[], list[str]]
    values: Callable[[Any, _Reader], list[Value]]
    #: What no page of figures reads: the asker's own words and name, boundaries.
    deferred: Sequence[str] = ()


def _member_values(member: Member, reader: _Reader) -> list[Value]:
    branches = (member.home_branch, member.checkin_branch)
    name = member.user.name if reader.knows(*branches) else masked_name(member.user.name)
    url = reverse("party:member", args=[member.pk]) if reader.leads(*branches) else ""
    is_in = member.is_in  # type: ignore[attr-defined]  # annotated
    return [
        Value(name, url),
        Value(member.home_branch.name),
        Value(member.home_branch.unit.name if member.home_branch.unit else DASH),
        Value(member.checkin_branch.name if member.checkin_branch else DASH),
        Value(due_on(member.settled_on)),
        Value(_("Checked in") if is_in else _("Not checked in")),
    ]


def _member_heads() -> list[str]:
    return [_("Member"), _("Home branch"), _("Work unit"), _("Check-in branch"), _("Due on"), _("Check-in")]


def _wish_values(wish: Any, reader: _Reader) -> list[Value]:
    """The public half, and of what is not published yet its kind alone."""
    case = wish.case
    desk = is_desk_over(reader.access, case.desk.path)
    url = ""
    if desk:
        url = reverse("cases:wish_order", args=[case.number])
    elif wish.published_at and reader.leads(wish.branch):
        url = reverse("cases:wish", args=[case.number])
    return [
        Value(case.number, url),
        Value(wish.title or DASH),
        Value(case.matter.name),
        Value(where_of(case) or DASH),
        Value(wish.branch.name if wish.branch else DASH),
        Value(case.get_state_display()),
        Value(case.reported_at),
        Value(wish.first_claimed_at),
        Value(wish.delivered_at),
        Value(case.get_satisfaction_display() if case.satisfaction else DASH),
    ]


def _wish_heads() -> list[str]:
    return [
        _("Number"), _("Wish"), _("Kind"), pgettext("of a wish", "From"), _("Branch"), _("State"),
        *(pgettext("party", each) for each in ("Asked", "Claimed", "Delivered")), _("Rating"),
    ]  # fmt: skip


def _knows(user: User, reader: _Reader, place: Any) -> bool:
    member = getattr(user, "member", None)
    branches = (member.home_branch, member.checkin_branch) if member else ()
    return reader.knows(*branches) or reader.keeps(place.path if place else None)


def _person(user: User, *, is_known: bool) -> str:
    return user.name if is_known else masked_name(user.name)


def _service_values(record: Any, reader: _Reader) -> list[Value]:
    return [
        Value(_person(record.user, is_known=_knows(record.user, reader, record.place))),
        Value(record.get_kind_display()),
        Value(record.what),
        Value(record.place.name if record.place else DASH),
        Value(record.branch.name if record.branch else DASH),
        Value(record.unit.name if record.unit else DASH),
        Value(record.at),
        Value(record.minutes),
    ]


def _service_heads() -> list[str]:
    return [
        _("Who"), _("Kind"), _("What"), _("Place"), _("Branch"), _("Work unit"),
        pgettext("figure", "Time"), _("Minutes"),
    ]  # fmt: skip


def _entry_values(entry: Any, reader: _Reader) -> list[Value]:
    """Why an award was taken back is written by people about people: for who may know whom it concerns."""
    moved = entry.transaction
    is_known = _knows(moved.user, reader, moved.place)
    is_told = is_known or moved.kind == PointsTransaction.Kind.AWARD
    return [
        Value(_person(moved.user, is_known=is_known)),
        Value(moved.get_kind_display()),
        Value(moved.what if is_told else DASH),
        Value(moved.place.name if moved.place else DASH),
        Value(moved.at),
        Value(entry.amount),
    ]


def _entry_heads() -> list[str]:
    return [_("Who"), _("Kind"), _("What for"), _("Place"), pgettext("figure", "Time"), _("Points")]


_BRANCHES = ("member__home_branch", "member__checkin_branch")
_LISTS = {
    Rows.MEMBERS: _List(
        ("user", "home_branch__unit", "checkin_branch"), "-id", _member_heads, _member_values
    ),
    Rows.WISHES: _List(
        ("case__matter", "case__desk", "case__compound", "case__community", "case__street", "branch"),
        "-case_id", _wish_heads, _wish_values,
        (
            *(f"case__{each}" for each in ("description", "reporter_name", "reporter_phone", "address")),
            "case__search_terms",
            *(f"case__{each}__boundary" for each in ("desk", "community", "street")),
        ),
    ),
    Rows.SERVICES: _List(
        ("place", "branch", "unit", *(f"user__{each}" for each in _BRANCHES)),
        "-at", _service_heads, _service_values, ("place__boundary",),
    ),
    Rows.ENTRIES: _List(
        ("transaction__place", *(f"transaction__user__{each}" for each in _BRANCHES)),
        "-id", _entry_heads, _entry_values, ("transaction__place__boundary",),
    ),
}  # fmt: skip
