from __future__ import annotations

import importlib

import pytest

from cases.defaults import default_ladder, default_policies, seed_configuration
from cases.models import LadderRung, StagePolicy
from cases.workflow import Stage

pytestmark = pytest.mark.django_db


def policies() -> list[tuple]:
    return list(StagePolicy.objects.order_by("pk").values_list("urgency", "stage", "minutes", "timer_type"))


def ladder() -> list[tuple]:
    return list(LadderRung.objects.order_by("percent").values_list("percent", "repeat_every", "deed"))


def test_a_migrated_database_holds_the_defaults():
    assert policies() == default_policies()
    assert ladder() == default_ladder()


def test_the_limits_are_those_of_the_two_urgencies():
    assert [(p.stage, p.minutes) for p in default_policies() if p.urgency == "normal"] == [
        (Stage.ACCEPT, 30),
        (Stage.DISPATCH, 30),
        (Stage.ACKNOWLEDGE, 60),
        (Stage.CHECK, 240),
        (Stage.DECIDE, 120),
    ]
    assert [p.minutes for p in default_policies() if p.urgency == "urgent"] == [10, 10, 15, 60, 30]
    assert {(p.urgency, p.timer_type) for p in default_policies()} == {
        ("normal", "work_hour"),
        ("urgent", "urgent_hour"),
    }


def test_seeding_fills_what_is_missing_and_keeps_what_was_edited():
    StagePolicy.objects.filter(urgency="normal", stage="accept").update(minutes=45)
    StagePolicy.objects.filter(urgency="urgent").delete()
    LadderRung.objects.filter(percent=80).delete()
    seed_configuration()
    seed_configuration()
    assert StagePolicy.objects.get(urgency="normal", stage="accept").minutes == 45
    assert StagePolicy.objects.count() == 10
    assert [percent for percent, _again, _deed in ladder()] == [100, 150]


def test_an_emptied_ladder_comes_back():
    LadderRung.objects.all().delete()
    seed_configuration()
    assert ladder() == default_ladder()


def test_the_migration_keeps_its_own_copy():
    migration = importlib.import_module("cases.migrations.0003_seed_configuration")
    assert list(migration.LADDER) == default_ladder()
