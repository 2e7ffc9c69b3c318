"""Members and their check-ins: the road, the ways back, and who may take which step."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection

from governance.common.errors import DomainError, Invalid, NotAllowed, NotVisible, WrongState
from partymembers.actions import check_ins, evaluations, members
from partymembers.actions.points import amount_of
from partymembers.models import (
    AuditEntry,
    CheckIn,
    Evaluation,
    Member,
    MemberMove,
    Notice,
    PointsTransaction,
    Role,
    User,
)
from tests.factories.cases import NOON
from tests.factories.party import Party, make_branch, make_branch_post, make_member, make_party
from tests.factories.people import make_unit, make_user

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
TODAY = dt.date(2026, 11, 20)


@pytest.fixture
def party() -> Party:
    return make_party()


@pytest.fixture
def newcomer(party: Party) -> Member:
    return make_member("新党员", home=party.home, lives_at=party.world.city.building, settled_on=TODAY)


def ask(member: Member, party: Party) -> CheckIn:
    return check_ins.ask_check_in(actor=member.user, branch_id=party.committee.pk, offer="会修水管", at=NOON)


def kinds(user: User) -> list[str]:
    return list(Notice.objects.filter(recipient=user).order_by("pk").values_list("kind", flat=True))


def test_from_request_to_points(party: Party, newcomer: Member) -> None:
    request = ask(newcomer, party)
    assert kinds(party.secretary) == ["check_in_asked"]
    assert newcomer.user.name not in str(Notice.objects.get().data)
    check_ins.accept_check_in(check_in_id=request.pk, actor=party.secretary, at=NOON + DAY)
    newcomer.refresh_from_db()
    assert (newcomer.checkin_branch, newcomer.checked_in_at) == (party.committee, NOON + DAY)
    assert kinds(newcomer.user) == ["check_in_accepted"]
    award = PointsTransaction.objects.get()
    assert (award.user, award.by, award.source, amount_of(award)) == (
        newcomer.user, party.secretary, "check_in", 5,
    )  # fmt: skip
    move = MemberMove.objects.get()
    assert (move.kind, move.from_branch, move.to_branch, move.by) == (
        "check_in", None, party.committee, party.secretary,
    )  # fmt: skip
    for step in (
        lambda: check_ins.accept_check_in(check_in_id=request.pk, actor=party.secretary, at=NOON),
        lambda: check_ins.withdraw_check_in(check_in_id=request.pk, actor=newcomer.user, at=NOON),
        lambda: ask(newcomer, party),
    ):
        with pytest.raises(WrongState):
            step()
    assert PointsTransaction.objects.count() == 1


def test_a_refusal_says_why_and_leaves_the_way_open(party: Party, newcomer: Member) -> None:
    request = ask(newcomer, party)
    with pytest.raises(Invalid):
        check_ins.refuse_check_in(check_in_id=request.pk, reason=" ", actor=party.secretary, at=NOON)
    check_ins.refuse_check_in(check_in_id=request.pk, reason="住址不符", actor=party.secretary, at=NOON)
    assert Notice.objects.get(recipient=newcomer.user).data["reason"] == "住址不符"
    again = ask(newcomer, party)
    with pytest.raises(WrongState):
        ask(newcomer, party)
    check_ins.withdraw_check_in(check_in_id=again.pk, actor=newcomer.user, at=NOON)
    assert ask(newcomer, party).state == "asked"
    assert not PointsTransaction.objects.exists()


def test_only_a_branch_where_one_lives_is_asked(party: Party, newcomer: Member) -> None:
    east = make_branch(party.city_branch, "东涧社区党委", place=party.world.city.east)
    for branch in (east, party.home, party.city_branch):
        with pytest.raises(Invalid):
            check_ins.ask_check_in(actor=newcomer.user, branch_id=branch.pk, at=NOON)
    with pytest.raises(NotVisible):
        check_ins.ask_check_in(actor=party.outsider, branch_id=party.committee.pk, at=NOON)


def test_moving_house_ends_the_check_in_and_a_new_one_is_due(party: Party, newcomer: Member) -> None:
    check_ins.accept_check_in(check_in_id=ask(newcomer, party).pk, actor=party.secretary, at=NOON)
    moved: dict[str, Any] = {
        "member_id": newcomer.pk,
        "lives_at": party.world.city.east,
        "actor": newcomer.user,
    }
    moved_on = TODAY + 3 * DAY
    with pytest.raises(Invalid):
        members.move_house(**moved, door="1", moved_on=moved_on, at=NOON)
    later = NOON + 5 * DAY
    members.move_house(**moved, door="3幢201", moved_on=moved_on, at=later)
    newcomer.refresh_from_db()
    assert (newcomer.checkin_branch, newcomer.checked_in_at, newcomer.settled_on) == (None, None, moved_on)
    ended = CheckIn.objects.get()
    assert (ended.state, ended.ended_at) == ("ended", later)
    assert [move.to_branch for move in newcomer.moves.order_by("pk")] == [party.committee, None]
    with pytest.raises(WrongState):
        members.move_house(**moved, door="3幢201", moved_on=moved_on, at=later)
    assert "3幢201" not in str(list(AuditEntry.objects.values_list("data", flat=True)))


def test_to_tell_a_first_home_ends_nothing(party: Party) -> None:
    member = Member.objects.get(user=party.member)
    members.move_house(
        member_id=member.pk,
        lives_at=party.world.city.west,
        door="5",
        moved_on=TODAY,
        actor=party.member,
        at=NOON,
    )
    member.refresh_from_db()
    assert (member.checkin_branch, member.door) == (party.committee, "5")


def test_transfer_leave_and_come_back(party: Party) -> None:
    member = Member.objects.get(user=party.member)
    other = make_branch(party.city_branch, "医院支部", unit=make_unit("医院"))
    secretary = make_user("院支书")
    make_branch_post(secretary, other)
    with pytest.raises(NotAllowed):
        members.transfer_member(member_id=member.pk, to_branch_id=other.pk, actor=party.secretary, at=NOON)
    members.transfer_member(member_id=member.pk, to_branch_id=other.pk, actor=secretary, at=NOON)
    members.leave(member_id=member.pk, on=TODAY, reason="调离", actor=secretary, at=NOON)
    member.refresh_from_db()
    assert (member.left_on, member.checkin_branch) == (TODAY, None)
    with pytest.raises(WrongState):
        members.leave(member_id=member.pk, on=TODAY, actor=secretary, at=NOON)
    added = {"user_id": member.user_id, "home_branch_id": other.pk, "settled_on": TODAY}
    assert members.add_member(**added, actor=secretary, at=NOON) == member
    with pytest.raises(Invalid):
        members.add_member(**added, actor=secretary, at=NOON)
    rows = [(m.from_branch_id, m.to_branch_id) for m in member.moves.filter(kind="home").order_by("pk")]
    assert rows == [(party.home.pk, other.pk), (other.pk, None), (None, other.pk)]


def test_a_probationary_member_becomes_a_full_one(party: Party) -> None:
    member = make_member("预备", home=party.home, status="probationary")
    secretary = make_user("市委书记")
    make_branch_post(secretary, party.city_branch)
    members.change_status(member_id=member.pk, status="full", actor=secretary, at=NOON)
    member.refresh_from_db()
    assert member.status == "full"
    with pytest.raises(Invalid):
        members.change_status(member_id=member.pk, status="x", actor=secretary, at=NOON)


def test_reminders_go_out_once_each(party: Party) -> None:
    settled = dt.date(2026, 10, 31)  # due on 30 November
    member = make_member(home=party.home, settled_on=settled, lives_at=party.world.city.west)
    gone = make_member(home=party.home, settled_on=settled, left_on=TODAY)
    told: list[tuple[str, int]] = []
    for day in range(-10, 16):
        at = NOON.replace(month=11, day=30) + day * DAY
        for _twice in range(2):
            check_ins.remind_members(at=at)
        told.append((str(day), Notice.objects.filter(recipient=member.user).count()))
    changes = [
        day for (day, count), before in zip(told, [0, *(c for _d, c in told)], strict=False) if count > before
    ]
    assert changes == ["-7", "0", "7", "14"]
    assert kinds(member.user) == ["check_in_due", "check_in_due", "check_in_overdue", "check_in_overdue"]
    assert kinds(gone.user) == kinds(party.member) == []
    check_ins.ask_check_in(actor=member.user, branch_id=party.committee.pk, at=NOON)
    assert check_ins.remind_members(at=NOON + 40 * DAY) == 0
    assert check_ins.remind_members(at=NOON + dt.timedelta(hours=10)) == 0  # nobody is disturbed at night


def test_grades_are_given_corrected_and_reported(party: Party) -> None:
    head = make_user("所长", role=Role.UNIT_HEAD, unit=party.world.unit)
    member = Member.objects.get(user=party.member)

    def grade(grade: str, year: int = 2026, who: Member = member) -> Evaluation:
        return evaluations.evaluate_member(
            member_id=who.pk, year=year, grade=grade, actor=party.secretary, at=NOON
        )

    assert grade("good").pk == grade("average").pk
    assert Evaluation.objects.get().grade == "average"
    for year in (2024, 2027):
        with pytest.raises(Invalid):
            grade("good", year)
    with pytest.raises(Invalid):
        grade("splendid")
    second = Member.objects.get(user=party.second_member)
    both = {second.pk: ("good", "积极"), member.pk: ("average", "")}
    saved = evaluations.evaluate_members(grades=both, year=2026, actor=party.secretary, at=NOON + DAY)
    assert saved == 1
    assert evaluations.report_to_units(
        branch_id=party.committee.pk, year=2026, actor=party.secretary, at=NOON + DAY
    ) == 2  # fmt: skip
    assert kinds(head) == ["evaluations_reported"]
    assert Notice.objects.get(recipient=head).data == {"branch": "西涧社区党委", "year": 2026, "count": 2}
    for step in (
        lambda: grade("good"),
        lambda: evaluations.report_to_units(
            branch_id=party.committee.pk, year=2026, actor=party.secretary, at=NOON
        ),
    ):
        with pytest.raises(WrongState):
            step()
    trail = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert list(trail) == [
        "member_evaluated", "evaluation_corrected", "member_evaluated", "evaluations_reported",
    ]  # fmt: skip


def test_one_bad_grade_undoes_the_whole_form(party: Party) -> None:
    member, second = Member.objects.get(user=party.member), Member.objects.get(user=party.second_member)
    with pytest.raises(Invalid):
        evaluations.evaluate_members(
            grades={member.pk: ("good", ""), second.pk: ("x", "")}, year=2026, actor=party.secretary, at=NOON
        )
    assert not Evaluation.objects.exists()


def test_nobody_acts_on_themselves(party: Party) -> None:
    """The secretary lives in the community too."""
    own = make_member(home=party.home, checkin=party.committee, user=party.secretary)
    make_branch_post(party.secretary, party.home)
    secretary = party.secretary
    request = CheckIn.objects.create(member=own, branch=party.committee, asked_at=NOON)
    steps: list[Callable[[], object]] = [
        lambda: evaluations.evaluate_member(
            member_id=own.pk, year=2026, grade="good", actor=secretary, at=NOON
        ),
        lambda: check_ins.accept_check_in(check_in_id=request.pk, actor=secretary, at=NOON),
        lambda: check_ins.refuse_check_in(check_in_id=request.pk, reason="x", actor=secretary, at=NOON),
        lambda: members.transfer_member(
            member_id=own.pk, to_branch_id=party.committee.pk, actor=secretary, at=NOON
        ),
        lambda: members.leave(member_id=own.pk, on=TODAY, actor=secretary, at=NOON),
    ]
    for step in steps:
        with pytest.raises(NotAllowed):
            step()
    request.refresh_from_db()
    assert request.state == "asked"


#: Who may take a step about a member of `home` who asks `committee` or is checked in there.
EVERYBODY = ("checkin", "home", "above", "other", "member", "outsider", "system", "security", "audit", "head")
MAY = {
    "add": {"home", "above", "system"},
    "transfer": {"other", "above", "system"},
    "status": {"home", "above", "system"},
    "move_house": {"checkin", "home", "above", "member", "system"},
    "leave": {"home", "above", "system"},
    "accept": {"checkin", "above"},
    "refuse": {"checkin", "above"},
    "withdraw": {"member"},
    "evaluate": {"checkin", "above"},
    "report": {"checkin", "above"},
}


def people_of(party: Party, member: Member) -> dict[str, User]:
    users = {name: make_user(name) for name in ("home", "above", "other")}
    other = make_branch(party.city_branch, "外支部")
    for name, branch in {"home": party.home, "above": party.city_branch, "other": other}.items():
        make_branch_post(users[name], branch, Role.BRANCH_COMMITTEE)
    officers = {
        "system": Role.SYSTEM_OFFICER, "security": Role.SECURITY_OFFICER, "audit": Role.AUDIT_OFFICER,
    }  # fmt: skip
    return {
        **users,
        **{name: make_user(name, role=role) for name, role in officers.items()},
        "checkin": party.secretary,
        "member": member.user,
        "outsider": party.outsider,
        "head": make_user("所长", role=Role.UNIT_HEAD, unit=party.world.unit),
    }


@pytest.mark.parametrize("who", EVERYBODY)
@pytest.mark.parametrize("step", MAY)
def test_who_may_do_what(party: Party, newcomer: Member, step: str, who: str) -> None:
    people = people_of(party, newcomer)
    actor, at = people[who], NOON + DAY
    other = people["other"].posts.get().branch
    assert other is not None
    if step == "evaluate" or step == "report":
        check_ins.accept_check_in(check_in_id=ask(newcomer, party).pk, actor=party.secretary, at=NOON)
    if step == "report":
        evaluations.evaluate_member(
            member_id=newcomer.pk, year=2026, grade="good", actor=party.secretary, at=NOON
        )
    if step == "move_house":
        Member.objects.filter(pk=newcomer.pk).update(checkin_branch=party.committee)
    request = ask(newcomer, party).pk if step in ("accept", "refuse", "withdraw") else 0
    acting: dict[str, Any] = {"actor": actor, "at": at}
    steps: dict[str, Callable[[], object]] = {
        "add": lambda: members.add_member(
            user_id=make_user("另一人").pk, home_branch_id=party.home.pk, settled_on=TODAY, **acting
        ),
        "transfer": lambda: members.transfer_member(member_id=newcomer.pk, to_branch_id=other.pk, **acting),
        "status": lambda: members.change_status(member_id=newcomer.pk, status="probationary", **acting),
        "move_house": lambda: members.move_house(
            member_id=newcomer.pk, lives_at=party.world.city.east, door="9", moved_on=TODAY, **acting
        ),
        "leave": lambda: members.leave(member_id=newcomer.pk, on=TODAY, **acting),
        "accept": lambda: check_ins.accept_check_in(check_in_id=request, **acting),
        "refuse": lambda: check_ins.refuse_check_in(check_in_id=request, reason="x", **acting),
        "withdraw": lambda: check_ins.withdraw_check_in(check_in_id=request, **acting),
        "evaluate": lambda: evaluations.evaluate_member(
            member_id=newcomer.pk, year=2026, grade="good", **acting
        ),
        "report": lambda: evaluations.report_to_units(branch_id=party.committee.pk, year=2026, **acting),
    }
    audited = AuditEntry.objects.count()
    if who in MAY[step]:
        steps[step]()
        assert step == "withdraw" or AuditEntry.objects.count() > audited
    else:
        with pytest.raises(DomainError) as refusal:
            steps[step]()
        assert isinstance(refusal.value, NotAllowed | NotVisible)
        assert AuditEntry.objects.count() == audited


@pytest.mark.django_db(transaction=True)
def test_two_secretaries_answer_at_once(party: Party, newcomer: Member) -> None:
    second = make_user("副书记")
    make_branch_post(second, party.committee, Role.BRANCH_COMMITTEE)
    request = ask(newcomer, party)
    barrier, results = Barrier(2), []

    def answer(actor: User) -> None:
        barrier.wait()
        try:
            check_ins.accept_check_in(check_in_id=request.pk, actor=actor, at=NOON)
            results.append("accepted")
        except WrongState:
            results.append("late")
        finally:
            connection.close()

    threads = [Thread(target=answer, args=[user]) for user in (party.secretary, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["accepted", "late"]
    assert PointsTransaction.objects.count() == MemberMove.objects.count() == 1


def test_checking_in_again_at_the_same_branch_earns_nothing(party: Party, newcomer: Member) -> None:
    """Or whoever moves from door to door and back would be paid for it."""
    for number, door in enumerate(("1", "2", "3")):
        check_ins.accept_check_in(check_in_id=ask(newcomer, party).pk, actor=party.secretary, at=NOON)
        members.move_house(
            member_id=newcomer.pk, lives_at=party.world.city.building, door=door, moved_on=TODAY,
            actor=newcomer.user, at=NOON + number * DAY,
        )  # fmt: skip
    assert [amount_of(award) for award in PointsTransaction.objects.all()] == [5]
