"""Files that leave the portal: the same numbers, inert text, nobody's name."""

from __future__ import annotations

import csv
import datetime as dt
from datetime import timedelta
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from cases.models import Case
from governance.common.errors import TooLarge
from governance.dashboard import export
from partymembers.models import Role
from tests.factories.catalogue import make_matter
from tests.factories.grids import City, make_city
from tests.factories.people import make_unit, make_user
from tests.governance.figures.histories import closed_order

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
EXPORT = reverse("dashboard:export")
PAST = {"period": "custom", "since": "2026-09-01", "until": "2026-09-30"}
EVIL = '=HYPERLINK("http://evil/","x")'


@pytest.fixture
def city() -> City:
    return make_city()


@pytest.fixture
def official(city: City) -> Client:
    client = Client()
    client.force_login(make_user("市领导", role=Role.OFFICIAL, place=city.city))
    return client


@pytest.fixture
def orders(city: City) -> list[Case]:
    at = timezone.make_aware(dt.datetime(2026, 9, 3, 9))
    unit, matter = make_unit("+86 养护所"), make_matter(name=EVIL)
    return Case.objects.bulk_create(
        closed_order(
            city.west_1,
            matter,
            at,
            took=took,
            limit=2 * DAY,
            unit=unit,
            reporter_name="钱某",
            reporter_phone="13800000000",
        )
        for took in (DAY, DAY, 3 * DAY)
    )


def csv_rows(response: Any) -> list[list[str]]:
    data = b"".join(response.streaming_content).decode()
    assert data.startswith("\ufeff")
    return list(csv.reader(StringIO(data[1:])))


def sheets(response: Any) -> dict[str, list[tuple[Any, ...]]]:
    book = load_workbook(BytesIO(response.content))
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}


def test_the_figures_of_the_page(city: City, official: Client, orders: list[Case]) -> None:
    found = sheets(official.get(EXPORT, PAST))
    assert list(found) == ["指标", "按辖区", "按责任单位", "按事项", "按渠道", "趋势"]
    whole = {row[0]: row for row in found["指标"]}
    assert whole["按期结案率"][1:7] == ("%", Decimal("66.67").__float__(), "—", "—", 2, 3)
    districts = dict(zip(found["按辖区"][0], found["按辖区"][1], strict=True))
    assert (districts["上报"], districts["结案"], districts["按期结案率 %"]) == (3, 3, 66.67)
    assert len(found["趋势"]) == 31


def test_every_column_is_headed(city: City, official: Client, orders: list[Case]) -> None:
    found = sheets(official.get(EXPORT, PAST))
    firsts = [rows[0][0] for rows in found.values()]
    assert firsts == ["指标", "所在地", "责任单位", "事项", "渠道", "时间"]
    assert all(all(rows[0]) for rows in found.values())


def test_csv_holds_the_places(city: City, official: Client, orders: list[Case]) -> None:
    header, row = csv_rows(official.get(EXPORT, {**PAST, "format": "csv"}))
    assert (header[0], row[0]) == ("所在地", "琅琊区")
    assert row[header.index("按期结案率 %")] == "66.67"


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_list_holds_exactly_the_orders_counted(
    city: City, official: Client, orders: list[Case], form: str
) -> None:
    response = official.get(EXPORT, {**PAST, "part": "missed", "format": form})
    rows = csv_rows(response) if form == "csv" else next(iter(sheets(response).values()))
    assert [row[0] for row in rows[1:]] == [orders[2].number]
    assert str(rows[1][6]) == "2026-09-03 09:00:00"
    assert "attachment" in response["Content-Disposition"]
    assert "未按期结案" in unquote(response["Content-Disposition"])


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("part", ["", "due"])
def test_text_computes_nothing_and_names_nobody(
    city: City, official: Client, orders: list[Case], form: str, part: str
) -> None:
    response = official.get(EXPORT, {**PAST, "part": part, "format": form})
    if form == "csv":
        cells = [cell for row in csv_rows(response) for cell in row]
    else:
        book = load_workbook(BytesIO(response.content))
        every = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
        assert not [cell for cell in every if cell.data_type == "f"]
        cells = [str(cell.value) for cell in every if cell.value is not None]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "-", "\t"))]
    assert not [cell for cell in cells if "13800000000" in cell or "钱某" in cell]
    if form == "xlsx" or part:
        assert f"'{EVIL}" in cells
        assert "'+86 养护所" in cells


def test_a_list_that_no_spreadsheet_opens_is_refused(
    city: City, official: Client, orders: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MOST", 2)
    response = official.get(EXPORT, {**PAST, "part": "due"})
    assert response.status_code == 413
    assert "请选短一些的时间段" in response.content.decode()
    with pytest.raises(TooLarge):
        export.case_sheet("x", Case.objects.all())


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, ""),
        (3, 3),
        (Decimal("94.496"), Decimal("94.50")),
        (Decimal(737), 737),
        ("=1+1", "'=1+1"),
        ("a\x00b\x1f", "ab"),
        (dt.datetime(2026, 9, 3, 1, tzinfo=dt.UTC), "2026-09-03 09:00:00"),
    ],
)
def test_cells(value: Any, written: Any) -> None:
    assert export.cell(value) == written
