"""Order numbers: each once, whoever reports at the same time, and nobody waits for another's commit."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from cases.models import DayCounter
from cases.numbers import take_numbers

DAY = dt.date(2026, 11, 20)


@pytest.mark.django_db
def test_they_count_within_a_day_and_begin_anew_on_the_next() -> None:
    assert take_numbers(DAY) == ["261120-000001"]
    assert take_numbers(DAY, 2) == ["261120-000002", "261120-000003"]
    assert take_numbers(DAY + dt.timedelta(days=1)) == ["261121-000001"]


@pytest.mark.django_db
def test_they_grow_past_six_digits() -> None:
    DayCounter.objects.create(day=DAY, last=999_999)
    assert take_numbers(DAY) == ["261120-1000000"]


@pytest.mark.django_db(transaction=True)
def test_many_at_once_get_different_ones() -> None:
    def take(_number: int) -> list[str]:
        try:
            return take_numbers(DAY)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        taken = [number for numbers in pool.map(take, range(40)) for number in numbers]
    assert sorted(taken) == [f"261120-{number:06d}" for number in range(1, 41)]


@pytest.mark.django_db(transaction=True)
def test_an_order_that_takes_its_number_in_its_own_transaction_still_waits_for_the_disk() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = on")
        try:
            take_numbers(DAY)
            with transaction.atomic():
                take_numbers(DAY)
                cursor.execute("SHOW synchronous_commit")
                assert cursor.fetchone() == ("on",)
        finally:
            cursor.execute("RESET synchronous_commit")
