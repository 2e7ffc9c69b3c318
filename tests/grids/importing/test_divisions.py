"""Import of divisions: levels, kinds, parents, and every row that cannot go in."""

from typing import Any

import pytest

from governance.common.imports import ImportReport
from grids import actions
from grids.importing import import_divisions
from grids.importing.divisions import kind_of
from grids.levels import Level
from grids.models import Place, PlaceKind
from tests.factories.grids import BEGAN, make_city

pytestmark = pytest.mark.django_db

ROWS = """code,name,level,parent_code
340000000000,安徽省,province,
341100000000,滁州市,city,340000000000
341181000000,天长市,county,341100000000
341181001000,天长街道,street,341181000000
341181100000,铜城镇,street,341181000000
341181001001,东市社区居委会,community,341181001000
341181100200,龙岗村委会,village,341181100000
341181100500,农场生活区,other,341181100000
"""


def places() -> list[tuple[str, str, str, str]]:
    return [(place.code, place.name, place.level, place.kind) for place in Place.objects.all()]


def take(text: str | bytes, **options: Any) -> ImportReport:
    data = text if isinstance(text, bytes) else text.encode()
    return import_divisions(data, at=BEGAN, **options)


def test_a_small_file():
    report = take(ROWS)
    assert (report.created, report.skipped, report.refused, report.applied) == (7, 1, [], True)
    assert len(report.notes) == 1
    assert "安徽省" in report.notes[0]
    assert places() == [
        ("341100000000", "滁州市", "city", ""),
        ("341181000000", "天长市", "district", ""),
        ("341181001000", "天长街道", "street", "subdistrict"),
        ("341181001001", "东市社区居委会", "community", "residential"),
        ("341181100000", "铜城镇", "street", "town"),
        ("341181100200", "龙岗村委会", "community", "village"),
        ("341181100500", "农场生活区", "community", ""),
    ]
    assert Place.objects.find_problems() == ([], [], [], [], [])


def test_the_order_of_the_rows_does_not_matter():
    header, *rows = ROWS.splitlines()
    report = take("\n".join([header, *reversed(rows)]))
    assert (report.created, report.refused) == (7, [])
    assert Place.objects.find_problems() == ([], [], [], [], [])


def test_a_second_import_changes_only_what_differs():
    take(ROWS)
    report = take(ROWS.replace("铜城镇", "铜山镇"))
    assert (report.created, report.updated, report.unchanged) == (0, 1, 6)
    assert Place.objects.get(code="341181100000").name == "铜山镇"


def test_places_that_a_file_does_not_name_stay():
    take(ROWS)
    report = take(
        "code,name\n341181100000,铜城镇\n341181100201,新村委会\n341181000000,天长市\n341100000000,滁州市\n"
    )
    assert (report.created, report.unchanged) == (1, 3)
    assert Place.objects.count() == 8
    assert Place.objects.find_problems() == ([], [], [], [], [])


def test_levels_and_kinds_come_from_code_and_name_where_no_column_says():
    lines = [line.split(",") for line in ROWS.splitlines()]
    take("\n".join(",".join(line[:2]) for line in lines))
    by_column = places()
    assert [kind for _code, _name, _level, kind in by_column] == [
        "", "", "subdistrict", "residential", "town", "village", "",
    ]  # fmt: skip


def test_a_dry_run_writes_nothing():
    report = take(ROWS, dry_run=True)
    assert (report.created, report.applied, Place.objects.count()) == (7, False, 0)


def test_chinese_headers_in_gbk():
    report = take("区划代码,名称\n341100000000,滁州市\n".encode("gbk"))
    assert (report.created, places()) == (1, [("341100000000", "滁州市", "city", "")])


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("341181001002,新社区,castle,341181001000", "level"),
        ("341181001002,新社区,street,341181001000", "code"),
        ("341181001002,新社区,community,341181100000", "parent_code"),
        ("341181009002,新社区,community,", "code"),
        ("341181001001,重复社区,community,", "code"),
        ("34118100100,短,community,", "code"),
        ("341181001000001,网格,community,", "code"),
        ("341181001001001,网格,,", "code"),
        (",无码,community,", "code"),
        ("341181001002,,community,", "name"),
        ("341181001002," + "长" * 101 + ",community,", "name"),
        ("341181001002,a\x00b,community,", "name"),
        ("341181001002,少列", ""),
    ],
)
def test_a_bad_row_is_named_and_nothing_goes_in(row: str, column: str):
    report = take(ROWS + row + "\n")
    assert [(error.line, error.column) for error in report.refused] == [(10, column)]
    assert not report.applied
    assert Place.objects.count() == 0


def test_every_bad_row_is_named_in_the_files_order():
    report = take("code,name\n341100000000,滁州市\nx,a\n341199000000\n34,b\n")
    assert [error.line for error in report.refused] == [3, 4, 5]
    assert report.refused_rows == 3


def test_what_lies_under_a_refused_row_is_refused_too():
    report = take("code,name\n341100000000,\n341102000000,琅琊区\n")
    assert [error.line for error in report.refused] == [2, 3]


def test_a_retired_place_takes_no_more_rows():
    city = make_city()
    actions.retire_place(place=city.buildings[2].place, at=BEGAN)
    actions.retire_place(place=city.west_2, at=BEGAN)
    actions.merge_places(places=[city.west], into=city.east, at=BEGAN)
    report = take("code,name\n341102001001,西涧社区\n")
    assert [(error.line, error.column) for error in report.refused] == [(2, "code")]


def test_a_file_costs_as_many_queries_with_many_rows(django_assert_num_queries):
    take("code,name\n341100000000,滁州市\n341102000000,琅琊区\n341102001000,琅琊街道\n")
    header = "code,name\n"
    with django_assert_num_queries(5):
        take(header + "".join(f"341102001{n:03d},第{n}社区\n" for n in range(1, 3)))
    with django_assert_num_queries(5):
        take(header + "".join(f"341102001{n:03d},第{n}社区\n" for n in range(3, 300)))


def test_progress_is_told():
    told = []
    take(ROWS, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (8, 8)


@pytest.mark.parametrize(
    ("name", "level", "kind"),
    [
        ("琅琊街道", Level.STREET, PlaceKind.SUBDISTRICT),
        ("琅琊街道办事处", Level.STREET, PlaceKind.SUBDISTRICT),
        ("木乐镇", Level.STREET, PlaceKind.TOWN),
        ("马皮乡", Level.STREET, PlaceKind.TOWNSHIP),
        ("南谯工业园区", Level.STREET, PlaceKind.ZONE),
        ("安徽凤阳经济开发区管理委员会", Level.STREET, PlaceKind.ZONE),
        ("滁州经济技术开发区", Level.DISTRICT, PlaceKind.ZONE),
        ("襄北农场", Level.STREET, PlaceKind.UNSPECIFIED),
        ("琅琊区", Level.DISTRICT, PlaceKind.UNSPECIFIED),
        ("滁州市", Level.CITY, PlaceKind.UNSPECIFIED),
        ("东门社区", Level.COMMUNITY, PlaceKind.RESIDENTIAL),
        ("东门社区居民委员会", Level.COMMUNITY, PlaceKind.RESIDENTIAL),
        ("东门居委会", Level.COMMUNITY, PlaceKind.RESIDENTIAL),
        ("小庄村", Level.COMMUNITY, PlaceKind.VILLAGE),
        ("小庄村委会", Level.COMMUNITY, PlaceKind.VILLAGE),
        ("小庄村民委员会", Level.COMMUNITY, PlaceKind.VILLAGE),
        ("大柳种羊场生活区", Level.COMMUNITY, PlaceKind.UNSPECIFIED),
    ],
)
def test_kinds_by_name(name: str, level: Level, kind: PlaceKind):
    assert kind_of(name, level) == kind
