"""A wish through the actions: the road, every way back, one winner, the books."""

from __future__ import annotations

import datetime as dt
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.utils import timezone

from cases.actions import wishes
from cases.actions.checking import Answer
from cases.actors import PublicReporter
from cases.escalation import sweep_ladder
from cases.models import Case, Claim
from cases.workflow import State
from governance.common.errors import DomainError, Invalid, NotAllowed, NotVisible, WrongState
from partymembers.models import Member, PointsAccount, PointsEntry, ServiceRecord, User
from tests.factories.cases import MINUTE, NOON
from tests.factories.grids import make_city
from tests.factories.party import (
    Party,
    ask,
    bring_wish_to,
    make_branch,
    make_member,
    make_party,
    make_volunteer,
    publishing,
)
from tests.factories.people import make_user

pytestmark = pytest.mark.django_db
LATER = NOON + dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
GOOD = Answer(contacted=True, solved=True, satisfaction="satisfied")
BAD = Answer(contacted=True, solved=False, satisfaction="dissatisfied", comment="还在漏")


@pytest.fixture
def party() -> Party:
    return make_party()


def balance(user: User) -> int:
    account = PointsAccount.objects.filter(user=user).first()
    entries = sum(PointsEntry.objects.filter(account__user=user).values_list("amount", flat=True))
    assert (account.balance if account else 0) == entries
    return entries


def test_the_whole_road_brings_points_and_a_service_record(party: Party) -> None:
    case = bring_wish_to(party, State.CLOSED)
    assert case.state == State.CLOSED
    assert [event.kind for event in case.events.order_by("seq")] == [
        "ask", "publish", "claim", "confirm", "begin", "deliver", "rate",
    ]  # fmt: skip
    claim = Claim.objects.get()
    assert (claim.ending, claim.minutes, claim.confirmed_by) == ("completed", 45, party.secretary)
    assert balance(party.member) == 20
    record = ServiceRecord.objects.get()
    assert (record.user, record.minutes, record.branch, record.unit) == (
        party.member, 45, party.committee, party.world.unit,
    )  # fmt: skip
    assert not case.clocks.filter(stopped_at=None).exists()


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("title", "李秀英家水龙头漏水"),
        ("text", "请拨 138 1234 5678 联系"),
        ("text", "住在1幢2单元"),
        ("text", "门牌 5-2-301"),
    ],
)
def test_what_is_published_names_nobody(party: Party, field: str, text: str) -> None:
    case = ask(party)
    with pytest.raises(Invalid) as refusal:
        wishes.publish_wish(
            case_id=case.pk, publishing=publishing(**{field: text}), actor=party.world.desk, at=LATER
        )
    assert refusal.value.field == field
    assert Case.objects.get().state == State.ASKED


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("deliver_by", dt.date(2026, 11, 20)),
        ("deliver_by", dt.date(2027, 12, 1)),
        ("points", 51),
        ("points", -1),
        ("title", " "),
    ],
)
def test_what_is_published_is_checked(party: Party, field: str, value: object) -> None:
    case = ask(party)
    with pytest.raises(Invalid) as refusal:
        wishes.publish_wish(
            case_id=case.pk, publishing=publishing(**{field: value}), actor=party.world.desk, at=LATER
        )
    assert refusal.value.field == field


def test_nobody_claims_more_than_three(party: Party) -> None:
    for _each in range(wishes.MOST_CLAIMS):
        bring_wish_to(party, State.CLAIMED)
    fourth = bring_wish_to(party, State.PUBLISHED)
    with pytest.raises(WrongState):
        wishes.claim_wish(case_id=fourth.pk, actor=party.member, at=LATER)
    assert Case.objects.get(pk=fourth.pk).state == State.PUBLISHED


def test_an_outsider_cannot_claim_and_an_asker_not_their_own(party: Party) -> None:
    case = bring_wish_to(party, State.PUBLISHED)
    with pytest.raises(DomainError):
        wishes.claim_wish(case_id=case.pk, actor=party.outsider, at=LATER)
    own = ask(party, asker=party.member, address="")
    wishes.publish_wish(case_id=own.pk, publishing=publishing(), actor=party.world.desk, at=LATER)
    with pytest.raises(NotAllowed):
        wishes.claim_wish(case_id=own.pk, actor=party.member, at=LATER)


def test_a_helper_of_another_city_neither_claims_nor_is_assigned(party: Party) -> None:
    """The action refuses by itself, whoever calls it: the pages are not asked."""
    far = make_city("341200000000")
    stranger = make_volunteer("外地志愿者", community=far.west).user
    case = bring_wish_to(party, State.PUBLISHED)
    with pytest.raises(NotVisible):
        wishes.claim_wish(case_id=case.pk, actor=stranger, at=LATER)
    with pytest.raises(Invalid):
        wishes.assign_wish(case_id=case.pk, claimant=stranger, actor=party.secretary, at=LATER)
    assert not Claim.objects.exists()


def test_nobody_assigns_a_wish_to_themselves(party: Party) -> None:
    """Else they would read name and door without a second person's confirmation."""
    case = bring_wish_to(party, State.PUBLISHED)
    make_member(home=party.home, checkin=party.committee, user=party.secretary)
    with pytest.raises(Invalid) as refusal:
        wishes.assign_wish(case_id=case.pk, claimant=party.secretary, actor=party.secretary, at=LATER)
    assert refusal.value.field == "claimant"
    assert not Claim.objects.exists()


def test_nobody_claims_after_the_last_day(party: Party) -> None:
    case = bring_wish_to(party, State.PUBLISHED)
    last = timezone.make_aware(dt.datetime.combine(publishing().deliver_by, dt.time(23, 59)))
    with pytest.raises(WrongState):
        wishes.claim_wish(case_id=case.pk, actor=party.member, at=last + MINUTE)
    assert wishes.claim_wish(case_id=case.pk, actor=party.member, at=last).state == State.CLAIMED


def test_nobody_confirms_their_own_claim(party: Party) -> None:
    case = bring_wish_to(party, State.PUBLISHED)
    make_member(user=party.secretary, home=party.home)
    wishes.claim_wish(case_id=case.pk, actor=party.secretary, at=LATER)
    with pytest.raises(WrongState):
        wishes.confirm_claim(case_id=case.pk, actor=party.secretary, at=LATER)


@pytest.mark.parametrize("state", [State.CLAIMED, State.CONFIRMED, State.BEGUN])
def test_a_wish_handed_back_is_on_the_wall_again(party: Party, state: State) -> None:
    case = bring_wish_to(party, state)
    wishes.hand_back_wish(case_id=case.pk, actor=party.member, at=LATER, note="临时出差")
    case.refresh_from_db()
    assert case.state == State.PUBLISHED
    assert Claim.objects.get().ending == Claim.Ending.HANDED_BACK
    wishes.claim_wish(case_id=case.pk, actor=party.second_member, at=LATER)
    assert Claim.objects.filter(ended_at=None).get().user == party.second_member


def test_a_claim_not_begun_lapses_by_the_sweep_and_a_begun_one_does_not(party: Party) -> None:
    idle, busy = bring_wish_to(party, State.CONFIRMED), bring_wish_to(party, State.BEGUN)
    sweep_ladder(at=NOON + 3 * DAY)
    assert Case.objects.get(pk=idle.pk).state == State.CONFIRMED
    sweep_ladder(at=NOON + 4 * DAY)
    assert Case.objects.get(pk=idle.pk).state == State.PUBLISHED
    assert Case.objects.get(pk=busy.pk).state == State.BEGUN
    assert idle.claims.get().ending == Claim.Ending.LAPSED


def test_what_nobody_claims_goes_to_the_branch_once_which_assigns_it(party: Party) -> None:
    case = bring_wish_to(party, State.PUBLISHED)
    sweep_ladder(at=NOON + 4 * DAY)
    sweep_ladder(at=NOON + 5 * DAY)
    case.refresh_from_db()
    assert case.events.filter(kind="to_branch").count() == 1
    assert case.wish.branch == party.committee
    with pytest.raises(Invalid):
        wishes.assign_wish(case_id=case.pk, claimant=party.outsider, actor=party.secretary, at=NOON + 5 * DAY)
    wishes.assign_wish(case_id=case.pk, claimant=party.volunteer, actor=party.secretary, at=NOON + 5 * DAY)
    assert Case.objects.get().state == State.CONFIRMED


def test_a_delivered_wish_closes_by_itself_without_a_satisfaction_sample(party: Party) -> None:
    bring_wish_to(party, State.DELIVERED)
    sweep_ladder(at=NOON + 14 * DAY)
    assert Case.objects.get().state == State.DELIVERED
    sweep_ladder(at=NOON + 16 * DAY)
    case = Case.objects.get()
    assert (case.state, case.satisfaction) == (State.CLOSED, "")
    assert balance(party.member) == 20


def test_not_solved_sends_it_back_to_the_claimer(party: Party) -> None:
    case = bring_wish_to(party, State.DELIVERED)
    wishes.rate_wish(case_id=case.pk, actor=PublicReporter(case.pk), at=LATER, answer=BAD)
    assert Case.objects.get().state == State.BEGUN
    assert balance(party.member) == 0


def test_a_rating_that_is_changed_moves_the_points(party: Party) -> None:
    case = bring_wish_to(party, State.CLOSED)
    seen = []
    for answer in (BAD, GOOD, BAD, GOOD):
        wishes.rate_wish(case_id=case.pk, actor=PublicReporter(case.pk), at=LATER, answer=answer)
        seen.append(balance(party.member))
    assert seen == [0, 20, 0, 20]
    with pytest.raises(WrongState):
        wishes.rate_wish(case_id=case.pk, actor=PublicReporter(case.pk), at=LATER + 16 * DAY, answer=BAD)


def test_a_revoked_wish_takes_its_points_back(party: Party) -> None:
    case = bring_wish_to(party, State.CLOSED)
    wishes.revoke_wish(case_id=case.pk, actor=party.world.desk, at=LATER, note="并未完成")
    assert Case.objects.get().state == State.VOIDED
    assert balance(party.member) == 0
    assert ServiceRecord.objects.get().cancelled_at == LATER


def test_the_same_wish_sent_again_is_the_first(party: Party) -> None:
    first = ask(party, client_id="abc", upload_key="k" * 43)
    again = ask(party, client_id="abc", upload_key="k" * 43)
    assert again.pk == first.pk
    assert Case.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_fifty_claim_one_wish_at_once_and_one_gets_it() -> None:
    party = make_party()
    case = bring_wish_to(party, State.PUBLISHED)
    branch = make_branch(party.city_branch, "第二支部")
    people = [make_user(f"党员{n}") for n in range(50)]
    Member.objects.bulk_create(
        Member(user=user, home_branch=branch, settled_on=dt.date(2025, 1, 1)) for user in people
    )
    barrier, outcomes = Barrier(len(people)), list[str]()

    def run(user: object) -> None:
        try:
            barrier.wait(timeout=120)
            wishes.claim_wish(case_id=case.pk, actor=user, at=LATER)
            outcomes.append("won")
        except WrongState:
            outcomes.append("late")
        finally:
            connection.close()

    threads = [Thread(target=run, args=(user,)) for user in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert sorted(outcomes) == ["late"] * 49 + ["won"]
    assert Claim.objects.count() == 1
    assert case.events.filter(kind="claim").count() == 1
