"""A small city with the Party's side: branches, members, wishes of every fate, service and points."""

from __future__ import annotations

import datetime as dt
import random
from datetime import datetime, timedelta
from itertools import count

from cases.models import Case, Claim, Satisfaction, Wish
from cases.workflow import Kind, State
from governance.figures.periods import midnight
from grids.models import Place
from partymembers.access import Access, access_of
from partymembers.actions.points import award_points, correct_points
from partymembers.defaults import seed_defaults
from partymembers.models import Branch, BranchLevel, Role, ServiceRecord, User
from tests.factories.grids import City, make_city
from tests.factories.party import make_branch, make_branch_post, make_member, make_wish_kind
from tests.factories.people import make_unit, make_user

from .histories import order

NOW = midnight(dt.date(2026, 11, 20)) + timedelta(hours=10, minutes=24)
DAY = timedelta(days=1)
_numbers = count(1)
_STATES = (
    State.ASKED, State.PUBLISHED, State.CLAIMED, State.BEGUN, State.DELIVERED, State.CLOSED, State.VOIDED,
)  # fmt: skip


class PartyCity:
    """Three committees, a branch below one, three home branches (two of a unit each), and rows at random."""

    def __init__(self, seed: int, *, wishes: int = 120, services: int = 90, awards: int = 60) -> None:
        self.dice = random.Random(seed)
        self.city: City = make_city()
        self.building = self.city.building
        self.units = [make_unit("市政养护所"), make_unit("路灯管理所")]
        self._branches()
        self.official = make_user("市领导", role=Role.OFFICIAL, place=self.city.city)
        self.secretary = make_user("秦书记")
        make_branch_post(self.secretary, self.west)
        self.head = make_user("所长", role=Role.UNIT_HEAD, unit=self.units[0])
        self.people = [self._person(number) for number in range(30)]
        self.add_wishes(wishes)
        self.add_services(services)
        self.add_points(awards)

    def access(self, user: User) -> Access:
        return access_of(user, on=NOW.date())

    def _branches(self) -> None:
        city = self.city
        self.top = make_branch(name="市委", level=BranchLevel.CITY, place=city.city)
        level = BranchLevel.COMMUNITY
        self.west = make_branch(self.top, "西涧社区党委", level=level, place=city.west)
        self.east = make_branch(self.top, "东门社区党委", level=level, place=city.east)
        self.grid = make_branch(self.west, "第一网格支部", place=city.west_1)
        self.homes = [
            make_branch(self.top, "市政养护所支部", unit=self.units[0]),
            make_branch(self.top, "路灯管理所支部", unit=self.units[1]),
            make_branch(self.top, "流动党员支部"),
        ]

    def _at(self) -> datetime:
        return NOW + timedelta(minutes=self.dice.randrange(-60 * 24 * 50, 60 * 24))

    def _places(self) -> list[Place]:
        return [self.building, *self.city.grids, self.city.west, self.city.east, self.city.street]

    def _person(self, number: int) -> User:
        user, dice = make_user(f"甲{number}"), self.dice
        if number % 5 == 0:
            return user  # a volunteer without a branch
        branch: Branch | None = dice.choice([None, self.west, self.east, self.grid])
        make_member(
            home=dice.choice([*self.homes, self.west]),
            checkin=branch,
            user=user,
            settled_on=NOW.date() - timedelta(days=dice.randrange(10, 120)),
            checked_in_at=self._at() if branch and dice.random() < 0.8 else None,
            lives_at=dice.choice([None, *self._places()]),
            left_on=NOW.date() - timedelta(days=dice.randrange(60)) if dice.random() < 0.15 else None,
        )
        return user

    def add_wishes(self, size: int) -> None:
        kind, dice = make_wish_kind(), self.dice
        for _ in range(size):
            at, state, place = self._at(), dice.choice(_STATES), dice.choice(self._places())
            reached = _STATES.index(state)
            at_end = at + 5 * DAY
            case = order(
                place, kind, at, kind=Kind.WISH, state=state,
                closed_at=at_end if state == State.CLOSED else None,
                rated_at=at_end if state == State.CLOSED else None,
                satisfaction=dice.choice(["", *Satisfaction.values]) if state == State.CLOSED else "",
            )  # fmt: skip
            case.save()
            published = at + DAY if reached else None
            Wish.objects.create(
                case=case, title="想修水龙头" if published else "", published_at=published,
                deliver_by=NOW.date() if published else None,
                branch=dice.choice([self.west, self.east, self.top]) if published else None,
                first_claimed_at=at + dice.randrange(26, 90) * DAY / 24 if reached > 1 else None,
                delivered_at=at + 4 * DAY if reached > 3 else None,
            )  # fmt: skip
            if reached > 1:
                self._claims(case, at, is_kept=dice.random() < 0.8)

    def _claims(self, case: Case, at: datetime, *, is_kept: bool) -> None:
        """One that was handed back, and most often one that stands or fulfilled the wish."""
        dice = self.dice
        ends = {"ended_at": at + 2 * DAY, "ending": Claim.Ending.HANDED_BACK}
        Claim.objects.create(case=case, user=dice.choice(self.people), claimed_at=at + DAY, **ends)
        if is_kept:
            side = dice.choice([{}, {"unit": self.units[1]}, {"branch": self.east}])
            done = {"ended_at": at + 5 * DAY, "ending": Claim.Ending.COMPLETED}
            closed = done if case.state in (State.CLOSED, State.VOIDED) else {}
            user = dice.choice(self.people)
            Claim.objects.create(case=case, user=user, claimed_at=at + 2 * DAY, **side, **closed)

    def add_services(self, size: int) -> None:
        dice = self.dice
        ServiceRecord.objects.bulk_create(
            ServiceRecord(
                user=dice.choice(self.people), kind=ServiceRecord.Kind.ACTIVITY, source="t",
                source_id=next(_numbers), what="清扫楼道", at=self._at(), minutes=dice.randrange(0, 200),
                place=dice.choice([None, *self._places()]),
                branch=dice.choice([None, self.west, self.grid]), unit=dice.choice([None, *self.units]),
                cancelled_at=NOW if dice.random() < 0.1 else None,
            )
            for _ in range(size)
        )  # fmt: skip

    def add_points(self, size: int) -> None:
        seed_defaults()
        dice = self.dice
        for _ in range(size):
            award = award_points(
                user=dice.choice(self.people), rule_code="wish", source="wish", source_id=next(_numbers),
                what="修水龙头", stated=dice.randrange(1, 20), at=self._at(),
                place=dice.choice([None, self.city.west, self.city.east]),
            )  # fmt: skip
            if award is not None and dice.random() < 0.3:
                correct_points(transaction_id=award.pk, reason="重复", at=award.at + DAY)
