"""Past orders from other systems: rows, refusals, mappings, and figures against the file itself."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from openpyxl import Workbook

from cases import consumers, relay
from cases.actions import desk
from cases.actions.importing import PastOrder, import_cases
from cases.importing.history import import_history
from cases.importing.history_mapping import MappingError, read_mapping
from cases.models import Case, CaseEvent, Clock, Matter, MatterClass, Notification
from cases.placing import territory_of
from cases.workflow import State
from governance.common.errors import Invalid
from governance.common.tabular import TableError
from governance.figures.periods import Period
from governance.figures.queries import counted_cases, figures
from governance.figures.subjects import Subject, area_of
from partymembers.access import access_of
from partymembers.models import Role, Unit
from tests.factories.catalogue import make_matter, make_policies
from tests.factories.grids import make_city
from tests.factories.people import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("an_empty_catalogue")]

ROOT = Path(__file__).resolve().parents[3]
REAL = ROOT.parent / "shared" / "data" / "recorded_orders_baltimore.csv"
EXAMPLE = ROOT / "docs" / "examples" / "baltimore.toml"
AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
COLUMNS = ["SRRecordID", "SRType", "MethodReceived", "CreatedDate", "SRStatus", "DueDate", "CloseDate"]
COLUMNS += ["Agency", "Address", "Latitude", "Longitude"]
LITTERED, POTHOLE = "SW-Littering", "TRM-Potholes"


def told(at: datetime) -> str:
    return at.strftime("%m/%d/%Y %I:%M:%S %p")


def recorded(number: int, status: str, **columns: str) -> dict[str, str]:
    """A row as the other city publishes it: reported on 1 May 2018, due after three days."""
    began = datetime(2018, 5, 1, 9) + timedelta(hours=number)
    row = {
        "SRRecordID": f"18-{number:06d}",
        "SRType": LITTERED if number % 2 else POTHOLE,
        "MethodReceived": "API" if number % 3 else "Phone",
        "CreatedDate": told(began),
        "SRStatus": status,
        "DueDate": told(began + timedelta(days=3)),
        "CloseDate": told(began + timedelta(days=number % 6)) if status.startswith("Closed") else "",
        "Agency": "Solid Waste",
        "Address": f"{number} MAIN ST",
        "Latitude": "",
        "Longitude": "",
    }
    return row | columns


def small_file() -> list[dict[str, str]]:
    """Forty rows in every status; some closed too late, some without a due time."""
    statuses = ["Closed"] * 6 + [
        "Closed (Duplicate)",
        "Open (Duplicate)",
        "Closed (Transferred)",
        "Open",
        "New",
    ]
    rows = [recorded(number, statuses[number % len(statuses)]) for number in range(1, 41)]
    for row in rows[::9]:
        row["DueDate"] = ""
    return rows


def as_csv(rows: list[dict[str, str]]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def as_xlsx(rows: list[dict[str, str]]) -> bytes:
    book, out = Workbook(), io.BytesIO()
    book.active.append(COLUMNS)
    for row in rows:
        book.active.append(list(row.values()))
    book.save(out)
    return out.getvalue()


def mapping(**replaced: str) -> Any:
    text = EXAMPLE.read_text(encoding="utf-8")
    for old, new in replaced.items():
        text = text.replace({"default_place": '"341102000000"'}.get(old, old), new)
    return read_mapping(text.encode())


def counts(report: Any) -> tuple[int, int, int]:
    return report.created, report.unchanged, report.refused_rows


def independent(rows: list[dict[str, str]]) -> dict[str, set[str]]:
    """Which orders are due, closed and on time, straight from the rows: no line of the portal's code."""
    found: dict[str, set[str]] = {"due": set(), "closed": set(), "on_time": set()}
    for row in rows:
        if not row["DueDate"] or "Duplicate" in row["SRStatus"] or "Transferred" in row["SRStatus"]:
            continue
        found["due"].add(row["SRRecordID"])
        if row["SRStatus"] != "Closed":
            continue
        found["closed"].add(row["SRRecordID"])
        pattern = "%m/%d/%Y %I:%M:%S %p"
        if datetime.strptime(row["CloseDate"], pattern) <= datetime.strptime(row["DueDate"], pattern):
            found["on_time"].add(row["SRRecordID"])
    return found


def of_the_portal(city: Any) -> tuple[dict[str, set[str]], Any]:
    """The same three sets as the dashboard's drill-down lists them, and its figures."""
    official = make_user("市长", role=Role.OFFICIAL, place=city.city)
    access = access_of(official, on=date(2026, 11, 20))
    period = Period.of_days(date(2014, 1, 1), date(2019, 12, 31), AT)
    subject = Subject(area=area_of(city.district))
    lists = {
        part: set(counted_cases(part, subject, period, access).values_list("source_number", flat=True))
        for part in ("due", "closed", "on_time")
    }
    return lists, figures(subject, period, access).current


def test_figures_of_a_small_file_equal_an_independent_count() -> None:
    city = make_city()
    rows = small_file()
    report = import_history(as_csv(rows), mapping(), at=AT)
    assert counts(report) == (40, 0, 0)
    expected = independent(rows)
    lists, tally = of_the_portal(city)
    assert lists == expected
    assert {part: tally[part] for part in expected} == {part: len(ids) for part, ids in expected.items()}
    assert len(expected["due"]) > len(expected["closed"]) > len(expected["on_time"]) > 0


if REAL.exists():

    def test_figures_of_the_recorded_orders_equal_an_independent_count() -> None:
        city = make_city()
        with REAL.open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        report = import_history(REAL, mapping(), at=AT)
        assert counts(report) == (10_000, 0, 0)
        expected = independent(rows)
        lists, tally = of_the_portal(city)
        assert lists == expected
        assert (tally["due"], tally["closed"], tally["on_time"]) == (9490, 9337, 7830)
        assert [round(tally.rate(key) or Decimal(0), 2) for key in ("resolution", "on_time")] == [
            Decimal("98.39"),
            Decimal("82.51"),
        ]


def test_a_past_order_keeps_its_times_and_starts_nothing() -> None:
    city = make_city()
    import_history(as_csv([recorded(7, "Closed")]), mapping(), at=AT)
    case = Case.objects.get()
    # 16:00 of a summer day in New York is 20:00 in UTC.
    assert case.reported_at == datetime(2018, 5, 1, 20, tzinfo=UTC)
    assert case.due_at == datetime(2018, 5, 4, 20, tzinfo=UTC)
    assert case.closed_at == case.ended_at == datetime(2018, 5, 2, 20, tzinfo=UTC)
    assert (case.state, case.channel, case.district_id, case.desk_id) == (
        State.CLOSED, "resident", city.district.pk, city.district.pk,
    )  # fmt: skip
    assert (case.number, case.source, case.source_number) == ("180502-000001", "baltimore-311", "18-000007")
    assert (case.unit and case.unit.name, case.matter.name) == ("Solid Waste", LITTERED)
    assert case.is_imported
    assert Clock.objects.count() == 0
    assert list(case.events.values_list("seq", "kind", "is_imported")) == [
        (1, "report", True), (2, "check_pass", True), (3, "import", True),
    ]  # fmt: skip
    assert case.last_seq == 3


def test_nobody_is_told_and_nothing_is_routed() -> None:
    city = make_city()
    make_user("区工作台", role=Role.DESK, place=city.district)
    import_history(as_csv(small_file()), mapping(), at=AT)
    relay.run_relay(seconds=20)
    assert relay.lag().is_empty
    assert CaseEvent.objects.filter(position__isnull=False).count() == CaseEvent.objects.count() > 0
    assert Notification.objects.count() == 0
    assert Case.objects.filter(routed_at__isnull=False).count() == 0
    consumers.route_new(list(CaseEvent.objects.all()))


def test_the_same_file_again_changes_nothing() -> None:
    make_city()
    rows = small_file()
    assert counts(import_history(as_csv(rows[:30]), mapping(), at=AT)) == (30, 0, 0)
    before = list(Case.objects.order_by("pk").values())
    assert counts(import_history(as_csv(rows), mapping(), at=AT + timedelta(days=1))) == (10, 30, 0)
    assert list(Case.objects.filter(pk__in=[row["id"] for row in before]).order_by("pk").values()) == before
    assert Matter.objects.filter(matter_class__code="311").count() == 2


def test_a_workbook_does_as_well() -> None:
    make_city()
    assert counts(import_history(as_xlsx(small_file()), mapping(), at=AT)) == (40, 0, 0)


def test_a_dry_run_checks_everything_and_writes_nothing() -> None:
    make_city()
    rows = [*small_file(), recorded(99, "Nonsense")]
    report = import_history(as_csv(rows), mapping(), at=AT, dry_run=True)
    assert (counts(report), report.applied) == ((40, 0, 1), False)
    assert (Case.objects.count(), CaseEvent.objects.count(), Unit.objects.count()) == (0, 0, 0)
    assert MatterClass.objects.count() == 0


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("SRRecordID", "", "空"),
        ("SRRecordID", "x" * 101, "100"),
        ("SRStatus", "Lost", "Lost"),
        ("SRStatus", "", "空"),
        ("CreatedDate", "", "空"),
        ("CreatedDate", "2018-13-45", "2018-13-45"),
        ("CreatedDate", "01/01/2999 01:00:00 AM", "将来"),
        ("CreatedDate", "0001-01-01T00:00:00+14:00", "0001-01-01"),
        ("DueDate", "9999-12-31T23:59:59Z", "9999-12-31"),
        ("DueDate", "yesterday", "yesterday"),
        ("DueDate", "01/01/2001 01:00:00 AM", "早于"),
        ("CloseDate", "", "空"),
        ("CloseDate", "01/01/2001 01:00:00 AM", "早于"),
        ("SRType", "x" * 101, "100"),
        ("Address", "x" * 201, "200"),
        ("Latitude", "north", "north"),
        ("Longitude", "181", "180"),
    ],
)
def test_a_bad_row_is_told_with_line_and_column_and_holds_up_no_other(
    column: str, value: str, reason: str
) -> None:
    make_city()
    rows = [recorded(1, "Closed"), recorded(2, "Closed", **{column: value}), recorded(4, "Closed")]
    report = import_history(as_csv(rows), mapping(), at=AT)
    assert counts(report) == (2, 0, 1)
    (error,) = report.refused
    assert (error.line, error.column) == (3, column)
    assert reason in error.reason
    assert set(Case.objects.values_list("source_number", flat=True)) == {"18-000001", "18-000004"}


def test_a_number_that_comes_twice_in_the_file_is_refused() -> None:
    make_city()
    report = import_history(as_csv([recorded(1, "Closed"), recorded(1, "New")]), mapping(), at=AT)
    assert counts(report) == (1, 0, 1)
    assert report.refused[0].line == 3
    assert Case.objects.get().state == State.CLOSED


def test_places_are_found_by_code_position_and_name() -> None:
    city = make_city()
    text = EXAMPLE.read_text(encoding="utf-8").replace(
        "[place]", '[place]\ncode = "Agency"\nby_position = true\ncolumn = "Address"'
    ).replace('[unit]                             ', "[unit]")  # fmt: skip
    text = text.split("\n[unit]")[0] + '\n[place.map]\n"EAST" = "' + city.east.code + '"\n'
    lng, lat = city.inside(city.west_2)
    rows = [
        recorded(1, "Closed", Agency=city.west_1.code),
        recorded(2, "Closed", Agency="", Longitude=str(lng), Latitude=str(lat)),
        recorded(4, "Closed", Agency="", Address="EAST"),
        recorded(5, "Closed", Agency="", Longitude="1.5", Latitude="1.5"),
        recorded(7, "Closed", Agency="999999999999"),
    ]
    report = import_history(as_csv(rows), read_mapping(text.encode()), at=AT)
    assert counts(report) == (4, 0, 1)
    assert (report.refused[0].line, report.refused[0].column) == (6, "Agency")
    found = Case.objects.order_by("source_number").values_list("place__code", "desk__code", "outside_grid")
    assert list(found) == [
        (city.west_1.code, city.west.code, False),
        (city.west_2.code, city.west.code, False),
        (city.east.code, city.east.code, False),
        (city.district.code, city.district.code, True),
    ]


def test_a_type_may_stand_for_a_matter_of_ours() -> None:
    make_city()
    matter = make_matter(code="10", name="暴露生活垃圾")
    section = f"{matter.matter_class.section}/{matter.matter_class.code}/{matter.code}"
    text = EXAMPLE.read_text(encoding="utf-8").replace(
        "[matter.create] ", f'[matter.map]\n"{LITTERED}" = "{section}"\n\n[matter.create] '
    )
    import_history(as_csv([recorded(1, "Closed"), recorded(2, "Closed")]), read_mapping(text.encode()), at=AT)
    first, second = Case.objects.order_by("source_number")
    assert first.matter == matter
    assert (second.matter.name, second.matter.retired_at) == (POTHOLE, AT)


def test_an_open_past_order_can_be_worked_on() -> None:
    city = make_city()
    make_policies()
    unit, clerk = (
        Unit.objects.create(code="U1", name="环卫所"),
        make_user("区工作台", role=Role.DESK, place=city.district),
    )
    import_history(as_csv([recorded(10, "New")]), mapping(), at=AT)
    case = Case.objects.get()
    desk.accept_case(case_id=case.pk, actor=clerk, at=AT)
    case = desk.dispatch_case(case_id=case.pk, unit=unit, actor=clerk, at=AT)
    assert (case.state, case.due_at) == (State.DISPATCHED, datetime(2018, 5, 4, 23, tzinfo=UTC))


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('name = "baltimore-311"', "", "source.name"),
        ("America/New_York", "Mars/Olympus", "Mars/Olympus"),
        ('"Closed" = "closed"', '"Closed" = "finished"', "states.Closed"),
        ('"Closed" = "closed"', '"Closed" = "handling"', "states.Closed"),
        ('reported = "CreatedDate"', "", "columns.reported"),
        ('reported = "CreatedDate"', 'reporting = "CreatedDate"', "columns.reporting"),
        ('default = "hotline"', 'default = "pigeon"', "pigeon"),
        ('default = "341102000000"', 'default = "341199000000"', "341199000000"),
        ('default = "341102000000"', "", "place.default"),
        ('section = "event"', 'section = "thing"', "matter.create.section"),
        ("[unit]", "[units]", "units"),
        ("create = true", 'create = "yes"', "unit.create"),
        ("[states]", "[states", "TOML"),
    ],
)
def test_a_wrong_mapping_is_refused_with_its_key(old: str, new: str, key: str) -> None:
    make_city()
    text = EXAMPLE.read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(MappingError, match=key):
        import_history(as_csv(small_file()), read_mapping(text.replace(old, new, 1).encode()), at=AT)
    assert Case.objects.count() == 0


def test_a_column_that_the_file_lacks_is_named() -> None:
    make_city()
    with pytest.raises(TableError, match="CreatedDate"):
        import_history(as_csv(small_file()).replace(b"CreatedDate", b"Created"), mapping(), at=AT)


def test_the_command_tells_what_it_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_city()
    file = tmp_path / "orders.csv"
    file.write_bytes(as_csv([recorded(1, "Closed"), recorded(2, "Lost")]))
    with pytest.raises(CommandError):
        call_command("import_history", str(file), mapping=EXAMPLE)
    shown = capsys.readouterr()
    assert "SRStatus" in shown.err
    assert Case.objects.count() == 1
    with pytest.raises(CommandError):
        call_command("import_history", str(file), mapping=tmp_path / "none.toml")


def test_the_action_refuses_what_history_cannot_have() -> None:
    city = make_city()
    order = PastOrder(
        number="1", state=State.CLOSED, channel="hotline", matter=make_matter(),
        territory=territory_of(city.west), reported_at=AT,
    )  # fmt: skip
    with pytest.raises(Invalid) as refused:
        import_cases([order], source="old", at=AT)
    assert refused.value.field == "closed"
    with pytest.raises(Invalid) as refused:
        import_cases([], source=" ", at=AT)
    assert refused.value.field == "source"
    assert Case.objects.count() == 0
