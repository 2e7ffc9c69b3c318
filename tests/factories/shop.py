"""A community's station with its people, what they earn there, and whether the books balance."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Sum

from partymembers.actions.points import (
    award_points,
)
from partymembers.models import (
    EarningRule,
    PointsAccount,
    PointsEntry,
    PointsTransaction,
    Station,
    StationItem,
    User,
)
from tests.factories.cases import NOON
from tests.factories.party import Party, make_party


@dataclass
class Shop:
    """The community's station with one item of 30 points, of which there are five."""

    party: Party
    item: StationItem

    @property
    def desk(self) -> User:
        """Who keeps it."""
        return self.party.world.desk

    @property
    def people(self) -> list[User]:
        """Three who earn and spend."""
        return [self.party.member, self.party.second_member, self.party.volunteer]


def make_shop() -> Shop:
    party = make_party()
    station = Station.objects.create(name="西涧积分超市", place=party.world.city.west)
    return Shop(party, StationItem.objects.create(station=station, name="洗衣液", points=30, stock=5))


def award(shop: Shop, user: User, source_id: str | int = 1, **given: Any) -> PointsTransaction | None:
    values: dict[str, Any] = {
        "rule_code": "wish",
        "source": "wish",
        "what": "修水龙头",
        "stated": 50,
        "at": NOON,
        "place": shop.party.world.city.west,
    }
    return award_points(user=user, source_id=source_id, **(values | given))


def balance(user: User) -> int:
    """What the person's account holds; 0 before its first use."""
    account = PointsAccount.objects.filter(user=user).first()
    return account.balance if account else 0


def assert_books_balance() -> None:
    """Every balance is the sum of its entries and not below zero; every transaction sums to zero."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    for account in PointsAccount.objects.filter(kind=PointsAccount.Kind.PERSON):
        total = account.entries.aggregate(sum=Sum("amount"))["sum"] or 0
        assert account.balance == total >= 0
    sums = PointsTransaction.objects.annotate(sum=Sum("entries__amount")).values_list("sum", flat=True)
    assert set(sums) <= {0}
    caps = dict(EarningRule.objects.exclude(cap_per_day=0).values_list("pk", "cap_per_day"))
    earned = (
        PointsEntry.objects.filter(account__kind="person", transaction__kind="award")
        .values("account", "transaction__rule", "transaction__day")
        .annotate(sum=Sum("amount"))
    )
    net: dict[tuple[int, int, dt.date], int] = {
        (row["account"], row["transaction__rule"], row["transaction__day"]): row["sum"] for row in earned
    }
    for back in PointsEntry.objects.filter(
        account__kind="person", transaction__reverses__kind="award"
    ).select_related("transaction__reverses"):
        award = back.transaction.reverses
        assert award is not None
        assert award.rule_id is not None
        net[(back.account_id, award.rule_id, award.day)] += back.amount
    for (_account, rule, _day), points in net.items():
        assert points <= caps.get(rule, points)


def assert_all_committed_books_balance() -> None:
    with transaction.atomic():
        assert_books_balance()
