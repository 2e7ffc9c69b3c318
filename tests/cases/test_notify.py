"""The messages in the portal: each once, to whom it still concerns, and quiet outside working time."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases.actions import desk, reporting
from cases.deadlines import CHINA
from cases.models import CaseEvent, Notification
from cases.notify import in_app
from partymembers.models import User
from tests.factories.cases import NOON, World, bring_to, make_world, report
from tests.factories.catalogue import make_matter
from tests.factories.messages import tell, told
from tests.factories.people import make_substitute, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_calendar")]

LATER = NOON + timedelta(minutes=30)


@pytest.fixture
def world() -> World:
    return make_world()


def test_a_repeat_changes_nothing(world: World) -> None:
    bring_to(world, "handling")
    tell()
    first = list(Notification.objects.order_by("pk").values())
    Notification.objects.filter(pk=first[0]["id"]).update(read_at=LATER)
    tell()
    assert Notification.objects.count() == len(first)
    assert Notification.objects.get(pk=first[0]["id"]).read_at == LATER


def test_somebody_disabled_is_told_nothing_and_a_substitute_is_told_the_same(world: World) -> None:
    substitute = make_user("代理人")
    post = world.desk.posts.get()
    make_substitute(post, substitute, since=date(2026, 11, 1), until=date(2026, 11, 30))
    User.objects.filter(pk=world.second_desk.pk).update(disabled_at=NOON)
    report(world)
    tell()
    told_of = Notification.objects.filter(kind="report").values_list("recipient_id", flat=True)
    assert set(told_of) == {world.desk.pk, substitute.pk}


def test_a_post_that_is_over_brings_no_messages(world: World) -> None:
    world.second_desk.posts.update(ends_on=date(2026, 11, 19))
    report(world)
    tell()
    assert told(world, "report") == {"desk"}


def test_co_reporters_get_the_news(world: World) -> None:
    case = report(world)
    reporting.join_case(case_id=case.pk, user=world.resident, at=NOON)
    desk.accept_case(case_id=case.pk, actor=world.desk, at=LATER)
    tell()
    assert told(world, "accept") == {"worker", "resident"}


def test_an_import_tells_nobody(world: World) -> None:
    bring_to(world, "closed")
    imported = list(CaseEvent.objects.all())
    for event in imported:
        event.is_imported = True
    in_app(imported)
    assert Notification.objects.count() == 0


def test_an_event_of_an_unknown_kind_is_ignored(world: World) -> None:
    case = report(world)
    CaseEvent.objects.create(case=case, seq=50, kind="of_a_later_version", at=LATER, actor_kind="system")
    tell()
    assert set(Notification.objects.values_list("kind", flat=True)) == {"report"}


@pytest.mark.parametrize(
    ("happens", "shown"),
    [
        ("2026-11-20 10:00", "2026-11-20 10:00"),
        ("2026-11-20 12:30", "2026-11-20 14:00"),
        ("2026-11-20 21:00", "2026-11-23 08:00"),  # a Friday evening waits for Monday
        ("2026-11-21 09:00", "2026-11-23 08:00"),
    ],
)
def test_outside_working_time_only_urgent_orders_disturb(world: World, happens: str, shown: str) -> None:
    at, until = (datetime.fromisoformat(text).replace(tzinfo=CHINA) for text in (happens, shown))
    urgent = make_matter(name="燃气泄漏", urgency="urgent")
    report(world, at=at)
    report(world, at=at, matter=urgent)
    tell()
    rows = Notification.objects.filter(recipient=world.desk).order_by("pk")
    assert [(row.is_urgent, row.due_at) for row in rows] == [(False, until), (True, at)]


def test_a_batch_costs_the_same_queries_with_one_order_and_with_thirty(world: World) -> None:
    counts = []
    for number in (1, 30):
        for _each in range(number):
            bring_to(world, "handled")
        events = list(CaseEvent.objects.all())
        in_app(events[:1])
        with CaptureQueriesContext(
            connection,
        ) as queries:
            in_app(events)
        counts.append(len(queries))
    assert counts == [8, 8]
