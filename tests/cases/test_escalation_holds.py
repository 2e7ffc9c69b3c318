"""What must hold of the ladder whatever happens: none forgotten, none early, none waiting for another."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.utils import translation

from cases import escalation
from cases.actions import checking, desk, handling, oversight
from cases.escalation import sweep_ladder
from cases.events import payload_problems
from cases.models import Case, CaseEvent, Clock, LadderRung, Notification, QuarantinedClock, TakenRung
from cases.relay import run_relay
from cases.timeline import lines_of
from cases.workflow import Stage, State
from partymembers.models import Post
from tests.cases.test_escalation import on, rungs
from tests.factories.cases import MINUTE, NOON, World, bring_to, make_attachment, make_world, report
from tests.factories.catalogue import make_matter

pytestmark = pytest.mark.usefixtures("plain_calendar")


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def test_of_500_late_orders_the_oldest_100_cannot_be_escalated_and_the_other_400_are(world: World) -> None:
    first = report(world)
    fields = [f.attname for f in Case._meta.concrete_fields if f.attname not in ("id", "number")]
    facts = Case.objects.filter(pk=first.pk).values(*fields).get()
    others = Case.objects.bulk_create(Case(**facts, number=f"261120-{n:06d}") for n in range(1000, 1499))
    clock = Clock.objects.filter(case=first, stage=Stage.ACCEPT).values().get()
    Clock.objects.bulk_create(
        Clock(**{**clock, "id": None, "case_id": case.pk, "next_rung_at": NOON + (24 + n) * MINUTE / 100})
        for n, case in enumerate(others)
    )
    ids = [first.pk, *(case.pk for case in others)]
    events = [CaseEvent(case_id=pk, seq=2, kind="comment", at=NOON, actor_kind="system") for pk in ids[:100]]
    CaseEvent.objects.bulk_create(events)  # the next event of these collides

    swept = sweep_ladder(at=on("20 10:40"))

    told = Counter(CaseEvent.objects.filter(kind__in=("remind", "late")).values_list("case", flat=True))
    assert told == dict.fromkeys(ids[100:], 2)
    assert len(swept.failed) == QuarantinedClock.objects.filter(resolved_at=None).count() == 100
    assert set(QuarantinedClock.objects.values_list("clock__case", flat=True)) == {*ids[:100]}


def test_four_sweeps_at_once_take_each_due_rung_once_and_none_early(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(escalation, "BATCH", 7)
    world = make_world()
    for n in range(60):
        report(world, at=NOON + n * MINUTE)
    at, together, swept = on("20 11:00"), Barrier(4), list[int]()

    def sweep() -> None:
        try:
            together.wait(timeout=60)
            swept.extend(sweep_ladder(at=at).done for _ in range(3))
        finally:
            connection.close()

    threads = [Thread(target=sweep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    swept.append(sweep_ladder(at=at).done)

    due = expected(at)
    assert len(due) == 85
    assert sorted(taken()) == due
    assert sum(swept) == len(due)


def expected(at: Any) -> list[tuple[int, str, int, str]]:
    """By hand: thirty working minutes to accept from each report; 80, 100, 150 and each further 50 %."""
    found = []
    for case in Case.objects.all():
        for percent, deed in ((80, "remind"), (100, "late"), (150, "climb"), (200, "climb"), (250, "climb")):
            if case.reported_at + timedelta(minutes=30) * percent / 100 <= at:
                found.append((case.pk, Stage.ACCEPT.value, percent, deed))
    return sorted(found)


def taken() -> list[tuple[int, str, int, str]]:
    events = CaseEvent.objects.filter(kind__in=("remind", "late", "climb"))
    told = [(e.case_id, e.data["stage"], e.data["percent"], e.kind) for e in events]
    kept = TakenRung.objects.values_list("clock__case", "clock__stage", "percent", "deed")
    assert sorted(told) == sorted(kept)
    return told


def clocks_of(case: Case) -> list[dict[str, Any]]:
    return list(Clock.objects.filter(case=case).order_by("pk").values())


def test_comments_edits_and_re_routing_leave_every_clock_as_it_was(world: World) -> None:
    case = bring_to(world, State.HANDLING)
    later, who = NOON + 30 * MINUTE, {"case_id": case.pk}
    before, due = clocks_of(case), Case.objects.filter(pk=case.pk).values("due_at", "next_due_at").get()
    lng, lat = world.city.inside(world.city.west_2)
    picture = make_attachment(world.handler, at=later)

    oversight.comment_case(**who, actor=world.desk, at=later, note="请抓紧")
    oversight.attach_to_case(**who, actor=world.handler, at=later, attachments=[picture])
    oversight.urge_case(**who, actor=world.desk, at=later)
    oversight.supervise_case(**who, actor=world.street_desk, at=later, note="盯紧")
    oversight.instruct_case(**who, actor=world.official, at=later, note="举一反三")
    handling.assign_case(**who, actor=world.handler, handler=world.second_handler, at=later)
    desk.correct_place(**who, actor=world.desk, at=later, lng=lng, lat=lat)
    desk.reassign_case(**who, actor=world.desk, unit=world.other_unit, at=later)
    oversight.escalate_case(**who, actor=world.desk, at=later, note="请街道协调")
    oversight.take_over_case(**who, actor=world.city_desk, at=later)

    assert clocks_of(case) == before
    assert Case.objects.filter(pk=case.pk).values("due_at", "next_due_at").get() == due


def test_a_suspended_order_never_becomes_late(world: World) -> None:
    case = bring_to(world, State.SUSPENDED)

    for days in (1, 30, 400):
        assert sweep_ladder(at=NOON + timedelta(days=days)).done == 0

    assert not CaseEvent.objects.filter(case=case, kind__in=("remind", "late", "climb")).exists()
    assert not Case.objects.late(now=NOON + timedelta(days=400)).filter(pk=case.pk).exists()


def test_an_order_that_no_unit_holds_climbs(world: World) -> None:
    case = bring_to(world, State.ACCEPTED, matter=make_matter(name="无主管线"))

    sweep_ladder(at=on("20 11:47"))

    case.refresh_from_db()
    assert case.unit_id is None
    assert rungs(case, Stage.DISPATCH) == [("remind", 80), ("late", 100), ("climb", 150), ("climb", 200),
                                           ("climb", 250)]  # fmt: skip
    assert case.desk == world.city.city


def nobody_at(*places: Any) -> None:
    Post.objects.filter(place__in=places).update(starts_on="2019-01-01", ends_on="2020-01-01")


def events_of(case: Case) -> list[tuple[str, bool, int | None]]:
    """Kind, mark, and the desk that is told or takes over."""
    events = CaseEvent.objects.filter(case=case, data__stage=Stage.ACCEPT).order_by("seq")
    assert all(payload_problems(event.kind, event.data) == [] for event in events)
    return [
        (e.kind, e.data.get("no_recipient", False), e.data.get("told_desk_id") or e.data.get("to_desk_id"))
        for e in events
    ]


def test_a_climb_passes_over_a_desk_without_anybody_and_says_so(world: World) -> None:
    nobody_at(world.city.street)
    case = report(world)

    sweep_ladder(at=on("20 10:45"))

    case.refresh_from_db()
    assert events_of(case)[-1] == ("climb", True, world.city.district.pk)
    assert (case.desk, case.climbs) == (world.city.district, 1)


def test_with_nobody_above_at_all_it_climbs_to_the_next_level_and_says_so(world: World) -> None:
    nobody_at(world.city.street, world.city.district, world.city.city)
    case = report(world)

    sweep_ladder(at=on("20 10:45"))

    assert events_of(case)[-1] == ("climb", True, world.city.street.pk)


def test_a_reminder_that_reaches_nobody_is_told_to_the_nearest_desk_above_with_somebody(world: World) -> None:
    nobody_at(world.city.west, world.city.street)
    case = report(world)

    sweep_ladder(at=on("20 10:30"))
    run_relay()

    case.refresh_from_db()
    district = world.city.district.pk
    assert events_of(case) == [("remind", True, district), ("late", True, district)]
    assert case.desk == world.city.west
    told = Notification.objects.filter(case=case, kind__in=("remind", "late"))
    assert set(told.values_list("recipient", "kind")) == {
        (world.district_desk.pk, "remind"), (world.district_desk.pk, "late"),
    }  # fmt: skip


def test_a_reminder_that_somebody_gets_is_not_passed_on(world: World) -> None:
    """Nobody at the desk, but a unit handles it."""
    case = bring_to(world, State.HANDLING)
    nobody_at(world.city.west)

    sweep_ladder(at=on("23 08:27"))

    event = CaseEvent.objects.get(case=case, kind="remind", data__stage=Stage.HANDLE)
    assert "no_recipient" not in event.data


def test_a_rung_taken_on_a_closed_order_is_none(world: World) -> None:
    case = bring_to(world, State.HANDLED)
    Clock.objects.filter(case=case, stage=Stage.CHECK).update(next_rung_at=NOON + MINUTE)
    checking.pass_check(case_id=case.pk, actor=world.desk, at=NOON + 5 * MINUTE)

    assert sweep_ladder(at=NOON + timedelta(days=90)).done == 0
    assert LadderRung.objects.filter(is_active=True).exists()


def test_the_history_says_in_words_that_nobody_was_there(world: World) -> None:
    nobody_at(world.city.west)
    case = report(world)
    sweep_ladder(at=on("20 10:30"))

    with translation.override("en"):
        lines = [line.what for line in lines_of(case.events.order_by("seq").select_related("actor"), [])]

    assert lines[1:] == [
        "Nearly due: Accept, 80% of its time used; nobody was there, passed on",
        "Late: Accept, 100% of its time used; nobody was there, passed on",
    ]
