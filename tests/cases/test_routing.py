from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from django.utils import translation

from cases.models import Case, Channel, OwnerRole
from cases.routing import UnitRecord, explain_reason, route, unit_record
from tests.factories.catalogue import make_class, make_matter, make_responsibility
from tests.factories.grids import make_city
from tests.factories.people import make_unit

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 2, 24, tzinfo=UTC)
_numbers = count(1)


@pytest.fixture
def city():
    return make_city()


@pytest.fixture
def owner():
    return OwnerRole.objects.create(name="各产权单位")


@pytest.fixture
def matter(owner):
    matter = make_matter(name="雨水箅子")
    matter.standards.update(owner_role=owner)
    return matter


#: (rules as "subject@place", the place of the order, the rule that must win or "" for none)
GOLDEN = [
    ([], "west_1", ""),
    (["class@city"], "west_1", "class@city"),
    (["class@city", "class@street"], "west_1", "class@street"),
    (["class@city", "class@west", "class@east"], "west_1", "class@west"),
    (["class@east"], "west_1", ""),
    (["class@west_1", "owner@city"], "west_1", "owner@city"),
    (["owner@city", "owner@district"], "west_1", "owner@district"),
    (["class@west_1", "owner@west_1", "matter@city"], "west_1", "matter@city"),
    (["matter@city", "matter@west"], "west_1", "matter@west"),
    (["matter@city", "matter@west"], "east_1", "matter@city"),
    (["matter@west_1"], "west", ""),
    (["matter@west_1"], "west_2", ""),
    (["matter@west"], "west", "matter@west"),
    (["other@west_1", "class@city"], "west_1", "class@city"),
    (["other_class@west_1"], "west_1", ""),
    (["matter!@west_1", "class@city"], "west_1", "class@city"),
    (["matter!@west_1", "matter@city"], "west_1", "matter@city"),
    (["matter!@west_1"], "west_1", ""),
]


def make_rules(rules, city, matter, owner):
    other = make_matter(name="路灯")
    subjects = {
        "matter": {"matter": matter},
        "owner": {"owner_role": owner},
        "class": {"matter_class": matter.matter_class},
        "other": {"matter": other},
        "other_class": {"matter_class": make_class("园林绿化设施", code="04")},
    }
    for rule in rules:
        subject, place = rule.split("@")
        disabled = NOW if subject.endswith("!") else None
        unit = make_unit(rule, disabled_at=disabled)
        make_responsibility(unit, getattr(city, place), **subjects[subject.removesuffix("!")])


@pytest.mark.parametrize(("rules", "place", "winner"), GOLDEN)
def test_the_most_specific_then_the_deepest_wins(rules, place, winner, city, matter, owner):
    make_rules(rules, city, matter, owner)
    found = route(matter, matter.standards.get(), getattr(city, place))
    assert (found.unit.name if found.unit else "") == winner
    assert (found.rule.unit.name if found.rule else "") == winner
    assert found.reason["by"] == (winner.split("@")[0] or "nothing")


@pytest.mark.parametrize(
    "rules", [[], ["class@city"], ["class@city", "class@west", "owner@west", "matter@city", "matter!@west_1"]]
)
def test_it_asks_once(rules, city, matter, owner, django_assert_num_queries):
    make_rules(rules, city, matter, owner)
    standard = matter.standards.get()
    with django_assert_num_queries(1):
        route(matter, standard, city.west_1)


def test_without_a_standard_or_its_owner_the_owners_rules_do_not_count(city, matter, owner):
    make_rules(["owner@city"], city, matter, owner)
    assert route(matter, None, city.west_1).unit is None
    standard = matter.standards.get()
    standard.owner_role = None
    assert route(matter, standard, city.west_1).unit is None


class TestReason:
    def test_it_survives_json_and_names_the_rule(self, city, matter):
        unit = make_unit("市政养护所")
        rule = make_responsibility(unit, city.street, matter=matter)
        reason = route(matter, matter.standards.get(), city.west_1).reason
        assert json.loads(json.dumps(reason)) == {
            "by": "matter",
            "rule": rule.pk,
            "subject": "雨水箅子",
            "place": city.street.name,
            "place_id": city.street.pk,
            "unit": "市政养护所",
            "unit_id": unit.pk,
            "passed_over": [],
        }

    @pytest.mark.parametrize(
        ("reason", "told"),
        [
            ({}, ""),
            ({"by": "nothing", "passed_over": []}, "No rule fits: the desk decides."),
            (
                {"by": "matter", "subject": "雨水箅子", "place": "柳浦街道"},
                "Rule: 雨水箅子 × 柳浦街道.",
            ),
            (
                {"by": "class", "subject": "公用设施", "place": "柳浦街道", "passed_over": ["甲公司"]},
                "Rule: 公用设施 × 柳浦街道. 甲公司 is disabled and was passed over.",
            ),
        ],
    )
    def test_it_is_told_in_words(self, reason, told):
        with translation.override("en"):
            assert explain_reason(reason) == told

    def test_units_of_weaker_rules_are_not_mentioned(self, city, matter, owner):
        make_rules(["class!@city", "owner!@west", "matter@west"], city, matter, owner)
        assert route(matter, matter.standards.get(), city.west_1).reason["passed_over"] == []

    def test_units_passed_over_are_named(self, city, matter, owner):
        make_rules(["class@city", "owner!@west", "matter!@west"], city, matter, owner)
        reason = route(matter, matter.standards.get(), city.west_1).reason
        assert reason["passed_over"] == ["matter!@west", "owner!@west"]


class TestUnitRecord:
    def close(self, city, matter, unit, *, days_ago: float, late: bool = False, **fields):
        closed_at = NOW - timedelta(days=days_ago)
        facts = {
            "number": f"R-{next(_numbers)}",
            "state": "closed",
            "channel": Channel.GRID_WORKER,
            "matter": matter,
            "unit": unit,
            "place": city.west_1,
            "desk": city.west,
            "reported_place": city.west_1,
            "reported_at": closed_at - timedelta(days=2),
            "closed_at": closed_at,
            "due_at": closed_at - timedelta(seconds=1) if late else closed_at,
            "updated_at": closed_at,
        }
        return Case.objects.create(**(facts | fields))

    def test_closed_orders_of_this_unit_and_matter_since_then(self, city, matter, django_assert_num_queries):
        unit, other = make_unit(), make_unit()
        for days_ago, late in [(1, False), (30, False), (89, True), (91, False)]:
            self.close(city, matter, unit, days_ago=days_ago, late=late)
        self.close(city, matter, other, days_ago=1, late=True)
        self.close(city, make_matter(name="路灯"), unit, days_ago=1, late=True)
        self.close(city, matter, unit, days_ago=1, state="handled", late=True)
        with django_assert_num_queries(1):
            record = unit_record(unit, matter, since=NOW - timedelta(days=90))
        assert (record.count, record.on_time_rate) == (3, pytest.approx(200 / 3))

    def test_without_orders_there_is_no_rate(self, matter):
        assert unit_record(make_unit(), matter, since=NOW) == UnitRecord(0, None)

    def test_imported_ones_without_a_due_time_stay_out_of_the_rate(self, city, matter):
        unit = make_unit()
        self.close(city, matter, unit, days_ago=1, due_at=None)
        self.close(city, matter, unit, days_ago=1)
        assert unit_record(unit, matter, since=NOW - timedelta(days=90)) == UnitRecord(2, 100.0)
