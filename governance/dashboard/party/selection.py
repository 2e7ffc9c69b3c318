"""What an address of the Party's figures asks for: whose, of which period, by which side of the branches."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from governance.common.errors import NotVisible
from governance.dashboard.selection import NONE, Choice, chosen_of, period_of, row_of
from governance.dashboard.territory import Territory, default_grant, territory_of
from governance.figures.party.counting import Fold
from governance.figures.party.subjects import By, PartySubject, Side, narrowed
from grids.models import Place
from partymembers.access import Access
from partymembers.models import Branch, Unit

#: What the tables can be ordered by, and the map be coloured by.
PARTY_METRICS = ("check_in", "wish_satisfaction", "wishes_asked", "hours", "points")
NAMES = ("place", "branch", "side", "unit", "rest", "period", "since", "until", "metric")
RESTS = ("place", "branch")


@dataclass(frozen=True, kw_only=True)
class PartySelection(Choice):
    """One reader's choice. The first of place, branch and unit that is given is what they answer for."""

    own_page = "party"
    list_page = "party_rows"

    territory: Territory | None = None
    branch: Branch | None = None
    side: Side = Side.CHECK_IN
    unit: Unit | None = None
    without_unit: bool = False
    #: "place" or "branch": only what lies in none of those below.
    rest: str = ""
    #: Where the table of branches begins, and the branches right below it.
    base: Branch | None = None
    below: tuple[Branch, ...] = ()

    @property
    def subject(self) -> PartySubject:
        """What is counted."""
        return PartySubject(
            place=self.territory.place.path if self.territory else "",
            branch=self.branch.path if self.branch else "",
            side=self.side,
            unit_id=0 if self.without_unit else self.unit.pk if self.unit else None,
            outside=self._outside,
        )

    @property
    def _outside(self) -> tuple[By, tuple[str, ...]] | None:
        if self.rest == "place" and self.territory:
            return By.PLACE, tuple(child.path for child in self.territory.children)
        if self.rest == "branch":
            # Without a base every branch is a row of its own: the rest has none at all.
            paths = tuple(branch.path for branch in self.below) if self.base else ("",)
            return By.branch(self.side), paths
        return None

    @property
    def folds(self) -> tuple[Fold, ...]:
        """The breakdowns of the page: places below, branches below, work units."""
        found = []
        if self.territory and self.territory.children:
            found.append(Fold(By.PLACE, len(self.territory.place.path) + Place.steplen))
        length = len(self.base.path) + Branch.steplen if self.base else None
        return (*found, Fold(By.branch(self.side), length), Fold(By.UNIT))

    @property
    def is_of_people(self) -> bool:
        """Whether wishes count for who took them: what nobody has taken yet is of no home branch or unit."""
        by_home = self.branch is not None and self.side is Side.HOME
        return by_home or self.unit is not None or self.without_unit

    def url(self, page: str = "", **changes: object) -> str:
        """As every page of figures; another place or branch begins anew with what lies in it."""
        if "place" in changes:
            changes = {"branch": "", "side": "", **changes}
        if "branch" in changes:
            changes = {"rest": "", **changes}
        return super().url(page, **changes)


def party_selection_of(query: Mapping[str, Any], access: Access, *, now: dt.datetime) -> PartySelection:
    """Read an address's parameters; a handful of queries.

    Raises NotVisible for what the reader does not answer for and for what does not exist; Invalid, naming the
    field, for what is no period, day, side or metric.
    """
    said = {name: str(query.get(name, "")).strip() for name in NAMES}
    said |= _beginning(said, access)
    territory = _territory(said["place"], access)
    branch = row_of(Branch, said["branch"]) if said["branch"] else None
    without_unit = said["unit"] == NONE
    unit = row_of(Unit, said["unit"]) if said["unit"] and not without_unit else None
    sides = [each.value for each in Side]
    side = Side(chosen_of(said["side"] or _side_of(branch, territory), sides, "side"))
    base = branch or _base(territory)
    named, period = period_of(said, now=now)
    selection = PartySelection(
        territory=territory,
        branch=branch,
        side=side,
        unit=unit,
        without_unit=without_unit,
        rest=chosen_of(said["rest"], ("", *RESTS), "rest", optional=True),
        base=base,
        below=_children(base),
        period=period,
        named=named,
        metric=chosen_of(said["metric"], PARTY_METRICS, "metric"),
        params={name: value for name, value in said.items() if value},
    )
    if not selection.subject.is_own(access):
        raise NotVisible
    return selection


def _beginning(said: Mapping[str, str], access: Access) -> dict[str, str]:
    """Where a reader begins who has said nothing: their place, else their branch, else their unit."""
    if said["place"] or said["branch"] or said["unit"]:
        return {}
    grant = default_grant(narrowed(access))
    if grant is not None:
        place = Place.objects.filter(pk=grant.place_id).values_list("code", flat=True)
        return {"place": place.first() or ""}
    if access.branches:
        return {"branch": str(min(access.branches, key=lambda each: each.path).branch_id)}
    if access.headed_unit_ids:
        return {"unit": str(min(access.headed_unit_ids))}
    raise NotVisible


def _territory(code: str, access: Access) -> Territory | None:
    if not code:
        return None
    if not (code.isascii() and code.isdigit()):
        raise NotVisible
    return territory_of(code, narrowed(access))


def _side_of(branch: Branch | None, territory: Territory | None) -> Side:
    """A branch or unit at work begins with its own members, what serves a place with whom it takes in."""
    if branch is None:
        return Side.CHECK_IN if territory else Side.HOME
    return Side.HOME if branch.unit_id and not branch.place_id else Side.CHECK_IN


def _base(territory: Territory | None) -> Branch | None:
    """Where the table begins: the topmost live committee of the place, else of the nearest above."""
    if territory is None:
        return None
    path = territory.place.path
    around = [path[:end] for end in range(Place.steplen, len(path) + 1, Place.steplen)]
    serving = Branch.objects.filter(place__path__in=around, dissolved_on=None)
    return serving.order_by("-place__path", "depth", "path").first()


def _children(base: Branch | None) -> tuple[Branch, ...]:
    if base is None:
        return ()
    below = Q(path__startswith=base.path, depth=base.depth + 1)
    return tuple(Branch.objects.filter(below).order_by("path"))
