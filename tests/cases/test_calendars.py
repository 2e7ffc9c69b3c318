"""The calendar of the tables: seeding from the library, publication, and the process's copy."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from cases import calendars
from cases.calendars import (
    current_calendar,
    forget_calendar,
    is_published,
    joined,
    publication_warnings,
    published_years,
    seed_calendar,
)
from cases.deadlines import CHINA, DEFAULT_HOURS
from cases.models.calendar import CalendarDay, WorkHours
from tests.cases.test_deadlines import YEAR

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty_calendar() -> Iterator[None]:
    CalendarDay.objects.all().delete()
    WorkHours.objects.all().delete()
    forget_calendar()
    yield
    forget_calendar()


def _enter(day: date, *, is_workday: bool, name: str = "停电") -> CalendarDay:
    return CalendarDay.objects.create(date=day, is_workday=is_workday, name=name, source="office")


def test_the_seeded_year_is_the_one_that_the_state_council_published() -> None:
    written = seed_calendar(2026)

    calendar = current_calendar()
    year = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    assert [d for d in year if calendar.is_workday(d)] == [d for d in year if YEAR.is_workday(d)]
    assert CalendarDay.objects.count() == written
    assert CalendarDay.objects.get(date=date(2026, 10, 1)).name == "国庆节"
    make_up = CalendarDay.objects.get(date=date(2026, 2, 14))
    assert (make_up.is_workday, make_up.name) == (True, "调休上班")


def test_seeding_again_changes_nothing() -> None:
    first = seed_calendar(2026)
    days = list(CalendarDay.objects.order_by("date").values_list("date", "is_workday", "name", "source"))

    assert seed_calendar(2026) == first
    assert (
        list(CalendarDay.objects.order_by("date").values_list("date", "is_workday", "name", "source")) == days
    )


def test_a_day_entered_by_hand_outlives_seeding() -> None:
    _enter(date(2026, 10, 1), is_workday=True, name="全员值班")
    _enter(date(2026, 3, 11), is_workday=False)

    seed_calendar(2026)

    calendar = current_calendar()
    assert calendar.is_workday(date(2026, 10, 1))
    assert not calendar.is_workday(date(2026, 3, 11))
    assert CalendarDay.objects.get(date=date(2026, 10, 1)).name == "全员值班"


def test_seeding_replaces_what_an_earlier_seeding_got_wrong_in_that_year_only() -> None:
    for day in (date(2026, 3, 11), date(2025, 3, 11)):
        CalendarDay.objects.create(date=day, is_workday=False, name="?", source=calendars.LIBRARY)

    seed_calendar(2026)

    assert current_calendar().is_workday(date(2026, 3, 11))
    assert not current_calendar().is_workday(date(2025, 3, 11))


@pytest.mark.parametrize("year", [1800, 2101])
def test_a_year_that_the_library_does_not_cover_is_refused(year: int) -> None:
    with pytest.raises(ValueError, match=str(year)):
        seed_calendar(year)
    assert not CalendarDay.objects.exists()


def test_a_year_is_published_once_its_make_up_workdays_are_known() -> None:
    seed_calendar(2026)
    _enter(date(2027, 2, 6), is_workday=False, name="春节")
    assert published_years() == [2026]
    assert not is_published(2027)

    _enter(date(2027, 2, 20), is_workday=True, name="调休上班")

    assert published_years() == [2026, 2027]
    assert is_published(2027)


def test_an_administrator_is_warned_of_a_year_that_runs_or_comes_unpublished() -> None:
    november = datetime(2026, 11, 22, 9, tzinfo=CHINA)
    assert [warning[:40] for warning in publication_warnings(november)] != []
    assert len(publication_warnings(november)) == 2

    seed_calendar(2026)

    (warning,) = publication_warnings(november)
    assert "2027" in warning
    assert publication_warnings(datetime(2026, 10, 31, 9, tzinfo=CHINA)) == []
    # 16:30 UTC on New Year's Eve is already the next year in China.
    new_year = datetime.fromisoformat("2026-12-31T16:30:00+00:00")
    assert ["2027" in text for text in publication_warnings(new_year)] == [True]


def test_without_rows_the_calendar_is_the_plain_week_at_the_usual_hours() -> None:
    calendar = current_calendar()

    assert calendar.hours == DEFAULT_HOURS
    assert [calendar.is_workday(date(2026, 3, 9) + timedelta(days=n)) for n in range(7)] == [
        True, True, True, True, True, False, False,
    ]  # fmt: skip


def test_the_hours_come_from_their_rows_in_order() -> None:
    WorkHours.objects.create(starts=time(13, 30), ends=time(17, 30))
    WorkHours.objects.create(starts=time(8, 30), ends=time(12))

    assert current_calendar().hours == ((time(8, 30), time(12)), (time(13, 30), time(17, 30)))


@pytest.mark.parametrize(
    ("intervals", "expected"),
    [
        ([], ()),
        ([(8, 12), (12, 18)], ((8, 18),)),
        ([(14, 18), (8, 12)], ((8, 12), (14, 18))),
        ([(8, 12), (11, 18), (17, 17)], ((8, 18),)),
        ([(8, 18), (9, 10)], ((8, 18),)),
    ],
)
def test_rows_that_overlap_are_joined_rather_than_breaking_every_clock(
    intervals: list[tuple[int, int]], expected: tuple[tuple[int, int], ...]
) -> None:
    assert joined((time(a), time(b)) for a, b in intervals) == tuple((time(a), time(b)) for a, b in expected)


def test_the_calendar_costs_one_query_and_then_none(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    seed_calendar(2026)
    WorkHours.objects.create(starts=time(8), ends=time(12))
    forget_calendar()

    with django_assert_num_queries(1):
        first = current_calendar()
    with django_assert_num_queries(0):
        again = current_calendar()

    assert again is first


def test_a_stale_copy_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(calendars, "monotonic", lambda: now)
    assert current_calendar().is_workday(date(2026, 3, 11))
    _enter(date(2026, 3, 11), is_workday=False)

    now += calendars.FRESH_SECONDS - 1
    assert current_calendar().is_workday(date(2026, 3, 11))
    now += 1
    assert not current_calendar().is_workday(date(2026, 3, 11))


def test_seeding_is_seen_at_once_in_the_same_process(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    assert not current_calendar().is_workday(date(2026, 2, 14))

    with django_capture_on_commit_callbacks(execute=True):
        seed_calendar(2026)

    assert current_calendar().is_workday(date(2026, 2, 14))


def test_the_command_seeds_years_and_says_which_is_not_published() -> None:
    out, err = StringIO(), StringIO()

    call_command("import_calendar", "2025", "2026", stdout=out, stderr=err)

    assert published_years() == [2025, 2026]
    assert [line.split(":")[0] for line in out.getvalue().splitlines()] == ["2025", "2026"]
    assert err.getvalue() == ""

    call_command("import_calendar", "2050", stdout=out, stderr=err)
    assert "2050 is not published" in err.getvalue()
    assert not is_published(2050)


def test_the_command_writes_nothing_when_one_year_is_unknown() -> None:
    with pytest.raises(CommandError, match="2101"):
        call_command("import_calendar", "2026", "2101")

    assert not CalendarDay.objects.exists()
