"""The points ledger when many write at the same moment: what is given once is given once."""

from __future__ import annotations

import pytest

from partymembers.actions.points import (
    cancel_redemption,
    redeem_item,
)
from partymembers.models import (
    PointsEntry,
    PointsTransaction,
    StationItem,
)
from tests.factories.cases import NOON
from tests.factories.shop import (
    assert_all_committed_books_balance,
    award,
    balance,
    make_shop,
)
from tests.factories.threads import at_once


@pytest.mark.django_db(transaction=True)
def test_ten_give_the_same_award_at_once() -> None:
    shop = make_shop()
    found = at_once(*[lambda: award(shop, shop.party.member)] * 10)
    assert len({each.pk for each in found if isinstance(each, PointsTransaction)}) == 1
    assert (balance(shop.party.member), PointsEntry.objects.count()) == (50, 2)


@pytest.mark.django_db(transaction=True)
def test_the_last_points_are_spent_once() -> None:
    shop = make_shop()
    award(shop, shop.party.member)
    found = at_once(
        *[lambda: redeem_item(user=shop.party.member, item_id=shop.item.pk, by=shop.desk, at=NOON)] * 2
    )
    assert sorted(type(each).__name__ for each in found) == ["Redemption", "WrongState"]
    shop.item.refresh_from_db()
    assert (balance(shop.party.member), shop.item.stock) == (20, 4)
    assert_all_committed_books_balance()


@pytest.mark.django_db(transaction=True)
def test_the_last_item_is_handed_over_once() -> None:
    shop = make_shop()
    StationItem.objects.update(stock=1)
    for user in shop.people:
        award(shop, user)
    found = at_once(
        *[lambda u=u: redeem_item(user=u, item_id=shop.item.pk, by=shop.desk, at=NOON) for u in shop.people]
    )
    assert sorted(type(each).__name__ for each in found) == ["Redemption", "WrongState", "WrongState"]
    assert StationItem.objects.get().stock == 0


@pytest.mark.django_db(transaction=True)
def test_the_cap_holds_at_once() -> None:
    shop = make_shop()
    at_once(*[lambda n=n: award(shop, shop.party.member, n) for n in range(6)])
    assert balance(shop.party.member) == 100
    assert_all_committed_books_balance()


@pytest.mark.django_db(transaction=True)
def test_one_taking_back_of_many_at_once_counts() -> None:
    shop = make_shop()
    award(shop, shop.party.member)
    redemption = redeem_item(user=shop.party.member, item_id=shop.item.pk, by=shop.desk, at=NOON)
    found = at_once(
        *[lambda: cancel_redemption(redemption_id=redemption.pk, by=shop.desk, reason="退", at=NOON)] * 3
    )
    assert sorted(type(each).__name__ for each in found) == ["Redemption", "WrongState", "WrongState"]
    shop.item.refresh_from_db()
    assert (balance(shop.party.member), shop.item.stock) == (50, 5)
