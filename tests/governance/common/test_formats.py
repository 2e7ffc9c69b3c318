from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import translation

from governance.common import formats

NOW = datetime(2026, 11, 20, 2, 24, tzinfo=UTC)  # 10:24 in Shanghai


@pytest.mark.parametrize(
    ("span", "english", "chinese"),
    [
        (timedelta(0), "1 min", "1 分"),
        (timedelta(minutes=24), "24 min", "24 分"),
        (timedelta(minutes=-24), "24 min", "24 分"),
        (3600, "1 h", "1 时"),
        (timedelta(minutes=72), "1 h 12 min", "1时12分"),
        (timedelta(hours=5, minutes=6), "5 h 06 min", "5时06分"),
        (timedelta(days=1), "1 d", "1 天"),
        (timedelta(hours=29), "1 d 5 h", "1天5时"),
        (timedelta(days=3, hours=5), "3 d", "3 天"),
        (None, "—", "—"),
    ],
)
def test_durations_read_as_people_say_them(span, english, chinese):
    with translation.override("en"):
        assert formats.duration(span) == english
    with translation.override("zh-hans"):
        assert formats.duration(span) == chinese


@pytest.mark.parametrize(
    ("phone", "masked"),
    [("13800000000", "138****0000"), ("", ""), (None, ""), ("02812345", "******45"), ("110", "****")],
)
def test_phones_lose_their_middle(phone, masked):
    assert formats.masked_phone(phone) == masked


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("陈建国", "陈某某"),
        ("欧阳建国", "欧阳某某"),
        ("欧阳", "欧某某"),
        ("Alice Wong", "A***"),
        ("", ""),
        (None, ""),
    ],
)
def test_names_keep_their_beginning(name, masked):
    assert formats.masked_name(name) == masked


def test_rates_have_two_decimals_and_a_dash_without_denominator():
    assert formats.rate(Decimal("94.4971")) == "94.50%"
    assert formats.rate(75.825) == "75.83%"
    assert formats.rate(100) == "100.00%"
    assert formats.rate(0) == "0.00%"
    assert formats.rate(None) == "—"


def test_differences_of_rates_are_points_without_a_sign():
    with translation.override("zh-hans"):
        assert formats.points_delta(-0.84) == "0.84 点"
        assert formats.points_delta(None) == "—"


def test_instants_are_local_and_name_another_year():
    assert formats.local_time(NOW, NOW) == "11-20 10:24"
    assert formats.local_time(datetime(2025, 12, 31, 16, 30, tzinfo=UTC), NOW) == "01-01 00:30"
    assert formats.local_time(datetime(2025, 12, 31, 15, 30, tzinfo=UTC), NOW) == "2025-12-31 23:30"
    assert formats.local_time(None, NOW) == "—"


def test_ago_looks_both_ways():
    with translation.override("zh-hans"):
        assert formats.ago(NOW - timedelta(seconds=30), NOW) == "刚刚"
        assert formats.ago(NOW - timedelta(minutes=72), NOW) == "1时12分前"
        assert formats.ago(NOW + timedelta(minutes=24), NOW) == "24 分后"


@pytest.mark.parametrize(
    ("metres", "words"),
    [(14, "14 米"), (83.4, "83 米"), (124, "120 米"), (996, "1000 米"), (1204, "1.2 公里"), (None, "—")],
)
def test_distances(metres, words):
    with translation.override("zh-hans"):
        assert formats.distance(metres) == words


def test_the_page_says_its_language():
    with translation.override("zh-hans"):
        assert formats.html_language() == "zh-CN"
    with translation.override("en"):
        assert formats.html_language() == "en"
