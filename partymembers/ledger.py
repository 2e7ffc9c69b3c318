"""Reads of the points ledger: balance, statement, and the monthly honours list 光荣榜."""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import IntegerField, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from governance.common.formats import masked_name
from grids.models import Place
from partymembers.access import Access
from partymembers.keepers import home_of, keeps_place
from partymembers.models import Branch, Member, PointsAccount, PointsEntry, PointsTransaction, User

_PERSON = PointsAccount.Kind.PERSON
_AWARD = PointsTransaction.Kind.AWARD
#: So many stand on an honours list.
HONOURED = 50


def balance_of(user: User) -> int:
    """How many points somebody has; one query."""
    return PointsAccount.objects.filter(user=user).values_list("balance", flat=True).first() or 0


def statement(user: User, month: dt.date | None = None) -> QuerySet[PointsEntry]:
    """What moved the person's points, each with `running`, the balance after it; order it by `-id`.

    A month is filtered by the day of the transaction; the balance runs over all of them all the same.
    """
    up_to = PointsEntry.objects.filter(account=OuterRef("account"), pk__lte=OuterRef("pk"))
    total = up_to.order_by().values("account").annotate(sum=Sum("amount")).values("sum")
    rows = PointsEntry.objects.filter(account__user=user, account__kind=_PERSON)
    if month is not None:
        rows = rows.filter(transaction__day__range=month_of(month))
    return rows.select_related("transaction__rule", "transaction__place").annotate(
        running=Coalesce(Subquery(total, output_field=IntegerField()), 0)
    )


def month_of(day: dt.date) -> tuple[dt.date, dt.date]:
    """The first and the last day of a day's month."""
    last = calendar.monthrange(day.year, day.month)[1]
    return day.replace(day=1), day.replace(day=last)


@dataclass(frozen=True)
class Honour:
    """One line of the honours list. People with as many points share a rank."""

    rank: int
    name: str
    points: int
    is_own: bool


def honours(
    reader: User, access: Access, month: dt.date, *, place: Place | None = None, branch: Branch | None = None
) -> list[Honour]:
    """Who earned most in a month in a place, or of those checked in at a branch and below.

    What was taken back of an award counts against the month of the award. Names are masked but for those of
    the same community or branch, and for its desk and committee: neighbours know each other, a city does not.
    """
    shows_names = _is_of_branch(reader, access, branch) if branch else _is_of_place(reader, access, place)
    ranked: list[Honour] = []
    for number, row in enumerate(_earned(month, place, branch), start=1):
        is_tied = bool(ranked) and ranked[-1].points == row["points"]
        is_own = row["account__user"] == reader.pk
        name = row["account__user__name"]
        ranked.append(
            Honour(
                rank=ranked[-1].rank if is_tied else number,
                name=name if shows_names or is_own else masked_name(name),
                points=row["points"],
                is_own=is_own,
            )
        )
    return ranked


def _earned(month: dt.date, place: Place | None, branch: Branch | None) -> list[Any]:
    counted = Q(pk__in=[])
    for prefix, kind in (("transaction__", "kind"), ("transaction__reverses__", "kind")):
        condition = Q(**{f"{prefix}{kind}": _AWARD, f"{prefix}day__range": month_of(month)})
        if place is not None:
            condition &= Q(**{f"{prefix}place__path__startswith": place.path})
        counted |= condition
    rows = PointsEntry.objects.filter(counted, account__kind=_PERSON, account__user__disabled_at=None)
    if branch is not None:
        rows = rows.filter(
            account__user__member__checkin_branch__path__startswith=branch.path,
            account__user__member__left_on=None,
        )
    grouped = rows.values("account__user", "account__user__name").annotate(points=Sum("amount"))
    return list(grouped.filter(points__gt=0).order_by("-points", "account__user")[:HONOURED])


def _is_of_place(reader: User, access: Access, place: Place | None) -> bool:
    """Whether the reader serves in this very community, or is answerable for the place."""
    if place is None:
        return False
    if keeps_place(access, place.path):
        return True
    home = home_of(reader)
    return home is not None and place.path.startswith(home.path)


def _is_of_branch(reader: User, access: Access, branch: Branch) -> bool:
    if access.leads_branch(branch.path):
        return True
    member = Member.objects.filter(user=reader, left_on=None)
    return member.filter(checkin_branch=branch).exists()
