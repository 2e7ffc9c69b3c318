"""Import of branches and members: all rows or none, the same file twice, each bad row with its reason."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from governance.common.imports import ImportReport
from grids.models import Level
from partymembers.importing import import_people
from partymembers.models import AuditEntry, Branch, Member, MemberMove, Role
from partymembers.party_importing import import_branches, import_members
from tests.factories.people import make_unit, make_user
from tests.partymembers.conftest import DAY, NOW, TODAY, City, child

pytestmark = pytest.mark.django_db

BRANCHES = (
    "code,name,level,parent_code,place_code,unit_code,founded_on\n"
    "B3,柳荫社区党委,社区党委,B2,990101001001,,2026-01-05\n"
    "B1,市委,city,,990101000000,,\n"
    "B2,河湾街道工委,street,B1,,,\n"
    "B4,养护所支部,党支部,B1,,U-ROAD,\n"
)
MEMBERS = (
    "staff_number,phone,name,home_branch_code,place_code,door,settled_on,status\n"
    "W01,,王小明,B4,990101001001001,3幢201,2026-11-01,预备党员\n"
    ",13800000002,李华,B4,,,2026/11/02,\n"
)
EXAMPLES = Path(__file__).parent.parent.parent / "docs" / "examples"


def counts(report: ImportReport) -> tuple[int, int, int, int]:
    return report.created, report.updated, report.unchanged, report.refused_rows


def branches(text: str) -> ImportReport:
    return import_branches(text.encode(), at=NOW)


def members(text: str, at: dt.datetime = NOW) -> ImportReport:
    return import_members(text.encode(), at=at)


@pytest.fixture
def tree(town: City) -> None:
    make_unit("市政养护所", code="U-ROAD")
    assert counts(branches(BRANCHES)) == (4, 0, 0, 0)
    make_user("王小明", username="W01")
    make_user("李华", username="W02", phone="13800000002")


def test_parents_may_stand_below_their_children(tree: None, town: City) -> None:
    branch = Branch.objects.get(code="B3")
    assert [each.code for each in Branch.objects.get_ancestors(branch)] == ["B1", "B2"]
    assert (branch.place, branch.founded_on) == (town.here, dt.date(2026, 1, 5))
    assert counts(branches(BRANCHES)) == (0, 0, 4, 0)
    moved = BRANCHES.replace("B3,柳荫社区党委,社区党委,B2", "B3,柳荫党委,社区党委,B1")
    assert counts(branches(moved)) == (0, 1, 3, 0)
    branch.refresh_from_db()
    assert (branch.name, Branch.objects.get(pk=branch.pk).depth) == ("柳荫党委", 2)
    assert not AuditEntry.objects.exclude(actor=None).exists()


def test_one_bad_branch_keeps_the_whole_file_out(town: City) -> None:
    report = branches(
        "code,name,level,parent_code,place_code,unit_code,founded_on\n"
        "A,市委,市委,,,,\n"
        "B,社区,社区党委,A,999,,\n"
        "C,街道,街道工委,B,,,\n"
        "D,支部,党委会,A,,,\n"
        "E,支部,党支部,X,,U9,\n"
        "A,又一个,党支部,,,,\n"
        "F,,党支部,A,,,\n"
        "G,支部,党支部,A,,,2026-13-01\n"
    )
    assert not Branch.objects.exists()
    found = sorted((fault.line, fault.column) for fault in report.refused)
    assert found == [
        (3, "place_code"), (4, "parent_code"), (5, "level"), (6, "parent_code"), (7, "code"), (8, "name"),
        (9, "founded_on"),
    ]  # fmt: skip
    assert all(fault.reason for fault in report.refused)


def test_members_by_number_or_phone(tree: None, town: City) -> None:
    assert counts(members(MEMBERS)) == (2, 0, 0, 0)
    first = Member.objects.get(user__username="W01")
    assert (first.status, first.lives_at, first.door, first.settled_on) == (
        "probationary", town.grid_here, "3幢201", dt.date(2026, 11, 1),
    )  # fmt: skip
    assert counts(members(MEMBERS)) == (0, 0, 2, 0)
    moved = MEMBERS.replace(
        "B4,990101001001001,3幢201,2026-11-01,预备党员", "B1,990101001002001,9,2026-11-19,正式"
    )
    assert counts(members(moved, at=NOW + DAY)) == (0, 1, 1, 0)
    first.refresh_from_db()
    assert (first.home_branch.code, first.lives_at, first.settled_on, first.status) == (
        "B1", town.grid_there, TODAY - DAY, "full",
    )  # fmt: skip
    assert MemberMove.objects.filter(member=first).count() == 2


def test_one_bad_member_keeps_the_whole_file_out(tree: None) -> None:
    report = members(
        MEMBERS + "W09,,,B4,,,2026-11-01,\n"
        "W01,,王小明,B4,,,2026-11-01,\n"
        "W02,,别人,B4,,,2026-11-01,\n"
        ",,,B4,,,2026-11-01,\n"
        "W02,,,B9,,,2026-11-01,\n"
    )
    assert not Member.objects.exists()
    assert sorted((fault.line, fault.column) for fault in report.refused) == [
        (4, "staff_number"), (5, "staff_number"), (6, "name"), (7, "staff_number"), (8, "home_branch_code"),
    ]  # fmt: skip
    for line, column in (
        ("W02,,,B4,990101001,,2026-11-01,\n", "place_code"),
        ("W02,,,B4,,,,\n", "settled_on"),
        ("W02,,,B4,,,2027-01-01,\n", "settled_on"),
        ("W02,,,B4,,,2026-11-01,候补\n", "status"),
    ):
        (fault,) = members(MEMBERS.split("\n", maxsplit=1)[0] + "\n" + line).refused
        assert fault.column == column


def test_the_commands_and_the_examples(town: City, tmp_path: Path) -> None:
    yingyue = child(town.street, code="990101001003", name="映月社区", level=Level.COMMUNITY)
    child(yingyue, code="990101001003001", name="第1网格", level=Level.GRID)
    places = {
        "990102003005001": "990101001003001", "990102003005": "990101001003",
        "990102003000": "990101001000", "990100000000": "990100000000",
    }  # fmt: skip

    def example(name: str) -> Path:
        text = (EXAMPLES / name).read_text()
        for old, new in places.items():
            text = text.replace(old, new)
        (tmp_path / name).write_text(text)
        return tmp_path / name

    import_people(example("people.csv"), passwords=tmp_path / "secret.csv", at=NOW)
    call_command("import_branches", example("branches.csv"))
    call_command("import_members", example("members.csv"))
    assert Member.objects.get().home_branch.name == "映月社区第一网格党支部"
    (tmp_path / "bad.csv").write_text("staff_number,home_branch_code\nNO,B-CITY\n")
    with pytest.raises(CommandError):
        call_command("import_members", tmp_path / "bad.csv")


def test_committees_with_their_terms_come_with_the_people(tree: None, tmp_path: Path) -> None:
    text = (
        "staff_number,name,role,branch_code,from,until\n"
        "S1,秦守正,支部书记,B3,2026-01-01,2028-12-31\n"
        "S2,周明,branch committee member,B3,2026-01-01,\n"
    )

    def run(rows: str, name: str) -> ImportReport:
        return import_people(rows.encode(), passwords=tmp_path / name, at=NOW)

    assert counts(run(text, "a.csv")) == (2, 0, 0, 0)
    posts = Branch.objects.get(code="B3").posts.order_by("pk")
    assert [(post.role, post.ends_on) for post in posts] == [
        ("branch_secretary", dt.date(2028, 12, 31)), ("branch_committee", None),
    ]  # fmt: skip
    for bad in ("S3,吴,支部书记,,,\n", "S3,吴,支部书记,B9,,\n", "S3,吴,,B3,,\n", "S3,吴,坐席,B3,,\n"):
        (fault,) = run(text.split("\n", maxsplit=1)[0] + "\n" + bad, "b.csv").refused
        assert fault.column in ("branch_code", "role", "place_code")


def upload(client: Client, model: str, text: str, **more: str) -> tuple[int, str]:
    file = SimpleUploadedFile("x.csv", text.encode(), "text/csv")
    answer = client.post(reverse(f"admin:partymembers_{model}_import_file"), {"file": file, **more})
    return answer.status_code, answer.content.decode()


def test_the_system_officer_imports_by_page(town: City) -> None:
    make_unit("市政养护所", code="U-ROAD")
    client = Client()
    client.force_login(make_user("系统员", role=Role.SYSTEM_OFFICER))
    page = client.get(reverse("admin:partymembers_branch_import_file"))
    assert page.status_code == 200
    status, text = upload(client, "branch", BRANCHES.replace("U-ROAD", "U-NONE"))
    assert (status, Branch.objects.count()) == (200, 0)
    assert "unit_code" in text
    assert upload(client, "branch", BRANCHES, dry_run="on")[0] == 200
    assert not Branch.objects.exists()
    assert upload(client, "branch", BRANCHES)[0] == 302
    assert Branch.objects.count() == 4
    make_user("王小明", username="W01")
    assert upload(client, "member", MEMBERS.rsplit("\n", 2)[0] + "\n")[0] == 302
    assert Member.objects.count() == 1
    assert upload(client, "member", "nothing")[0] == 400
    other = Client()
    other.force_login(make_user("安全员", role=Role.SECURITY_OFFICER))
    assert upload(other, "branch", BRANCHES)[0] == 403


def test_rows_that_are_known_or_unknown_ask_nothing_of_the_database(tree: None) -> None:
    """People and members are read once for the whole file; else a long one holds a server for minutes."""

    def asked(numbers: list[str]) -> int:
        header = MEMBERS.split("\n", maxsplit=1)[0]
        rows = [f"{number},,,B4,,,2026-11-01," for number in numbers]
        with CaptureQueriesContext(connection) as queries:
            members("\n".join([header, *rows]) + "\n")
        return len(queries)

    for number in range(12):
        make_user(f"党员{number}", username=f"K{number}")
    asked([f"K{number}" for number in range(12)])
    assert Member.objects.filter(user__username__startswith="K").count() == 12
    many = [f"K{number}" for number in range(12)]
    assert asked(many) == asked(["K0"])
    assert asked([*many, *(f"X{number}" for number in range(30))]) == asked(["K0", "X0"])


def test_a_large_file_is_for_the_command_line(town: City) -> None:
    client = Client()
    client.force_login(make_user("系统员", role=Role.SYSTEM_OFFICER))
    status, text = upload(client, "member", MEMBERS + "," * 257 * 1024)
    assert status == 400
    assert "import_members" in text
