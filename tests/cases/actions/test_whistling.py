"""吹哨报到: who whistles, who is called, what they answer, and what it brings them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser

from cases.actions import checking, desk, reporting, whistling
from cases.escalation import sweep_ladder
from cases.models import Case, CaseEvent, Clock, Notification, Whistle, WhistleCall
from cases.notify import in_app
from cases.permissions import allowed_actions
from cases.queries import is_onlooker, is_reader_only, visible_case
from cases.whistles import WAITING, calls_of, record_of
from governance.common.errors import DomainError, Invalid, NotAllowed, NotVisible, WrongState
from partymembers.access import access_of
from partymembers.models import BranchLevel, PointsAccount, ServiceRecord, User
from tests.factories.cases import MINUTE, NOON, bring_to
from tests.factories.grids import make_city
from tests.factories.party import Party, make_branch, make_branch_post, make_member, make_party
from tests.factories.people import make_unit
from tests.factories.whistles import WHISTLED_AT, answer, call_of, come, tell, whistle

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_calendar")]

LATER = WHISTLED_AT + timedelta(hours=1)
STEPS = {"answer_whistle", "come_to_whistle", "report_whistle"}


@pytest.fixture
def party() -> Party:
    return make_party()


def can(user: User, case: Case) -> set[str]:
    """The whistle's steps that somebody may take now."""
    fresh = Case.objects.get(pk=case.pk)
    return {a for a in allowed_actions(user, fresh, at=LATER) if "whistle" in a}


def balance(user: User) -> int:
    return sum(PointsAccount.objects.filter(user=user).values_list("balance", flat=True))


def answer_clock(case: Case) -> Clock:
    return case.clocks.filter(stage="answer").latest("round")


def test_two_units_and_a_member_answer_come_and_report(party: Party) -> None:
    w = party.world
    case = whistle(w, members=[party.member])
    assert case.state == "handling"
    assert answer_clock(case).stopped_at is None
    people = (w.other_handler, w.assistant, party.member)
    for number, who in enumerate(people, start=1):
        assert can(who, case) == {"answer_whistle", "come_to_whistle"}
        answer(case, who, at=WHISTLED_AT + number * MINUTE)
    assert answer_clock(case).stopped_at == WHISTLED_AT + 3 * MINUTE
    for who in people:
        come(case, who, at=LATER)
        assert can(who, case) == {"report_whistle"}
        tell(case, who, at=LATER + MINUTE)
        assert can(who, case) == set()
    kinds = list(CaseEvent.objects.filter(case=case, kind__contains="whistle").values_list("kind", flat=True))
    assert sorted(set(kinds)) == ["answer_whistle", "come_to_whistle", "report_whistle", "whistle"]
    assert set(ServiceRecord.objects.values_list("user_id", "minutes")) == {(who.pk, 90) for who in people}
    assert balance(party.member) == 10
    record = record_of(unit=w.other_unit)
    assert (record.called, record.answered, record.came, record.answer_time) == (1, 1, 1, MINUTE)
    assert record_of(user=party.member).answer_time == 3 * MINUTE
    assert record_of(user=party.second_member).called == 0


def test_points_are_for_members_and_volunteers_and_service_is_kept_of_everybody(party: Party) -> None:
    w = party.world
    case = whistle(w, units=[w.other_unit], members=[party.member])
    for who in (w.other_handler, party.member):
        come(case, who, at=LATER)
        tell(case, who, at=LATER)
    assert (balance(w.other_handler), balance(party.member)) == (0, 10)
    assert ServiceRecord.objects.count() == 2


def test_who_whistles_cannot_award_themselves(party: Party) -> None:
    w = party.world
    make_member(user=w.street_desk, home=party.home)
    case = whistle(w, units=[], members=[w.street_desk])
    come(case, w.street_desk, at=LATER)
    tell(case, w.street_desk, at=LATER)
    assert balance(w.street_desk) == 0


def test_a_late_answer_counts_and_the_late_are_reminded_but_nothing_climbs(party: Party) -> None:
    w = party.world
    case = whistle(w)
    sweep_ladder(at=WHISTLED_AT + timedelta(hours=2))
    kinds = set(case.events.filter(data__stage="answer").values_list("kind", flat=True))
    assert kinds == {"remind", "late"}
    assert Case.objects.get(pk=case.pk).desk == w.city.west
    late = WHISTLED_AT + timedelta(hours=2)
    answer(case, w.other_handler, at=late)
    assert call_of(case, unit=w.other_unit).answered_at == late


def test_only_who_has_not_answered_is_hurried(party: Party) -> None:
    w = party.world
    case = whistle(w)
    answer(case, w.assistant, at=WHISTLED_AT + MINUTE)
    sweep_ladder(at=WHISTLED_AT + 25 * MINUTE)
    reminder = case.events.get(kind="remind", data__stage="answer")
    in_app([reminder])
    told = Notification.objects.filter(event=reminder).values_list("recipient_id", flat=True)
    assert list(told) == [w.other_handler.pk]


def test_who_could_not_may_still_come(party: Party) -> None:
    w = party.world
    case = whistle(w, units=[w.other_unit])
    with pytest.raises(Invalid):
        answer(case, w.other_handler, at=LATER, is_coming=False)
    answer(case, w.other_handler, at=LATER, is_coming=False, note="都在抢险")
    assert call_of(case, unit=w.other_unit).answer == "cannot"
    come(case, w.other_handler, at=LATER + MINUTE)
    call = call_of(case, unit=w.other_unit)
    assert (call.answer, call.answered_at, call.came_at) == ("coming", LATER, LATER + MINUTE)


def test_the_last_answer_stands_and_the_first_one_counts(party: Party) -> None:
    w = party.world
    case = whistle(w, units=[w.other_unit])
    answer(case, w.other_handler, at=LATER)
    answer(case, w.other_handler, at=LATER + MINUTE, is_coming=False, note="车坏了")
    call = call_of(case, unit=w.other_unit)
    assert (call.answer, call.answered_at, call.note) == ("cannot", LATER, "车坏了")


@pytest.mark.parametrize("step", ["come", "report"])
def test_each_comes_and_reports_once(party: Party, step: str) -> None:
    w = party.world
    case = whistle(w, units=[w.other_unit])
    with pytest.raises(WrongState):
        tell(case, w.other_handler, at=LATER)  # not there yet
    come(case, w.other_handler, at=LATER)
    if step == "report":
        tell(case, w.other_handler, at=LATER)
    with pytest.raises(WrongState):
        (come if step == "come" else tell)(case, w.other_handler, at=LATER)


def test_who_is_called_twice_answers_for_themselves_and_then_for_the_unit(party: Party) -> None:
    w = party.world
    make_member(user=w.other_handler, home=party.home)
    case = whistle(w, units=[w.other_unit], members=[w.other_handler])
    for _again in range(2):
        come(case, w.other_handler, at=LATER)
        tell(case, w.other_handler, at=LATER)
    assert WhistleCall.objects.filter(reported_at=None).count() == 0


def test_somebody_who_is_not_called_learns_nothing(party: Party) -> None:
    case = whistle(party.world, units=[party.world.assisting], members=[party.member])
    for stranger in (party.second_member, party.world.other_handler, party.secretary, party.outsider):
        for step in (answer, come, tell):
            with pytest.raises(NotVisible):
                step(case, stranger, at=LATER)
        with pytest.raises(NotVisible):
            visible_case(case.number, access_of(stranger, on=LATER.date()))


def test_the_branch_is_called_by_its_committee(party: Party) -> None:
    case = whistle(party.world, units=[], branches=[party.committee])
    answer(case, party.secretary, at=LATER)
    assert call_of(case, branch=party.committee).answered_by == party.secretary


def test_who_reports_for_somebody_else_of_the_desk_may_not(party: Party) -> None:
    case = whistle(party.world)
    with pytest.raises(NotAllowed):
        come(case, party.world.street_desk, at=LATER)


def test_the_called_read_the_order_without_the_reporters_phone(party: Party) -> None:
    case = whistle(party.world, units=[party.world.other_unit], members=[party.member])
    for who in (party.member, party.world.other_handler):
        access = access_of(who, on=LATER.date())
        seen = visible_case(case.number, access)
        assert is_reader_only(seen, access)
        assert not is_onlooker(seen, access)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"units": []}, "units"),
        ({"need": " "}, "need"),
        ({"needed_by": WHISTLED_AT - MINUTE}, "needed_by"),
        ({"needed_by": WHISTLED_AT + timedelta(days=31)}, "needed_by"),
    ],
)
def test_what_a_whistle_must_say(party: Party, fields: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        whistle(party.world, **fields)
    assert refused.value.field == field
    assert not Whistle.objects.exists()


def test_only_members_are_called_by_name(party: Party) -> None:
    with pytest.raises(Invalid):
        whistle(party.world, members=[party.outsider])


def test_nobody_of_another_city_is_called(party: Party) -> None:
    """Whoever is called reads the order."""
    far = make_city("341200000000")
    unit = make_unit("外地养护所", place=far.west)
    committee = make_branch(name="外地市委", level=BranchLevel.CITY, place=far.city)
    below = make_branch(committee, "外地支部")
    stranger = make_member("外地党员", home=below).user
    calls: list[tuple[str, object]] = [
        ("units", unit), ("branches", committee), ("branches", below), ("members", stranger),
    ]  # fmt: skip
    for field, called in calls:
        with pytest.raises(Invalid) as refused:
            whistle(party.world, **{field: [called]})
        assert refused.value.field == field
    assert not Whistle.objects.exists()
    whistle(party.world, branches=[party.committee, party.home], members=[party.member])


def test_a_member_whose_account_is_closed_is_not_called(party: Party) -> None:
    party.member.disabled_at = NOON
    party.member.save()
    with pytest.raises(Invalid):
        whistle(party.world, members=[party.member])


def test_the_community_asks_the_street_to_whistle(party: Party) -> None:
    with pytest.raises(DomainError):
        whistle(party.world, actor=party.world.desk)
    case = bring_to(party.world, "handling")
    Case.objects.filter(pk=case.pk).update(desk=party.world.city.street)
    whistle(party.world, case)


def test_one_whistle_stands_at_a_time_and_its_end_lets_off_who_has_not_answered(party: Party) -> None:
    w = party.world
    case = whistle(w)
    with pytest.raises(WrongState):
        whistle(w, case, at=LATER)
    whistling.end_whistle(case_id=case.pk, actor=w.street_desk, at=LATER)
    assert can(w.other_handler, case) == set()
    assert answer_clock(case).stopped_at == LATER
    with pytest.raises(WrongState):
        answer(case, w.other_handler, at=LATER)
    whistle(w, case, at=LATER)
    answer(case, w.other_handler, at=LATER)
    assert Case.objects.get(pk=case.pk).whistles_sent == 2


def test_who_came_may_report_after_the_order_is_closed(party: Party) -> None:
    w = party.world
    case = whistle(w, bring_to(w, "handled"), units=[w.other_unit, w.assisting])
    come(case, w.other_handler, at=LATER)
    checking.pass_check(case_id=case.pk, actor=w.second_worker, at=LATER)
    assert Whistle.objects.get().ended_at == LATER
    assert can(w.other_handler, case) == {"report_whistle"}
    assert can(w.assistant, case) == set()
    tell(case, w.other_handler, at=LATER + MINUTE)
    assert call_of(case, unit=w.other_unit).minutes == 90


@pytest.mark.parametrize("ending", ["decline", "merge", "withdraw"])
def test_with_the_order_its_whistle_ends(party: Party, ending: str) -> None:
    w = party.world
    other = bring_to(w, "reported")
    case = whistle(w, bring_to(w, "reported"))
    if ending == "decline":
        desk.decline_case(case_id=case.pk, actor=w.desk, at=LATER, note="不属实")
    elif ending == "merge":
        desk.merge_case(case_id=case.pk, target_id=other.pk, actor=w.desk, at=LATER)
    else:
        reporting.withdraw_case(case_id=case.pk, actor=w.worker, at=LATER)
    assert Whistle.objects.get().ended_at == LATER
    mine = calls_of(access_of(w.other_handler, on=LATER.date()))
    assert (mine.count(), mine.filter(WAITING).count()) == (1, 0)


def test_a_second_whistle_calls_only_whom_it_names(party: Party) -> None:
    w = party.world
    case = whistle(w, units=[w.other_unit])
    whistling.end_whistle(case_id=case.pk, actor=w.street_desk, at=LATER)
    whistle(w, case, at=LATER, units=[], members=[party.member])
    last = CaseEvent.objects.filter(kind="whistle").latest("pk")
    in_app([last])
    assert set(Notification.objects.values_list("recipient_id", flat=True)) == {party.member.pk}


def test_a_substitute_of_the_committee_and_nobody_anonymous(party: Party) -> None:
    make_branch_post(party.second_member, party.committee)
    case = whistle(party.world, units=[], branches=[party.committee])
    come(case, party.second_member, at=LATER)
    assert not calls_of(access_of(AnonymousUser(), on=NOON.date())).exists()
