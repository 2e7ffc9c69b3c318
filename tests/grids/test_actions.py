"""Writes to the territory: what each leaves behind, and what each refuses."""

from datetime import UTC, date, datetime

import pytest
from django.db.models import ProtectedError

from grids import actions
from grids.actions import PlaceError
from grids.boundaries import BoundaryError, current_version
from grids.codes import CodeError
from grids.coordinates import PositionError
from grids.levels import Level
from grids.models import Place, PlaceChange
from tests.factories.grids import BEGAN, City, located, make_building, make_city, make_place, square

pytestmark = pytest.mark.django_db
LATER = datetime(2026, 6, 30, 18, tzinfo=UTC)  # already 1 July in Shanghai
DAY = date(2026, 7, 1)


@pytest.fixture
def city() -> City:
    return make_city()


def test_a_place_gets_the_next_code_and_a_path_made_of_it(city: City):
    assert [grid.code for grid in city.grids] == [
        "341102001001001",
        "341102001001002",
        "341102001002001",
        "341102001002002",
    ]
    assert city.west_2.path == "3411" + "1002" + "2001" + "3001" + "4002"
    assert city.building.path == city.west_1.path + "5001"
    assert Place.objects.find_problems() == ([], [], [], [], [])


def test_a_lower_code_added_later_moves_nobody(city: City):
    before = dict(Place.objects.values_list("pk", "path"))
    district = make_place(city.city, Level.DISTRICT, "前区", code="341101000000")
    paths = dict(Place.objects.values_list("pk", "path"))
    assert paths == before | {district.pk: district.path}
    assert list(Place.objects.get_children(city.city)) == [district, city.district]


def test_a_code_is_never_given_twice(city: City):
    actions.retire_place(place=Place.objects.get_children(city.west_2).get(), at=LATER)
    retired = actions.retire_place(place=city.west_2, at=LATER)
    assert retired.retired_on == DAY
    assert make_place(city.west, Level.GRID).code == "341102001001003"
    with pytest.raises(PlaceError):
        make_place(city.west, Level.GRID, code=retired.code)


def test_a_place_remembers_its_day(city: City):
    place = make_place(city.west, Level.GRID, at=LATER)
    assert place.since == DAY


@pytest.mark.parametrize(
    "fields",
    [
        {"code": "341102001002009"},
        {"code": "341102001001"},
        {"code": "x"},
        {"name": " "},
        {"name": "长" * 101},
        {"name": "a\x00b"},
        {"kind": "castle"},
        {"boundary": {"type": "Point", "coordinates": [0, 0]}},
        {"lng": 181.0, "lat": 0.0},
        {"lng": float("nan"), "lat": 0.0},
        {"level": Level.BUILDING},
        {"level": Level.STREET},
    ],
)
def test_a_wrong_place_is_refused_and_leaves_nothing(city: City, fields: dict):
    before = Place.objects.count()
    wrong = {"parent": city.west, "name": "网格", "level": Level.GRID, "at": LATER} | fields
    with pytest.raises((CodeError, BoundaryError, PositionError, PlaceError)):
        actions.add_place(**wrong)
    assert Place.objects.count() == before


def test_a_city_needs_its_code():
    with pytest.raises(PlaceError):
        make_place(None, Level.CITY)


def test_nothing_is_added_below_a_retired_place(city: City):
    empty = make_place(city.west, Level.GRID)
    actions.retire_place(place=empty, at=LATER)
    with pytest.raises(PlaceError):
        make_building(empty)


def test_places_cannot_be_deleted_or_moved(city: City):
    with pytest.raises(ProtectedError):
        city.west_1.delete()
    with pytest.raises(ProtectedError):
        Place.objects.filter(pk=city.building.pk).delete()
    with pytest.raises(TypeError):
        Place.objects.move(city.west_1, city.east, "last-child")
    assert Place.objects.filter(pk=city.building.pk).exists()


def test_a_redrawn_boundary_moves_the_point_index(city: City):
    version = current_version()
    assert located(*city.inside(city.west_2)).place == city.west_2
    actions.change_boundary(place=city.west_1, boundary=square(118.31, 32.30, 0.01, height=0.02), at=LATER)
    assert current_version() != version
    # Both hold the point now; they are equally deep and west_2 is the smaller.
    assert located(*city.inside(city.west_2)).place == city.west_2
    actions.change_boundary(place=city.west_2, boundary=square(119, 33), at=LATER)
    assert located(118.315, 32.315).place == city.west_1
    change = PlaceChange.objects.earliest("pk")
    assert (change.kind, change.effective_at) == ("boundary", LATER)
    assert list(change.predecessors.all()) == list(change.successors.all()) == [city.west_1]


def test_a_place_with_current_places_below_is_not_retired(city: City):
    with pytest.raises(PlaceError):
        actions.retire_place(place=city.west, at=LATER)
    assert Place.objects.retired().count() == 0


def test_a_retired_place_leaves_the_map_and_its_qr_codes_end(city: City):
    empty = make_place(city.west, Level.GRID, boundary=square(118.2, 32.2))
    qr_code = actions.issue_qr_code(place=empty, at=BEGAN)
    assert located(118.205, 32.205).place == empty
    actions.retire_place(place=empty, at=LATER)
    qr_code.refresh_from_db()
    assert qr_code.revoked_at == LATER
    assert located(118.205, 32.205).outside
    with pytest.raises(PlaceError):
        actions.retire_place(place=empty, at=LATER)


def test_qr_codes_are_opaque_unlike_each_other_and_revoked_once(city: City):
    first, second = city.qr_code(), city.qr_code()
    assert first.token != second.token
    assert len(first.token) == 43
    assert actions.revoke_qr_code(qr_code=first, at=LATER).revoked_at == LATER
    assert actions.revoke_qr_code(qr_code=first, at=BEGAN).revoked_at == LATER


def test_a_compound_belongs_to_one_community(city: City):
    with pytest.raises(PlaceError):
        actions.add_compound(community=city.west_1, name="苑")
    with pytest.raises(PlaceError):
        actions.add_compound(community=city.west, name=city.compound.name)
    with pytest.raises(PlaceError):
        make_building(city.east_1, "9幢", compound=city.compound)


def test_a_buildings_counts_are_corrected_and_checked(city: City):
    building = city.buildings[0]
    actions.update_building(building=building, compound=None, households=7, residents=9)
    building.refresh_from_db()
    assert (building.households, building.residents, building.entrances) == (7, 9, 2)
    assert building.compound is None
    for wrong in ({"households": -1}, {"entrances": 40_000}):
        with pytest.raises(PlaceError):
            actions.update_building(building=building, compound=None, **wrong)
    with pytest.raises(TypeError):
        actions.update_building(building=building, compound=None, windows=3)


def test_a_name_is_corrected(city: City):
    actions.rename_place(place=city.west, name=" 西湖社区 ", kind="village")
    city.west.refresh_from_db()
    assert (city.west.name, city.west.kind) == ("西湖社区", "village")
