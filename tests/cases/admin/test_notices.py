"""What the system officer reads on the first page, and how far open orders have followed the calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cases.calendars import forget_calendar, seed_calendar
from cases.models import CalendarChange, CalendarDay, CaseEvent, StuckEvent
from partymembers.models import Role
from tests.factories.cases import NOON, make_world, report
from tests.factories.people import make_user
from tests.factories.scene import signed_in

pytestmark = pytest.mark.django_db
CALENDAR = reverse("admin:cases_calendarday_changelist")


@pytest.fixture(autouse=True)
def _calendar_of_its_own():
    CalendarDay.objects.all().delete()
    seed_calendar(2026)
    forget_calendar()
    yield
    forget_calendar()


def first_page(client: Client) -> str:
    return client.get(reverse("admin:index"), headers={"Accept-Language": "en"}).content.decode()


def officer(role: Role = Role.SYSTEM_OFFICER) -> Client:
    return signed_in(make_user(role=role))


@pytest.mark.parametrize(
    ("day", "is_warned"),
    [((2026, 10, 31), False), ((2026, 11, 1), True), ((2026, 12, 31), True)],
)
def test_from_november_on_a_next_year_that_is_not_published_is_on_the_first_page(
    day: tuple[int, int, int], is_warned: bool
) -> None:
    with time_machine.travel(datetime(*day, 4, tzinfo=UTC), tick=False):
        page = first_page(officer())
    assert ("The official holidays of 2027" in page) is is_warned
    assert (f'<a class="underline" href="{CALENDAR}">The official holidays of 2027' in page) is is_warned


def test_once_it_is_published_nobody_is_warned_and_other_officers_never_are() -> None:
    with time_machine.travel(datetime(2026, 11, 22, 4, tzinfo=UTC), tick=False):
        assert "The official holidays" not in first_page(officer(Role.AUDIT_OFFICER))
        CalendarDay.objects.create(date=date(2027, 2, 14), is_workday=True, name="调休上班")
        assert "The official holidays" not in first_page(officer())


def test_what_was_given_up_is_on_the_first_page_and_what_is_tried_again_is_not() -> None:
    case = report(make_world(), at=NOON)
    event = CaseEvent.objects.get(case=case, kind="report")
    row = StuckEvent.objects.create(
        consumer="in_app", event=event, case=case, position=1, since=NOON, next_try_at=NOON
    )
    client = officer()
    assert "given up" not in first_page(client)
    StuckEvent.objects.filter(pk=row.pk).update(dead_at=NOON, next_try_at=None)
    assert "1 event was given up and waits for you." in first_page(client)


def test_the_page_of_the_calendar_says_how_far_open_orders_have_followed() -> None:
    client = officer()

    def told(name: str = "calendarday") -> str:
        page = reverse(f"admin:cases_{name}_changelist")
        return client.get(page, headers={"Accept-Language": "en"}).content.decode()

    assert "follow the calendar" not in told()
    change = CalendarChange.objects.create(at=timezone.now())
    assert "this begins within a minute" in told()
    CalendarChange.objects.filter(pk=change.pk).update(looked_at=400, moved=120)
    assert "400 looked at, 120 moved so far" in told()
    assert "400 looked at, 120 moved so far" in told("workhours")
    CalendarChange.objects.filter(pk=change.pk).update(finished_at=timezone.now())
    assert "follow the calendar" not in told()
