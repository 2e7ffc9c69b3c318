"""Page-ready reads of the wish wall: what it shows, how far away, and one wish as its readers may know it.

Everything here that is for all helpers comes from the public half (`cases.wishes.wall`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import cos, radians
from typing import Any

from django.db.models import (
    BooleanField,
    ExpressionWrapper,
    F,
    FloatField,
    Prefetch,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models import Case as Choose
from django.db.models.functions import Power
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases.models import Case, Claim, Clock, Wish
from cases.queries import metres_between
from cases.standpoint import Standpoint
from cases.wishes import SHOWN, wall, where_of, wish_relations
from cases.workflow import Kind, Relation, Stage, State
from governance.common.errors import NotVisible
from governance.common.pagination import CursorPage
from partymembers.access import Access
from partymembers.models import User

#: The drawing of each kind of wish (migration 0008); another has the heart.
ICONS = {"01": "tool", "02": "walk", "03": "box", "04": "edit", "05": "building", "06": "smile", "07": "doc"}
#: Positions are rough, and so are distances: never below this.
_ROUGHLY = 100


@dataclass(frozen=True)
class WallRow:
    """One wish on the wall, in words that name nobody."""

    wish: Wish
    number: str
    where: str
    kind: str
    icon: str
    #: Rough, and only where it tells something: not within one's own community.
    metres: int | None
    #: "nobody for 3 days, tomorrow to the branch"; empty while there is time.
    warning: str
    is_taken: bool
    #: The unit or branch that has it; a person who has it is not named.
    taken_by: str
    is_own: bool


@dataclass(frozen=True)
class Wanted:
    """What somebody looks for on the wall."""

    kind_id: int | None = None
    skill_id: int | None = None
    position: tuple[float, float] | None = None
    page: int = 1


def waiting_count(city_id: int | None, *, on: date) -> int:
    """How many wishes of the city wait for somebody; one query."""
    return wall(city_id, on=on).count() if city_id else 0


def wall_page(
    stand: Standpoint, wanted: Wanted, user: User, *, now: datetime, size: int
) -> CursorPage[WallRow]:
    """One page of the wall, what waits first; four queries however many rows it has."""
    if stand.city_id is None:
        return CursorPage()
    rows: QuerySet[Any] = wall(stand.city_id, on=timezone.localdate(now), with_taken=True).annotate(
        is_own=ExpressionWrapper(Q(case__reporter=user.pk), output_field=BooleanField()),
        is_taken=Choose(When(case__state=State.PUBLISHED, then=Value(0)), default=Value(1)),
    )
    if wanted.kind_id:
        rows = rows.filter(case__matter=wanted.kind_id)
    if wanted.skill_id:
        rows = rows.filter(skills=wanted.skill_id)
    rows = _in_order(rows, wanted.position)
    page = numbered_page(rows.prefetch_related(*_beside()), wanted.page, size=size)
    home_id = stand.home.pk if stand.home is not None else None
    shown = [_row(wish, wanted.position, home_id, now) for wish in page.rows]
    return CursorPage(rows=shown, next_cursor=page.next_cursor, previous_cursor=page.previous_cursor)


def _beside() -> Sequence[Prefetch[str, QuerySet[Clock] | QuerySet[Claim], str]]:
    clocks = Clock.objects.filter(stopped_at=None, stage=Stage.CLAIM)
    claims = Claim.objects.filter(ended_at=None).select_related("unit", "branch")
    return (
        Prefetch("case__clocks", clocks, to_attr="claim_clocks"),
        Prefetch("case__claims", claims, to_attr="standing_claims"),
    )


def _in_order(rows: QuerySet[Any], position: tuple[float, float] | None) -> QuerySet[Any]:
    """The nearest first where a position is known, else the most urgent; what somebody has comes last."""
    if position is None:
        return rows.order_by("is_taken", "deliver_by", "pk")
    lng, lat = position
    east = ExpressionWrapper((F("centre_lng") - lng) * cos(radians(lat)), output_field=FloatField())
    north = ExpressionWrapper(F("centre_lat") - lat, output_field=FloatField())
    rows = rows.annotate(far=Power(east, 2) + Power(north, 2))
    return rows.order_by("is_taken", F("far").asc(nulls_last=True), "deliver_by", "pk")


def numbered_page(rows: QuerySet[Wish], number: int, *, size: int) -> CursorPage[Wish]:
    """A page by its number: a wall is short, and its order is no single field that a cursor could hold."""
    start = (number - 1) * size
    found = list(rows[start : start + size + 1])
    following = str(number + 1) if len(found) > size else ""
    before = str(number - 1) if number > 1 else ""
    return CursorPage(rows=found[:size], next_cursor=following, previous_cursor=before)


def _row(wish: Wish, position: tuple[float, float] | None, home_id: int | None, now: datetime) -> WallRow:
    case = wish.case
    claim = next(iter(case.standing_claims), None)  # type: ignore[attr-defined]
    return WallRow(
        wish=wish,
        number=case.number,
        where=where_of(case),
        kind=case.matter.name,
        icon=ICONS.get(case.matter.code, "heart"),
        metres=None if case.community_id == home_id else rough_distance(wish, position),
        warning=warning_of(wish, case.claim_clocks, now=now),  # type: ignore[attr-defined]
        is_taken=case.state != State.PUBLISHED,
        taken_by=str(claim.unit or claim.branch or "") if claim is not None else "",
        is_own=wish.is_own,  # type: ignore[attr-defined]
    )


def rough_distance(wish: Wish, position: tuple[float, float] | None) -> int | None:
    """To the middle of the compound or community, to a hundred metres."""
    lng, lat = wish.centre_lng, wish.centre_lat  # type: ignore[attr-defined]
    if position is None or lng is None or lat is None:
        return None
    metres = metres_between(*position, lng, lat)
    return max(_ROUGHLY, round(metres / _ROUGHLY) * _ROUGHLY)


def warning_of(wish: Wish, clocks: Sequence[Clock], *, now: datetime) -> str:
    """For how long nobody has taken it, and when it goes to the branch: from the day before on."""
    clock = next((c for c in clocks if c.stage == Stage.CLAIM and c.stopped_at is None), None)
    if clock is None:
        return ""
    today = timezone.localdate(now)
    days = (today - timezone.localdate(clock.started_at)).days
    told = ngettext("Nobody for %(days)d day", "Nobody for %(days)d days", days) % {"days": days}
    if wish.left_to_branch_at is not None:
        return _("%(told)s, the branch looks for somebody") % {"told": told}
    left = timezone.localdate(clock.due_at) - today
    if days < 1 or left > timedelta(days=1):
        return ""
    return (_("%(told)s, tomorrow to the branch") if left else _("%(told)s, today to the branch")) % {
        "told": told
    }


def visible_wish(number: str, user: User, access: Access) -> Case:
    """A published wish, for somebody who may read at least its public half. Raises NotVisible.

    Desks and committees over it, its claimer and its asker; and whoever may help in its city, while it is on
    the wall and after it was delivered.
    """
    case = (
        Case.objects.filter(number=number.replace("\x00", ""), kind=Kind.WISH, is_test=access.is_sandbox)
        .filter(wish__published_at__isnull=False)
        .select_related("wish__branch", "matter__matter_class", "place", "desk", "community", "street")
        .select_related("compound", "reporter", "standard")
        .defer("search_terms", "place__boundary", "desk__boundary", "community__boundary", "street__boundary")
        .prefetch_related(
            "clocks",
            "wish__skills",
            Prefetch("claims", Claim.objects.select_related("user", "unit", "branch")),
        )
        .first()
    )
    if case is None or not _may_read(case, user, access):
        raise NotVisible(_("This wish does not exist, or is not for you to see."))
    return case


def _may_read(case: Case, user: User, access: Access) -> bool:
    if case.reporter_id == user.pk:
        return True
    if access.is_desk_of(case.desk.path) or access.is_desk_above(case.desk.path):
        return True
    relations = set(wish_relations(user, access, case))
    if relations & {Relation.CLAIMER, Relation.BRANCH}:
        return True
    return Relation.HELPER in relations and case.state in SHOWN
