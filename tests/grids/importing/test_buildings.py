"""Import of buildings with their counts."""

from typing import Any

import pytest

from governance.common.imports import ImportReport
from governance.common.tabular import TableError
from grids import actions
from grids.coordinates import distance_m, wgs84_to_gcj02
from grids.importing import import_buildings
from grids.models import Building, Compound, Place
from tests.factories.grids import BEGAN, City, make_city
from tests.factories.tables import workbook

pytestmark = pytest.mark.django_db
HEADER = "code,name,grid,compound,entrances,households,residents,lng,lat\n"
GRID = "341102001001001"


@pytest.fixture
def city() -> City:
    return make_city()


def take(text: str, **options: Any) -> ImportReport:
    return import_buildings((HEADER + text).encode(), at=BEGAN, **options)


def test_buildings_are_added_with_their_counts(city: City):
    report = take(
        f"{GRID}010,10幢,{GRID},清流花园,3,72,180,118.312,32.303\n"
        f"{GRID}011,11幢,,新苑,,,,,\n"
        f",12幢,{GRID},,1,2,3,,\n"
    )
    assert (report.created, report.updated, report.refused, report.applied) == (3, 0, [], True)
    first, second, third = Building.objects.filter(place__name__in=["10幢", "11幢", "12幢"]).order_by("place")
    assert (first.entrances, first.households, first.residents) == (3, 72, 180)
    assert (first.compound, first.place.lng, first.place.lat) == (city.compound, 118.312, 32.303)
    assert second.compound == Compound.objects.get(name="新苑", community=city.west)
    assert second.households == 0
    assert (third.place.code, third.compound, third.place.since) == (f"{GRID}012", None, BEGAN.date())
    assert Place.objects.find_problems() == ([], [], [], [], [])


def test_a_second_import_changes_only_what_differs(city: City):
    text = f"{GRID}010,10幢,,,3,72,180,118.312,32.303\n,12幢,{GRID},,1,2,3,,\n"
    take(text)
    again = take(text)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 2)
    changed = take(f"{GRID}010,十幢,,,,73,,,\n,12幢,{GRID},新苑,1,2,3,,\n")
    assert (changed.created, changed.updated) == (0, 2)
    building = Building.objects.get(place__code=f"{GRID}010")
    assert (building.place.name, building.entrances, building.households) == ("十幢", 3, 73)
    assert building.place.lng == 118.312
    assert Building.objects.get(place__name="12幢").compound == Compound.objects.get(name="新苑")


def test_chinese_headers_in_a_workbook(city: City):
    data = workbook(
        ["楼栋编码", "名称", "网格编码", "小区", "单元数", "户数", "人数", "经度", "纬度"],
        [f"{GRID}020", "20幢", GRID, "清流花园", 2, 48, 120, 118.31, 32.3],
    )
    report = import_buildings(data, at=BEGAN)
    assert (report.created, report.refused) == (1, [])
    assert Building.objects.get(place__code=f"{GRID}020").households == 48


def test_formulas_and_rounded_codes_in_a_workbook_are_refused(city: City):
    data = workbook(
        ["code", "name", "households"],
        [f"{GRID}020", "20幢", "=40+8"],
        [float(f"{GRID}021"), "21幢", 48],
    )
    report = import_buildings(data, at=BEGAN)
    assert [(error.line, error.column) for error in report.refused] == [(2, "households"), (3, "code")]
    assert Building.objects.count() == 4


def test_gcj02_is_converted(city: City):
    lng, lat = wgs84_to_gcj02(118.312, 32.303)
    take(f"{GRID}010,10幢,,,,,,{lng},{lat}\n", system="gcj02")
    place = Place.objects.get(code=f"{GRID}010")
    assert distance_m(place.lng, place.lat, 118.312, 32.303) < 0.01


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (f"{GRID}010,,,,,,,,", "name"),
        (f"{GRID}010,{'长' * 101},,,,,,,", "name"),
        (f"{GRID},10幢,,,,,,,", "code"),
        ("x,10幢,,,,,,,", "code"),
        (f"{GRID}000,10幢,,,,,,,", "code"),
        ("341102001001009001,10幢,,,,,,,", "code"),
        (",10幢,341102001001009,,,,,,", "grid"),
        (",10幢,,,,,,,", "grid"),
        (f"{GRID}010,10幢,341102001001002,,,,,,", "grid"),
        (f"{GRID}010,10幢,,,many,,,,", "entrances"),
        (f"{GRID}010,10幢,,,-1,,,,", "entrances"),
        (f"{GRID}010,10幢,,,40000,,,,", "entrances"),
        (f"{GRID}010,10幢,,,,1.5,,,", "households"),
        (f"{GRID}010,10幢,,,,,,181,32", "lng"),
        (f"{GRID}010,10幢,,,,,,118,", "lat"),
        (f"{GRID}010,10幢,,,,,,nan,32", "lng"),
        (f"{GRID}010,10幢,,{'苑' * 101},,,,,", "compound"),
        (f"{GRID}010,10幢", ""),
        (f"{GRID}001,甲,,,,,,,\n{GRID}001,乙,,,,,,,", "code"),
        (f",甲,{GRID},,,,,,\n,甲,{GRID},,,,,,", "code"),
    ],
)
def test_a_bad_row_is_named_and_nothing_goes_in(city: City, row: str, column: str):
    report = take(f"{GRID}090,90幢,,新苑,,,,,\n" + row + "\n")
    assert [(error.line, error.column) for error in report.refused] == [(row.count("\n") + 3, column)]
    assert not report.applied
    assert (Building.objects.count(), Compound.objects.count()) == (4, 1)


def test_a_retired_building_takes_no_more_rows(city: City):
    retired = actions.retire_place(place=city.building, at=BEGAN)
    report = take(f"{retired.code},1幢,,,,,,,\n")
    assert [(error.line, error.column) for error in report.refused] == [(2, "code")]
    # The same name without a code is a new building.
    assert take(f",1幢,{GRID},,,,,,\n").created == 1


def test_the_file_must_say_where_buildings_are():
    with pytest.raises(TableError):
        import_buildings(b"name\n1\n", at=BEGAN)
    with pytest.raises(TableError):
        import_buildings(b"code\n1\n", at=BEGAN)
    with pytest.raises(TableError):
        take("", system="bd09")


def test_many_rows_cost_as_many_queries_as_few(city: City, django_assert_num_queries):
    for first, count in ((10, 2), (100, 300)):
        rows = "".join(f"{GRID}{n:03d},{n}幢,,,1,2,3,,\n" for n in range(first, first + count))
        with django_assert_num_queries(10):
            take(rows)
