"""One incident from a phone to the dashboard, by the pages, with the people it meets."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.urls import reverse
from pytest_django import Settings

from cases import tasks
from cases.calendars import forget_calendar
from cases.models import Attachment, Case, CaseEvent
from cases.workflow import State
from tests.conftest import wait_for
from tests.factories.cases import World, bring_to, make_world
from tests.factories.catalogue import make_matter
from tests.stories.visitors import Reader, Visitor, Watch, came, report_by_page

#: Monday 2026-11-16, 09:00 in the city.
MONDAY = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def plain_calendar() -> Iterator[None]:
    forget_calendar()
    yield
    forget_calendar()


@pytest.fixture
def world() -> World:
    """With a week of history, so that no figure starts at zero."""
    world = make_world()
    for day in range(3):
        bring_to(world, "closed", at=MONDAY - timedelta(days=7) + timedelta(hours=day))
    bring_to(world, "declined", at=MONDAY - timedelta(days=6))
    return world


def here(world: World) -> dict[str, str]:
    lng, lat = world.city.inside(world.city.west_1)
    return {"lng": f"{lng:.6f}", "lat": f"{lat:.6f}"}


@pytest.mark.django_db
def test_an_incident_travels_from_the_phone_to_the_dashboard(world: World, settings: Settings) -> None:
    """Five people and a worker of the portal; after each step the dashboards have moved by exactly that."""
    worker, desk, handler = Visitor(world.worker), Visitor(world.desk), Visitor(world.handler)
    checker, official = Visitor(world.second_worker), Visitor(world.official)
    with time_machine.travel(MONDAY, tick=False) as clock:
        watch = Watch(
            {
                "community": Reader(desk, world.city.west),
                "city": Reader(official, world.city.city),
                "next door": Reader(official, world.city.east),
            }
        )
        assert watch.counts["city"]["closed"] == 3

        def moved(at: timedelta, *parts: str) -> None:
            """Community and city have gained this order in these lists alone, and next door nothing."""
            clock.shift(1)  # a period counts up to now, exclusively
            own = came(case.number, *parts)
            assert watch.moved() == {"community": own, "city": own, "next door": {}}
            clock.move_to(MONDAY + at)

        case = report_by_page(
            worker,
            matter=str(world.matter.pk),
            description="雨水箅子缺失，坑深约 40 厘米",
            address="映月路 86 号",
            **here(world),
        )
        moved(MINUTE, "reported")

        tasks.route_case(case.pk)
        pane = desk.open(reverse("cases:panel", args=[case.number]))
        assert case.description in pane.content.decode()
        moved(10 * MINUTE)

        inbox = desk.open(reverse("cases:desk"), view="to_accept")
        assert [row.case.number for row in inbox.context["rows"]] == [case.number]
        desk.act(case.number, "accept")
        moved(20 * MINUTE, "accepted")

        page = desk.order(case.number).content.decode()
        assert world.unit.name in page
        assert "雨水箅子 × 滁州市" in page  # why this unit
        desk.act(case.number, "dispatch", note="请今天到场")
        moved(40 * MINUTE)

        waiting = handler.open(reverse("cases:handling"))
        assert [row.case.number for row in waiting.context["rows"]] == [case.number]
        handler.act(case.number, "acknowledge")
        moved(120 * MINUTE)

        handler.act(case.number, "finish", note="已补装新箅子", photo=True)
        moved(150 * MINUTE)

        today = checker.open(reverse("cases:today"))
        assert [task.case.number for task in today.context["tasks"]] == [case.number]
        verify = reverse("cases:verify", args=[case.number])
        page = checker.open(verify)
        assert "已补装新箅子" in page.content.decode()
        photo = checker.photograph(page, color=(20, 60, 90))
        checker.send(page, verify, verdict="check_fail", note="箅子松动", photos=[photo])
        moved(330 * MINUTE)

        handler.act(case.number, "finish", note="已加固", photo=True)
        page = checker.open(verify)
        photo = checker.photograph(page, color=(30, 90, 60))
        checker.send(page, verify, verdict="check_pass", photos=[photo])
        moved(340 * MINUTE)

        mine = worker.open(reverse("cases:mine"))
        newest = mine.context["rows"][0]
        assert (newest.case.number, newest.may_rate) == (case.number, True)
        worker.act(case.number, "rate", contacted="yes", solved="yes", satisfaction="satisfied", note="很快")
        case.refresh_from_db()
        assert (case.state, case.reworks) == (State.CLOSED, 1)
        moved(
            case.due_at - MONDAY - MINUTE,
            "asked_contact",
            "contacted",
            "asked_solved",
            "solved",
            "rated",
            "satisfied",
        )
        moved(case.due_at - MONDAY + MINUTE)
        moved(timedelta(days=10), "due", "closed", "on_time", "handled", "reworked", "timed")
        moved(timedelta(days=10))

    kinds = list(CaseEvent.objects.filter(case=case).order_by("seq").values_list("kind", flat=True))
    assert kinds == [
        "report",
        "route",
        "accept",
        "dispatch",
        "acknowledge",
        "finish",
        "check_fail",
        "finish",
        "check_pass",
        "rate",
    ]
    roles = list(Attachment.objects.filter(case=case).order_by("pk").values_list("role", flat=True))
    assert roles == ["before", "after", "check", "after", "check"]
    media = Path(settings.MEDIA_ROOT)
    for row in Attachment.objects.filter(case=case):
        assert (media / row.file.name).read_bytes()[:3] == b"\xff\xd8\xff"


@pytest.mark.django_db(transaction=True)
def test_a_real_worker_takes_a_report_from_the_page_to_its_unit(
    celery_worker: subprocess.Popen[bytes],
) -> None:
    """Direct dispatch: nobody at the desk lifts a finger; the unit's list and its bell have the order.

    An urgent matter, which disturbs people at whatever hour this test runs.
    """
    world = make_world()
    matter = make_matter(
        name="井盖缺失", direct=True, urgency="urgent", unit=world.unit, place=world.city.city
    )
    case = report_by_page(Visitor(world.worker), matter=str(matter.pk), **here(world))
    handler = Visitor(world.handler)

    def listed() -> bool:
        page = handler.open(reverse("cases:handling"), view="to_acknowledge")
        return case.number in [row.case.number for row in page.context["rows"]]

    wait_for(listed)
    assert Case.objects.get(pk=case.pk).state == State.DISPATCHED
    wait_for(lambda: handler.open(reverse("cases:unread")).json()["unread"] == 1)
    handler.act(case.number, "acknowledge")
    assert Case.objects.get(pk=case.pk).state == State.HANDLING
