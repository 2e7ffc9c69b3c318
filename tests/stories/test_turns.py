"""Turns that an order takes: returned, put off, climbed, merged, fought over, instructed; all by pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
import time_machine
from django.db import connections
from django.urls import reverse

from cases.calendars import current_calendar, forget_calendar
from cases.deadlines import TimerType, due_after, elapsed
from cases.models import Case, CaseEvent, Notification
from cases.relay import run_relay
from cases.workflow import Stage, State
from partymembers.models import User
from tests.factories.cases import MINUTE, NOON, World, bring_to, make_world, report
from tests.stories.visitors import Reader, Visitor, report_by_page

HOUR = 60 * MINUTE
MANY = "请核对两处井盖是否同一权属，再决定派给谁。"


@pytest.fixture(autouse=True)
def plain_calendar() -> Iterator[None]:
    forget_calendar()
    yield
    forget_calendar()


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture
def clock() -> Iterator[Any]:
    """Friday 2026-11-20, 11:00 in the city: an hour after the orders of `bring_to` were reported."""
    with time_machine.travel(NOON + HOUR, tick=False) as coordinates:
        yield coordinates


def listed(visitor: Visitor, name: str, view: str = "") -> list[str]:
    page = visitor.open(reverse(f"cases:{name}"), **({"view": view} if view else {}))
    return [row.case.number for row in page.context["rows"]]


def due_of(case: Case, stage: Stage) -> datetime:
    return case.clocks.filter(stage=stage).latest("round").due_at


def worked(span: timedelta, start: datetime) -> datetime:
    return due_after(start, span, TimerType.WORK_DAY, current_calendar())


def test_what_is_not_theirs_goes_back_and_on_to_another_unit(world: World, clock: Any) -> None:
    case = bring_to(world, "handling", reporter=world.resident)
    handler, desk, other = Visitor(world.handler), Visitor(world.desk), Visitor(world.other_handler)
    tail = world.resident.phone[-4:]
    assert tail in handler.order(case.number).content.decode()
    assert other.open(reverse("cases:detail", args=[case.number]), status=404)
    whole = due_of(case, Stage.WHOLE)

    handler.act(case.number, "return", note="绿化带内归园林所")
    assert listed(handler, "handling") == []
    assert listed(desk, "desk", "returned") == [case.number]
    page = handler.order(case.number).content.decode()
    assert tail not in page  # a unit that gave it back reads on, without the reporter's phone
    assert "绿化带内归园林所" in page

    clock.shift(HOUR)
    desk.act(case.number, "dispatch", unit=str(world.other_unit.pk))
    assert listed(other, "handling") == [case.number]
    other.act(case.number, "acknowledge")
    case = Case.objects.get(pk=case.pk)
    assert (case.state, case.returns, case.unit) == (State.HANDLING, 1, world.other_unit)
    assert case.clocks.filter(stage=Stage.HANDLE).count() == 2
    assert due_of(case, Stage.WHOLE) == whole
    assert due_of(case, Stage.HANDLE) == worked(timedelta(hours=8), NOON + 2 * HOUR)


def test_more_time_is_refused_once_and_granted_then(world: World, clock: Any) -> None:
    case = bring_to(world, "handling")
    handler, desk = Visitor(world.handler), Visitor(world.desk)
    before = due_of(case, Stage.HANDLE), due_of(case, Stage.WHOLE)
    asked = {"amount": "1", "unit_of_time": "work_day"}

    handler.act(case.number, "ask_extension", note="要等配件", **asked)
    assert listed(desk, "desk", "requests") == [case.number]
    assert "要等配件" in desk.order(case.number).content.decode()
    desk.act(case.number, "refuse_extension", note="仓库有货")
    assert listed(desk, "desk", "requests") == []
    assert (due_of(case, Stage.HANDLE), due_of(case, Stage.WHOLE)) == before

    clock.shift(10 * MINUTE)
    handler.act(case.number, "ask_extension", note="仓库的型号不对", **asked)
    desk.act(case.number, "grant_extension")
    day = timedelta(hours=8)
    assert (due_of(case, Stage.HANDLE), due_of(case, Stage.WHOLE)) == tuple(worked(day, at) for at in before)
    assert Case.objects.get(pk=case.pk).extensions == 1


def test_a_suspended_order_has_no_due_time_until_it_is_resumed(world: World, clock: Any) -> None:
    case = bring_to(world, "handling")
    handler, desk = Visitor(world.handler), Visitor(world.desk)
    reader = Reader(Visitor(world.official), world.city.city)
    before = due_of(case, Stage.HANDLE), due_of(case, Stage.WHOLE)

    handler.act(case.number, "ask_suspension", note="等法院裁定")
    desk.act(case.number, "grant_suspension")
    case.refresh_from_db()
    assert (case.state, case.next_due_at) == (State.SUSPENDED, None)
    assert listed(desk, "desk", "suspended") == [case.number]
    began = NOON + HOUR
    clock.move_to(before[1] + timedelta(days=3))
    assert listed(desk, "desk", "late") == []
    assert reader.doors()["due"].count == 0

    pause = elapsed(began, before[1] + timedelta(days=3), TimerType.WORK_DAY, current_calendar())
    desk.act(case.number, "resume")
    case.refresh_from_db()
    assert case.state == State.HANDLING
    after = due_of(case, Stage.HANDLE), due_of(case, Stage.WHOLE)
    assert after == tuple(worked(pause, at) for at in before)
    assert reader.doors()["due"].count == 0
    clock.move_to(after[1] + MINUTE)
    assert reader.doors()["due"].count == 1
    assert listed(desk, "desk", "late") == [case.number]


def test_an_order_climbs_to_the_street_and_comes_back_down(world: World, clock: Any) -> None:
    case = bring_to(world, "accepted")
    desk, street = Visitor(world.desk), Visitor(world.street_desk)
    assert listed(street, "desk") == []
    desk.act(case.number, "escalate", note="跨两个社区，请街道统筹")
    assert listed(desk, "desk") == []
    assert listed(street, "desk") == [case.number]
    page = desk.order(case.number).content.decode()
    assert reverse("cases:act", args=[case.number, "dispatch"]) not in page
    assert world.city.street.name in page

    street.act(case.number, "give_back", note="已协调，请社区派单")
    assert listed(street, "desk") == []
    assert listed(desk, "desk") == [case.number]
    case.refresh_from_db()
    assert (case.place, case.desk, case.state) == (world.city.west_1, world.city.west, State.ACCEPTED)


def test_two_reporters_of_one_hole_end_up_with_one_order_and_a_rating_each(world: World, clock: Any) -> None:
    lng, lat = world.city.inside(world.city.west_1)
    resident, worker, desk = Visitor(world.resident), Visitor(world.worker), Visitor(world.desk)
    first = report_by_page(worker, matter=str(world.matter.pk), lng=str(lng), lat=str(lat))
    second = report_by_page(
        resident, matter=str(world.matter.pk), lng=str(lng + 0.0001), lat=str(lat), description="同一个坑"
    )
    assert first.number in desk.order(second.number).content.decode()  # offered as nearby
    desk.act(second.number, "merge", target=first.number)
    second.refresh_from_db()
    assert (second.state, second.merged_into) == (State.MERGED, first)
    assert listed(desk, "desk") == [first.number]
    assert first.number in resident.order(second.number).content.decode()

    desk.act(first.number, "accept")
    desk.act(first.number, "dispatch", unit=str(world.unit.pk))
    handler, checker = Visitor(world.handler), Visitor(world.second_worker)
    handler.act(first.number, "acknowledge")
    handler.act(first.number, "finish", note="已填平", photo=True)
    checker.act(first.number, "check_pass")
    answer = {"solved": "yes", "satisfaction": "satisfied"}
    worker.act(first.number, "rate", **answer)
    resident.act(first.number, "rate", **(answer | {"satisfaction": "basically"}))
    rated = CaseEvent.objects.filter(case=first, kind="rate").order_by("seq").values_list("actor", flat=True)
    assert list(rated) == [world.worker.pk, world.resident.pk]
    said = list(first.feedback.order_by("pk").values_list("source", "satisfaction"))
    assert said == [("reporter", "satisfied"), ("co_reporter", "basically")]


@pytest.mark.django_db(transaction=True)
def test_the_merged_report_hears_what_becomes_of_the_other() -> None:
    world = make_world()
    target = bring_to(world, "handled")
    merged = report(world, reporter=world.resident, at=NOON + MINUTE)
    with time_machine.travel(NOON + HOUR, tick=False):
        Visitor(world.desk).act(merged.number, "merge", target=target.number)
        run_relay()
        Visitor(world.second_worker).act(target.number, "check_pass")
        run_relay()
        run_relay()
        page = Visitor(world.resident).order(merged.number)
    kinds = list(CaseEvent.objects.filter(case=merged).values_list("kind", flat=True))
    assert kinds[:2] == ["report", "merge"]
    assert set(kinds[2:]) == {"merged_news"}
    assert target.number in page.content.decode()
    told = Notification.objects.filter(recipient=world.resident).values_list("kind", flat=True)
    assert set(told) >= {"merge", "check_pass"}


def test_who_comes_second_reads_what_happened_and_keeps_their_words(world: World, clock: Any) -> None:
    case = report(world)
    first, second = Visitor(world.desk), Visitor(world.second_desk)
    url = reverse("cases:act", args=[case.number, "decline"])
    open_form = second.open(url)
    first.act(case.number, "accept")
    answer = second.send(open_form, url, status=409, note=MANY)
    page = answer.content.decode()
    assert world.desk.name in page
    assert "11:00" in page
    assert "已受理" in page
    assert MANY in page
    assert f'href="{reverse("cases:detail", args=[case.number])}"' in page
    part = second.client.post(url, second.fill(open_form, url, note=MANY), headers={"HX-Request": "true"})
    assert part.status_code == 409
    assert MANY in part.content.decode()
    assert "<html" not in part.content.decode()
    assert list(CaseEvent.objects.filter(case=case).values_list("kind", flat=True)) == ["report", "accept"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_round", range(2))
def test_of_two_at_the_same_instant_exactly_one_wins(_round: int) -> None:
    world = make_world()
    case = report(world)
    barrier, answers = Barrier(2), {}

    def press(user: User, action: str, **typed: str) -> None:
        try:
            visitor, url = Visitor(user), reverse("cases:act", args=[case.number, action])
            data = visitor.fill(visitor.open(url), url, **typed)
            barrier.wait(timeout=60)
            answers[action] = visitor.client.post(url, data)
        finally:
            connections.close_all()

    threads = [
        Thread(target=press, args=(world.desk, "accept")),
        Thread(target=press, args=(world.second_desk, "decline"), kwargs={"note": MANY}),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(answer.status_code for answer in answers.values()) == [302, 409]
    winner = next(action for action, answer in answers.items() if answer.status_code == 302)
    loser = next(answer for answer in answers.values() if answer.status_code == 409)
    kinds = list(CaseEvent.objects.filter(case=case).order_by("seq").values_list("kind", flat=True))
    assert kinds == ["report", winner]
    page = loser.content.decode()
    assert (world.desk if winner == "accept" else world.second_desk).name in page
    assert (MANY in page) == (winner == "accept")


@pytest.mark.django_db(transaction=True)
def test_an_official_reads_a_number_opens_the_order_and_writes_an_instruction() -> None:
    world = make_world()
    case = bring_to(world, "handling")
    official = Visitor(world.official)
    with time_machine.travel(NOON + HOUR, tick=False):
        reader = Reader(official, world.city.city)
        assert reader.numbers(reader.doors()["reported"]) == {case.number}
        official.act(case.number, "instruct", note="今天下班前恢复通行")
        run_relay()
        for user in (world.desk, world.handler):
            assert "今天下班前恢复通行" in Visitor(user).order(case.number).content.decode()
            assert Notification.objects.filter(recipient=user, kind="instruct", case=case).count() == 1
        # A person who watches has no button of those who work on it.
        page = official.order(case.number).content.decode()
        for action in ("reassign", "finish", "accept", "comment"):
            assert reverse("cases:act", args=[case.number, action]) not in page
