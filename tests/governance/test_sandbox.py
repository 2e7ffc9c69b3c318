"""Test orders: people neither see them nor are told of them, and no figure or count changes by them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from cases.actions.desk import merge_case
from cases.actions.reporting import join_case
from cases.calendars import forget_calendar
from cases.escalation import sweep_ladder
from cases.ladder_preview import preview_ladder
from cases.models import Case, CaseEvent, Delivery, Notification, OutboundMessage, TakenRung, Wish
from cases.permissions import allowed_actions, require
from cases.public import open_in_community
from cases.queries import near_duplicates
from cases.relay import registered_consumers, run_relay
from cases.routing import unit_record
from cases.web.boards import BOARDS
from cases.web.public import common_matters
from cases.web.today import todo
from cases.whistles import calls_of, record_in, record_of
from cases.wish_lists import branch_wishes, claims_of, needs_by_place
from cases.wish_queries import waiting_count
from cases.workflow import Kind, State
from governance.common.errors import NotVisible
from governance.figures.party.counting import Fold
from governance.figures.party.queries import party_overview
from governance.figures.party.subjects import By, PartySubject
from governance.figures.periods import Period, Span
from governance.figures.queries import late_cases, overview
from governance.figures.subjects import Subject, area_of
from governance.invariants.promises import Question
from governance.invariants.running import run_checks
from governance.metrics import Portal
from partymembers.access import access_of
from partymembers.models import PointsTransaction, ServiceRecord, User
from tests.factories.cases import NOON, World, bring_to, report
from tests.factories.party import Party, bring_wish_to, make_party
from tests.factories.sandbox import ADDRESS, Sandbox, make_sandbox, sandboxed_ids
from tests.factories.scene import signed_in
from tests.factories.whistles import whistle

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(days=3)
MONTH = Period.named(Span.MONTH, LATER)
#: Pages of a desk, a worker, a handler and a member that list orders or count them.
PAGES = {
    "desk": ("cases:desk", "cases:search", "cases:wish_desk", "cases:notifications", "cases:wish_needs"),
    "worker": ("cases:today", "cases:mine"),
    "handler": ("cases:handling", "cases:whistles", "cases:wishes", "cases:my_claims"),
    "official": ("dashboard:overview",),
}


@pytest.fixture
def party() -> Party:
    """A real city: orders and wishes in many states, some late, all told."""
    forget_calendar()
    party = make_party()
    for state in (State.REPORTED, State.HANDLING, State.HANDLED, State.CLOSED):
        bring_to(party.world, state)
    whistle(party.world)
    for state in (State.PUBLISHED, State.CLAIMED, State.CLOSED):
        bring_wish_to(party, state)
    _settle()
    return party


def _settle() -> None:
    run_relay()
    sweep_ladder(at=NOON + timedelta(hours=9))
    sweep_ladder(at=LATER)
    run_relay()
    cache.clear()


def _people(party: Party) -> list[User]:
    world = party.world
    on_site = [world.worker, world.handler, world.other_handler, world.resident, party.member]
    return [world.desk, world.street_desk, world.head, world.official, party.secretary, *on_site]


def _seen_by(user: User, world: World) -> dict[str, Any]:
    """What one person's lists, boards and figures hold."""
    access, city = access_of(user, on=LATER.date()), world.city
    orders = Case.objects
    reads = (orders.visible_to, orders.worked_by, orders.wishes_known_to, orders.wishes_of_desk)
    fixed = {"matter_id": world.matter.pk, "since": NOON - timedelta(days=9), "metres": 5000.0}
    lng, lat = city.inside(city.west_1)
    places = (Subject(), Subject(area_of(city.city)))
    parties = (PartySubject(place=city.city.path), PartySubject(unit_id=world.unit.pk))
    return {
        "rows": [sorted(read(access).values_list("pk", flat=True)) for read in reads],
        "boards": [board.counts(access, LATER) for board in BOARDS.values()],
        "today": todo(access).count(),
        "similar": {c.pk for c in near_duplicates(orders.visible_to(access), lng=lng, lat=lat, **fixed)},
        "figures": [overview(subject, MONTH, access) for subject in places],
        "late": [list(late_cases(subject, access, LATER)) for subject in places],
        "party": [party_overview(p, MONTH, access, folds=[Fold(by) for by in By]) for p in parties],
        "claims": list(claims_of(user, access)),
        "branch": [list(branch_wishes(access, state=s)) for s in (State.CLAIMED, State.PUBLISHED)],
        "whistles": record_in(calls_of(access)),
    }


def _counted(world: World) -> dict[str, Any]:
    """What is counted for nobody in particular."""
    city = world.city
    metrics = [m for m in Portal().collect() if m.name in ("gezhi_open_orders", "gezhi_outbound_messages")]
    return {
        "metrics": sorted(repr(sample) for metric in metrics for sample in metric.samples),
        "wall": waiting_count(city.city.pk, on=LATER.date()),
        "needs": needs_by_place(city.city.pk, on=LATER.date()),
        "preview": preview_ladder([], at=LATER),
        "unit": unit_record(world.unit, world.matter, since=NOON - timedelta(days=9)),
        "whistles": [record_of(unit=unit) for unit in (world.unit, world.other_unit)],
        "public": sorted(open_in_community(city.west.pk).values_list("pk", flat=True)),
        "common": [choice.name for choice in common_matters(city.west, LATER)],
        "told": [m.objects.count() for m in (Notification, Delivery, OutboundMessage)],
        "given": [m.objects.count() for m in (PointsTransaction, ServiceRecord)],
    }


def _state_of(party: Party) -> dict[str, Any]:
    cache.clear()
    return {user.name: _seen_by(user, party.world) for user in _people(party)} | _counted(party.world)


def test_no_list_figure_count_or_message_changes_by_tests_in_every_state(party: Party) -> None:
    before = _state_of(party)
    sandbox = make_sandbox(party)
    sandbox.fill()
    _settle()
    assert {*Case.objects.filter(is_test=True).values_list("state", flat=True)} >= set(State.values) - {
        "begun"
    }
    assert TakenRung.objects.filter(clock__case__is_test=True, deed="climb").exists()
    after = _state_of(party)
    for name, seen in before.items():
        assert after[name] == seen, name
    assert not Notification.objects.filter(case__is_test=True).exists()
    outcomes = run_checks(Question(at=LATER, grace=timedelta(0), readers=registered_consumers()))
    assert [o.invariant.name for o in outcomes if not o.holds] == []
    _pages_show_none(party)
    _each_side_has_its_own(party, sandbox)


def _pages_show_none(party: Party) -> None:
    numbers = {*Case.objects.filter(is_test=True).values_list("number", flat=True), ADDRESS}
    for who, names in PAGES.items():
        client = signed_in(getattr(party.world, who))
        for name in names:
            response = client.get(reverse(name))
            assert response.status_code == 200, name
            assert not [told for told in numbers if told in response.content.decode()], name
    test = Case.objects.filter(is_test=True, kind=Kind.INCIDENT)[0]
    wish = Wish.objects.filter(case__is_test=True, published_at__isnull=False)[0]
    client = signed_in(party.world.desk)
    for url in (
        reverse("cases:detail", args=[test.number]),
        reverse("cases:wish", args=[wish.case.number]),
        reverse("cases:wish_order", args=[wish.case.number]),
    ):
        assert client.get(url).status_code == 404, url


def _each_side_has_its_own(party: Party, sandbox: Sandbox) -> None:
    """Neither side sees, may act on, joins or merges what is the other's; the sandbox has no figures."""
    now = timezone.now()
    access = access_of(sandbox.desk.user, on=LATER.date())
    seen = Case.objects.visible_to(access) | Case.objects.wishes_of_desk(access)
    assert set(seen.values_list("pk", flat=True)) == sandboxed_ids()
    assert (
        set(
            claims_of(sandbox.unit.user, access_of(sandbox.unit.user, on=LATER.date())).values_list(
                "case_id", flat=True
            )
        )
        <= sandboxed_ids()
    )
    assert not overview(Subject(area_of(party.world.city.city)), MONTH, access).total.current
    assert not late_cases(Subject(), access, LATER).exists()
    real, test = report(party.world, at=LATER), report(sandbox.world, at=LATER)
    for actor, case in ((party.world.desk, test), (sandbox.desk.user, real)):
        assert allowed_actions(actor, case, at=now) == ()
        with pytest.raises(NotVisible):
            require(actor, "accept", case, at=now)
        with pytest.raises(NotVisible):
            join_case(case_id=case.pk, user=actor, at=LATER)
    for actor, case, into in ((party.world.desk, real, test), (sandbox.desk.user, test, real)):
        with pytest.raises(NotVisible):
            merge_case(case_id=case.pk, target_id=into.pk, actor=actor, at=LATER, note="同一处")
    assert not CaseEvent.objects.filter(case__in=(real, test)).exclude(kind="report").exists()
