"""Long lives of wishes: several claimers, desk, branch and askers do random things, and the books stay whole.

A step is an action that the buttons offer (it succeeds, or is refused for a reason named here), one that they
do not (it is refused and changes nothing), a sweep of the ladder, or a claimer who spends points.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Sum
from django.utils import timezone

from cases.actions import desk, oversight, reporting, wishes
from cases.actions.checking import Answer
from cases.actors import SYSTEM, Actor, PublicReporter
from cases.escalation import sweep_ladder
from cases.models import Case, Claim, Satisfaction
from cases.permissions import allowed_actions
from cases.workflow import WISH_RULES, WISH_TAKEN_STATES, State
from governance.common.errors import DomainError, Invalid, NotAllowed, NotVisible, WrongState
from partymembers.actions.points import redeem_item
from partymembers.models import (
    PointsAccount,
    PointsEntry,
    PointsTransaction,
    ServiceRecord,
    StationItem,
    User,
)
from tests.factories.cases import NOON, make_attachment
from tests.factories.party import Party, ask, make_party, publishing
from tests.factories.service import make_station

pytestmark = pytest.mark.django_db
SEEDS = (1, 2)
STEPS = 90
MOST = 3
PAUSES = [timedelta(minutes=m) for m in (1, 1, 1, 5, 30, 60, 240, 1500)]
ACTIONS = [rule.action for rule in WISH_RULES]
#: Roads to the end: taken more often, so that wishes are fulfilled and points move.
ONWARD = frozenset({"publish", "claim", "assign_wish", "confirm", "begin", "deliver", "rate"})
REFUSALS = (NotAllowed, NotVisible, WrongState)
#: Refused although the button stands there: three at hand, one's own claim.
HELD_BACK = {"claim": WrongState, "confirm": WrongState}
_AWARD = PointsTransaction.Kind.AWARD


class Walk:
    """One random life of a few wishes."""

    def __init__(self, seed: int, party: Party) -> None:
        self.dice, self.party, self.at = random.Random(seed), party, NOON
        self.done: set[str] = set()
        world = party.world
        self.claimers = [party.member, party.second_member, party.volunteer, world.handler, party.secretary]
        self.people = [*self.claimers, world.desk, world.street_desk, party.outsider, world.other_desk]
        make_station(world.city.west, points=5)

    def step(self) -> None:
        self.at += self.dice.choice(PAUSES)
        live = [c for c in Case.objects.order_by("pk") if c.state not in (State.DECLINED, State.VOIDED)]
        kind = self.dice.random()
        if len(live) < MOST:
            ask(self.party, at=self.at)
        elif kind < 0.04:
            sweep_ladder(at=self.at)
        elif kind < 0.08:
            self.spend()
        else:
            self.act(self.dice.choice(live[-MOST:]))

    def spend(self) -> None:
        item = StationItem.objects.get()
        try:
            redeem_item(
                user=self.dice.choice(self.claimers), item_id=item.pk, by=self.party.world.desk, at=self.at
            )
            self.done.add("redeem")
        except DomainError:
            pass

    def act(self, case: Case) -> None:
        actors: list[Actor] = [*self.people, SYSTEM, PublicReporter(case.pk), PublicReporter(case.pk + 1)]
        self.dice.shuffle(actors)
        wanted = ONWARD if self.dice.random() < 0.75 else frozenset(ACTIONS)
        for actor in actors[: None if self.dice.random() < 0.9 else 1]:
            allowed = allowed_actions(actor, case, at=self.at)
            if chosen := [action for action in allowed if action in wanted]:
                self.take(case, actor, self.dice.choice(chosen))
                return
        refused = [action for action in ACTIONS if action not in allowed]
        self.be_refused(case, actor, self.dice.choice(refused))

    def take(self, case: Case, actor: Actor, action: str) -> None:
        try:
            self.deeds()[action](case, actor)
            self.done.add(action)
        except HELD_BACK.get(action, ()):
            assert isinstance(actor, User)
        except Invalid:
            assert action == "assign_wish", action

    def be_refused(self, case: Case, actor: Actor, action: str) -> None:
        before = (case.state, case.last_seq, books())
        with pytest.raises((*REFUSALS, Invalid)):
            self.deeds()[action](case, actor)
        case.refresh_from_db()
        assert (case.state, case.last_seq, books()) == before, (action, actor)

    def answer(self) -> Answer:
        solved = self.dice.random() < 0.6
        face = Satisfaction.SATISFIED if solved else Satisfaction.DISSATISFIED
        return Answer(contacted=True, solved=solved, satisfaction=face, comment="" if solved else "没有完成")

    def published(self) -> Any:
        day = timezone.localdate(self.at) + timedelta(days=self.dice.randint(1, 60))
        return publishing(points=self.dice.choice((0, 10, 20, 50)), deliver_by=day)

    def delivery(self, actor: Any) -> dict[str, Any]:
        photo = make_attachment(actor if isinstance(actor, User) else None, at=self.at)
        return {"note": "完成", "minutes": self.dice.randint(0, 90), "attachments": [photo]}

    def deeds(self) -> dict[str, Callable[[Case, Any], object]]:
        """Every action of the table, as somebody would call it."""

        def plain(write: Callable[..., Case], **fields: Any) -> Callable[[Case, Any], object]:
            return lambda case, actor: write(case_id=case.pk, actor=actor, at=self.at, **fields)

        def silent(write: Callable[..., Case], action: str) -> Callable[[Case, Any], object]:
            def run(case: Case, actor: Any) -> object:
                if actor is not SYSTEM:  # nobody else can even ask
                    raise NotAllowed(action)
                return write(case_id=case.pk, at=self.at)

            return run

        whom = self.dice.choice([*self.claimers, self.party.outsider])
        return {
            "publish": plain(wishes.publish_wish, publishing=self.published()),
            "edit_wish": plain(wishes.edit_wish, publishing=self.published()),
            "decline": plain(desk.decline_case, note="不属于"),
            "claim": plain(wishes.claim_wish),
            "assign_wish": plain(wishes.assign_wish, claimant=whom),
            "confirm": plain(wishes.confirm_claim),
            "refuse_claim": plain(wishes.refuse_claim, note="不合适"),
            "begin": plain(wishes.begin_wish),
            "deliver": lambda case, actor: wishes.deliver_wish(
                case_id=case.pk, actor=actor, at=self.at, **self.delivery(actor)
            ),
            "hand_back": plain(wishes.hand_back_wish, note="临时出差"),
            "lapse": silent(wishes.lapse_claim, "lapse"),
            "fail": plain(wishes.fail_delivery, note="没有完成"),
            "rate": plain(wishes.rate_wish, answer=self.answer()),
            "close_unrated": silent(wishes.close_unrated, "close_unrated"),
            "thank": plain(wishes.thank_claimer, note="谢谢"),
            "revoke": plain(wishes.revoke_wish, note="并未完成"),
            "void": plain(desk.void_case, note="已不需要"),
            "withdraw": plain(reporting.withdraw_case),
            "to_branch": plain(wishes.leave_to_branch),
            "urge": plain(oversight.urge_case),
            "add_information": plain(reporting.add_information, note="明天在家"),
            "comment": plain(oversight.comment_case, note="已联系"),
        }


def books() -> list[tuple[int, int]]:
    return list(PointsAccount.objects.order_by("pk").values_list("pk", "balance"))


def check(told: str) -> None:
    """What holds of every wish and of the ledger at any time."""
    for account in PointsAccount.objects.annotate(total=Sum("entries__amount")):
        if account.kind == PointsAccount.Kind.PERSON:  # the others are the far side of each entry
            assert account.balance == (account.total or 0) >= 0, told
    assert (PointsEntry.objects.aggregate(all=Sum("amount"))["all"] or 0) == 0, told
    for case in Case.objects.prefetch_related("claims").select_related("wish"):
        standing = [claim for claim in case.claims.all() if claim.ended_at is None]
        assert len(standing) == (case.state in WISH_TAKEN_STATES), (told, case.state)
        _check_points(case, told)


def _check_points(case: Case, told: str) -> None:
    """Awarded exactly while closed and not said to be unsolved; nothing to take back where all was spent."""
    given = PointsTransaction.objects.filter(kind=_AWARD, source="wish", source_id__startswith=f"{case.pk}:")
    stands = list(given.filter(reversed_by=None))
    counts = case.state == State.CLOSED and case.solved is not False
    assert len(stands) <= 1, told
    if counts and case.wish.points:
        assert len(stands) == 1 or _is_capped(case), told
    if not counts and stands:
        (award,) = stands
        assert award.user is not None
        assert _was_spent(award), told
    records = ServiceRecord.objects.filter(source="wish", source_id=str(case.pk), cancelled_at=None)
    assert records.count() == counts, told
    if counts:
        completed = [c for c in case.claims.all() if c.ending == Claim.Ending.COMPLETED]
        assert [r.user_id for r in records] == [c.user_id for c in completed], told


def _was_spent(award: PointsTransaction) -> bool:
    """Whether taking it back found an empty purse: points were redeemed, or it was worth nothing."""
    worth = award.entries.filter(account__user=award.user).aggregate(all=Sum("amount"))["all"] or 0
    spent = PointsTransaction.objects.filter(user=award.user, kind=PointsTransaction.Kind.REDEMPTION)
    return worth == 0 or spent.exists()


def _is_capped(case: Case) -> bool:
    """Whether the daily cap of the rule left nothing for this one."""
    claim = next(c for c in case.claims.all() if c.ending == Claim.Ending.COMPLETED)
    return PointsTransaction.objects.filter(user=claim.user, kind=_AWARD, source="wish").exists()


@pytest.mark.parametrize("seed", SEEDS)
def test_one_claim_at_most_and_the_books_are_whole_after_every_step(seed: int) -> None:
    walk = Walk(seed, make_party())
    for number in range(STEPS):
        walk.step()
        check(f"seed {seed}, step {number}")
    assert {"publish", "claim", "confirm", "deliver", "rate"} <= walk.done


def test_the_walks_know_every_action() -> None:
    walk = Walk(0, make_party())
    assert set(walk.deeds()) == set(ACTIONS)
