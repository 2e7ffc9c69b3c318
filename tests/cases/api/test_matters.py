"""The list of matters over the API: the same for every key that may read it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.deadlines import TimerType
from cases.models import Matter, OwnerRole
from tests.factories.catalogue import make_class, make_matter, make_standard
from tests.factories.grids import make_city
from tests.factories.keys import Caller, codes

pytestmark = pytest.mark.django_db
MATTERS = "/api/v1/matters/"


@pytest.fixture
def caller() -> Caller:
    return Caller("matters:read", place=make_city().west, duty="reader")


@pytest.fixture
def grate() -> Matter:
    """A matter with two standards, one of them of yesterday."""
    Matter.objects.all().delete()
    matter = make_matter("04", "雨水箅子", amount="0.5", timer=TimerType.WORK_HOUR, keywords="箅子 排水口")
    make_standard(matter, "缺失", sequence=2, owner_role=OwnerRole.objects.create(name="各产权单位"))
    ended = timezone.now() - timedelta(days=1)
    make_standard(matter, "沉降", sequence=3, valid_to=ended)
    return matter


def test_a_matter_has_its_standards_in_force(caller, grate):
    answer = caller.get(f"{MATTERS}component-01-04/").json()

    standards = answer.pop("standards")
    assert answer == {
        "code": "component-01-04",
        "name": "雨水箅子",
        "kind": "component",
        "matter_class": {"code": "component-01", "name": "公用设施"},
        "keywords": ["箅子", "排水口"],
        "direct_dispatch": False,
        "needs_photo": True,
        "is_fallback": False,
        "retired_at": None,
    }
    assert standards == [
        {
            "number": number,
            "condition": condition,
            "close_condition": "修复",
            "amount": amount,
            "timer_type": timer,
            "urgency": "normal",
            "owner": owner,
            "valid_from": "2025-01-01T00:00:00+08:00",
            "valid_to": None,
        }
        for number, condition, amount, timer, owner in (
            (1, "破损", 0.5, "work_hour", None),
            (2, "缺失", 1.0, "work_day", "各产权单位"),
        )
    ]
    assert caller.get(MATTERS).json()["results"] == [answer | {"standards": standards}]
    assert caller.get(f"{MATTERS}event-01-04/").status_code == 404


def test_filters_narrow_the_list(caller, grate):
    event = make_class("市容环境", code="02", section="event")
    noise = make_matter("01", "油烟扰民", matter_class=event)
    gone = make_matter("02", "旧事项", matter_class=event, retired_at=timezone.now())

    def found(**query: str) -> list[str]:
        return codes(caller.get(MATTERS, query))

    assert found() == [grate.full_code, noise.full_code]
    assert found(retired="true", kind="event") == [noise.full_code, gone.full_code]
    assert found(matter_class="component-01") == found(q="排水") == found(q="缺失") == [grate.full_code]
    assert found(matter_class="event-02", kind="component") == []
    wrong = (("kind", "wishes"), ("kind", ""), ("matter_class", "component"), ("matter_class", "event-01"))
    for name, code in wrong:
        refused = caller.get(MATTERS, {name: code})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, name)


def test_a_list_asks_as_much_for_three_as_for_one(caller, grate):
    caller.get(MATTERS)
    make_matter(), make_matter()
    for limit in (1, 3):
        with CaptureQueriesContext(connection) as asked:
            assert len(codes(caller.get(MATTERS, {"limit": limit}))) == limit
        assert len(asked) == 3


def test_only_a_key_for_matters_reads_them(caller, grate):
    other = Caller("places:read", account=caller.account)

    assert other.get(MATTERS).status_code == other.get(f"{MATTERS}{grate.full_code}/").status_code == 403
