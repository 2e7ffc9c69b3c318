"""Splits, mergers and hand-overs: places end, successors begin, everything below goes on."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from grids import actions
from grids.actions import NewPlace, PlaceError
from grids.codes import CodeError
from grids.levels import Level
from grids.models import Building, Compound, Place, PlaceChange
from tests.factories.grids import City, located, make_building, make_city, make_place, square

pytestmark = pytest.mark.django_db
LATER = datetime(2026, 6, 30, 18, tzinfo=UTC)
DAY = date(2026, 7, 1)


@pytest.fixture
def city() -> City:
    return make_city()


def split_west(city: City, **options: Any) -> list[Place]:
    halves = [
        NewPlace(name="南社区", boundary=square(118.31, 32.30)),
        NewPlace(name="北社区", boundary=square(118.31, 32.31)),
    ]
    return actions.split_place(place=city.west, into=halves, at=LATER, **options)


def current_below(place: Place) -> list[str]:
    return list(Place.objects.current().below([place]).values_list("code", flat=True))


def test_a_split_ends_one_place_and_begins_two(city: City):
    south, north = split_west(city)
    city.west.refresh_from_db()
    assert city.west.retired_on == DAY
    assert [south.code, north.code] == ["341102001003", "341102001004"]
    assert current_below(south) == [
        "341102001003", "341102001003001", "341102001003001001", "341102001003001002",
    ]  # fmt: skip
    assert current_below(north) == ["341102001004", "341102001004002", "341102001004002001"]
    assert current_below(city.west) == []
    assert Place.objects.find_problems() == ([], [], [], [], [])


def test_after_a_split_points_find_the_new_grids(city: City):
    split_west(city)
    assert located(118.315, 32.305).place.code == "341102001003001"
    assert located(118.315, 32.315).place.code == "341102001004002"


def test_each_place_below_a_split_leaves_its_own_trace(city: City):
    south, north = split_west(city, note="人口过多")
    split = PlaceChange.objects.get(kind="split")
    assert (split.effective_at, split.note) == (LATER, "人口过多")
    assert list(split.predecessors.all()) == [city.west]
    assert set(split.successors.all()) == {south, north}
    pairs = {
        (change.predecessors.get().code, change.successors.get().code)
        for change in PlaceChange.objects.filter(kind="handover")
    }
    assert pairs == {
        ("341102001001001", "341102001003001"),
        ("341102001001001001", "341102001003001001"),
        ("341102001001001002", "341102001003001002"),
        ("341102001001002", "341102001004002"),
        ("341102001001002001", "341102001004002001"),
    }


def test_successors_and_predecessors_are_found_over_several_changes(city: City):
    south, north = split_west(city)
    again = actions.merge_places(places=[south, north], into=NewPlace(name="合社区"), at=LATER)
    assert Place.objects.successors_of([city.west.pk]) == {south.pk, north.pk, again.pk}
    assert Place.objects.predecessors_of([again.pk]) == {south.pk, north.pk, city.west.pk}
    assert Place.objects.predecessors_of([city.east.pk]) == set()


def test_a_redrawn_boundary_is_no_succession(city: City):
    actions.change_boundary(place=city.west, boundary=square(118, 32), at=LATER)
    assert Place.objects.successors_of([city.west.pk]) == set()
    assert Place.objects.predecessors_of([city.west.pk]) == set()


def test_following_costs_one_query_a_step(city: City, django_assert_num_queries):
    split_west(city)
    with django_assert_num_queries(2):
        Place.objects.successors_of([city.west.pk])
    with django_assert_num_queries(1):
        Place.objects.successors_of([city.east.pk])


def test_buildings_compounds_and_qr_codes_go_on(city: City):
    qr_code = city.qr_code()
    split_west(city)
    qr_code.refresh_from_db()
    assert (qr_code.place.code, qr_code.revoked_at) == ("341102001003001001", None)
    city.compound.refresh_from_db()
    assert city.compound.community.code == "341102001003"
    old, new = Building.objects.filter(place__name="1幢", compound=city.compound).order_by("place__code")
    assert (old.place.retired_on, new.place.retired_on) == (DAY, None)
    assert new.households == old.households == 60


def test_a_split_can_be_told_who_takes_what(city: City):
    new = [NewPlace(name="甲"), NewPlace(name="乙")]
    with pytest.raises(PlaceError):
        actions.split_place(place=city.west, into=new, at=LATER)
    with pytest.raises(PlaceError):
        actions.split_place(place=city.west, into=new, at=LATER, children={city.west_1.pk: 5})
    with pytest.raises(PlaceError):
        actions.split_place(place=city.west, into=new[:1], at=LATER)
    assert Place.objects.retired().count() == 0
    children = {city.west_1.pk: 1, city.west_2.pk: 1}
    first, second = actions.split_place(place=city.west, into=new, at=LATER, children=children)
    assert current_below(first) == [first.code]
    assert len(current_below(second)) == 6


def test_a_merger_into_a_new_place(city: City):
    actions.add_compound(community=city.east, name=city.compound.name)
    merged = actions.merge_places(places=[city.west, city.east], into=NewPlace(name="合社区"), at=LATER)
    assert merged.code == "341102001003"
    # The grids keep their numbers where they can; the east's were taken by then.
    assert [grid.code for grid in Place.objects.current().at_level(Level.GRID)] == [
        "341102001003001", "341102001003002", "341102001003003", "341102001003004",
    ]  # fmt: skip
    assert (merged.west, merged.south, merged.east, merged.north) == (118.31, 32.30, 118.33, 32.32)
    names = Compound.objects.filter(community=merged).values_list("name", flat=True)
    assert sorted(names) == ["清流花园", "清流花园（东门社区）"]
    assert list(Place.objects.retired().at_level(Level.COMMUNITY)) == [city.west, city.east]


def test_a_merger_into_a_neighbour(city: City):
    merged = actions.merge_places(places=[city.west], into=city.east, at=LATER)
    assert merged == city.east
    assert merged.retired_on is None
    assert (merged.west, merged.east) == (118.31, 118.33)
    assert located(118.315, 32.305).place.code == "341102001002003"


def test_a_merger_is_refused_when_it_makes_no_sense(city: City):
    new = NewPlace(name="合")
    refused: list[tuple[list[Place], NewPlace | Place]] = [
        ([city.west], new),
        ([city.west, city.west], new),
        ([city.west], city.west),
        ([city.west], city.east_1),
        ([city.west, city.east_1], new),
        ([], city.east),
    ]
    for places, into in refused:
        with pytest.raises(PlaceError):
            actions.merge_places(places=places, into=into, at=LATER)
    assert Place.objects.retired().count() == 0
    buildings = [building.place for building in city.buildings[:2]]
    with pytest.raises(PlaceError):
        actions.merge_places(places=buildings, into=new, at=LATER)


def test_a_community_is_handed_to_another_street(city: City):
    street = make_place(city.district, Level.STREET, "清流街道")
    successor = actions.hand_over_place(place=city.east, parent=street, at=LATER, note="区划调整")
    assert successor.code == "341102002002"
    assert successor.name == city.east.name
    assert current_below(street) == [
        "341102002000", "341102002002", "341102002002001", "341102002002001001", "341102002002002",
    ]  # fmt: skip
    assert located(118.325, 32.305).place.code == "341102002002001"
    assert Place.objects.predecessors_of([successor.pk]) == {city.east.pk}
    assert Place.objects.find_problems() == ([], [], [], [], [])


def test_a_grid_handed_over_takes_its_emptied_compound_along(city: City):
    grid = actions.hand_over_place(place=city.west_1, parent=city.east, at=LATER)
    assert grid.code == "341102001002003"
    city.compound.refresh_from_db()
    assert city.compound.community == city.east


def test_a_compound_with_buildings_left_stays(city: City):
    make_building(city.west_2, "8幢", compound=city.compound)
    actions.hand_over_place(place=city.west_1, parent=city.east, at=LATER)
    city.compound.refresh_from_db()
    assert city.compound.community == city.west


def test_a_large_grid_takes_its_small_ones_along(city: City):
    small = make_place(city.west_1, Level.GRID, "微网格", kind="micro", boundary=square(118.31, 32.30, 0.002))
    make_building(small, "小楼")
    assert small.code == "341102001001003"
    successor = actions.hand_over_place(place=city.west_1, parent=city.east, at=LATER)
    found = located(118.311, 32.301).place
    assert found.name == "微网格"
    assert Place.objects.get_parent(found) == successor
    assert Building.objects.filter(place__path__startswith=found.path).count() == 1


def test_a_hand_over_is_refused_where_it_cannot_be(city: City):
    for place, parent, error in [
        (city.west, city.street, PlaceError),
        (city.west_1, city.west_1, PlaceError),
        (city.west, city.west_1, PlaceError),
        (city.west, city.district, PlaceError),
    ]:
        with pytest.raises(error):
            actions.hand_over_place(place=place, parent=parent, at=LATER)
    with pytest.raises(CodeError):
        actions.hand_over_place(place=city.west_1, parent=city.east, at=LATER, code="341102001001009")
    assert Place.objects.retired().count() == 0


def test_a_retired_place_has_no_second_successor(city: City):
    split_west(city)
    with pytest.raises(PlaceError):
        split_west(city)
