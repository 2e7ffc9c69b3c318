"""The system officer's pages about branches, joint committees and members: every save is an action."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from partymembers.models import AuditEntry, Branch, JointCommittee, JointMember, Member, MemberMove, Role
from tests.factories.party import Party, make_branch, make_member, make_party
from tests.factories.people import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def party() -> Party:
    return make_party()


@pytest.fixture
def system() -> Client:
    client = Client()
    client.force_login(make_user("系统员", role=Role.SYSTEM_OFFICER))
    return client


def page(model: Any, name: str, *args: Any) -> str:
    return reverse(f"admin:partymembers_{model._meta.model_name}_{name}", args=args)


def actions_done() -> set[str]:
    return set(AuditEntry.objects.values_list("action", flat=True))


def test_a_branch_is_added_moved_and_dissolved(party: Party, system: Client) -> None:
    data = {"code": "N1", "name": "新支部", "level": "branch", "parent": party.committee.pk}
    assert system.post(page(Branch, "add"), data).status_code == 302
    branch = Branch.objects.get(code="N1")
    assert Branch.objects.get_parent(branch) == party.committee
    moved = {"name": "改名支部", "parent": party.city_branch.pk}
    assert system.post(page(Branch, "change", branch.pk), moved).status_code == 302
    branch = Branch.objects.get(code="N1")
    assert (branch.name, branch.depth) == ("改名支部", 2)
    refused = system.post(page(Branch, "add"), {**data, "code": "N2", "level": "street"})
    assert refused.status_code == 200
    assert "level" in refused.context["adminform"].form.errors
    for chosen in (branch, party.home):
        system.post(
            page(Branch, "changelist"), {"action": "dissolve_chosen", "_selected_action": [chosen.pk]}
        )
    assert set(Branch.objects.exclude(dissolved_on=None)) == {branch}
    assert {"branch_added", "branch_changed", "branch_moved", "branch_dissolved"} <= actions_done()


def test_a_joint_committee_gets_its_seats(party: Party, system: Client) -> None:
    data = {"branch": party.committee.pk, "name": "西涧社区大党委", "founded_on": "2026-01-01"}
    assert system.post(page(JointCommittee, "add"), data).status_code == 302
    committee = JointCommittee.objects.get()
    seat = {
        "committee": committee.pk, "unit": party.world.unit.pk, "staff_number": party.outsider.username,
        "duty": "委员", "starts_on": "2026-01-01",
    }  # fmt: skip
    assert system.post(page(JointMember, "add"), {**seat, "staff_number": "none"}).status_code == 200
    assert system.post(page(JointMember, "add"), seat).status_code == 302
    held = JointMember.objects.get()
    assert system.post(page(JointMember, "change", held.pk), {"ends_on": "2026-11-20"}).status_code == 302
    held.refresh_from_db()
    assert (held.user, str(held.ends_on)) == (party.outsider, "2026-11-20")


def test_a_member_is_entered_and_transferred(party: Party, system: Client) -> None:
    data = {
        "staff_number": party.outsider.username, "status": "full", "home_branch": party.home.pk,
        "settled_on": "2026-11-01",
    }  # fmt: skip
    assert system.post(page(Member, "add"), data).status_code == 302
    member = Member.objects.get(user=party.outsider)
    other = make_branch(party.city_branch, "医院支部")
    changed = {"status": "probationary", "home_branch": other.pk}
    assert system.post(page(Member, "change", member.pk), changed).status_code == 302
    member.refresh_from_db()
    assert (member.home_branch, member.status) == (other, "probationary")
    assert MemberMove.objects.filter(member=member).count() == 2
    assert {"member_added", "member_transferred", "member_changed"} <= actions_done()


def test_neither_phone_nor_door_is_shown(party: Party, system: Client) -> None:
    member = make_member("住户", home=party.home, door="9幢909", user=make_user("住户", phone="13811112222"))
    for url in (page(Member, "changelist"), page(Member, "change", member.pk)):
        text = system.get(url).content.decode()
        assert "13811112222" not in text
        assert "9幢909" not in text


@pytest.mark.parametrize("model", [Branch, Member, JointMember, JointCommittee])
def test_the_other_officers_look_and_nothing_is_deleted(party: Party, system: Client, model: Any) -> None:
    auditor = Client()
    auditor.force_login(make_user("审计员", role=Role.AUDIT_OFFICER))
    assert auditor.get(page(model, "changelist")).status_code == 200
    assert auditor.get(page(model, "add")).status_code == 403
    row = model.objects.first()
    if row is not None:
        assert system.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize(("model", "queries"), [(Branch, 5), (Member, 5)])
def test_lists_cost_as_many_queries_with_many_rows(
    party: Party, system: Client, model: Any, queries: int, django_assert_num_queries: Any
) -> None:
    system.get(page(model, "changelist"))
    with django_assert_num_queries(queries):
        system.get(page(model, "changelist"))
    for number in range(30):
        branch = make_branch(party.committee, f"{number}支部", unit=party.world.unit)
        make_member(f"党员{number}", home=branch, checkin=party.committee)
    with django_assert_num_queries(queries):
        system.get(page(model, "changelist"))


def test_officers_read_the_community_and_not_the_building(party: Party, system: Client) -> None:
    building = party.world.city.building
    member = make_member(home=party.home, lives_at=building, door="9幢909")
    auditor = Client()
    auditor.force_login(make_user("审计员", role=Role.AUDIT_OFFICER))
    for client in (system, auditor):
        text = client.get(page(Member, "change", member.pk)).content.decode()
        assert party.world.city.west.name in text
        assert building.name not in text
        assert "909" not in text
