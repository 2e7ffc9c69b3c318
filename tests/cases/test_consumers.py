"""Open orders follow people, units and places that end; ended orders and report-time places never move."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connections, transaction

from cases import relay
from cases.actions import checking, desk, handling
from cases.consumers import MERGED_NEWS, STRAYS, follow_changes
from cases.events import payload_problems
from cases.models import Case, CaseEvent
from cases.relay import run_relay
from cases.workflow import State
from partymembers.models import Role, StaffChange, User
from tests.factories.cases import MINUTE, NOON, World, bring_to, make_world, report
from tests.factories.people import make_substitute, make_unit, make_user

pytestmark = pytest.mark.usefixtures("plain_calendar")
LATER = NOON + timedelta(minutes=30)
#: `follow_changes` sees a change at the second at which it holds.
AFTER = LATER + timedelta(seconds=30)
DAY = timedelta(days=1)


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def disable(user: User, *, at: datetime = LATER) -> None:
    user.disabled_at = at
    user.save()
    StaffChange.objects.create(kind="user_disabled", user=user, at=at)


def disable_unit(world: World, *, at: datetime = LATER) -> None:
    world.unit.disabled_at = at
    world.unit.save()
    StaffChange.objects.create(kind="unit_disabled", unit=world.unit, at=at)


def now(case: Case) -> Case:
    return Case.objects.get(pk=case.pk)


def last(case: Case) -> CaseEvent:
    event = CaseEvent.objects.filter(case=case).order_by("seq").last()
    assert event is not None
    assert payload_problems(event.kind, event.data) == []
    return event


def history(case: Case) -> list[str]:
    return list(CaseEvent.objects.filter(case=case).order_by("seq").values_list("kind", flat=True))


# People and units


def test_a_disabled_handler_leaves_the_order_with_the_unit(world: World) -> None:
    case = bring_to(world, "handling")
    due = case.due_at
    disable(world.handler)
    assert follow_changes(at=AFTER) == 1
    case = now(case)
    assert (case.state, case.unit, case.handler, case.due_at) == (State.HANDLING, world.unit, None, due)
    event = last(case)
    assert (event.kind, event.actor_kind, event.at) == ("handler_cleared", "system", AFTER)
    assert event.data == {"from_handler_id": world.handler.pk, "cause": "user_disabled"}


def test_a_change_is_followed_once(world: World) -> None:
    case = bring_to(world, "handling")
    disable(world.handler)
    assert [follow_changes(at=AFTER + n * MINUTE) for n in range(3)] == [1, 0, 0]
    assert history(case).count("handler_cleared") == 1


def test_with_nobody_left_in_the_unit_the_order_returns_to_the_desk(world: World) -> None:
    case = bring_to(world, "handling")
    waiting = bring_to(world, "dispatched")
    for user in (world.second_handler, world.head, world.handler):
        disable(user)
    follow_changes(at=AFTER)
    for order in (case, waiting):
        assert (now(order).state, now(order).unit, now(order).returns) == (State.ACCEPTED, None, 1)
        assert last(order).kind == "return"
        assert last(order).data["cause"] == "nobody_left"
    assert history(case)[-2:] == ["acknowledge", "return"]


def test_a_disabled_unit_s_orders_return_to_the_desk_with_a_fresh_clock(world: World) -> None:
    handled, dispatched = bring_to(world, "handling"), bring_to(world, "dispatched")
    untouched = bring_to(world, "accepted")
    disable_unit(world)
    assert follow_changes(at=AFTER) == 1
    for order in (handled, dispatched):
        assert (now(order).state, now(order).unit, now(order).next_stage) == (
            State.ACCEPTED,
            None,
            "dispatch",
        )
        assert last(order).data == {
            "from_unit_id": world.unit.pk,
            "from_unit": "市政养护所",
            "cause": "unit_disabled",
        }
    assert history(untouched) == ["report", "accept"]


def test_what_waits_for_a_check_stays_and_returns_if_the_check_fails(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "_consumers", {"strays": STRAYS})
    case = bring_to(world, "handled")
    disable_unit(world)
    follow_changes(at=AFTER)
    assert now(case).state == State.HANDLED
    checking.fail_check(case_id=case.pk, actor=world.second_worker, at=AFTER, note="还缺一块")
    run_relay()
    assert (now(case).state, now(case).unit) == (State.ACCEPTED, None)
    assert history(case)[-2:] == ["check_fail", "return"]


def test_an_order_dispatched_while_the_unit_was_being_disabled_is_caught(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "_consumers", {"strays": STRAYS})
    disable_unit(world)
    follow_changes(at=AFTER)
    world.unit.disabled_at = None
    world.unit.save()
    case = bring_to(world, "dispatched", at=AFTER)  # its transaction had read the unit before
    world.unit.disabled_at = LATER
    world.unit.save()
    run_relay()
    assert (now(case).state, last(case).kind) == (State.ACCEPTED, "return")


def test_an_order_that_came_to_a_unit_without_people_returns_to_the_desk(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "_consumers", {"strays": STRAYS})
    empty, acted_for, ended = make_unit("无人所"), make_unit("代管所"), make_unit("已撤所")
    absent = make_user(role=Role.HANDLER, unit=acted_for)
    make_substitute(absent.posts.get(), make_user(), since=date(2026, 1, 1), until=date(2099, 1, 1))
    make_user(role=Role.HANDLER, unit=ended, until=date(2026, 1, 1))
    absent.disabled_at = NOON
    absent.save()
    sent = {}
    for unit in (empty, acted_for, ended, world.unit):
        sent[unit.name] = bring_to(world, "accepted")
        desk.dispatch_case(case_id=sent[unit.name].pk, unit=unit, actor=world.desk, at=LATER)
    run_relay()
    states = {name: now(case).state for name, case in sent.items()}
    assert states == {
        "无人所": State.ACCEPTED,
        "代管所": State.DISPATCHED,
        "已撤所": State.ACCEPTED,
        "市政养护所": State.DISPATCHED,
    }
    returned = now(sent["无人所"])
    assert (returned.unit, returned.next_stage, returned.returns) == (None, "dispatch", 1)
    assert last(returned).data["cause"] == "nobody_left"
    run_relay()
    assert now(returned).returns == 1


def test_a_change_that_was_taken_back_moves_nothing(world: World) -> None:
    case = bring_to(world, "handling")
    disable_unit(world)
    world.unit.disabled_at = None
    world.unit.save()
    assert follow_changes(at=AFTER) == 1
    assert now(case).unit == world.unit


def test_a_post_that_ends_in_the_future_is_followed_when_it_has_ended(world: World) -> None:
    case, other = bring_to(world, "handling"), bring_to(world, "handling")
    handling.assign_case(case_id=other.pk, handler=world.second_handler, actor=world.head, at=LATER)
    post = world.handler.posts.get()
    post.ends_on = date(2026, 11, 21)
    post.save()
    midnight = datetime(2026, 11, 21, 16, tzinfo=UTC)
    StaffChange.objects.create(kind="post_ended", user=world.handler, post=post, unit=world.unit, at=midnight)
    assert follow_changes(at=AFTER) == 0
    assert follow_changes(at=midnight - MINUTE) == 0
    StaffChange.objects.create(kind="user_disabled", user=world.other_worker, at=AFTER)
    assert follow_changes(at=midnight) == 2
    assert follow_changes(at=midnight + MINUTE) == 0
    assert (now(case).handler, last(case).data["cause"]) == (None, "post_ended")
    assert now(other).handler == world.second_handler


def test_one_order_that_fails_holds_up_no_other_and_is_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = bring_to(world, "handling"), bring_to(world, "handling")
    # A sequence number that is taken already makes the event's insert fail.
    CaseEvent.objects.create(
        case=broken, seq=broken.last_seq + 1, kind="comment", at=NOON, actor_kind="system"
    )
    disable(world.handler)
    follow_changes(at=AFTER)
    assert (now(broken).handler, now(sound).handler) == (world.handler, None)
    Case.objects.filter(pk=broken.pk).update(last_seq=broken.last_seq + 1)
    assert follow_changes(at=AFTER + MINUTE) == 1
    assert now(broken).handler is None
    assert follow_changes(at=AFTER + 2 * MINUTE) == 0
    assert history(sound).count("handler_cleared") == 1


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_committed_late_is_not_skipped() -> None:
    world = make_world()
    case = bring_to(world, "handling")
    began, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        try:
            with transaction.atomic():
                disable(User.objects.get(pk=world.handler.pk))
                began.set()
                assert go_on.wait(60)
        finally:
            connections.close_all()

    thread = threading.Thread(target=slow)
    thread.start()
    assert began.wait(60)
    assert follow_changes(at=AFTER) == 0  # somebody is writing: it waits a second and comes again
    go_on.set()
    thread.join()
    assert follow_changes(at=AFTER + MINUTE) == 1
    assert now(case).handler is None


# Merged orders


def test_a_merged_order_follows_the_news_of_its_master(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "_consumers", {"merged_news": MERGED_NEWS})
    first, second, master = report(world), report(world), report(world)
    desk.merge_case(case_id=first.pk, target_id=second.pk, actor=world.desk, at=NOON)
    desk.merge_case(case_id=second.pk, target_id=master.pk, actor=world.desk, at=NOON)
    desk.accept_case(case_id=master.pk, actor=world.desk, at=LATER)
    run_relay()
    told = {"master_id": master.pk, "master_number": master.number, "news": "accept", "state": "accepted"}
    for order in (first, second):
        assert (last(order).kind, last(order).data, last(order).at) == ("merged_news", told, LATER)
        assert now(order).state == State.MERGED
    assert history(first) == ["report", "merge", "merged_news", "merged_news"]
    assert history(second) == ["report", "co_report", "merge", "merged_news"]
    run_relay()
    assert len(history(first)) == 4
