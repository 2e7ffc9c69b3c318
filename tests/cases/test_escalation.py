"""The sweep of the ladder: each rung at its time and once, whatever happens to the order or the worker."""

from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction

from cases import escalation
from cases.actions import checking, desk, handling, oversight
from cases.actions.escalating import take_rungs
from cases.actions.quarantine import RETRY
from cases.deadlines import CHINA, TimerType
from cases.escalation import sweep_ladder
from cases.events import payload_problems
from cases.models import Case, CaseEvent, Clock, LadderRung, TakenRung, Urgency
from cases.workflow import Stage, State
from tests.factories.cases import NOON, World, bring_to, make_world, report
from tests.factories.catalogue import make_matter

pytestmark = pytest.mark.usefixtures("plain_calendar")
HOUR = timedelta(hours=1)
TAKEN = ("remind", "late", "climb")


def on(text: str) -> datetime:
    """An instant of November 2026 in the city; the 20th, when the orders are made, is a Friday."""
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=CHINA)


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def rungs(case: Case, stage: str) -> list[tuple[str, int]]:
    """The kind and percentage of every event of the ladder for that stage, in order."""
    events = CaseEvent.objects.filter(case=case, kind__in=TAKEN, data__stage=stage).order_by("seq")
    return [(event.kind, event.data["percent"]) for event in events]


def clock_of(case: Case, stage: str) -> Clock:
    return Clock.objects.get(case=case, stage=stage, stopped_at=None)


def test_an_order_that_nobody_accepts_climbs_to_the_city_and_each_rung_comes_at_its_minute(
    world: World,
) -> None:
    """Thirty working minutes to accept from 10:00: 10:24 is 80 %, 10:30 late, then a level each quarter."""
    case = report(world)
    seen = []
    for minute in range(20, 200):
        at = NOON + timedelta(minutes=minute)
        before = len(rungs(case, Stage.ACCEPT))
        sweep_ladder(at=at)
        for kind, percent in rungs(case, Stage.ACCEPT)[before:]:
            case.refresh_from_db()
            seen.append((f"{at.astimezone(CHINA):%H:%M}", kind, percent, case.desk.level))

    assert seen == [
        ("10:24", "remind", 80, "community"),
        ("10:30", "late", 100, "community"),
        ("10:45", "climb", 150, "street"),
        ("11:00", "climb", 200, "district"),
        ("11:15", "climb", 250, "city"),
    ]
    clock = clock_of(case, Stage.ACCEPT)
    assert (clock.next_rung_at, clock.next_rung_percent) == (None, None)
    assert (case.climbs, case.state, case.place_id) == (3, State.REPORTED, world.city.west_1.pk)


def test_no_rung_a_second_early(world: World) -> None:
    case = report(world)

    assert sweep_ladder(at=NOON + timedelta(minutes=24) - timedelta(seconds=1)).done == 0
    assert sweep_ladder(at=NOON + timedelta(minutes=24)).done == 1
    assert sweep_ladder(at=NOON + timedelta(minutes=24)).done == 0
    assert rungs(case, Stage.ACCEPT) == [("remind", 80)]


def test_what_a_standstill_left_is_caught_up_in_order(world: World) -> None:
    case = report(world)

    swept = sweep_ladder(at=on("20 11:20"))

    assert swept.done == 5
    assert rungs(case, Stage.ACCEPT) == [
        ("remind", 80), ("late", 100), ("climb", 150), ("climb", 200), ("climb", 250),
    ]  # fmt: skip
    case.refresh_from_db()
    assert case.desk == world.city.city


def test_the_event_tells_the_clock_the_desks_and_what_the_table_of_events_asks(world: World) -> None:
    case = report(world)
    clock = clock_of(case, Stage.ACCEPT)

    sweep_ladder(at=on("20 10:45"))

    events = list(CaseEvent.objects.filter(case=case, kind__in=TAKEN).order_by("seq"))
    assert [payload_problems(event.kind, event.data) for event in events] == [[], [], []]
    assert events[-1].actor_kind == CaseEvent.ActorKind.SYSTEM
    assert events[-1].at == on("20 10:45")
    assert events[-1].data == {
        "clock_id": clock.pk,
        "stage": "accept",
        "round": 1,
        "percent": 150,
        "due_at": "2026-11-20T02:30:00+00:00",
        "quiet": False,
        "from_desk_id": world.city.west.pk,
        "to_desk_id": world.city.street.pk,
    }


def test_an_accepted_order_climbs_no_more_for_its_acceptance(world: World) -> None:
    case = report(world)
    sweep_ladder(at=on("20 10:45"))

    desk.accept_case(case_id=case.pk, actor=world.street_desk, at=on("20 10:50"))
    sweep_ladder(at=on("20 11:19"))

    assert rungs(case, Stage.ACCEPT) == [("remind", 80), ("late", 100), ("climb", 150)]
    assert rungs(case, Stage.DISPATCH) == [("remind", 80)]


def test_an_extension_brings_no_rung_early_and_none_twice(world: World) -> None:
    """Eight hours from Friday 10:03: 80 % on Monday 8:27, due 10:03; with eight more: Tuesday 10:03."""
    case = bring_to(world, State.HANDLING)
    sweep_ladder(at=on("23 08:27"))
    assert rungs(case, Stage.HANDLE) == [("remind", 80)]

    handling.ask_extension(
        case_id=case.pk, actor=world.handler, at=on("23 08:50"), extra=8 * HOUR, note="等材料"
    )
    desk.grant_extension(case_id=case.pk, actor=world.desk, at=on("23 09:00"))
    for at in ("23 10:03", "23 16:00", "24 10:02"):
        sweep_ladder(at=on(at))
    assert rungs(case, Stage.HANDLE) == [("remind", 80)]

    sweep_ladder(at=on("24 10:03"))
    sweep_ladder(at=on("24 10:03"))
    assert rungs(case, Stage.HANDLE) == [("remind", 80), ("late", 100)]


def test_an_extension_before_the_reminder_moves_the_reminder(world: World) -> None:
    """80 % of 16 hours from Friday 10:03 is Monday 16:51."""
    case = bring_to(world, State.HANDLING)
    handling.ask_extension(
        case_id=case.pk, actor=world.handler, at=on("20 11:00"), extra=8 * HOUR, note="等材料"
    )
    desk.grant_extension(case_id=case.pk, actor=world.desk, at=on("20 11:05"))

    sweep_ladder(at=on("23 16:50"))
    assert rungs(case, Stage.HANDLE) == []
    sweep_ladder(at=on("23 16:51"))
    assert rungs(case, Stage.HANDLE) == [("remind", 80)]


def test_a_suspended_order_is_left_alone_and_its_rungs_come_later_by_the_pause(world: World) -> None:
    """One minute of handling was used on Friday; resumed Wednesday at 8:00, 80 % (6:24) is at 16:23."""
    case = bring_to(world, State.SUSPENDED)
    # Suspended at 10:04, one minute after the handling began.
    assert sweep_ladder(at=on("25 07:59")).done == 0

    desk.resume_case(case_id=case.pk, actor=world.desk, at=on("25 08:00"))
    sweep_ladder(at=on("25 16:22"))
    assert rungs(case, Stage.HANDLE) == []
    sweep_ladder(at=on("25 16:23"))
    assert rungs(case, Stage.HANDLE) == [("remind", 80)]


def test_a_suspension_after_the_reminder_brings_it_no_second_time(world: World) -> None:
    case = bring_to(world, State.HANDLING)
    sweep_ladder(at=on("23 08:27"))
    handling.ask_suspension(case_id=case.pk, actor=world.handler, at=on("23 08:30"), note="等法院裁定")
    desk.grant_suspension(case_id=case.pk, actor=world.desk, at=on("23 08:33"))
    desk.resume_case(case_id=case.pk, actor=world.desk, at=on("25 08:00"))

    # 6:30 were used, so 1:30 is left from Wednesday 8:00.
    sweep_ladder(at=on("25 09:29"))
    assert rungs(case, Stage.HANDLE) == [("remind", 80)]
    sweep_ladder(at=on("25 09:30"))
    assert rungs(case, Stage.HANDLE) == [("remind", 80), ("late", 100)]


def test_the_handlers_ladder_stands_during_the_check_and_goes_on_after_rework(world: World) -> None:
    """Handled from 10:03 to 10:04 on Friday; the check fails at 11:04, so 80 % (6:24) is Monday 9:27."""
    case = bring_to(world, State.HANDLED)
    assert clock_of(case, Stage.HANDLE).next_rung_at is None
    checking.fail_check(case_id=case.pk, actor=world.second_worker, at=on("20 11:04"), note="没修好")

    sweep_ladder(at=on("23 09:26"))
    assert rungs(case, Stage.HANDLE) == []
    sweep_ladder(at=on("23 09:27"))
    assert rungs(case, Stage.HANDLE) == [("remind", 80)]


def test_a_return_opens_a_new_round_with_a_ladder_of_its_own(world: World) -> None:
    case = bring_to(world, State.DISPATCHED)
    sweep_ladder(at=on("20 11:02"))
    assert rungs(case, Stage.ACKNOWLEDGE) == [("remind", 80), ("late", 100)]

    handling.return_case(case_id=case.pk, actor=world.handler, at=on("20 11:03"), note="不归我们管")
    desk.dispatch_case(case_id=case.pk, unit=world.other_unit, actor=world.desk, at=on("20 11:04"))
    sweep_ladder(at=on("20 11:51"))
    assert rungs(case, Stage.ACKNOWLEDGE) == [("remind", 80), ("late", 100)]
    sweep_ladder(at=on("20 11:52"))
    assert rungs(case, Stage.ACKNOWLEDGE) == [("remind", 80), ("late", 100), ("remind", 80)]


def test_an_order_that_the_top_gives_back_climbs_again_but_only_for_what_lies_ahead(world: World) -> None:
    """At 11:36 it has used 320 % of 30 minutes: 350 % comes at 11:45, what was missed at the top does not."""
    case = report(world)
    sweep_ladder(at=on("20 11:30"))
    oversight.give_back_case(case_id=case.pk, actor=world.city_desk, at=on("20 11:36"), note="请区里办理")
    case.refresh_from_db()
    assert case.desk == world.city.district

    sweep_ladder(at=on("20 11:44"))
    case.refresh_from_db()
    assert case.desk == world.city.district
    sweep_ladder(at=on("20 11:45"))
    case.refresh_from_db()
    assert case.desk == world.city.city
    assert rungs(case, Stage.ACCEPT)[-2:] == [("climb", 250), ("climb", 350)]


def test_a_rung_that_is_due_again_by_mistake_is_not_taken_again(world: World) -> None:
    case = report(world)
    sweep_ladder(at=on("20 10:45"))
    taken = rungs(case, Stage.ACCEPT)
    Clock.objects.filter(case=case, stage=Stage.ACCEPT).update(
        next_rung_percent=80, next_rung_at=on("20 10:24")
    )

    assert sweep_ladder(at=on("20 10:46")).done == 0

    assert rungs(case, Stage.ACCEPT) == taken
    assert clock_of(case, Stage.ACCEPT).next_rung_percent == 200


def test_a_task_delivered_twice_does_nothing_the_second_time(world: World) -> None:
    case = report(world)
    clock = clock_of(case, Stage.ACCEPT)

    assert take_rungs(clock_id=clock.pk, case_id=case.pk, at=on("20 10:30")) == 2
    assert take_rungs(clock_id=clock.pk, case_id=case.pk, at=on("20 10:30")) == 0


def test_a_sweep_killed_halfway_leaves_no_trace_and_the_next_one_does_it_all(world: World) -> None:
    cases = [report(world) for _ in range(3)]

    def killed_sweep() -> None:
        with transaction.atomic():
            sweep_ladder(at=on("20 10:45"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed_sweep()
    assert TakenRung.objects.count() == CaseEvent.objects.filter(kind__in=TAKEN).count() == 0

    assert sweep_ladder(at=on("20 10:45")).done == 9
    assert [rungs(case, Stage.ACCEPT) for case in cases] == [
        [("remind", 80), ("late", 100), ("climb", 150)]
    ] * 3


def test_one_bad_order_holds_up_no_other_and_is_tried_again(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    cases = [report(world) for _ in range(5)]
    bad = cases[2]
    clock = clock_of(bad, Stage.ACCEPT)
    Case.objects.filter(pk=bad.pk).update(last_seq=0)  # its next event will collide with its first

    swept = sweep_ladder(at=on("20 10:30"))

    assert (swept.done, swept.failed) == (8, (clock.pk,))
    assert [len(rungs(case, Stage.ACCEPT)) for case in cases] == [2, 2, 0, 2, 2]
    assert not TakenRung.objects.filter(clock=clock).exists()
    logged = [record.message for record in caplog.records if record.name == "gezhi.ladder"]
    assert logged == ["batch_split", "rung_failed"]
    clock.refresh_from_db()
    assert (clock.next_rung_percent, clock.next_rung_at) == (80, on("20 10:30") + RETRY)

    Case.objects.filter(pk=bad.pk).update(last_seq=1)
    assert sweep_ladder(at=on("20 10:30") + RETRY - timedelta(seconds=1)).done == 0
    assert sweep_ladder(at=on("20 10:30") + RETRY).done == 2
    assert rungs(bad, Stage.ACCEPT) == [("remind", 80), ("late", 100)]


def test_more_bad_orders_than_a_batch_holds_do_not_starve_the_good_one_behind_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(escalation, "BATCH", 3)
    bad = [report(world) for _ in range(7)]
    good = report(world, at=NOON + timedelta(minutes=1))
    Case.objects.filter(pk__in=[case.pk for case in bad]).update(last_seq=0)

    swept = sweep_ladder(at=on("20 10:31"))

    assert len(swept.failed) == 7
    assert rungs(good, Stage.ACCEPT) == [("remind", 80), ("late", 100)]


def test_a_sweep_stops_when_its_time_is_up_and_the_next_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(escalation, "BATCH", 1)
    for _ in range(3):
        report(world)

    assert sweep_ladder(at=on("20 10:24"), seconds=0).done == 0
    assert sweep_ladder(at=on("20 10:24")).done == 3


@pytest.mark.parametrize(
    ("urgency", "at", "quiet"),
    [
        (Urgency.NORMAL, "20 17:30", False),
        (Urgency.NORMAL, "20 18:00", True),
        (Urgency.NORMAL, "21 10:00", True),
        (Urgency.URGENT, "21 03:00", False),
        (Urgency.URGENT, "20 17:30", False),
    ],
)
def test_outside_working_time_only_urgent_orders_disturb(
    world: World, urgency: Urgency, at: str, quiet: bool
) -> None:
    matter = make_matter(name="燃气泄漏", timer=TimerType.URGENT_HOUR, urgency=urgency)
    case = report(world, matter=matter)

    sweep_ladder(at=on(at))

    events = CaseEvent.objects.filter(case=case, kind__in=TAKEN)
    assert {event.data["quiet"] for event in events} == {quiet}


def test_the_ladder_is_data(world: World) -> None:
    """A city that reminds at half time, and lets only urgent orders climb."""
    LadderRung.objects.filter(deed=LadderRung.Deed.REMIND).update(percent=50)
    LadderRung.objects.filter(deed=LadderRung.Deed.LATE).update(is_active=False)
    LadderRung.objects.filter(deed=LadderRung.Deed.CLIMB).update(urgency=Urgency.URGENT)
    urgent = make_matter(name="燃气泄漏", timer=TimerType.URGENT_HOUR, urgency=Urgency.URGENT)
    normal, pressing = report(world), report(world, matter=urgent)

    sweep_ladder(at=on("20 10:15"))
    assert rungs(normal, Stage.ACCEPT) == [("remind", 50)]
    assert rungs(pressing, Stage.ACCEPT) == [("remind", 50), ("climb", 150)]  # ten minutes to accept

    sweep_ladder(at=on("20 11:50"))
    assert rungs(normal, Stage.ACCEPT) == [("remind", 50)]


def test_finding_what_is_due_uses_the_index(world: World) -> None:
    report(world)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    due = Clock.objects.filter(next_rung_at__lte=on("20 10:45")).order_by("next_rung_at", "pk")

    assert "clock_next_rung" in due[:25].explain()
