"""Open orders follow their place; ended orders, and the place of the report, never move."""

from __future__ import annotations

import pytest

from cases import relay
from cases.actions import checking, oversight
from cases.consumers import STRAYS, follow_changes
from cases.models import Case
from cases.relay import run_relay
from cases.workflow import State
from grids import actions as territory
from grids import succession
from grids.models import PlaceChange
from grids.writing import NewPlace
from tests.cases.test_consumers import AFTER, DAY, LATER, history, last, now
from tests.factories.cases import MINUTE, NOON, World, bring_to, make_world, report
from tests.factories.grids import SIDE, SOUTH, WEST, square

pytestmark = pytest.mark.usefixtures("plain_calendar")


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def places(case: Case) -> tuple[str, str, str, str]:
    case = Case.objects.select_related("place", "desk", "community", "grid").get(pk=case.pk)
    assert case.community is not None
    assert case.grid is not None
    return case.place.code, case.desk.code, case.community.code, case.grid.code


def reported_places(case: Case) -> tuple[int, int | None, int | None]:
    case = now(case)
    return case.reported_place_id, case.reported_community_id, case.reported_grid_id


def test_orders_of_a_grid_that_is_handed_over_go_to_the_new_community_s_desk(world: World) -> None:
    case = bring_to(world, "handling")
    before = reported_places(case)
    clocks = list(case.clocks.order_by("pk").values())
    grid = succession.hand_over_place(place=world.city.west_1, parent=world.city.east, at=LATER)
    follow_changes(at=AFTER)
    assert places(case) == (grid.code, world.city.east.code, world.city.east.code, grid.code)
    assert reported_places(case) == before
    assert list(case.clocks.order_by("pk").values()) == clocks
    assert (now(case).state, now(case).unit) == (State.HANDLING, world.unit)
    event = last(case)
    assert (event.kind, event.data) == (
        "place_changed",
        {
            "place_id": grid.pk,
            "from_place_id": world.city.west_1.pk,
            "to_desk_id": world.city.east.pk,
            "from_desk_id": world.city.west.pk,
        },
    )
    assert follow_changes(at=AFTER + MINUTE) == 0
    assert history(case).count("place_changed") == 1


def test_ended_orders_freeze_with_their_place(world: World) -> None:
    ended = [bring_to(world, state) for state in ("closed", "declined", "merged", "voided")]
    before = [(places(case), history(case)) for case in ended]
    succession.hand_over_place(place=world.city.west_1, parent=world.city.east, at=LATER)
    follow_changes(at=AFTER)
    assert [(places(case), history(case)) for case in ended] == before


def test_a_closed_order_that_is_reopened_goes_to_the_successor(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "_consumers", {"strays": STRAYS})
    case = bring_to(world, "closed")
    grid = succession.hand_over_place(place=world.city.west_1, parent=world.city.east, at=LATER)
    follow_changes(at=AFTER)
    checking.reopen_case(case_id=case.pk, actor=world.street_desk, at=AFTER, note="又坏了")
    run_relay()
    assert places(case)[0] == grid.code
    assert now(case).desk == world.city.east


def test_a_split_community_s_orders_follow_their_point_and_an_escalated_desk_stays(world: World) -> None:
    city = world.city
    lng, lat = city.inside(city.west_2)
    first, second = report(world), report(world, lng=lng, lat=lat)
    escalated = report(world)
    oversight.escalate_case(case_id=escalated.pk, actor=world.desk, at=NOON, note="超出社区")
    south, north = succession.split_place(
        place=city.west,
        into=[
            NewPlace("西涧南社区", boundary=square(WEST, SOUTH)),
            NewPlace("西涧北社区", boundary=square(WEST, SOUTH + SIDE)),
        ],
        at=LATER,
    )
    follow_changes(at=AFTER)
    assert [now(case).community for case in (first, second, escalated)] == [south, north, south]
    assert [now(case).desk for case in (first, second, escalated)] == [south, north, city.street]
    assert [now(case).grid.name for case in (first, second)] == ["西涧社区第1网格", "西涧社区第2网格"]


def test_an_order_outside_every_grid_follows_its_community(world: World) -> None:
    city = world.city
    case = report(world, lng=WEST - 0.001, lat=SOUTH + 0.015)
    assert (case.outside_grid, case.place) == (True, city.west)
    merged = succession.merge_places(
        places=[city.west, city.east], into=NewPlace("西涧东门社区", parent=city.street), at=LATER
    )
    follow_changes(at=AFTER)
    case = now(case)
    assert (case.place, case.desk, case.grid, case.outside_grid) == (merged, merged, None, True)


def test_an_order_at_a_building_stays_with_its_building(world: World) -> None:
    city = world.city
    case = report(world, place=city.building, lng=None, lat=None)
    compound = case.compound_id
    grid = succession.hand_over_place(place=city.west_1, parent=city.east, at=LATER)
    follow_changes(at=AFTER)
    case = now(case)
    assert case.grid == grid
    assert case.building is not None
    assert (case.building.name, case.building.retired_on) == ("1幢", None)
    assert case.compound_id == compound is not None


def test_a_building_handed_to_another_grid_takes_its_orders_along(world: World) -> None:
    city = world.city
    case = report(world, place=city.building, lng=None, lat=None)
    building = succession.hand_over_place(place=city.building, parent=city.east_1, at=LATER)
    follow_changes(at=AFTER)
    case = now(case)
    assert (case.building, case.grid, case.desk) == (building, city.east_1, city.east)


def test_several_changes_in_a_row_are_followed_to_the_end(world: World) -> None:
    city = world.city
    case = report(world)
    once = succession.hand_over_place(place=city.west_1, parent=city.east, at=LATER)
    twice = succession.merge_places(
        places=[once, city.east_1], into=NewPlace("东门社区第9网格"), at=LATER + MINUTE
    )
    follow_changes(at=AFTER + MINUTE)
    assert now(case).place == twice
    assert history(case).count("place_changed") == 1


def test_a_redrawn_boundary_moves_the_orders_whose_point_it_gave_away(world: World) -> None:
    city = world.city
    moved = report(world, lng=WEST + 0.009, lat=SOUTH + 0.005)
    stays = report(world, lng=WEST + 0.001, lat=SOUTH + 0.005)
    ended = bring_to(world, "closed", lng=WEST + 0.009, lat=SOUTH + 0.005)
    territory.change_boundary(place=city.west_1, boundary=square(WEST, SOUTH, 0.005), at=LATER)
    territory.change_boundary(
        place=city.east_1, boundary=square(WEST + 0.005, SOUTH, 0.015, height=SIDE), at=LATER
    )
    follow_changes(at=AFTER)
    assert [now(case).grid for case in (moved, stays, ended)] == [city.east_1, city.west_1, city.west_1]
    assert now(moved).desk == city.east
    assert history(stays) == ["report"]


def test_a_grid_drawn_around_it_takes_an_order_that_lay_outside_every_grid(world: World) -> None:
    city = world.city
    case = report(world, lng=WEST - 0.001, lat=SOUTH + 0.005)
    territory.change_boundary(
        place=city.west_1, boundary=square(WEST - 0.002, SOUTH, 0.012, height=SIDE), at=LATER
    )
    follow_changes(at=AFTER)
    assert (now(case).grid, now(case).outside_grid) == (city.west_1, False)


def test_a_change_to_come_moves_nothing_before_its_day(world: World) -> None:
    case = report(world)
    grid = succession.hand_over_place(place=world.city.west_1, parent=world.city.east, at=LATER)
    PlaceChange.objects.update(effective_at=LATER + DAY)
    follow_changes(at=AFTER)
    assert now(case).grid == world.city.west_1
    follow_changes(at=AFTER + DAY)
    assert now(case).grid == grid


def test_a_place_without_a_successor_keeps_its_orders(world: World) -> None:
    case = report(world)
    for building in world.city.buildings[:2]:
        territory.retire_place(place=building.place, at=LATER)
    territory.retire_place(place=world.city.west_1, at=LATER)
    follow_changes(at=AFTER)
    assert now(case).grid == world.city.west_1
    assert history(case) == ["report"]
