"""Awards, corrections and redemptions: what is due, what is refused, and to whom."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from governance.common.errors import Invalid, NotAllowed, NotVisible, WrongState
from partymembers.actions.points import (
    amount_of,
    cancel_redemption,
    correct_points,
    redeem_item,
)
from partymembers.models import (
    AuditEntry,
    EarningRule,
    PointsTransaction,
    StationItem,
    User,
)
from tests.factories.cases import NOON
from tests.factories.shop import (
    Shop,
    assert_books_balance,
    award,
    balance,
)

DAY = dt.timedelta(days=1)


def test_an_award_counts_once(shop: Shop) -> None:
    member = shop.party.member
    first = award(shop, member)
    assert first is not None
    assert award(shop, member, stated=10, at=NOON + DAY) == first
    assert (balance(member), amount_of(first)) == (50, 50)
    award(shop, shop.party.second_member)
    assert (balance(member), balance(shop.party.second_member)) == (50, 50)


def test_what_is_due_by_each_rule(shop: Shop) -> None:
    member, second = shop.party.member, shop.party.second_member
    award(shop, member, 1, stated=80)
    assert balance(member) == 50  # never more than the rule's
    award(shop, second, 1, rule_code="activity", source="activity", minutes=95)
    assert balance(second) == 15  # 10 an hour, parts of a point are dropped
    assert award(shop, second, 2, rule_code="activity", source="activity", minutes=5) is None
    assert award(shop, second, 3, stated=-3) is None
    award(shop, second, 1, rule_code="check_in", source="check_in")
    assert balance(second) == 20
    EarningRule.objects.filter(code="check_in").update(is_active=False)
    assert award(shop, second, 2, rule_code="check_in", source="check_in") is None
    with pytest.raises(Invalid):
        award(shop, second, 1, rule_code="singing")


def test_the_cap_of_a_day_holds(shop: Shop) -> None:
    member = shop.party.member
    for number in range(3):
        award(shop, member, number)
    assert balance(member) == 100
    award(shop, member, 7, at=NOON + DAY)
    assert balance(member) == 150


def test_what_was_taken_back_in_part_still_fills_the_cap(shop: Shop) -> None:
    """Spent points cannot be taken back, so they must not make room for new ones on that day."""
    member = shop.party.member
    first = award(shop, member, 1)
    award(shop, member, 2)
    redeem_item(user=member, item_id=shop.item.pk, by=shop.desk, at=NOON)
    redeem_item(user=member, item_id=shop.item.pk, by=shop.desk, at=NOON)
    assert first is not None
    taken = correct_points(transaction_id=first.pk, reason="未完成", at=NOON, by=shop.desk)
    assert taken is not None
    assert (amount_of(taken), balance(member)) == (-40, 0)
    award(shop, member, 3)
    assert balance(member) == 40  # not 50: ten of the first are spent and stay


def test_a_correction_is_a_transaction_of_its_own(shop: Shop) -> None:
    member = shop.party.member
    first = award(shop, member)
    assert first is not None
    taken = correct_points(transaction_id=first.pk, reason="重复登记", at=NOON, by=shop.desk)
    again = correct_points(transaction_id=first.pk, reason="重复登记", at=NOON, by=shop.desk)
    assert taken is not None
    assert (taken, balance(member), taken.reverses, taken.by) == (again, 0, first, shop.desk)
    assert AuditEntry.objects.filter(action="points_corrected", actor=shop.desk).count() == 1
    with pytest.raises(WrongState):
        correct_points(transaction_id=taken.pk, reason="反悔", at=NOON, by=shop.desk)
    with pytest.raises(Invalid):
        correct_points(transaction_id=first.pk, reason=" ", at=NOON, by=shop.desk)
    with pytest.raises(NotVisible):
        correct_points(transaction_id=0, reason="无", at=NOON, by=shop.desk)


def test_nobody_awards_corrects_or_serves_themselves(shop: Shop) -> None:
    desk = shop.desk
    with pytest.raises(NotAllowed):
        award(shop, desk, by=desk)
    given_by_another = award(shop, desk, by=shop.party.world.second_desk)
    assert given_by_another is not None
    with pytest.raises(NotAllowed):
        correct_points(transaction_id=given_by_another.pk, reason="不要", at=NOON, by=desk)
    with pytest.raises(NotAllowed):
        redeem_item(user=desk, item_id=shop.item.pk, by=desk, at=NOON)
    second = shop.party.world.second_desk
    redemption = redeem_item(user=desk, item_id=shop.item.pk, by=second, at=NOON)
    with pytest.raises(NotAllowed):
        cancel_redemption(redemption_id=redemption.pk, by=desk, reason="退", at=NOON)
    with pytest.raises(IntegrityError), transaction.atomic():
        PointsTransaction.objects.create(
            kind="award", user=desk, source="x", source_id="1", what="x", at=NOON, day=NOON.date(), by=desk
        )


def keepers(shop: Shop) -> dict[str, tuple[User, bool, bool]]:
    """Who may correct, and who may serve at the counter."""
    world = shop.party.world
    return {
        "desk": (world.desk, True, True),
        "colleague": (world.second_desk, True, True),
        "street desk": (world.street_desk, True, True),
        "city desk": (world.city_desk, True, True),
        "committee": (shop.party.secretary, True, False),
        "desk next door": (world.other_desk, False, False),
        "grid worker": (world.worker, False, False),
        "handler": (world.handler, False, False),
        "official": (world.official, False, False),
        "member": (shop.party.second_member, False, False),
        "volunteer": (shop.party.volunteer, False, False),
        "outsider": (shop.party.outsider, False, False),
        "officer": (world.system_officer, False, False),
    }


def is_refused(act: Callable[[], object]) -> bool:
    """Whether the act is not allowed; what it wrote is undone."""
    refused = False
    with transaction.atomic():
        try:
            act()
        except NotAllowed:
            refused = True
        transaction.set_rollback(True)
    return refused


def test_who_may_correct_redeem_and_take_back(shop: Shop) -> None:
    member, item = shop.party.member, shop.item.pk
    first = award(shop, member)
    redemption = redeem_item(user=member, item_id=item, by=shop.desk, at=NOON)
    award(shop, member, 2)
    assert first is not None
    given_back: dict[str, Callable[[User], object]] = {
        "correct": lambda by: correct_points(transaction_id=first.pk, reason="错", at=NOON, by=by),
        "redeem": lambda by: redeem_item(user=member, item_id=item, by=by, at=NOON),
        "cancel": lambda by: cancel_redemption(redemption_id=redemption.pk, by=by, reason="退", at=NOON),
    }
    found = {
        name: [not is_refused(partial(act, user)) for act in given_back.values()]
        for name, (user, _corrects, _serves) in keepers(shop).items()
    }
    assert found == {name: [corrects, ok, ok] for name, (_user, corrects, ok) in keepers(shop).items()}


def test_a_redemption_moves_points_and_stock_together(shop: Shop) -> None:
    member = shop.party.member
    with pytest.raises(WrongState, match="30"):
        redeem_item(user=member, item_id=shop.item.pk, by=shop.desk, at=NOON)
    award(shop, member)
    redemption = redeem_item(user=member, item_id=shop.item.pk, by=shop.desk, at=NOON, receipt="a")
    twice = redeem_item(user=member, item_id=shop.item.pk, by=shop.desk, at=NOON, receipt="a")
    shop.item.refresh_from_db()
    assert (twice, balance(member), shop.item.stock) == (redemption, 20, 4)
    with pytest.raises(Invalid):
        cancel_redemption(redemption_id=redemption.pk, by=shop.desk, reason="", at=NOON)
    cancel_redemption(redemption_id=redemption.pk, by=shop.desk, reason="质量问题", at=NOON)
    shop.item.refresh_from_db()
    assert (balance(member), shop.item.stock) == (50, 5)
    with pytest.raises(WrongState):
        cancel_redemption(redemption_id=redemption.pk, by=shop.desk, reason="再退", at=NOON)
    with pytest.raises(NotVisible):
        cancel_redemption(redemption_id=0, by=shop.desk, reason="再退", at=NOON)
    assert_books_balance()


@pytest.mark.parametrize("change", [{"stock": 0}, {"is_offered": False}])
def test_what_is_not_on_the_shelf_is_not_handed_over(shop: Shop, change: dict[str, Any]) -> None:
    award(shop, shop.party.member)
    StationItem.objects.filter(pk=shop.item.pk).update(**change)
    with pytest.raises(WrongState):
        redeem_item(user=shop.party.member, item_id=shop.item.pk, by=shop.desk, at=NOON)


def test_an_old_page_hands_nothing_over_again(shop: Shop) -> None:
    member = shop.party.member
    award(shop, member)
    redeem = partial(redeem_item, user=member, item_id=shop.item.pk, by=shop.desk, at=NOON, receipt="a")
    first = redeem()
    assert redeem() == first
    cancel_redemption(redemption_id=first.pk, by=shop.desk, reason="漏液", at=NOON)
    with pytest.raises(WrongState):
        redeem()
    assert balance(member) == 50
