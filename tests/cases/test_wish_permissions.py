"""Who may do what to a wish, against a matrix written by hand from "Wishes" of DECISIONS.md."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pytest

from cases.actions import wishes
from cases.actions.engine import lock_case
from cases.actors import SYSTEM, Actor, PublicReporter
from cases.models import Case
from cases.permissions import allowed_actions, require
from cases.workflow import WORKFLOWS, Kind, State
from governance.common.errors import NotAllowed, NotVisible, WrongState
from partymembers.access import access_of
from partymembers.models import User
from tests.factories.cases import NOON
from tests.factories.party import (
    Party,
    ask,
    bring_wish_to,
    make_branch,
    make_branch_post,
    make_party,
    publishing,
)
from tests.factories.people import make_user

pytestmark = pytest.mark.django_db

A, P, C, F, B, D, X = "asked", "published", "claimed", "confirmed", "begun", "delivered", "closed"
OPEN = {A, P, C, F, B, D}
DESKS = {"desk", "second_desk", "street_desk", "district_desk", "city_desk"}
#: The committee that serves the community, and the one above it.
BRANCH = {"secretary", "city_secretary"}
UNITS = {"handler", "second_handler", "head", "assistant", "other_handler"}
HELPERS = {"member", "second_member", "volunteer", "other_secretary"} | BRANCH | UNITS
ASKER, CLAIMER, SYSTEM_ITSELF = {"asker"}, {"member"}, {"system"}
#: Action → states that allow it → who may. The asker has no account; the member has claimed it.
MATRIX: dict[str, tuple[set[str], set[str]]] = {
    "publish": ({A}, DESKS),
    "decline": ({A}, DESKS),
    "edit_wish": ({P}, DESKS),
    "claim": ({P}, HELPERS),
    "assign_wish": ({P}, DESKS | BRANCH),
    "confirm": ({C}, DESKS | BRANCH),
    "refuse_claim": ({C}, DESKS | BRANCH),
    "begin": ({F}, CLAIMER),
    "deliver": ({F, B}, CLAIMER),
    "hand_back": ({C, F, B}, CLAIMER),
    "lapse": ({C, F, B}, SYSTEM_ITSELF),
    "fail": ({D}, DESKS | ASKER),
    "rate": ({D, X}, ASKER),
    "close_unrated": ({D}, SYSTEM_ITSELF),
    "thank": ({X}, ASKER),
    "revoke": ({X}, DESKS),
    "void": ({A, P, C, F, B}, DESKS),
    "withdraw": ({A, P, C, F}, ASKER),
    "to_branch": ({P}, DESKS | SYSTEM_ITSELF),
    "urge": ({A, P, C, F, B}, DESKS | ASKER),
    "comment": (OPEN | {X}, DESKS | BRANCH | CLAIMER),
    "add_information": (OPEN, ASKER),
}
#: In whose hands it is comes with the publishing (the branch) and with the claim (the claimer).
BEFORE_PUBLISHING, BEFORE_CLAIM = {A}, {A, P}
STRANGERS = {"outsider", "worker", "other_worker", "other_desk", "official", "resident", "system_officer"}
EVERYBODY = DESKS | HELPERS | ASKER | SYSTEM_ITSELF | STRANGERS | {"another_asker"}


@dataclass
class Cast:
    """The people of the matrix by name."""

    party: Party
    city_secretary: User
    other_secretary: User

    def actor(self, name: str, case: Case) -> Actor:
        if name == "system":
            return SYSTEM
        if name in ("asker", "another_asker"):
            return PublicReporter(case.pk if name == "asker" else case.pk + 1)
        for where in (self, self.party, self.party.world):
            if isinstance(found := getattr(where, name, None), User):
                return found
        raise KeyError(name)


@pytest.fixture
def people() -> Cast:
    party = make_party()
    above, beside = make_user("市委书记"), make_user("外书记")
    make_branch_post(above, party.city_branch)
    make_branch_post(beside, make_branch(party.city_branch, "东涧社区党委"))
    return Cast(party, above, beside)


def expected(action: str, state: str) -> set[str]:
    states, who = MATRIX[action]
    if state not in states:
        return set()
    if state in BEFORE_PUBLISHING:
        who = who - BRANCH
    if state in BEFORE_CLAIM and who & CLAIMER and action != "claim":
        who = who - CLAIMER
    return who


WISH_STATES = sorted(
    {State(s) for s in (A, P, C, F, B, D, X)} | {State.DECLINED, State.VOIDED}, key=lambda state: state.value
)


def test_the_matrix_speaks_of_every_action() -> None:
    assert set(MATRIX) == set(WORKFLOWS[Kind.WISH])


@pytest.mark.parametrize("state", WISH_STATES)
def test_every_triple_outside_the_matrix_is_refused(people: Cast, state: str) -> None:
    case = lock_case(bring_wish_to(people.party, state).pk)  # as actions hold it
    for name in sorted(EVERYBODY):
        allowed = set(allowed_actions(people.actor(name, case), case, at=NOON))
        assert allowed == {action for action in MATRIX if name in expected(action, state)}, (name, state)


@pytest.mark.parametrize("state", WISH_STATES)
def test_the_check_agrees_with_the_buttons(people: Cast, answers_kept: None, state: str) -> None:
    case = lock_case(bring_wish_to(people.party, state).pk)
    for name in sorted(EVERYBODY):
        actor = people.actor(name, case)
        access = access_of(actor, on=NOON.date()) if isinstance(actor, User) else None
        for action in MATRIX:
            if name in expected(action, state):
                require(actor, action, case, at=NOON, access=access)
                continue
            with pytest.raises((NotAllowed, NotVisible, WrongState)):
                require(actor, action, case, at=NOON, access=access)


@pytest.mark.parametrize("name", ["outsider", "other_desk", "resident", "system_officer", "another_asker"])
def test_a_stranger_learns_nothing(people: Cast, name: str) -> None:
    case = bring_wish_to(people.party, State.PUBLISHED)
    with pytest.raises(NotVisible):
        require(people.actor(name, case), "publish", case, at=NOON)


def test_what_a_unit_claimed_all_its_people_do_and_nobody_else(people: Cast) -> None:
    party = people.party
    case = bring_wish_to(party, State.PUBLISHED)
    wishes.claim_wish(case_id=case.pk, actor=party.world.handler, at=NOON, unit=party.world.unit)
    case = Case.objects.get(pk=case.pk)
    doers = {name for name in EVERYBODY if "hand_back" in actions(people, name, case)}
    assert doers == {"handler", "second_handler", "head"}


def test_what_a_branch_claimed_its_own_committee_does_and_confirms_with_other_eyes(people: Cast) -> None:
    party = people.party
    case = bring_wish_to(party, State.PUBLISHED)
    wishes.claim_wish(case_id=case.pk, actor=party.secretary, at=NOON, branch=party.committee)
    case = Case.objects.get(pk=case.pk)
    assert {name for name in EVERYBODY if "hand_back" in actions(people, name, case)} == {"secretary"}
    with pytest.raises(WrongState):
        wishes.confirm_claim(case_id=case.pk, actor=party.secretary, at=NOON)
    wishes.confirm_claim(case_id=case.pk, actor=people.city_secretary, at=NOON)


def actions(people: Cast, name: str, case: Case) -> tuple[str, ...]:
    return allowed_actions(people.actor(name, case), case, at=NOON)


def test_an_asker_with_an_account_is_the_asker_and_no_helper(people: Cast) -> None:
    party = people.party
    case = ask(party, asker=party.second_member, address="")
    wishes.publish_wish(case_id=case.pk, publishing=publishing(), actor=party.world.desk, at=NOON)
    case = Case.objects.get(pk=case.pk)
    mine = set(actions(people, "second_member", case))
    assert mine == {"withdraw", "urge", "add_information"}


def test_who_left_claims_nothing_any_more(people: Cast) -> None:
    party = people.party
    case = bring_wish_to(party, State.PUBLISHED)
    party.volunteer.volunteer.left_at = NOON
    party.volunteer.volunteer.save()
    party.second_member.member.left_on = NOON.date()
    party.second_member.member.save()
    for name in ("volunteer", "second_member"):
        assert "claim" not in actions(people, name, case)


def test_the_rating_may_be_changed_for_fifteen_days(people: Cast) -> None:
    case = bring_wish_to(people.party, State.CLOSED)
    asker = people.actor("asker", case)
    assert "rate" in allowed_actions(asker, case, at=NOON + dt.timedelta(days=15))
    assert "rate" not in allowed_actions(asker, case, at=NOON + dt.timedelta(days=16))
