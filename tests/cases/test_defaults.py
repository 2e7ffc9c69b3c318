from __future__ import annotations

import importlib

import pytest

from cases.clocks import WISH_STAGES
from cases.defaults import default_ladder, default_policies, seed_configuration
from cases.models import LadderRung, StagePolicy
from cases.workflow import Stage

pytestmark = pytest.mark.django_db


def policies() -> list[tuple]:
    return list(StagePolicy.objects.order_by("pk").values_list("urgency", "stage", "minutes", "timer_type"))


def ladder() -> list[tuple]:
    columns = ("percent", "repeat_every", "deed", "kind", "stage")
    return sorted(LadderRung.objects.values_list(*columns))


def of_incidents(rungs: list[tuple]) -> list[tuple]:
    return [rung[:3] for rung in rungs if rung[3:] == ("incident", "")]


def test_a_migrated_database_holds_the_defaults():
    assert sorted(policies()) == sorted(default_policies())
    assert ladder() == sorted(default_ladder())


def test_the_limits_are_those_of_the_two_urgencies():
    incidents = [p for p in default_policies() if p.stage not in WISH_STAGES]
    assert [(p.stage, p.minutes) for p in incidents if p.urgency == "normal"] == [
        (Stage.ACCEPT, 30),
        (Stage.DISPATCH, 30),
        (Stage.ACKNOWLEDGE, 60),
        (Stage.CHECK, 240),
        (Stage.DECIDE, 120),
        (Stage.ANSWER, 30),
    ]
    assert [p.minutes for p in incidents if p.urgency == "urgent"] == [10, 10, 15, 60, 30, 10]
    assert {(p.urgency, p.timer_type) for p in incidents} == {
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
    assert StagePolicy.objects.count() == len(default_policies())
    assert [percent for percent, _again, _deed in of_incidents(ladder())] == [100, 150]


def test_an_emptied_ladder_comes_back():
    LadderRung.objects.all().delete()
    seed_configuration()
    assert ladder() == sorted(default_ladder())


def test_the_migrations_keep_their_own_copies():
    migration = importlib.import_module("cases.migrations.0003_seed_configuration")
    assert list(migration.LADDER) == of_incidents(default_ladder())
    wishes = importlib.import_module("cases.migrations.0008_seed_wishes")
    ours = {(r.stage, r.percent, r.repeat_every, r.deed) for r in default_ladder() if r.kind == "wish"}
    assert set(wishes.LADDER) == ours
