"""The checks are silent about a city that the actions wrote, and each notices what it is there for."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import translation
from pytest_django import Settings
from pytest_django.fixtures import DjangoAssertNumQueries

from cases.actions import desk, handling, oversight
from cases.actions.catalogue import save_configuration
from cases.calendars import forget_calendar
from cases.deadlines import TimerType
from cases.escalation import sweep_ladder
from cases.models import Attachment, CalendarChange, CalendarDay, Case, Notification, TakenRung
from cases.recalculation import recalculate
from cases.relay import registered_consumers, run_relay
from cases.workflow import State
from governance.invariants.promises import Outcome, Question
from governance.invariants.repairs import REPAIRS, repair
from governance.invariants.running import invariants, run_checks
from tests.factories.cases import NOON, World, bring_to, report
from tests.factories.catalogue import make_matter
from tests.factories.party import bring_wish_to, make_party
from tests.governance.invariants.violations import VIOLATIONS

HOUR = timedelta(hours=1)
#: The Monday after: many clocks are late by now.
LATER = NOON + timedelta(days=3)
INCIDENT_STATES = ("reported", "accepted", "dispatched", "handling", "suspended", "handled", "closed",
                   "declined", "merged", "voided")  # fmt: skip
WISH_STATES = ("closed", "voided", "delivered", "asked", "published", "claimed", "confirmed", "begun")

pytestmark = pytest.mark.django_db


@pytest.fixture
def city() -> World:
    """Orders and wishes in every state, some late, all read by the relay's readers."""
    forget_calendar()
    party = make_party()
    world = party.world
    for state in INCIDENT_STATES:
        bring_to(world, state)
    for state in WISH_STATES:
        bring_wish_to(party, state)
    _take_turns(world)
    sweep_ladder(at=NOON + 9 * HOUR)
    sweep_ladder(at=LATER)
    run_relay()
    return world


def _take_turns(world: World) -> None:
    """What moves clocks about: a return, a failed check, an extension, a suspension that ended, a matter that
    was corrected, an order given back down, one day and night."""
    urgent = make_matter(
        name="燃气泄漏",
        amount=2,
        timer=TimerType.URGENT_HOUR,
        urgency="urgent",
        unit=world.unit,
        place=world.city.city,
    )
    bring_to(world, State.HANDLING, matter=urgent)
    returned = bring_to(world, State.HANDLING)
    handling.return_case(case_id=returned.pk, actor=world.handler, at=NOON + HOUR, note="不归我们管")
    resumed = bring_to(world, State.SUSPENDED)
    desk.resume_case(case_id=resumed.pk, actor=world.desk, at=NOON + 5 * HOUR)
    extended = bring_to(world, State.HANDLING)
    handling.ask_extension(
        case_id=extended.pk, actor=world.handler, at=NOON + HOUR, extra=timedelta(hours=4), note="等配件"
    )
    desk.grant_extension(case_id=extended.pk, actor=world.desk, at=NOON + HOUR)
    corrected = bring_to(world, State.HANDLING)
    desk.correct_matter(case_id=corrected.pk, matter=urgent, actor=world.desk, at=NOON + HOUR)
    climbed = report(world)
    oversight.escalate_case(case_id=climbed.pk, actor=world.desk, at=NOON + HOUR, note="请街道处理")
    oversight.give_back_case(case_id=climbed.pk, actor=world.street_desk, at=NOON + 2 * HOUR, note="仍由社区")


def look(*names: str) -> list[Outcome]:
    """Everything in the tables on the Monday; nothing may wait."""
    return run_checks(
        Question(at=LATER, grace=timedelta(0), readers=registered_consumers(), names=names, sample=100)
    )


def broken(outcomes: Sequence[Outcome]) -> dict[str, list[str]]:
    return {o.invariant.name: [f"{x.number} {x.detail}" for x in o.offences] for o in outcomes if not o.holds}


def seed(statements: Sequence[str]) -> None:
    """Change the tables as no action would."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for statement in statements:
            cursor.execute(statement)


def test_what_the_actions_wrote_breaks_no_promise_and_each_kind_of_violation_is_caught(city: World) -> None:
    assert set(Case.objects.values_list("state", flat=True)) == set(State.values)
    assert {*TakenRung.objects.values_list("deed", flat=True)} >= {"remind", "late", "climb"}
    assert Notification.objects.filter(kind="late").exists()
    assert broken(look()) == {}
    missed, told = [], list[str]()
    for name, ways in VIOLATIONS.items():
        for way in ways:
            with transaction.atomic():
                seed(way)
                caught = broken(look(name))
                transaction.set_rollback(True)
            missed += [] if name in caught else [(name, way)]
            told += caught.get(name, [])
    assert missed == []
    assert [line for line in told if not line.replace("—", "").isascii()] == [], "a name or somebody's words"
    assert broken(look()) == {}


@pytest.mark.parametrize("taken_off", [NOON.date(), LATER.date()])
def test_a_day_that_is_taken_off_when_it_has_passed_is_no_fault(city: World, taken_off: date) -> None:
    """Neither what was taken by the former calendar, nor what the walk has yet to move."""
    day = CalendarDay(date=taken_off, is_workday=False, name="停工")
    save_configuration(day, actor=city.system_officer, at=LATER)
    assert broken(look()) == {}
    recalculate(at=LATER + timedelta(minutes=1))
    run_relay()
    assert broken(look()) == {}


def test_a_change_of_the_calendar_that_is_never_followed_is_told(city: World) -> None:
    CalendarDay.objects.create(date=NOON.date(), is_workday=False, name="停工")
    CalendarChange.objects.create(at=LATER - 2 * HOUR)
    assert {"dues_are_right", "next_rungs_are_right"} <= broken(look()).keys()


def test_every_check_has_a_violation_and_every_repair_exists() -> None:
    every = invariants()
    assert {invariant.name for invariant in every} == set(VIOLATIONS)
    assert {invariant.repair for invariant in every} - {""} == set(REPAIRS)
    assert len({invariant.name for invariant in every}) == len(every)


def test_repairs_mend_what_they_are_for_and_nothing_else_breaks(city: World) -> None:
    ways = {
        "people": VIOLATIONS["handlers_can_act"][0],
        "places": VIOLATIONS["desks_stand"][1],
        "clocks": VIOLATIONS["orders_show_their_first_due"][0],
        "rungs": VIOLATIONS["due_rungs_are_taken"][0],
        "relay": VIOLATIONS["readers_are_at_the_end"][0],
        "messages": VIOLATIONS["messages_reach_everybody"][0],
    }
    assert set(ways) == set(REPAIRS)
    left = {}
    for name, way in ways.items():
        with transaction.atomic():
            seed(way)
            assert name in repair(look(), at=LATER)
            run_relay()
            left[name] = broken(look())
            transaction.set_rollback(True)
    assert left == {name: {} for name in ways}


def test_the_database_counts_and_only_the_first_rows_come_over(
    city: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    seed(["UPDATE cases_case SET last_seq = last_seq + 1"])
    with django_assert_num_queries(4):  # a savepoint and its release, working hours, the check
        (outcome,) = run_checks(Question(at=LATER, readers=("in_app",), names=("events_in_line",), sample=3))
    assert (outcome.count, len(outcome.offences)) == (Case.objects.count(), 3)


def test_pictures_without_files_are_told_only_where_one_asks(city: World, settings: Settings) -> None:
    question = Question(at=LATER, names=("pictures_belong",), sample=2)
    assert [outcome.count for outcome in run_checks(question)] == [0]
    claimed = Attachment.objects.filter(case__isnull=False)
    assert [outcome.count for outcome in run_checks(question, files=True)] == [0, claimed.count()]
    for picture in claimed:
        for name in (picture.file.name, picture.thumbnail.name):
            path = Path(settings.MEDIA_ROOT) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    assert [outcome.count for outcome in run_checks(question, files=True)] == [0, 0]


def test_the_command_exits_1_and_tells_programs_and_people_in_both_languages(city: World) -> None:
    seed(VIOLATIONS["counters_agree"][0])
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("check_invariants", "counters_agree", "events_in_line", "--json", stdout=out)
    assert ended.value.code == 1
    counters, line = json.loads(out.getvalue())
    assert (counters["name"], counters["count"], len(counters["rows"])) == ("counters_agree", 1, 1)
    assert (line["count"], line["rows"]) == (0, [])
    words = {"en": "1 broken", "zh-hans": "1 项不符"}
    for language, expected in words.items():
        out = io.StringIO()
        with translation.override(language), pytest.raises(SystemExit):
            call_command("check_invariants", "counters_agree", stdout=out)
        assert expected in out.getvalue()
    out = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("check_invariants", "counters_agree", "--rows=0", stdout=out)
    assert [line.split()[0] for line in out.getvalue().splitlines()][:-1] == [
        "1"
    ]  # no rows, yet their number
    out = io.StringIO()
    call_command("check_invariants", "events_in_line", stdout=out)
    assert out.getvalue().startswith("      0  events_in_line")
    with pytest.raises(CommandError, match="orders_smile"):
        call_command("check_invariants", "orders_smile")
