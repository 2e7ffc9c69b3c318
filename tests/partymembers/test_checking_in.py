"""When a check-in is due, and whom a member may ask."""

from __future__ import annotations

import datetime as dt

import pytest

from partymembers.checking_in import (
    Standing,
    branches_to_ask,
    due_on,
    latest_settled,
    standing_of,
    suggested_branch,
)
from partymembers.models import BranchLevel
from tests.factories.party import make_branch, make_member, make_party

DAY = dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("settled_on", "due"),
    [
        ("2026-11-20", "2026-12-20"),
        ("2026-12-05", "2027-01-05"),
        ("2027-01-31", "2027-02-28"),
        ("2028-01-30", "2028-02-29"),
        ("2026-10-31", "2026-11-30"),
    ],
)
def test_due_a_calendar_month_later(settled_on: str, due: str) -> None:
    assert due_on(dt.date.fromisoformat(settled_on)) == dt.date.fromisoformat(due)


def test_the_latest_day_of_settling_is_the_due_day_backwards() -> None:
    day = dt.date(2027, 1, 1)
    while day < dt.date(2029, 1, 1):
        latest = latest_settled(day)
        assert due_on(latest) <= day < due_on(latest + DAY)
        day += DAY


@pytest.mark.django_db
def test_where_a_member_stands() -> None:
    party = make_party()
    settled = dt.date(2026, 11, 20)
    member = make_member(home=party.home, settled_on=settled)

    def on(day: str, *, is_waiting: bool = False) -> Standing:
        return standing_of(member, on=dt.date.fromisoformat(day), is_waiting=is_waiting)

    assert on("2026-11-20") == Standing.DUE
    assert on("2026-12-12") == Standing.DUE
    assert on("2026-12-13") == on("2026-12-20") == Standing.NEARLY_DUE
    assert on("2026-12-21") == Standing.OVERDUE
    assert on("2026-12-21", is_waiting=True) == Standing.WAITING
    member.checkin_branch = party.committee
    assert on("2026-12-21") == Standing.CHECKED_IN
    member.left_on = dt.date(2026, 12, 1)
    assert on("2026-12-21") == Standing.LEFT


@pytest.mark.django_db
def test_the_branches_where_a_member_lives() -> None:
    party = make_party()
    city = party.world.city
    grid_branch = make_branch(party.committee, "第一网格支部", place=city.west_1)
    make_branch(party.committee, "第一网格二支部", level=BranchLevel.GROUP, place=city.west_1)
    make_branch(party.city_branch, "东涧社区党委", level=BranchLevel.COMMUNITY, place=city.east)
    member = make_member(home=party.home, lives_at=city.building)
    asked = {branch.name for branch in branches_to_ask(member)}
    assert "东涧社区党委" not in asked
    assert "市委" not in asked
    assert {"西涧社区党委", "第一网格支部"} <= asked
    assert suggested_branch(member) == (
        grid_branch if city.building.path.startswith(city.west_1.path) else None
    )
    member.lives_at = city.west
    assert suggested_branch(member) == party.committee
    assert {"西涧社区党委", "第一网格支部"} <= {branch.name for branch in branches_to_ask(member)}
    member.lives_at = None
    assert suggested_branch(member) is None
    assert branches_to_ask(member).filter(name="东涧社区党委").exists()
