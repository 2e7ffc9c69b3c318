"""What people have is never given to a connected system, and no list of people names one."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cases.actions import desk, handling, oversight
from cases.circles import audience
from cases.models import CaseEvent
from cases.roster import load_roster
from governance.common.errors import NotVisible
from partymembers import actions
from partymembers.actions.branches import found_joint_committee, seat_joint_member
from partymembers.actions.members import add_member
from partymembers.actions.volunteers import register_volunteer
from partymembers.importing import import_people
from partymembers.models import BranchLevel, Member, Post, Role, User
from partymembers.party_importing import import_members
from tests.factories.cases import NOON, bring_to, make_world, report
from tests.factories.keys import service_account
from tests.factories.party import make_branch
from tests.factories.people import make_unit, make_user
from tests.partymembers.conftest import NOW, TODAY, City

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def system_user(town: City) -> User:
    return service_account(place=town.here).user


def test_every_action_that_gives_something_to_people_refuses_it(system_user: User, town: City) -> None:
    post = make_user(role=Role.GRID_WORKER, place=town.grid_here).posts.get()
    street = make_branch(name="街道党工委", level=BranchLevel.STREET, place=town.street)
    committee = found_joint_committee(
        branch_id=street.pk, name="兼职委员会", founded_on=TODAY, actor=None, at=NOW
    )
    by: dict[str, Any] = {"actor": None, "at": NOW}
    pk, unit = system_user.pk, make_unit()
    tries = {
        "post": lambda: actions.give_post(user_id=pk, role=Role.DESK, place=town.here, starts_on=TODAY, **by),
        "stint": lambda: actions.appoint_substitute(
            post_id=post.pk, substitute_id=pk, starts_on=TODAY, ends_on=TODAY, **by
        ),
        "password": lambda: actions.reset_password(user_id=pk, password="Long-enough-7", **by),
        "own password": lambda: actions.change_password(user=system_user, password="Long-enough-7", at=NOW),
        "phone": lambda: actions.change_phone(user_id=pk, phone="13812345678", **by),
        "name": lambda: actions.change_person(user_id=pk, name="人", phone="", **by),
        "member": lambda: add_member(user_id=pk, home_branch_id=street.pk, settled_on=TODAY, **by),
        "seat": lambda: seat_joint_member(
            committee_id=committee.pk, unit=unit, user_id=pk, starts_on=TODAY, **by
        ),
        "volunteer": lambda: register_volunteer(
            user=system_user, community=town.here, skills=[], introduction="", at=NOW
        ),
    }
    for name, attempt in tries.items():
        with pytest.raises(NotVisible):
            pytest.fail(f"{name}: {attempt()}")
    system_user.refresh_from_db()
    assert not system_user.has_usable_password()
    assert (system_user.phone, Post.objects.filter(user=system_user).exists()) == (None, False)


def test_no_file_of_people_or_members_reaches_it(system_user: User, tmp_path: Path) -> None:
    rows = f"staff_number,name\n{system_user.username},张三\n"
    read = import_people(rows.encode(), passwords=tmp_path / "secret.csv", at=NOW)
    assert (read.applied, [fault.column for fault in read.refused]) == (False, ["staff_number"])
    branch = make_branch()
    rows = f"staff_number,home_branch_code,settled_on\n{system_user.username},{branch.code},2026-01-01\n"
    assert not import_members(rows.encode(), actor=None, at=NOW).applied
    system_user.refresh_from_db()
    assert (system_user.name == "张三", Member.objects.exists()) == (False, False)


def test_the_officers_lists_of_people_do_not_name_it(system_user: User, security: User) -> None:
    client = Client()
    client.force_login(security)
    search = {"app_label": "partymembers", "model_name": "post", "field_name": "user", "term": "系统"}
    found = client.get(reverse("admin:autocomplete"), search).json()["results"]
    listed = client.get(reverse("admin:partymembers_user_changelist")).content.decode()
    page = client.get(reverse("admin:partymembers_user_change", args=[system_user.pk]))
    key = client.post(reverse("admin:partymembers_user_password", args=[system_user.pk]))
    assert (found, system_user.name in listed, page.status_code, key.status_code) == ([], False, 302, 404)
    forged = {"user": system_user.pk, "role": "official", "place": "", "employment": "full_time"}
    client.post(reverse("admin:partymembers_post_add"), forged | {"starts_on": TODAY})
    assert not Post.objects.filter(user=system_user).exists()


def test_it_is_told_of_nothing_and_the_history_calls_it_by_its_name() -> None:
    world = make_world()
    system = service_account(place=world.city.west).user
    told = {}
    for reporter in (world.worker, system):
        case = report(world, reporter=reporter)
        desk.decline_case(case_id=case.pk, actor=world.desk, at=NOON, note="不属于本清单")
        event = CaseEvent.objects.get(case=case, kind="decline")
        roster = load_roster([event], [case], on=timezone.localdate(NOON))
        told[reporter] = reporter.pk in dict(audience(event, case, roster))
    assert told == {world.worker: True, system: False}
    client = Client()
    client.force_login(world.desk)
    page = client.get(reverse("cases:detail", args=[case.number])).content.decode()
    assert system.name in page


def test_what_a_unit_s_system_holds_the_unit_s_people_are_told_of() -> None:
    world = make_world()
    system = service_account(unit=world.unit).user
    case = bring_to(world, "dispatched")
    handling.acknowledge_case(case_id=case.pk, actor=system, at=NOON + HOUR)
    oversight.urge_case(case_id=case.pk, actor=world.desk, at=NOON + HOUR)
    case.refresh_from_db()
    event = CaseEvent.objects.get(case=case, kind="urge")
    told = dict(audience(event, case, load_roster([event], [case], on=timezone.localdate(NOON))))
    assert case.handler == system
    assert {world.handler.pk, world.head.pk} <= told.keys()
    assert system.pk not in told
