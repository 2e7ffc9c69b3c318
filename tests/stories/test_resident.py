"""A resident without an account: from the code on the wall to an order that is opened again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.urls import reverse

from cases.calendars import forget_calendar
from cases.models import Attachment, Case, CaseEvent
from cases.workflow import State
from tests.factories.cases import MINUTE, NOON, World, make_world
from tests.stories.visitors import Reader, Visitor

pytestmark = pytest.mark.django_db
PHONE = "13912345678"


@pytest.fixture(autouse=True)
def plain_calendar() -> Iterator[None]:
    forget_calendar()
    yield
    forget_calendar()


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOON, tick=False) as coordinates:
        yield coordinates


def report_at_the_door(world: World, resident: Visitor, **typed: Any) -> tuple[Case, str]:
    """The order, and the link that follows it."""
    url = reverse("cases:public_report", args=[world.city.qr_code().token])
    page = resident.open(url)
    assert world.city.building.name in page.content.decode()
    photo = resident.photograph(page)
    answer = resident.send(page, url, matter=str(world.matter.pk), photos=[photo], **typed)
    link = answer.url.partition("?")[0]
    followed = resident.open(answer.url)
    case = Case.objects.latest("pk")
    assert case.number in followed.content.decode()
    return case, link


def handle(world: World, case: Case) -> None:
    """From the desk to the check."""
    desk, handler = Visitor(world.desk), Visitor(world.handler)
    desk.act(case.number, "accept")
    desk.act(case.number, "dispatch", unit=str(world.unit.pk))
    handler.act(case.number, "acknowledge")
    handler.act(case.number, "finish", note="已清理", photo=True)
    Visitor(world.second_worker).act(case.number, "check_pass")


def test_a_rating_that_says_not_solved_opens_the_order_again(world: World, clock: Any) -> None:
    resident = Visitor()
    case, link = report_at_the_door(world, resident, description="井盖碎了", phone=PHONE, name="王某")
    assert (case.place, case.building, case.reporter) == (world.city.west_1, world.city.building, None)
    assert (case.channel, case.reporter_phone, case.reporter_verified) == ("resident", PHONE, False)
    assert Attachment.objects.get(case=case).role == "before"
    clock.shift(10 * MINUTE)
    handle(world, case)
    case.refresh_from_db()
    assert case.state == State.CLOSED

    clock.shift(10 * MINUTE)
    elsewhere = Visitor()  # the link alone, on another phone
    page = elsewhere.open(link)
    for staff in (world.handler, world.desk, world.second_worker):
        assert staff.name not in page.content.decode()
    rate = reverse("cases:public_act", args=[link.rstrip("/").split("/")[-1], "rate"])
    elsewhere.send(page, rate, solved="no", satisfaction="dissatisfied", contacted="no", note="还在漏")
    case.refresh_from_db()
    assert (case.state, case.reopenings, case.closed_at) == (State.HANDLING, 1, None)
    kinds = list(CaseEvent.objects.filter(case=case).order_by("seq").values_list("kind", "actor_kind"))
    assert kinds[-2:] == [("rate", "public"), ("reopen", "system")]

    waiting = Visitor(world.handler).open(reverse("cases:handling"))
    assert [row.case.number for row in waiting.context["rows"]] == [case.number]
    assert rate not in elsewhere.open(link).content.decode()
    clock.move_to(case.due_at + MINUTE)
    doors = Reader(Visitor(world.official), world.city.city).doors()
    counts = {part: doors[part].count for part in ("reported", "due", "closed", "asked_solved", "solved")}
    assert counts == {"reported": 1, "due": 1, "closed": 0, "asked_solved": 1, "solved": 0}


def test_found_again_by_number_and_phone_and_by_nothing_less(world: World, clock: Any) -> None:
    case, link = report_at_the_door(world, Visitor(), phone=PHONE)
    url = reverse("cases:public_follow")
    somebody = Visitor()
    page = somebody.open(url)
    refused = [
        somebody.send(page, url, status=404, number=number, phone=phone).context["form"].errors
        for number, phone in ((case.number, "13900000001"), ("261120-999999", PHONE))
    ]
    assert refused[0] == refused[1] != {}
    assert somebody.send(page, url, number=case.number, phone=PHONE).url == link


def test_a_link_that_nobody_has_leads_nowhere(world: World, clock: Any) -> None:
    case, link = report_at_the_door(world, Visitor())
    stranger = Visitor()
    for token in (link.rstrip("/").split("/")[-1][:-1] + "x", "x" * 32, "x"):
        answer = stranger.open(reverse("cases:public_follow_order", args=[token]), status=404)
        assert case.number not in answer.content.decode()
    photo = Attachment.objects.get(case=case)
    stranger.open(reverse("cases:attachment", args=[photo.token]), status=404)


def test_withdrawn_before_it_is_sent_out(world: World, clock: Any) -> None:
    resident = Visitor()
    case, link = report_at_the_door(world, resident)
    clock.shift(timedelta(minutes=5))
    withdraw = reverse("cases:public_act", args=[link.rstrip("/").split("/")[-1], "withdraw"])
    resident.send(resident.open(link), withdraw)
    case.refresh_from_db()
    assert case.state == State.VOIDED
    assert withdraw not in resident.open(link).content.decode()
