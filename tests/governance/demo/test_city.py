"""The demo city: what stands in it, that its orders were lived through the actions, how its desks look.

Then its live orders: the loop moves by itself, and never where a visitor's hand is expected. They come last,
for all of this module look at one city.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
import shapely
from django.db.models import Count, F, Q, Sum
from django.utils import timezone

from cases import relay
from cases.catalogue import wish_kinds
from cases.deadlines import TimerType
from cases.models import (
    Attachment,
    Case,
    CaseEvent,
    Channel,
    Claim,
    Clock,
    Matter,
    MatterClass,
    Notification,
    Responsibility,
    Standard,
    Wish,
)
from cases.workflow import WORKFLOWS, Kind, State
from governance.demo import trickle
from governance.demo.divisions import STREETS
from governance.demo.loading import Loaded
from governance.demo.signins import signin_table
from governance.demo.staff import MEMBERS, PASSWORD, SIGN_INS
from grids.boundaries import locate
from grids.levels import Level
from grids.models import Building, Compound, Place, QrCode
from partymembers.access import access_of
from partymembers.models import (
    OFFICER_ROLES,
    Activity,
    Branch,
    BranchLevel,
    CheckIn,
    Evaluation,
    Member,
    PointsAccount,
    PointsEntry,
    Post,
    Role,
    ServiceRecord,
    StationItem,
    Team,
    Unit,
    User,
)

from .conftest import NOW

pytestmark = pytest.mark.usefixtures("demo")
#: Later the same day, when the rests of all orders are over.
LATER = NOW + timedelta(hours=1)


def held_by(username: str):
    """The open orders on the desk of a sign-in."""
    access = access_of(User.objects.get(username=username), on=timezone.localdate(NOW))
    return Case.objects.held_by(access).open()


def test_places_have_the_divisions_real_names_and_codes() -> None:
    counts = Counter(Place.objects.values_list("level", flat=True))
    communities = [row for part in STREETS.values() for row in part]
    assert (counts[Level.CITY], counts[Level.DISTRICT], counts[Level.STREET]) == (1, 1, 9)
    assert counts[Level.COMMUNITY] == len(communities) == 45
    assert 180 <= counts[Level.GRID] <= 225
    assert set(communities) == set(Place.objects.filter(level=Level.COMMUNITY).values_list("code", "name"))
    assert counts[Level.BUILDING] == Building.objects.count() == 4 * counts[Level.GRID]
    assert 90 <= Compound.objects.count() <= 135
    assert QrCode.objects.count() >= 200


def test_boundaries_are_schematic_and_share_their_edges() -> None:
    grids = list(Place.objects.filter(level=Level.GRID))
    shapes = [shapely.geometry.shape(grid.boundary) for grid in grids]
    assert all(grid.is_schematic for grid in grids)
    assert all(shape.is_valid for shape in shapes)
    district = shapely.geometry.shape(Place.objects.get(level=Level.DISTRICT).boundary)
    total = sum(shape.area for shape in shapes)
    assert shapely.unary_union(shapes).area == pytest.approx(total, rel=1e-3)
    assert district.area == pytest.approx(total, rel=5e-3)
    found = [
        locate(grid.lng, grid.lat)
        for grid, shape in zip(grids, shapes, strict=True)
        if shape.contains(shapely.Point(grid.lng, grid.lat))
    ]
    assert len(found) > 0.95 * len(grids)
    assert not any(each.outside for each in found)


def test_the_catalogue_has_every_timer_and_units_for_most() -> None:
    assert MatterClass.objects.exclude(section=MatterClass.Section.WISH).count() == 10
    assert 40 <= Matter.objects.exclude(matter_class__section=MatterClass.Section.WISH).count() <= 60
    assert set(Standard.objects.values_list("timer_type", flat=True)) == set(TimerType)
    assert Matter.objects.filter(direct_dispatch=True).exists()
    assert Matter.objects.filter(needs_photo=False).exists()
    assert Matter.objects.filter(is_fallback=True).count() == 1
    assert set(Matter.objects.filter(standards=None)) == set(wish_kinds())
    assert Unit.objects.count() == 34
    routed = Case.objects.filter(routed_at__isnull=False)
    assert routed.filter(suggested_unit__isnull=False).count() > 0.85 * routed.count()
    assert Responsibility.objects.filter(owner_role__isnull=False).count() == 9


def test_there_are_people_in_every_role() -> None:
    roles = Counter(Post.objects.values_list("role", flat=True))
    assert set(roles) == set(Role) - {Role.BUILDING_CAPTAIN}
    assert all(roles[role] == 1 for role in OFFICER_ROLES)
    assert roles[Role.GRID_WORKER] == Place.objects.filter(level=Level.GRID).count()
    names = list(User.objects.values_list("name", flat=True))
    assert len(names) == len(set(names))
    assert User.objects.exclude(phone__startswith="1990000").count() == 0


def test_every_sign_in_works_and_is_told() -> None:
    table = signin_table()
    assert PASSWORD in table
    for sign in SIGN_INS:
        user = User.objects.get(username=sign.username)
        assert user.check_password(PASSWORD)
        assert list(user.posts.values_list("role", flat=True)) == ([sign.role] if sign.role else [])
        assert sign.username in table


def test_orders_were_lived_through_the_actions(demo: Loaded) -> None:
    """Each order's events are a walk through the workflow's table, in the order of time and sequence."""
    assert Case.objects.count() == demo.orders >= 160
    assert demo.refusals == ()
    for case in Case.objects.prefetch_related("events"):
        events, rules = list(case.events.all()), WORKFLOWS[case.kind]
        state = State.REPORTED if case.kind == Kind.INCIDENT else State.ASKED
        assert [event.seq for event in events] == list(range(1, case.last_seq + 1))
        assert [event.at for event in events] == sorted(event.at for event in events)
        assert events[-1].at <= NOW
        for event in events[1:]:
            assert event.from_state == state or event.kind == "resolve"
            if event.kind in rules and event.kind != "resolve":
                assert event.to_state == rules[event.kind].moves[State(event.from_state)]
            state = State(event.to_state)
        assert case.state == state


def test_orders_come_from_everywhere_and_go_everywhere() -> None:
    assert set(Case.objects.values_list("channel", flat=True)) >= {
        Channel.GRID_WORKER, Channel.RESIDENT, Channel.HOTLINE, Channel.PATROL,
    }  # fmt: skip
    states = Counter(Case.objects.values_list("state", flat=True))
    assert states[State.CLOSED] > 0.5 * Case.objects.count()
    assert {State.REPORTED, State.ACCEPTED, State.DISPATCHED, State.HANDLING, State.HANDLED} <= set(states)
    year_before = Case.objects.filter(reported_at__lt=NOW - timedelta(days=61))
    assert 0 < year_before.count() < 0.3 * Case.objects.count()
    closed = Case.objects.filter(state=State.CLOSED)
    on_time = closed.filter(closed_at__lte=F("due_at")).count()
    assert 0.8 < on_time / closed.count() < 1
    assert Case.objects.exclude(satisfaction="").exists()
    assert CaseEvent.objects.filter(kind="late").exists()


def test_the_desk_opens_with_late_nearly_late_and_many_in_time() -> None:
    inbox = held_by("secretary")
    late = inbox.filter(next_due_at__lt=NOW).count()
    nearly = inbox.filter(next_due_at__gte=NOW, next_warn_at__lte=NOW).count()
    assert inbox.count() > 30
    assert 2 <= late <= 8
    assert 3 <= nearly <= 10
    assert held_by("street").filter(climbs__gt=0).count() == 3
    assert held_by("district").filter(climbs__gt=1).count() == 2
    assert held_by("city").filter(climbs__gt=2).count() == 1


def test_every_picture_has_its_files_and_an_order(demo_media: Path) -> None:
    assert Attachment.objects.filter(case=None).count() == 0
    files = set(Attachment.objects.values_list("file", flat=True))
    assert 5 < len(files) <= 22
    assert all((demo_media / name).is_file() for name in files)
    shown = Case.objects.filter(state=State.CLOSED).annotate(pictures=Count("attachments"))
    assert shown.filter(pictures__gt=0).count() > 0.7 * shown.count()


def test_all_events_have_positions_and_old_messages_are_read() -> None:
    positions = list(CaseEvent.objects.order_by("position").values_list("position", flat=True))
    assert positions == list(range(1, len(positions) + 1))
    assert relay.lag().is_empty
    old = Notification.objects.filter(read_at=None, due_at__lt=NOW - timedelta(days=1))
    assert old.count() == 0
    assert Notification.objects.filter(case__reported_at__lt=NOW - timedelta(days=60)).count() == 0


def test_no_clock_of_an_ended_order_runs_and_no_rung_is_overdue() -> None:
    ended = Q(case__state__in=[State.CLOSED, State.DECLINED, State.MERGED, State.VOIDED])
    assert Clock.objects.filter(ended, stopped_at=None).count() == 0
    assert Clock.objects.filter(next_rung_at__lt=NOW - timedelta(minutes=2)).count() == 0


def test_every_community_has_a_committee_with_a_secretary() -> None:
    communities = Place.objects.filter(level=Level.COMMUNITY)
    committees = Branch.objects.filter(level=BranchLevel.COMMUNITY)
    assert set(committees.values_list("place", flat=True)) == set(communities.values_list("pk", flat=True))
    led = Post.objects.filter(role=Role.BRANCH_SECRETARY).values_list("branch", flat=True)
    assert set(led) == set(committees.values_list("pk", flat=True))


def test_most_members_have_checked_in_some_wait_some_are_due() -> None:
    assert Member.objects.count() == MEMBERS == 400
    states = Counter(CheckIn.objects.values_list("state", flat=True))
    assert states[CheckIn.State.ACCEPTED] > 300
    assert states[CheckIn.State.ASKED] > 5
    assert Member.objects.filter(check_ins=None).count() > 5
    assert Member.objects.get(user__username="member").checkin_branch is not None


def test_wishes_stand_in_every_state_of_their_table() -> None:
    states = {
        state for rule in WORKFLOWS[Kind.WISH].values() for pair in rule.moves.items() for state in pair
    }
    found = Counter(Case.objects.filter(kind=Kind.WISH).values_list("state", flat=True))
    assert set(found) == states == {State(state) for state in found}
    assert sum(found.values()) > 70
    assert not Wish.objects.filter(case__state=State.ASKED).exclude(title="").exists()
    assert Claim.objects.filter(ended_at=None).values("case").distinct().count() == sum(
        found[state] for state in (State.CLAIMED, State.CONFIRMED, State.BEGUN, State.DELIVERED)
    )


def test_three_teams_activities_grades_and_a_shelf() -> None:
    assert Team.objects.count() == 3
    assert Activity.objects.count() == 6
    assert Evaluation.objects.exclude(reported_at=None).exists()
    assert StationItem.objects.filter(stock__gt=0).count() == 4
    assert ServiceRecord.objects.filter(minutes__gt=0).count() > 50


def test_the_ledger_balances() -> None:
    assert PointsEntry.objects.aggregate(sum=Sum("amount"))["sum"] == 0
    for account in PointsAccount.objects.filter(kind=PointsAccount.Kind.PERSON).annotate(
        of=Sum("entries__amount")
    ):
        assert account.balance == account.of >= 0
    assert User.objects.get(username="volunteer").volunteer.community_id is not None


def standing() -> dict[int, int]:
    return dict(Case.objects.values_list("pk", "last_seq"))


def test_rounds_report_and_move_orders_but_leave_the_visitors_theirs() -> None:
    before = standing()
    day = timezone.localdate(NOW)
    secretary = access_of(User.objects.get(username="secretary"), on=day)
    worker = access_of(User.objects.get(username="worker"), on=day)
    unit_id = User.objects.get(username="handler").posts.get().unit_id
    at_desk = Case.objects.held_by(secretary).filter(state__in=[State.REPORTED, State.ACCEPTED])
    at_unit = Case.objects.filter(unit=unit_id, state__in=[State.DISPATCHED, State.HANDLING])
    grids = [grant.place_id for grant in worker.grants]
    to_check = Case.objects.filter(grid__in=grids, state=State.HANDLED)
    left = {pk for waiting in (at_desk, at_unit, to_check) for pk in waiting.values_list("pk", flat=True)}
    assert left
    rounds = [trickle.trickle(at=LATER + number * timedelta(minutes=2), seed=number) for number in range(12)]
    assert sum(each.reported for each in rounds) == Case.objects.count() - len(before) > 3
    assert sum(each.moved for each in rounds) > 6
    after = standing()
    assert {pk: after[pk] for pk in left} == {pk: before[pk] for pk in left}
    newest = CaseEvent.objects.filter(at__gte=LATER).exclude(actor=None)
    acted = set(newest.exclude(kind__in=["report"]).values_list("actor__username", flat=True))
    assert acted & {"secretary", "handler", "head", "worker"} == set()


def test_an_order_rests_after_somebody_has_touched_it() -> None:
    Case.objects.update(updated_at=LATER - timedelta(seconds=30))
    assert trickle._move(_world(), random.Random(1), LATER) == 0


def test_a_day_brings_only_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trickle, "MOST_A_DAY", 0)
    assert sum(trickle.trickle(at=LATER, seed=seed).reported for seed in range(5)) == 0


def _world():
    world = trickle.read_world(now=LATER, seed=1)
    assert world is not None
    return world
