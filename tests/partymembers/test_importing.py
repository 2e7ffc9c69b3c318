"""Import of people: all rows or none, the same file twice, one secret file."""

from __future__ import annotations

import csv
import datetime as dt
import stat
import time
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from openpyxl import Workbook

from governance.common.errors import NotAllowed
from governance.common.imports import ImportReport
from governance.common.tabular import TableError
from governance.settings import base
from partymembers import importing
from partymembers import passwords as first_passwords
from partymembers.access import access_of
from partymembers.importing import import_people
from partymembers.models import AuditEntry, Post, Role, StaffChange, User
from tests.factories.people import make_substitute, make_unit, make_user
from tests.partymembers.conftest import DAY, NOW, TODAY, City

pytestmark = pytest.mark.django_db

HEADER = "staff_number,name,phone,role,place_code,unit_code,employment,from,until\n"


def run(text: str, tmp_path: Path, *, dry_run: bool = False, at: dt.datetime = NOW) -> ImportReport:
    return import_people(text.encode(), passwords=tmp_path / f"secret-{at:%d}.csv", at=at, dry_run=dry_run)


def counts(report: ImportReport) -> tuple[int, int, int, int]:
    return report.created, report.updated, report.unchanged, report.refused_rows


@pytest.fixture
def people(town: City) -> str:
    make_unit("市政养护所", code="U-ROAD")
    return HEADER + (
        "W01,王小明,138 1234 5678,grid_worker,990101001001001,,part_time,2026-01-01,\n"
        "W01,王小明,,网格长,990101001002001,,,2026-11-01,2026-12-31\n"
        "H01,李工,13812345679,handler,,U-ROAD,full_time,2026/01/01,\n"
        "S01,周书记,,Community secretary,990101001001,,专职,20260101,\n"
        "A01,审计员,,审计管理员,,,,2026年1月1日,\n"
        "N01,吴某,,,,,,,\n"
    )


def test_people_and_their_posts(people: str, town: City, tmp_path: Path) -> None:
    assert counts(run(people, tmp_path)) == (5, 1, 0, 0)
    worker = User.objects.get(username="W01")
    assert (worker.name, worker.phone, worker.must_change_password) == ("王小明", "13812345678", True)
    posts = list(
        worker.posts.order_by("pk").values_list("role", "place", "employment", "starts_on", "ends_on")
    )
    assert posts == [
        ("grid_worker", town.grid_here.pk, "part_time", dt.date(2026, 1, 1), None),
        ("grid_leader", town.grid_there.pk, "full_time", dt.date(2026, 11, 1), dt.date(2026, 12, 31)),
    ]
    assert access_of(User.objects.get(username="S01"), on=TODAY).is_desk_of(town.here.path)
    assert access_of(User.objects.get(username="A01"), on=TODAY).is_officer(Role.AUDIT_OFFICER)
    assert access_of(User.objects.get(username="N01"), on=TODAY).is_empty()
    assert AuditEntry.objects.filter(action="user_added").count() == 5
    assert AuditEntry.objects.filter(action="post_given").count() == 5


def test_the_same_file_again_changes_nothing(people: str, town: City, tmp_path: Path) -> None:
    run(people, tmp_path)
    before = (list(Post.objects.values()), list(User.objects.values()), AuditEntry.objects.count())
    assert counts(run(people, tmp_path, at=NOW + DAY)) == (0, 0, 6, 0)
    assert (list(Post.objects.values()), list(User.objects.values()), AuditEntry.objects.count()) == before
    assert not (tmp_path / "secret-21.csv").exists()


def test_without_a_first_day_a_post_begins_today_and_is_found_again(town: City, tmp_path: Path) -> None:
    text = HEADER + "W01,王小明,,grid_worker,990101001001001,,,,\n"
    run(text, tmp_path)
    assert Post.objects.get().starts_on == TODAY
    assert counts(run(text, tmp_path, at=NOW + 9 * DAY)) == (0, 0, 1, 0)


def test_corrections_and_an_earlier_end(people: str, town: City, tmp_path: Path) -> None:
    run(people, tmp_path)
    text = HEADER + (
        "W01,王晓明,13812345670,grid_worker,990101001001001,,,2026-01-01,2026-11-20\nH01,李工,,,,,,,\n"
    )
    assert counts(run(text, tmp_path, at=NOW + DAY)) == (0, 1, 1, 0)
    worker = User.objects.get(username="W01")
    assert (worker.name, worker.phone) == ("王晓明", "13812345670")
    assert not access_of(worker, on=TODAY + DAY).covers(town.grid_here.path)
    assert StaffChange.objects.filter(user=worker).count() == 2
    assert User.objects.get(username="H01").phone == "13812345679"  # an empty cell leaves what is there


def test_the_first_passwords_stand_in_one_file_of_their_owner(
    people: str, town: City, tmp_path: Path, client: Client
) -> None:
    run(people, tmp_path)
    path = tmp_path / "secret-20.csv"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = {row["staff_number"]: row["first_password"] for row in csv.DictReader(file)}
    assert set(rows) == {"W01", "H01", "S01", "A01", "N01"}
    assert len(set(rows.values())) == 5
    response = client.post("/login/", {"username": "S01", "password": rows["S01"]})
    assert response.status_code == 302
    assert client.get("/me/")["Location"] == "/password/"


def test_an_existing_secret_file_is_never_overwritten(people: str, tmp_path: Path) -> None:
    (tmp_path / "secret-20.csv").write_text("precious")
    with pytest.raises(TableError):
        run(people, tmp_path)
    assert (tmp_path / "secret-20.csv").read_text() == "precious"
    assert User.objects.count() == 0


def test_a_dry_run_writes_nothing(people: str, tmp_path: Path) -> None:
    report = run(people, tmp_path, dry_run=True)
    assert (counts(report), report.applied) == ((5, 1, 0, 0), False)
    assert User.objects.count() == 0
    assert list(tmp_path.iterdir()) == []


def city_file(town: City, people: int) -> str:
    """So many grid workers, each with a phone and a post."""
    grids = [town.grid_here.code, town.grid_there.code]
    rows = (f"P{n:05},张三,139{n:08},网格员,{grids[n % 2]},,,2026-01-01," for n in range(people))
    return HEADER + "\n".join(rows) + "\n"


def statements_of(text: str, tmp_path: Path, at: dt.datetime = NOW) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert run(text, tmp_path, at=at).applied
    return len(captured)


def test_many_people_take_no_more_statements_than_few(town: City, tmp_path: Path) -> None:
    few, many = city_file(town, 3), city_file(town, 100).replace("P", "Q").replace(",139", ",138")
    assert statements_of(few, tmp_path) == statements_of(many, tmp_path, NOW + DAY)
    assert statements_of(few, tmp_path, NOW + 2 * DAY) == statements_of(many, tmp_path, NOW + 3 * DAY)
    assert (User.objects.count(), Post.objects.count()) == (103, 103)
    few, many = (text.replace("张三", "张四").replace("-01-01,", "-01-01,2026-12-31") for text in (few, many))
    assert statements_of(few, tmp_path, NOW + 4 * DAY) == statements_of(many, tmp_path, NOW + 5 * DAY)
    assert Post.objects.filter(ends_on=dt.date(2026, 12, 31)).count() == StaffChange.objects.count() == 103
    assert (
        AuditEntry.objects.filter(action="user_changed").count() == User.objects.filter(name="张四").count()
    )
    told = AuditEntry.objects.order_by("pk").values_list("action", "target")
    assert list(told[:4]) == [
        ("user_added", "user:P00000"),
        ("post_given", "user:P00000"),
        ("user_added", "user:P00001"),
        ("post_given", "user:P00001"),
    ]


def test_ten_thousand_people_are_in_within_a_minute(town: City, tmp_path: Path, settings: Any) -> None:
    """With the real password hasher. It took 8 s on two busy cores; row by row it had been four minutes."""
    settings.PASSWORD_HASHERS = base.PASSWORD_HASHERS
    text, began = city_file(town, 10_000), time.monotonic()
    assert counts(run(text, tmp_path)) == (10_000, 0, 0, 0)
    assert time.monotonic() - began < 60
    assert (User.objects.count(), Post.objects.count(), AuditEntry.objects.count()) == (
        10_000,
        10_000,
        20_000,
    )
    assert len((tmp_path / "secret-20.csv").read_text("utf-8-sig").splitlines()) == 10_001
    began = time.monotonic()
    assert counts(run(text, tmp_path, at=NOW + DAY)) == (0, 0, 10_000, 0)
    assert time.monotonic() - began < 60


def test_rows_of_one_file_know_what_the_rows_before_them_did(town: City, tmp_path: Path) -> None:
    """Before anything is written: a phone that is taken, freed and given on; a post given and shortened."""
    make_user("李旧", username="OLD", phone="13900000001")
    text = HEADER + (
        "OLD,李旧,13900000002,,,,,,\n"
        "W01,王小明,13900000001,grid_worker,990101001001001,,,2026-01-01,\n"
        "W01,王小明,,grid_worker,990101001001001,,,2026-01-01,2026-12-31\n"
        "W01,王小明,13900000001,grid_worker,990101001001001,,,2027-01-01,\n"
    )
    assert counts(run(text, tmp_path)) == (1, 3, 0, 0)
    assert dict(User.objects.values_list("username", "phone")) == {"OLD": "13900000002", "W01": "13900000001"}
    posts = Post.objects.order_by("pk").values_list("starts_on", "ends_on")
    assert list(posts) == [(dt.date(2026, 1, 1), dt.date(2026, 12, 31)), (dt.date(2027, 1, 1), None)]
    assert [change.post_id for change in StaffChange.objects.all()] == [Post.objects.earliest("pk").pk]


def test_phones_are_passed_round_in_one_file(town: City, tmp_path: Path) -> None:
    run(HEADER + "A01,甲,13700000001,,,,,,\nB01,乙,13700000002,,,,,,\nC01,丙,,,,,,,\n", tmp_path)
    text = HEADER + ("B01,乙,13700000003,,,,,,\nA01,甲,13700000002,,,,,,\nC01,丙,13700000001,,,,,,\n")
    assert counts(run(text, tmp_path, at=NOW + DAY)) == (0, 3, 0, 0)
    assert dict(User.objects.values_list("username", "phone")) == {
        "A01": "13700000002",
        "B01": "13700000003",
        "C01": "13700000001",
    }
    changes = AuditEntry.objects.filter(action="user_changed", target="user:A01").get().data["changes"]
    assert changes == {"phone": ["137****0001", "137****0002"]}


@pytest.mark.parametrize(
    ("lines", "column", "reason"),
    [
        ("W08,甲,13700000008,,,,,,\nW09,乙,13700000008,,,,,,\n", "phone", "already exists"),
        ("W08,甲,13700000008,,,,,,\nOLD,李旧,13700000008,,,,,,\n", "phone", "already exists"),
        ("W08,甲,,desk,990101001001,,,,\nW08,甲,,审计管理员,,,,,\n", "role", "stands alone"),
        (
            "W08,甲,,desk,990101001001,,,2026-01-01,\nW08,甲,,desk,990101001001,,,2026-02-01,\n",
            "from",
            "already hold",
        ),
        ("OLD,李旧,,,,,,,\nDEP,代某,,审计管理员,,,,2026-11-20,\n", "role", "stands alone"),
    ],
)
def test_a_row_that_an_earlier_row_makes_wrong_is_refused(
    lines: str, column: str, reason: str, town: City, tmp_path: Path
) -> None:
    holder = make_user("李旧", username="OLD", role=Role.DESK, place=town.here)
    deputy = make_user("代某", username="DEP")
    make_substitute(holder.posts.get(), deputy, since=TODAY, until=TODAY + 9 * DAY)
    with translation.override("en"):
        report = run(HEADER + lines, tmp_path)
    assert [(error.line, error.column) for error in report.refused] == [(3, column)]
    assert reason in report.refused[0].reason
    assert User.objects.count() == 2


def test_somebody_who_is_faster_leaves_nothing_half_imported(
    town: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hire(user: User, password: str) -> None:
        make_user("抢先", phone="13900000009")

    monkeypatch.setattr(importing._SecretFile, "write", lambda self, user, password: hire(user, password))
    with pytest.raises(TableError, match="run it again"), translation.override("en"):
        run(HEADER + "W01,王小明,13900000009,,,,,,\n", tmp_path)
    assert not User.objects.filter(username="W01").exists()
    assert list(tmp_path.iterdir()) == []


def test_only_the_security_officer_imports(people: str, town: City, tmp_path: Path) -> None:
    for role, may in ((Role.SYSTEM_OFFICER, False), (Role.SECURITY_OFFICER, True)):
        actor = make_user(role=role)
        given = {"passwords": tmp_path / f"{role}.csv", "actor": actor, "at": NOW}
        if may:
            assert import_people(people.encode(), **given).applied
            continue
        with pytest.raises(NotAllowed):
            import_people(people.encode(), **given)
        assert list(tmp_path.iterdir()) == []


WRONG = [
    ("W02,,,,,,,,", "name", "is empty"),
    (",王,,,,,,,", "staff_number", "is empty"),
    ("a b,王,,,,,,,", "staff_number", "Letters, digits"),
    ("13812345678,王,,,,,,,", "staff_number", "must not look like a mobile number"),
    ("W02,王,12345,,,,,,", "phone", "has 11"),
    ("W02,王,13900000001,,,,,,", "phone", "already exists"),
    ("W02,王,,king,990101001001,,,,", "role", "“king” is none of"),
    ("W02,王,,,990101001001,,,,", "role", "is empty"),
    ("W02,王,,desk,,,,,", "place_code", "is empty"),
    ("W02,王,,desk,990101009009,,,,", "place_code", "no place has the code"),
    ("W02,王,,handler,,,,,", "unit_code", "is empty"),
    ("W02,王,,handler,,U-NONE,,,", "unit_code", "no unit has the code"),
    ("W02,王,,desk,990101001001,U-ROAD,,,", "unit_code", "not held in a unit"),
    ("W02,王,,desk,990101001001,,sometimes,,", "employment", "neither full-time nor part-time"),
    ("W02,王,,desk,990101001001,,,2026-02-30,", "from", "is not a date"),
    ("W02,王,,desk,990101001001,,,2026-11-20,2026-11-19", "until", "before the start"),
    ("W01,另一人,,,,,,,", "name", "differs from line 2"),
    ("A01,审计员,,desk,990101001001,,,2026-01-01,", "role", "stands alone"),
    ("W02,王", "", "has 2 cells where the header has 9"),
    ("W02," + "名" * 51 + ",,,,,,,", "name", "longer than 50"),
]


@pytest.mark.parametrize(("line", "column", "reason"), WRONG)
def test_a_wrong_row_is_refused_with_line_column_and_reason(
    line: str, column: str, reason: str, people: str, tmp_path: Path
) -> None:
    make_user(phone="13900000001")
    with translation.override("en"):
        report = run(people + line + "\n", tmp_path)
    assert [(error.line, error.column) for error in report.refused] == [(8, column)]
    assert reason in report.refused[0].reason
    assert (User.objects.count(), Post.objects.count(), report.applied) == (1, 0, False)
    assert list(tmp_path.iterdir()) == []


def test_every_wrong_row_is_told_at_once(people: str, tmp_path: Path) -> None:
    report = run(people + "W02,,,,,,,,\nW03,王,1,,,,,,\n", tmp_path)
    assert [error.line for error in report.refused] == [8, 9]


def test_a_workbook_with_chinese_headers(town: City, tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(["工号", "姓名", "手机号", "岗位", "网格编码", "任职日期"])
    book.active.append(["W01", "王小明", 13812345678, "网格员", "990101001001001", dt.date(2026, 1, 1)])
    book.save(tmp_path / "people.xlsx")
    report = import_people(tmp_path / "people.xlsx", passwords=tmp_path / "secret.csv", at=NOW)
    assert counts(report) == (1, 0, 0, 0)
    assert Post.objects.get().starts_on == dt.date(2026, 1, 1)


def test_the_command(people: str, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(people.encode("gb18030"))
    out, err = StringIO(), StringIO()
    call_command("import_people", str(file), stdout=out, stderr=err)
    made = [path for path in tmp_path.iterdir() if path != file]
    assert len(made) == 1
    secrets = made[0].read_text(encoding="utf-8-sig").splitlines()[1:]
    assert str(made[0]) in out.getvalue()
    for line in secrets:
        assert line.split(",")[1] not in out.getvalue() + err.getvalue()
    file.write_text(HEADER + "W09,,,,,,,,\n")
    with pytest.raises(CommandError):
        call_command("import_people", str(file), stdout=out, stderr=err)
    with pytest.raises(CommandError):
        call_command("import_people", str(tmp_path / "none.csv"), stdout=out, stderr=err)


def test_a_random_password_is_hashed_quickly_and_upgraded(settings) -> None:
    settings.PASSWORD_HASHERS = base.PASSWORD_HASHERS
    password = first_passwords.first_password()
    user = User.objects.create(username="W01", name="王", password=first_passwords.hash_random(password))
    quick = user.password
    assert check_password(password, quick)
    assert not check_password(password + "x", quick)
    assert user.check_password(password)
    user.refresh_from_db()
    assert user.password != quick  # signing in has hashed it anew, at full cost
    assert len({first_passwords.first_password() for _ in range(50)}) == 50
