"""Who may do what, against a matrix written by hand from "Who may act on an incident" of DECISIONS.md."""

from __future__ import annotations

import pytest

from cases.actions.engine import lock_case
from cases.actions.reporting import withdraw_case
from cases.actors import SYSTEM, PublicReporter
from cases.models import Case, CaseRequest
from cases.permissions import allowed_actions, require
from cases.workflow import ENDED_STATES, OPEN_STATES, WORKFLOWS, Kind
from governance.common.errors import NotAllowed, NotVisible, WrongState
from partymembers.access import access_of
from partymembers.models import User
from tests.factories.cases import MINUTE, NOON, World, bring_to, make_world

pytestmark = pytest.mark.django_db

R, A, D, H, S, K, C = "reported", "accepted", "dispatched", "handling", "suspended", "handled", "closed"
DESKS = {"desk", "second_desk", "street_desk", "district_desk", "city_desk"}
ABOVE = {"street_desk", "district_desk", "city_desk"}
LEAD = {"handler", "second_handler", "head"}
GROUND = {"worker", "second_worker"}
STAFF = DESKS | LEAD | GROUND | {"assistant"}
#: Action → states that allow it → people of the small world who may. The worker is the reporter;
#: the handler finished it, and holds no post on the ground.
MATRIX: dict[str, tuple[set[str], set[str]]] = {
    "accept": ({R}, DESKS | {"system"}),
    "decline": ({R}, DESKS),
    "merge": ({R}, DESKS),
    "dispatch": ({A}, DESKS | {"system"}),
    "void": ({A}, ABOVE),
    "acknowledge": ({D}, LEAD),
    "assign": ({D, H}, LEAD),
    "return": ({D, H}, LEAD | {"system"}),
    "reassign": ({D, H}, DESKS),
    "finish": ({H}, LEAD),
    "part_done": ({H}, {"assistant"}),
    "ask_extension": ({H}, LEAD),
    "ask_suspension": ({H}, LEAD),
    "grant_extension": (set(), set()),
    "refuse_extension": (set(), set()),
    "grant_suspension": (set(), set()),
    "refuse_suspension": (set(), set()),
    "resume": ({S}, DESKS),
    "check_pass": ({K}, DESKS | GROUND),
    "check_fail": ({K}, DESKS | GROUND),
    "rate": ({C}, {"worker"}),
    "follow_up": ({C}, DESKS),
    "reopen": ({C}, DESKS | {"system"}),
    "escalate": ({R, A, D, H, K}, DESKS | {"system"}),
    "take_over": ({R, A, D, H, K}, ABOVE),
    "give_back": (set(), set()),
    "urge": ({R, A, D, H, K}, DESKS | {"worker"}),
    "supervise": ({R, A, D, H, S, K}, ABOVE | {"official"}),
    "instruct": ({R, A, D, H, S, K, C}, {"official"}),
    "comment": ({R, A, D, H, S, K, C}, STAFF),
    "attach": ({R, A, D, H, S, K}, STAFF),
    "correct_matter": ({R, A, D, H, K}, DESKS),
    "correct_place": ({R, A, D, H, K}, DESKS),
    "add_information": ({R, A, D, H, S, K}, {"worker"}),
    "withdraw": ({R, A}, {"worker"}),
    # It lies with the community, whose desk whistles nobody; nobody is called yet (`test_whistling`).
    "whistle": ({R, A, D, H, K}, ABOVE),
    "answer_whistle": (set(), set()),
    "come_to_whistle": (set(), set()),
    "report_whistle": (set(), set()),
    "end_whistle": (set(), set()),
}
STATES = [*OPEN_STATES, *ENDED_STATES]
#: Units come to an order with its dispatch; before that their people stand outside.
BEFORE_DISPATCH = {R, A}
UNIT_PEOPLE = LEAD | {"assistant"}
EVERYBODY = STAFF | {
    "official",
    "resident",
    "other_worker",
    "other_desk",
    "other_handler",
    "system_officer",
    "system",
}


@pytest.fixture
def world() -> World:
    return make_world()


def expected(action: str, state: str) -> set[str]:
    states, who = MATRIX[action]
    if state not in states:
        return set()
    return who - UNIT_PEOPLE if state in BEFORE_DISPATCH else who


def actor_of(world: World, name: str) -> object:
    return SYSTEM if name == "system" else getattr(world, name)


def test_the_matrix_speaks_of_every_action() -> None:
    assert set(MATRIX) == set(WORKFLOWS[Kind.INCIDENT])


@pytest.mark.parametrize("state", STATES)
def test_every_triple_outside_the_matrix_is_refused(world: World, state: str) -> None:
    case = lock_case(bring_to(world, state).pk)  # as actions hold it
    for name in sorted(EVERYBODY):
        allowed = set(allowed_actions(actor_of(world, name), case, at=NOON))
        assert allowed == {action for action in MATRIX if name in expected(action, state)}, (name, state)


@pytest.mark.parametrize("state", STATES)
def test_the_check_agrees_with_the_buttons(world: World, answers_kept: None, state: str) -> None:
    case = lock_case(bring_to(world, state).pk)
    for name in sorted(EVERYBODY):
        actor = actor_of(world, name)
        access = None if name == "system" else access_of(actor, on=NOON.date())
        for action in MATRIX:
            if name in expected(action, state):
                require(actor, action, case, at=NOON, access=access)
                continue
            with pytest.raises((NotAllowed, NotVisible, WrongState)):
                require(actor, action, case, at=NOON, access=access)


@pytest.mark.parametrize(
    "name", ["other_worker", "other_desk", "other_handler", "resident", "system_officer"]
)
def test_an_outsider_learns_nothing(world: World, name: str) -> None:
    case = bring_to(world, "handling")
    with pytest.raises(NotVisible):
        require(getattr(world, name), "accept", case, at=NOON)


@pytest.mark.parametrize("kind", CaseRequest.Kind.values)
def test_a_request_opens_its_two_decisions_to_the_desks_alone(world: World, kind: str) -> None:
    case = bring_to(world, "handling")
    CaseRequest.objects.create(case=case, kind=kind, reason="配件未到", asked_by=world.handler, asked_at=NOON)
    case = Case.objects.get(pk=case.pk)
    decisions = {f"{verb}_{k}" for verb in ("grant", "refuse") for k in CaseRequest.Kind.values}
    asks = {f"ask_{k}" for k in CaseRequest.Kind.values}
    for name in sorted(EVERYBODY):
        allowed = set(allowed_actions(actor_of(world, name), case, at=NOON))
        mine = {f"grant_{kind}", f"refuse_{kind}"} if name in DESKS else set()
        assert allowed & decisions == mine, name
        assert not allowed & asks, name


def test_who_finished_an_order_never_checks_it(world: World) -> None:
    case = bring_to(world, "handled")
    Case.objects.filter(pk=case.pk).update(finisher=world.second_worker)
    case = Case.objects.get(pk=case.pk)
    assert "check_pass" not in allowed_actions(world.second_worker, case, at=NOON)
    assert "check_fail" not in allowed_actions(world.second_worker, case, at=NOON)
    assert "check_pass" in allowed_actions(world.worker, case, at=NOON)


def test_a_climbed_order_is_given_back_and_climbs_no_further_than_the_city(world: World) -> None:
    case = bring_to(world, "accepted")
    Case.objects.filter(pk=case.pk).update(desk=world.city.street)
    assert "give_back" in allowed_actions(world.street_desk, Case.objects.get(pk=case.pk), at=NOON)
    assert "accept" not in allowed_actions(world.desk, Case.objects.get(pk=case.pk), at=NOON)
    Case.objects.filter(pk=case.pk).update(desk=world.city.city)
    assert "escalate" not in allowed_actions(world.city_desk, Case.objects.get(pk=case.pk), at=NOON)


def test_a_link_opens_its_own_order_only(world: World) -> None:
    mine, other = bring_to(world, "reported"), bring_to(world, "reported")
    link = PublicReporter(mine.pk)
    assert allowed_actions(link, mine, at=NOON) == ("urge", "add_information", "withdraw")
    assert allowed_actions(link, other, at=NOON) == ()
    with pytest.raises(NotVisible):
        require(link, "withdraw", other, at=NOON)


def stale(actor: object, action: str, case: Case) -> str:
    case = Case.objects.select_related("desk", "place", "unit").get(pk=case.pk)
    with pytest.raises(WrongState) as refused:
        require(actor, action, case, at=NOON)
    return str(refused.value.message)


def test_a_colleague_who_was_late_reads_who_was_faster_and_a_resident_does_not(world: World) -> None:
    case = bring_to(world, "accepted", reporter=world.resident)
    assert world.desk.name in stale(world.second_desk, "accept", case)
    for state in ("dispatched", "handling", "closed"):
        case = bring_to(world, state, reporter=world.resident)
        told = stale(world.resident, "withdraw", case)
        assert [user.name for user in User.objects.all() if user.name in told] == []


def test_a_colleague_does_not_read_from_it_who_reported(world: World) -> None:
    case = bring_to(world, "accepted", reporter=world.resident)
    withdraw_case(case_id=case.pk, actor=world.resident, at=NOON + MINUTE)
    told = stale(world.desk, "dispatch", case)
    assert world.resident.name not in told
    assert "10:01" in told
