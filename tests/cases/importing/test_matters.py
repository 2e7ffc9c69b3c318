from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation
from openpyxl import Workbook

from cases.catalogue import search_matters, standard_for
from cases.deadlines import TimerType
from cases.importing.limits import parse_units
from cases.importing.matters import Owners, import_matters
from cases.models import Matter, MatterClass, OwnerRole, Standard
from governance.common.tabular import TableError
from partymembers.models import AuditEntry

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("an_empty_catalogue")]
AT = datetime(2026, 11, 20, 2, 24, tzinfo=UTC)
LATER = AT + timedelta(days=30)
HEADER = (
    "kind,big_code,big_name,small_code,small_name,handle_unit,register_condition,close_condition,time_limit"
)
GRATE = ["部件", "01", "公用设施", "04", "雨水箅子"]
ROWS = [
    [*GRATE, "排水中心、各产权单位", "缺失", "恢复", "2紧急工作时"],
    [*GRATE, "排水中心、各产权单位", "破损", "更换", "4小时"],
    [*GRATE, "排水中心、各产权单位", "堵塞", "疏通", "1天"],
    ["部件", "01", "公用设施", "19", "路灯", "各产权单位", "不亮", "修复", "2天"],
    ["事件", "01", "市容环境", "04", "油烟污染", "所属街办\n执法部门", "直排", "整改", "5天"],
    ["事件", "06", "其他事件", "99", "非法伐树", "", "砍伐树木", "制止", "1紧急工作时制止"],
]


def table(rows=None, header: str = HEADER) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header.split(","))
    writer.writerows(ROWS if rows is None else rows)
    return out.getvalue().encode()


def changed(number: int, **columns: str) -> list[list[str]]:
    """The rows with some cells of one of them changed."""
    names = HEADER.split(",")
    rows = [list(row) for row in ROWS]
    for name, value in columns.items():
        rows[number][names.index(name)] = value
    return rows


def counts(report) -> tuple[int, int, int]:
    return report.created, report.updated, report.unchanged


def everything() -> list[tuple]:
    return list(Standard.objects.order_by("pk").values_list())


class TestFirst:
    def test_rows_become_classes_matters_and_standards(self):
        report = import_matters(table(), at=AT)
        assert (counts(report), report.refused, report.applied) == ((6, 0, 0), [], True)
        assert list(
            Matter.objects.values_list("matter_class__section", "matter_class__code", "code", "name")
        ) == [
            ("component", "01", "04", "雨水箅子"),
            ("component", "01", "19", "路灯"),
            ("event", "01", "04", "油烟污染"),
            ("event", "06", "99", "非法伐树"),
        ]
        assert MatterClass.objects.count() == 3
        grate = Matter.objects.get(name="雨水箅子")
        facts = ("sequence", "condition", "close_condition", "amount", "timer_type", "urgency", "valid_from")
        assert list(grate.standards.values_list(*facts)) == [
            (1, "缺失", "恢复", Decimal(2), "urgent_hour", "urgent", AT),
            (2, "破损", "更换", Decimal(4), "work_hour", "normal", AT),
            (3, "堵塞", "疏通", Decimal(1), "work_day", "normal", AT),
        ]

    def test_the_owner_named_first_becomes_a_kind_of_owner(self):
        import_matters(table(), at=AT)
        assert sorted(OwnerRole.objects.values_list("name", flat=True)) == [
            "各产权单位",
            "所属街办",
            "排水中心",
        ]
        standard = Standard.objects.get(condition="直排")
        assert (standard.owner_role.name, standard.owners) == ("所属街办", "所属街办、执法部门")
        assert Standard.objects.get(condition="砍伐树木").owner_role is None

    def test_or_the_whole_text_or_none(self):
        import_matters(table(), at=AT, owners=Owners.WHOLE)
        assert Standard.objects.get(condition="直排").owner_role.name == "所属街办、执法部门"
        import_matters(table(), at=LATER, owners=Owners.NONE)
        assert Standard.objects.get(condition="直排").owner_role.name == "所属街办、执法部门"

    def test_without_owners_none_is_written(self):
        import_matters(table(), at=AT, owners=Owners.NONE)
        assert OwnerRole.objects.count() == 0
        assert set(Standard.objects.values_list("owner_role", "owners")) == {(None, "")}

    def test_an_odd_limit_is_read_and_told(self):
        report = import_matters(table(), at=AT)
        standard = Standard.objects.get(condition="砍伐树木")
        assert (standard.amount, standard.timer_type, standard.urgency) == (1, "urgent_hour", "urgent")
        assert len([note for note in report.notes if "1紧急工作时制止" in note]) == 1

    def test_units_mean_what_the_city_says(self):
        import_matters(table(), at=AT, units=parse_units(["天=natural_day"]))
        assert Standard.objects.get(condition="不亮").timer_type == TimerType.NATURAL_DAY

    def test_versions_may_begin_on_another_day(self):
        import_matters(table(), at=AT, valid_from=AT - timedelta(days=365))
        matter = Matter.objects.get(name="路灯")
        assert standard_for(matter, at=AT - timedelta(days=300)).valid_from == AT - timedelta(days=365)

    def test_it_is_found_at_once_and_audited(self):
        assert search_matters("雨水") == []
        import_matters(table(), at=AT)
        assert [leaf.matter.name for leaf in search_matters("雨水")] == ["雨水箅子"]
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.target, entry.data["created"]) == ("catalogue_imported", "catalogue", 6)

    def test_chinese_headers_everyday_words_and_spreadsheets(self):
        book = Workbook()
        book.active.append(
            [
                "部件/事件",
                "大类代码",
                "大类名称",
                "小类代码",
                "小类名称",
                "立案条件",
                "结案条件",
                "处置时限",
                "俗称",
            ]
        )
        book.active.append(
            ["部件", 1, "公用设施", 4, "雨水箅子", "缺失", "恢复", "2紧急工作时", "下水道  积水"]
        )
        out = io.BytesIO()
        book.save(out)
        assert counts(import_matters(out.getvalue(), at=AT)) == (1, 0, 0)
        matter = Matter.objects.get()
        assert (matter.matter_class.code, matter.code, matter.keywords) == ("01", "04", "下水道 积水")

    @pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig"])
    def test_what_spreadsheets_save(self, encoding):
        data = table(ROWS[:4]).decode().encode(encoding)
        assert counts(import_matters(data, at=AT)) == (4, 0, 0)


class TestAgain:
    @pytest.fixture(autouse=True)
    def first(self):
        import_matters(table(), at=AT)

    def test_the_same_file_changes_nothing(self):
        before = everything()
        assert counts(import_matters(table(), at=LATER)) == (0, 0, 6)
        assert everything() == before

    def test_the_order_of_rows_does_not_matter(self):
        before = everything()
        assert counts(import_matters(table(ROWS[::-1]), at=LATER)) == (0, 0, 6)
        assert everything() == before

    @pytest.mark.parametrize(
        "columns",
        [
            {"time_limit": "8小时"},
            {"time_limit": "4天"},
            {"close_condition": "修复"},
            {"handle_unit": "市政所、各产权单位"},
            {"handle_unit": "排水中心"},
            {"register_condition": "破损超过25平方厘米"},
        ],
    )
    def test_a_changed_row_ends_the_old_and_begins_a_new_one(self, columns):
        old = Standard.objects.get(condition="破损")
        report = import_matters(table(changed(1, **columns)), at=LATER)
        assert counts(report) == (0, 1, 5)
        old.refresh_from_db()
        new = Standard.objects.get(matter=old.matter, sequence=2, valid_to=None)
        assert (old.valid_to, old.amount, new.valid_from, new.pk != old.pk) == (LATER, 4, LATER, True)
        assert counts(import_matters(table(changed(1, **columns)), at=LATER + timedelta(days=1))) == (0, 0, 6)

    def test_a_new_row_gets_the_next_number(self):
        rows = [*ROWS, [*GRATE, "排水中心", "异响", "修复", "2天"]]
        assert counts(import_matters(table(rows), at=LATER)) == (1, 0, 6)
        assert Standard.objects.get(condition="异响").sequence == 4

    def test_a_row_that_is_gone_ends_and_no_number_comes_back(self):
        with translation.override("en"):
            report = import_matters(table(ROWS[:2] + ROWS[3:]), at=LATER)
        assert counts(report) == (0, 0, 5)
        assert Standard.objects.get(condition="堵塞").valid_to == LATER
        assert "1 standard that the file no longer lists has ended" in report.notes
        import_matters(table(), at=LATER + timedelta(days=1))
        assert Standard.objects.get(condition="堵塞", valid_to=None).sequence == 4

    def test_matters_the_file_does_not_name_stay(self):
        before = everything()
        assert counts(import_matters(table(ROWS[3:4]), at=LATER)) == (0, 0, 1)
        assert everything() == before

    def test_a_new_name_is_taken_over(self):
        rows = changed(3, small_name="道路照明灯")
        assert counts(import_matters(table(rows), at=LATER)) == (0, 1, 5)
        assert Matter.objects.get(code="19").name == "道路照明灯"
        assert Standard.objects.count() == 6

    def test_everyday_words_stay_where_the_file_has_none(self):
        Matter.objects.filter(code="19").update(keywords="灯不亮")
        import_matters(table(), at=LATER)
        assert Matter.objects.get(code="19").keywords == "灯不亮"

    def test_a_version_cannot_begin_before_the_one_it_follows(self):
        before = everything()
        report = import_matters(table(changed(1, time_limit="8小时")), at=AT)
        assert [error.line for error in report.refused] == [3]
        assert everything() == before


BAD = [
    (0, {"kind": "物件"}, "kind"),
    (0, {"kind": ""}, "kind"),
    (0, {"big_code": "1-1"}, "big_code"),
    (0, {"small_code": "12345678901"}, "small_code"),
    (0, {"small_name": ""}, "small_name"),
    (0, {"small_name": "长" * 101}, "small_name"),
    (0, {"time_limit": "尽快"}, "time_limit"),
    (0, {"time_limit": ""}, "time_limit"),
    (3, {"big_name": "别的"}, "big_name"),
    (2, {"small_name": "别的"}, "small_name"),
    (1, {"register_condition": "缺失"}, "register_condition"),
    (5, {"register_condition": "长" * 2001}, "register_condition"),
]


class TestRefused:
    @pytest.mark.parametrize(("number", "columns", "column"), BAD)
    def test_a_bad_row_is_named_and_nothing_is_written(self, number, columns, column):
        report = import_matters(table(changed(number, **columns)), at=AT)
        assert [(error.line, error.column) for error in report.refused] == [
            (number + 2 + (number > 4), column)  # row 5 holds a line break
        ]
        assert report.refused[0].reason
        assert not report.applied
        assert (MatterClass.objects.count(), Standard.objects.count(), OwnerRole.objects.count()) == (0, 0, 0)

    def test_every_bad_row_is_named_at_once(self):
        rows = changed(0, time_limit="尽快")
        rows[3][0] = "物件"
        assert [error.line for error in import_matters(table(rows), at=AT).refused] == [2, 5]

    def test_a_dry_run_counts_and_writes_nothing(self):
        report = import_matters(table(), at=AT, dry_run=True)
        assert (counts(report), report.applied) == ((6, 0, 0), False)
        assert (Matter.objects.count(), AuditEntry.objects.count()) == (0, 0)

    def test_a_file_without_the_columns_is_refused_whole(self):
        with pytest.raises(TableError, match="time_limit"):
            import_matters(b"kind,big_code,big_name,small_code,small_name\n", at=AT)

    def test_a_formula_is_refused(self):
        book = Workbook()
        book.active.append(HEADER.split(","))
        book.active.append([*ROWS[3][:8], "=1+1"])
        out = io.BytesIO()
        book.save(out)
        report = import_matters(out.getvalue(), at=AT)
        assert [(error.line, error.column) for error in report.refused] == [(2, "time_limit")]


class TestCommand:
    def run(self, path, *options) -> str:
        out = io.StringIO()
        call_command("import_matters", path, *options, stdout=out, stderr=out)
        return out.getvalue()

    def test_it_imports_and_reports(self, tmp_path):
        path = tmp_path / "catalogue.csv"
        path.write_bytes(table())
        self.run(path, "--units", "天=natural_day", "--owner-roles", "none", "--valid-from", "2025-01-01")
        standard = Standard.objects.get(condition="不亮")
        assert (standard.timer_type, standard.owner_role) == ("natural_day", None)
        assert standard.valid_from == datetime(2024, 12, 31, 16, tzinfo=UTC)

    def test_refused_rows_are_printed_and_it_fails(self, tmp_path):
        path = tmp_path / "catalogue.csv"
        path.write_bytes(table(changed(0, time_limit="尽快")))
        err = io.StringIO()
        with pytest.raises(CommandError):
            call_command("import_matters", path, stdout=err, stderr=err)
        assert "尽快" in err.getvalue()
        assert Matter.objects.count() == 0

    @pytest.mark.parametrize(
        "options", [["--units", "天"], ["--valid-from", "2025"], ["--valid-from", "2025-02-30"]]
    )
    def test_odd_options_fail(self, tmp_path, options):
        path = tmp_path / "catalogue.csv"
        path.write_bytes(table())
        with pytest.raises(CommandError):
            call_command("import_matters", path, *options)
        assert Matter.objects.count() == 0


REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "case_standards.csv"

if REAL.exists():

    def test_a_real_citys_catalogue():
        """All 519 rows of a real catalogue: 190 matters in 11 classes."""
        report = import_matters(REAL, at=AT)
        assert report.refused == []
        assert counts(report) == (519, 0, 0)
        assert (MatterClass.objects.count(), Matter.objects.count()) == (11, 190)
        assert Counter(Standard.objects.values_list("timer_type", flat=True)) == {
            "work_day": 412,
            "work_hour": 61,
            "urgent_hour": 42,
            "natural_day": 4,
        }
        assert Standard.objects.filter(urgency="urgent").count() == 46
        assert Standard.objects.filter(owners="").count() == 0
        assert counts(import_matters(REAL, at=LATER)) == (0, 0, 519)
