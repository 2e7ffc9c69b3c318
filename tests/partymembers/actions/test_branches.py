"""The branch tree: levels, moves, endings; joint committees."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from governance.common.errors import DomainError, Invalid, NotAllowed, WrongState
from partymembers.actions import branches as actions
from partymembers.actions.check_ins import ask_check_in
from partymembers.models import AuditEntry, Branch, BranchLevel, Role, User
from tests.factories.cases import NOON
from tests.factories.party import Party, make_branch, make_member, make_party
from tests.factories.people import make_unit, make_user

pytestmark = pytest.mark.django_db
TODAY = dt.date(2026, 11, 20)


@pytest.fixture
def party() -> Party:
    return make_party()


@pytest.fixture
def system() -> User:
    return make_user("系统员", role=Role.SYSTEM_OFFICER)


def add(
    system: User | None, parent: Branch | None, level: BranchLevel, code: str = "N1", **more: Any
) -> Branch:
    return actions.add_branch(
        code=code, name="新支部", level=level, parent_id=parent.pk if parent else None,
        actor=system, at=NOON, **more,
    )  # fmt: skip


def test_a_level_may_be_skipped_and_never_reversed(party: Party, system: User) -> None:
    group = add(system, party.committee, BranchLevel.GROUP)
    assert Branch.objects.get_parent(group) == party.committee
    for level in (BranchLevel.CITY, BranchLevel.STREET, BranchLevel.COMMUNITY):
        with pytest.raises(Invalid) as refusal:
            add(system, party.committee, level, code=f"X{level}")
        assert refusal.value.field == "level"
    assert AuditEntry.objects.get(action="branch_added").data["parent"] == party.committee.code


@pytest.mark.parametrize("code", ["", "   "])
def test_a_branch_needs_a_code_of_its_own(party: Party, system: User, code: str) -> None:
    with pytest.raises(Invalid):
        add(system, party.committee, BranchLevel.BRANCH, code=code)
    with pytest.raises(Invalid):
        add(system, party.committee, BranchLevel.BRANCH, code=party.home.code)


def test_moving_takes_along_what_lies_below(party: Party, system: User) -> None:
    street = add(system, party.city_branch, BranchLevel.STREET)
    branch = make_branch(party.committee, "网格支部")
    actions.move_branch(branch_id=party.committee.pk, parent_id=street.pk, actor=system, at=NOON)
    branch.refresh_from_db()
    assert [each.name for each in Branch.objects.get_ancestors(branch)] == ["市委", "新支部", "西涧社区党委"]
    with pytest.raises(Invalid):
        actions.move_branch(branch_id=street.pk, parent_id=branch.pk, actor=system, at=NOON)
    with pytest.raises(Invalid):
        actions.move_branch(branch_id=street.pk, parent_id=party.home.pk, actor=system, at=NOON)


def test_dissolving_waits_until_everybody_has_left(party: Party, system: User) -> None:
    def dissolve(branch: Branch) -> None:
        actions.dissolve_branch(branch_id=branch.pk, on=TODAY, actor=system, at=NOON)

    branch = make_branch(party.committee, "网格支部", place=party.world.city.west)
    for full in (party.home, party.committee, party.city_branch):
        with pytest.raises(WrongState):
            dissolve(full)
    member = make_member(home=party.home, lives_at=party.world.city.west)
    ask_check_in(actor=member.user, branch_id=branch.pk, at=NOON)
    with pytest.raises(WrongState):
        dissolve(branch)
    member.check_ins.update(state="withdrawn")
    dissolve(branch)
    branch.refresh_from_db()
    assert branch.dissolved_on == TODAY
    with pytest.raises(WrongState):
        dissolve(branch)
    with pytest.raises(Invalid):
        add(system, branch, BranchLevel.GROUP)


def test_a_change_is_written_down_once(party: Party, system: User) -> None:
    def change(name: str) -> None:
        actions.change_branch(
            branch_id=party.home.pk, name=name, place=None, unit=party.world.unit, actor=system, at=NOON
        )

    change("养护所党支部")
    change("养护所党支部")
    entry = AuditEntry.objects.get(action="branch_changed")
    assert entry.data == {"changes": {"name": ["市政养护所支部", "养护所党支部"]}}


def test_a_joint_committee_and_its_seats(party: Party, system: User) -> None:
    def found(branch: Branch) -> Any:
        return actions.found_joint_committee(
            branch_id=branch.pk, name="西涧社区大党委", founded_on=TODAY, actor=system, at=NOON
        )

    committee = found(party.committee)
    for branch in (party.committee, party.home):
        with pytest.raises(Invalid):
            found(branch)
    hospital, doctor = make_unit("社区医院"), make_user("院长")
    seat: dict[str, Any] = {
        "committee_id": committee.pk,
        "unit": hospital,
        "user_id": doctor.pk,
        "actor": system,
    }
    held = actions.seat_joint_member(**seat, duty="委员", starts_on=TODAY, at=NOON)
    with pytest.raises(Invalid):
        actions.seat_joint_member(**seat, starts_on=TODAY + dt.timedelta(days=9), at=NOON)
    actions.end_joint_seat(seat_id=held.pk, ends_on=TODAY, actor=system, at=NOON)
    with pytest.raises(Invalid):
        actions.end_joint_seat(seat_id=held.pk, ends_on=TODAY + dt.timedelta(days=1), actor=system, at=NOON)
    actions.seat_joint_member(**seat, starts_on=TODAY + dt.timedelta(days=9), at=NOON)
    assert committee.members.count() == 2


def test_only_the_system_officer_shapes_the_tree(party: Party) -> None:
    officers = [make_user(str(role.label), role=role) for role in (Role.SECURITY_OFFICER, Role.AUDIT_OFFICER)]
    above = make_user("市委书记", role=Role.OFFICIAL, place=party.world.city.city)
    before = list(Branch.objects.order_by("pk").values_list("pk", "path", "name", "dissolved_on"))
    for actor in (party.secretary, party.member, party.outsider, above, *officers):
        steps = [
            lambda a=actor: add(a, party.committee, BranchLevel.GROUP),
            lambda a=actor: actions.move_branch(
                branch_id=party.home.pk, parent_id=party.committee.pk, actor=a, at=NOON
            ),
            lambda a=actor: actions.dissolve_branch(branch_id=party.home.pk, on=TODAY, actor=a, at=NOON),
            lambda a=actor: actions.change_branch(
                branch_id=party.home.pk, name="x", place=None, unit=None, actor=a, at=NOON
            ),
            lambda a=actor: actions.found_joint_committee(
                branch_id=party.committee.pk, name="x", founded_on=TODAY, actor=a, at=NOON
            ),
        ]
        for step in steps:
            with pytest.raises(NotAllowed):
                step()
    assert list(Branch.objects.order_by("pk").values_list("pk", "path", "name", "dissolved_on")) == before
    assert issubclass(NotAllowed, DomainError)
