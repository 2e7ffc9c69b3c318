"""What the desk's forms offer and say: orders to merge into, what is asked for, what was done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from cases.actions import handling
from cases.calendars import forget_calendar
from cases.deadlines import TimerType
from cases.models import Case
from cases.workflow import State
from partymembers.models import User
from tests.factories.cases import MINUTE, NOON, World, bring_to, make_world, report

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    forget_calendar()
    with time_machine.travel(NOON + 30 * MINUTE, tick=False):
        yield
    forget_calendar()


@pytest.fixture
def world() -> World:
    return make_world()


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def act(case: Case, action: str) -> str:
    return reverse("cases:act", args=[case.number, action])


def test_a_merger_offers_the_orders_nearby_so_that_no_number_is_copied(world: World) -> None:
    first, second = report(world), report(world)
    desk = signed_in(world.desk)
    page = desk.get(act(second, "merge")).content.decode()
    assert f'type="radio" name="near" value="{first.number}"' in page
    assert f'value="{second.number}"' not in page
    assert desk.post(act(second, "merge"), {"near": first.number}).status_code == 302
    merged = Case.objects.get(pk=second.pk)
    assert (merged.state, merged.merged_into_id) == (State.MERGED, first.pk)


def test_a_number_typed_by_hand_counts_before_the_offer(world: World) -> None:
    first, second, third = report(world), report(world), report(world)
    desk = signed_in(world.desk)
    refused = desk.post(act(third, "merge"), {"near": first.number, "target": "261120-999999"})
    assert refused.status_code == 400
    assert "target" in refused.context["form"].errors
    assert desk.post(act(third, "merge"), {}).status_code == 400
    typed = {"near": first.number, "target": f" {second.number} "}
    assert desk.post(act(third, "merge"), typed).status_code == 302
    assert Case.objects.get(pk=third.pk).merged_into_id == second.pk


def test_without_orders_nearby_the_number_is_asked_for(world: World) -> None:
    case = report(world)
    desk = signed_in(world.desk)
    assert 'name="near"' not in desk.get(act(case, "merge")).content.decode()
    refused = desk.post(act(case, "merge"), {})
    assert list(refused.context["form"].errors) == ["target"]


def test_an_extension_is_shown_in_the_days_that_were_asked_for(world: World) -> None:
    """Three working days are 24 hours of the clock's own time; nobody is to grant "1 d" and give three."""
    case = bring_to(world, "handling")
    case.clocks.filter(stage="handle").update(timer_type=TimerType.WORK_DAY)
    asked = {"amount": "3", "unit_of_time": TimerType.WORK_DAY, "note": "等配件"}
    assert signed_in(world.handler).post(act(case, "ask_extension"), asked).status_code == 302
    assert case.requests.get().extra == timedelta(hours=24)
    for page in ("detail", "panel"):
        text = signed_in(world.desk).get(reverse(f"cases:{page}", args=[case.number])).content.decode()
        assert "申请延期 3 天" in text


def test_in_natural_time_a_day_stays_a_day(world: World) -> None:
    case = bring_to(world, "handling")
    case.clocks.filter(stage="handle").update(timer_type=TimerType.NATURAL_DAY)
    handling.ask_extension(
        case_id=case.pk,
        actor=world.handler,
        at=NOON + 20 * MINUTE,
        extra=timedelta(hours=48),
        note="等配件",
    )
    pane = signed_in(world.desk).get(reverse("cases:panel", args=[case.number]))
    assert "申请延期 2 天" in pane.content.decode()


def test_what_was_done_is_said_in_good_chinese(world: World) -> None:
    case = bring_to(world, "dispatched")
    answer = signed_in(world.handler).post(act(case, "acknowledge"), follow=True)
    assert f"{case.number}：“签收”已办，现为“处置中”。" in answer.content.decode()


def test_a_list_to_choose_from_begins_with_words(world: World) -> None:
    case = bring_to(world, "dispatched")
    page = signed_in(world.handler).get(act(case, "assign")).content.decode()
    assert "请选择</option>" in page
    assert "---------" not in page


@pytest.mark.parametrize(
    ("metres", "words"), [(None, "本楼"), (0.3, "这里有相似的一件"), (12.0, "12 米内有相似的一件")]
)
def test_a_similar_order_is_never_zero_metres_away(world: World, metres: float | None, words: str) -> None:
    case = report(world)
    case.distance_m = metres  # type: ignore[attr-defined]
    page = render_to_string("cases/_similar.html", {"found": [case]})
    assert words in page
    assert "0 米" not in page
