from __future__ import annotations

from decimal import Decimal

import pytest

from cases.deadlines import TimerType
from cases.importing.limits import parse_limit, parse_units
from cases.models import Urgency

HOUR, WORK_HOUR, WORK_DAY, DAY = (
    TimerType.URGENT_HOUR,
    TimerType.WORK_HOUR,
    TimerType.WORK_DAY,
    TimerType.NATURAL_DAY,
)


@pytest.mark.parametrize(
    ("text", "amount", "timer", "urgent"),
    [
        ("2紧急工作时", "2", HOUR, True),
        ("1紧急工作日", "1", DAY, True),
        ("4小时", "4", WORK_HOUR, False),
        ("15天", "15", WORK_DAY, False),
        ("3个工作日", "3", WORK_DAY, False),
        ("7 自然日", "7", DAY, False),
        ("１．５天", "1.5", WORK_DAY, False),
        ("0.25小时", "0.25", WORK_HOUR, False),
        ("半天", "0.5", WORK_DAY, False),
        ("两小时", "2", WORK_HOUR, False),
        ("十五天", "15", WORK_DAY, False),
        ("二十个工作日", "20", WORK_DAY, False),
        ("三十二小时", "32", WORK_HOUR, False),
        ("2天以内", "2", WORK_DAY, False),
        ("1紧急工作时制止", "1", HOUR, True),
    ],
)
def test_what_catalogues_write(text, amount, timer, urgent):
    limit = parse_limit(text)
    assert (limit.amount, limit.timer) == (Decimal(amount), timer)
    assert limit.urgency == (Urgency.URGENT if urgent else Urgency.NORMAL)


def test_what_stands_behind_is_told():
    assert parse_limit("1紧急工作时制止").tail == "制止"
    assert parse_limit("1紧急工作时").tail == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "天",
        "立即",
        "2",
        "2年",
        "0天",
        "-1天",
        "1天2小时",
        "2天或4小时",
        "1/2天",
        "1.234天",
        "100000天",
        "1e3天",
        "十十天",
        "半十天",
        "2紧急",
        "24:00",
    ],
)
def test_what_is_not_surely_a_limit_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        parse_limit(text)


def test_a_city_may_read_its_units_otherwise():
    units = parse_units(["天=natural_day", "工日=work_day"])
    assert parse_limit("2天", units).timer == DAY
    assert parse_limit("2工日", units).timer == WORK_DAY
    assert parse_limit("2小时", units).timer == WORK_HOUR


@pytest.mark.parametrize("option", ["天", "天=", "=work_day", "天=day", ""])
def test_an_odd_option_is_refused(option):
    with pytest.raises(ValueError, match="work_hour"):
        parse_units([option])
