"""The points ledger: whatever happens, and however much at once, the books balance."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.common.errors import DomainError, Invalid, NotAllowed, NotVisible, WrongState
from partymembers.actions.points import (
    amount_of,
    award_points,
    cancel_redemption,
    correct_points,
    redeem_item,
)
from partymembers.models import (
    AuditEntry,
    EarningRule,
    PointsAccount,
    PointsEntry,
    PointsTransaction,
    Redemption,
    Station,
    StationItem,
    User,
)
from tests.factories.cases import NOON
from tests.factories.party import Party, make_party

DAY = dt.timedelta(days=1)


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


@pytest.fixture
def shop(db: None) -> Shop:
    return make_shop()


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
    return PointsAccount.objects.get(user=user).balance


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


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("award"),
            st.integers(0, 2),
            st.integers(0, 5),
            st.integers(-5, 80),
            st.sampled_from(["wish", "activity", "check_in"]),
        ),
        st.tuples(st.just("correct"), st.integers(0, 20)),
        st.tuples(st.just("redeem"), st.integers(0, 2)),
        st.tuples(st.just("cancel"), st.integers(0, 8)),
        st.tuples(st.just("next day")),
    ),
    max_size=30,
)


@given(steps=STEPS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_books_balance_whatever_happens(shop: Shop, steps: list[tuple[Any, ...]]) -> None:
    with transaction.atomic():
        at = NOON
        for step in steps:
            at = at + DAY if step[0] == "next day" else at
            try:
                with transaction.atomic():
                    take(shop, step, at)
            except DomainError:
                pass
            assert_books_balance()
        left = StationItem.objects.get(pk=shop.item.pk).stock
        assert left + Redemption.objects.filter(cancelled_at=None).count() == 5
        transaction.set_rollback(True)


def take(shop: Shop, step: tuple[Any, ...], at: dt.datetime) -> None:
    kind, *given_values = step
    if kind == "award":
        person, source_id, stated, rule = given_values
        user = shop.people[person]
        award(shop, user, source_id, source=rule, rule_code=rule, stated=stated, minutes=stated, at=at)
    elif kind == "correct":
        chosen = PointsTransaction.objects.order_by("pk")[given_values[0] : given_values[0] + 1]
        for found in chosen:
            correct_points(transaction_id=found.pk, reason="记错了", at=at, by=shop.desk)
    elif kind == "redeem":
        redeem_item(user=shop.people[given_values[0]], item_id=shop.item.pk, by=shop.desk, at=at)
    elif kind == "cancel":
        for handed in Redemption.objects.order_by("pk")[given_values[0] : given_values[0] + 1]:
            cancel_redemption(redemption_id=handed.pk, by=shop.desk, reason="退回", at=at)


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


LEDGER_WRITES = {
    "entry changed": "UPDATE partymembers_pointsentry SET amount = amount + 1",
    "entry deleted": "DELETE FROM partymembers_pointsentry",
    "transaction changed": "UPDATE partymembers_pointstransaction SET what = 'x'",
    "transaction deleted": "DELETE FROM partymembers_pointstransaction",
    "balance written": "UPDATE partymembers_pointsaccount SET balance = balance + 1",
    "account with points opened": (
        "INSERT INTO partymembers_pointsaccount (kind, user_id, balance)"
        " SELECT 'person', max(id), 5 FROM partymembers_user"
    ),
    "one-sided transaction": (
        "INSERT INTO partymembers_pointstransaction (kind, user_id, source, source_id, what, at, day)"
        " SELECT 'award', max(id), 'x', 'x', 'x', now(), now() FROM partymembers_user"
    ),
    "third side": (
        "INSERT INTO partymembers_pointsentry (transaction_id, account_id, amount)"
        " SELECT min(t.id), (SELECT a.id FROM partymembers_pointsaccount a WHERE a.kind = 'redeemed'), 7"
        " FROM partymembers_pointstransaction t"
    ),
}


@pytest.mark.parametrize("sql", LEDGER_WRITES.values(), ids=LEDGER_WRITES)
def test_postgresql_keeps_the_books(shop: Shop, sql: str) -> None:
    award(shop, shop.party.member)
    redeem_item(user=shop.party.member, item_id=shop.item.pk, by=shop.desk, at=NOON)
    with pytest.raises(IntegrityError):
        run(sql, "SET CONSTRAINTS ALL IMMEDIATE")


def run(*statements: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def at_once(*acts: Callable[[], object]) -> list[object]:
    """What each act returned or raised, all of them begun at the same moment, each on its own connection."""
    barrier, found = Barrier(len(acts)), list[object]()

    def run(act: Callable[[], object]) -> None:
        try:
            barrier.wait(timeout=30)
            found.append(act())
        except DomainError as error:
            found.append(error)
        finally:
            connection.close()

    threads = [Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(found) == len(acts)
    return found


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


def assert_all_committed_books_balance() -> None:
    with transaction.atomic():
        assert_books_balance()
