"""The books balance whatever happens, and PostgreSQL keeps them against any statement."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.common.errors import DomainError
from partymembers.actions.points import (
    cancel_redemption,
    correct_points,
    redeem_item,
)
from partymembers.models import (
    PointsTransaction,
    Redemption,
    StationItem,
)
from tests.factories.cases import NOON
from tests.factories.shop import (
    Shop,
    assert_books_balance,
    award,
)

DAY = dt.timedelta(days=1)


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
