"""Tables as people send them: every encoding, every fault, by line and column."""

import io
import zipfile
from datetime import date, datetime
from typing import Any

import pytest
from django.utils import translation

from governance.common import tabular
from governance.common.tabular import CellError, RowError, TableError, decode, read_table
from tests.factories.tables import workbook


@pytest.fixture
def english():
    with translation.override("en"):
        yield


def texts(data: bytes, **options: Any) -> list[tuple[int, dict[str, str]]]:
    return [(row.line, dict(row.cells)) for row in read_table(data, **options).rows]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_each_encoding_gives_the_same_rows(encoding: str):
    data = "编号,名称\n1,琅琊区\n2,南谯区\n".encode(encoding)
    assert texts(data) == [(2, {"编号": "1", "名称": "琅琊区"}), (3, {"编号": "2", "名称": "南谯区"})]


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_the_delimiter_is_taken_from_the_header(delimiter: str):
    data = f"code{delimiter}name\r\n1{delimiter}East\r\n".encode()
    assert texts(data) == [(2, {"code": "1", "name": "East"})]


def test_lines_are_the_files_own_lines():
    data = b'code,name\n\n1,"two\nlines"\n\n2,next\n'
    assert [line for line, _ in texts(data)] == [3, 6]


def test_aliases_rename_headers():
    table = read_table(
        "编号,名称\n1,东\n".encode(), required=["code"], aliases={"编号": "code", "名称": "name"}
    )
    assert table.columns == ("code", "name")
    assert [dict(row.cells) for row in table.rows] == [{"code": "1", "name": "东"}]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b"code,code\n1,2\n", "more than once: code"),
        (b"name\nEast\n", "missing: code"),
        (b"co\x00de,name\n1,2\n", "NUL"),
        (b"code\n\xff\xff\xff\n", "UTF-8 or GB18030"),
        (b"\xd0\xcf\x11\xe0rest", "old XLS"),
        (b"PK\x03\x04 not a zip", "XLSX"),
    ],
)
def test_a_broken_file_is_refused_as_a_whole(data: bytes, words: str, english):
    with pytest.raises(TableError, match=words):
        list(read_table(data, required=["code"]).rows)


def test_aliases_that_meet_are_duplicates(english):
    with pytest.raises(TableError, match="more than once: code"):
        read_table("code,编号\n1,2\n".encode(), aliases={"编号": "code"})


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(TableError, match=r"absent\.csv"):
        read_table(tmp_path / "absent.csv")


def test_a_file_over_the_limit_is_refused():
    with pytest.raises(TableError):
        read_table(b"code\n" + b"1" * 100, max_bytes=50)


def test_ragged_rows_and_nul_characters_are_errors_of_their_line(english):
    rows = list(read_table(b"code,name\n1\n2,b,c\n3,a\x00b\n4,d\n").rows)
    assert [row.errors for row in rows] == [
        (RowError(2, "", "has 1 cells where the header has 2"),),
        (RowError(3, "", "has 3 cells where the header has 2"),),
        (RowError(4, "name", "holds NUL characters"),),
        (),
    ]


def test_a_cell_over_the_limit_is_an_error_of_its_line_only():
    data = b"code,name\n1," + b"x" * (tabular.MAX_CELL + 1) + b"\n2,y\n"
    first, second = read_table(data).rows
    assert [error.column for error in first.errors] == ["name"]
    assert second.errors == ()


def test_a_sheet_gives_texts_of_numbers_and_dates():
    data = workbook(
        ["code", "count", "share", "day", "at", "yes"],
        [341102001001001, 3.0, 0.5, date(2026, 1, 2), datetime(2026, 1, 2, 3, 4), True],
        [],
        ["x"],
    )
    cells = {"code": "341102001001001", "count": "3", "share": "0.5", "yes": "true"}
    days = {"day": "2026-01-02 00:00:00", "at": "2026-01-02 03:04:00"}
    empty = dict.fromkeys(["count", "share", "day", "at", "yes"], "")
    assert texts(data) == [(2, cells | days), (4, {"code": "x"} | empty)]


def test_formulas_and_rounded_numbers_are_errors_of_their_cell(english):
    rows = list(read_table(workbook(["code", "name"], ["=1+1", "a"], [3.41102001001001e17, "b"])).rows)
    assert [(error.line, error.column) for row in rows for error in row.errors] == [(2, "code"), (3, "code")]
    assert "formula" in rows[0].errors[0].reason
    assert "last digits" in rows[1].errors[0].reason


def test_a_value_beside_the_headers_is_an_error():
    (row,) = read_table(workbook(["code"], ["1", "stray"])).rows
    assert len(row.errors) == 1


def test_an_archive_that_unpacks_too_far_is_refused(monkeypatch):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 10_000)
    monkeypatch.setattr(tabular, "MAX_UNPACKED_BYTES", 5_000)
    with pytest.raises(TableError):
        read_table(out.getvalue())


def test_too_many_rows_are_refused(monkeypatch):
    monkeypatch.setattr(tabular, "MAX_ROWS", 2)
    with pytest.raises(TableError):
        list(read_table(b"code\n1\n2\n3\n").rows)


def test_typed_cells():
    (row,) = read_table(b"whole,half,none,word\n12,0.5,,abc\n").rows
    assert row.integer("whole") == 12
    assert row.integer("none", default=7) == 7
    assert row.number("half") == 0.5
    assert row.number("none") is None
    assert row.text("word") == "abc"
    assert row.text("none", required=False) == ""
    assert row.get("absent", "other") == "other"


@pytest.mark.parametrize("text", ["", "1.5", "--1", "x", "９", "1" * 30, "-1", "300"])
def test_a_cell_that_is_no_small_whole_number_is_refused(text: str):
    (row,) = read_table(f"n,k\n{text},1\n".encode()).rows
    with pytest.raises(CellError) as caught:
        row.integer("n", maximum=200)
    assert (caught.value.error.line, caught.value.error.column) == (2, "n")


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e999", "x", "181"])
def test_a_cell_that_is_no_number_in_range_is_refused(text: str):
    (row,) = read_table(f"n,k\n{text},1\n".encode()).rows
    with pytest.raises(CellError):
        row.number("n", minimum=-180, maximum=180)


def test_text_is_required_and_limited():
    (row,) = read_table(b"a,b\n,long\n").rows
    with pytest.raises(CellError):
        row.text("a")
    with pytest.raises(CellError):
        row.text("b", max_length=3)


def test_decode_refuses_bytes_that_are_no_text():
    with pytest.raises(TableError):
        decode(b"\x81\xff\xff")


def test_faults_name_the_columns_as_the_sheet_does(english):
    aliases = {"工号": "staff_number", "姓名": "name", "名字": "name"}
    with pytest.raises(TableError, match=r"missing: 工号 \(staff_number\), 姓名 \(name\)"):
        read_table("手机\n1\n".encode(), required=["staff_number", "name"], aliases=aliases)
    table = read_table("工号,名字\nA1,\nA\x002,李\n".encode(), required=["name"], aliases=aliases)
    empty, unreadable = table.rows
    with pytest.raises(CellError) as raised:
        empty.text("name")
    assert raised.value.error == RowError(2, "名字", "is empty")
    assert unreadable.errors == (RowError(3, "工号", "holds NUL characters"),)
    with pytest.raises(TableError, match="more than once: 名字, 姓名"):
        read_table("姓名,名字\n1,2\n".encode(), aliases=aliases)


def test_a_text_that_is_named_xlsx_is_no_workbook(tmp_path, english):
    file = tmp_path / "people.XLSX"
    file.write_text("工号,姓名\n1,李\n")
    with pytest.raises(TableError, match="no XLSX workbook"):
        read_table(file, required=["工号"])
