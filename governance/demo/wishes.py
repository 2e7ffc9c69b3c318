"""The demo's wishes: 300 of the past in every state, lived through the actions like its orders."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from typing import Final

from django.utils import timezone

from cases.actions import wishes
from cases.actions.checking import Answer
from cases.actions.desk import decline_case, void_case
from cases.actions.reporting import Contact
from cases.actions.wish_asking import Ask, ask_wish
from cases.actions.wishes import Publishing
from cases.actors import PublicReporter
from cases.catalogue import wish_kinds
from cases.models import Case, Channel, Matter, Satisfaction
from cases.workflow import State
from governance.demo import texts
from governance.demo.simulation import Life
from governance.demo.staff import HOME_COMMUNITY
from governance.demo.world import World, awake
from grids.models import Building, Place
from partymembers.models import Skill, User

#: So many were asked in the days before now; a small demo has fewer, but some of every ending.
PAST: Final = 300
FEWEST: Final = 40
DAYS: Final = 120
HOUR: Final = dt.timedelta(hours=1)


@dataclass(frozen=True)
class Theme:
    """Something that people wish for: kind, skill, the asker's words, and what is published."""

    kind: str
    skill: str
    words: str
    title: str
    text: str
    points: int


THEMES: Final = tuple(Theme(*row) for row in texts.WISHES)
#: How far the wishes that stand today have come, with what share of the way's time they have used.
_STANDING: Final = (
    *(State.ASKED,) * 5,
    *(State.PUBLISHED,) * 12,
    *(State.CLAIMED,) * 4,
    *(State.CONFIRMED,) * 3,
    *(State.BEGUN,) * 4,
    *(State.DELIVERED,) * 4,
)


def past(world: World, *, scale: float) -> list[Life]:
    """Wishes of the last months, all over the city."""
    rng, kinds = random.Random(f"{world.seed} wishes"), _kinds()
    return [
        _past(world, number, kinds, world.now - dt.timedelta(days=rng.uniform(3, DAYS)))
        for number in range(max(FEWEST, round(PAST * scale)))
    ]


def today(world: World) -> list[Life]:
    """Those that stand in the demo's own community now: the same at every scale."""
    rng, kinds = random.Random(f"{world.seed} wishes today"), _kinds()
    home = world.territory.communities[HOME_COMMUNITY]
    grids = world.territory.below(home, world.territory.grids)
    return [
        _standing(world, PAST + number, kinds, state, rng.choice(grids))
        for number, state in enumerate(_STANDING)
    ]


def _kinds() -> dict[str, Matter]:
    return {kind.name: kind for kind in wish_kinds()}


class _Living:
    """One wish while it lives."""

    def __init__(self, world: World, number: int, kinds: dict[str, Matter], grid: Place | None) -> None:
        self.world, self.number = world, number
        self.rng = random.Random(f"{world.seed} wish {number}")
        self.theme = self.rng.choice(THEMES)
        self.kind = kinds[self.theme.kind]
        self.grid = grid or self.rng.choice(world.territory.grids)
        self.case: Case
        helpers = world.staff.members + world.staff.volunteers
        self.helper: User = self.rng.choice(helpers[1:] if grid is None else helpers[1:60])

    def ask(self, at: dt.datetime) -> None:
        building: Building = self.rng.choice(self.world.territory.buildings[self.grid.pk])
        door = f"{self.rng.randint(1, 3)}单元{self.rng.randint(1, 11)}0{self.rng.randint(1, 4)}"
        key = f"demo{self.world.seed}w{self.number}"
        name = self.rng.choice("王李张刘陈杨黄赵周吴徐孙") + self.rng.choice(("先生", "女士", "奶奶", "大爷"))
        self.case = ask_wish(
            ask=Ask(
                kind=self.kind, words=self.theme.words, channel=Channel.RESIDENT, place=building.place,
                address=door, client_id=f"wish-{self.number}", upload_key=key,
            ),
            asker=None,
            contact=Contact(name=name, phone=f"1990002{self.number:04d}", is_verified=True),
            at=at,
        )  # fmt: skip

    def claim(self, at: dt.datetime) -> None:
        """By the helper, or by somebody else where the helper has as many at hand as one may."""
        pool = self.world.staff.volunteers + self.world.staff.members[1:]
        while wishes.held_by(self.helper) >= wishes.MOST_CLAIMS:
            self.helper = self.rng.choice(pool)
        self.case = wishes.claim_wish(case_id=self.case.pk, actor=self.helper, at=at)

    def desk(self) -> User:
        return self.world.desk_staff(self.case.desk_id, self.rng)

    def secretary(self) -> User:
        communities = self.world.territory.communities
        community = next(n for n, place in enumerate(communities) if place.pk == self.case.community_id)
        return self.world.staff.secretaries[community]

    def publish(self, at: dt.datetime, days: int) -> None:
        skill = Skill.objects.filter(code=self.theme.skill)
        day = timezone.localdate(at) + dt.timedelta(days=days)
        self.case = wishes.publish_wish(
            case_id=self.case.pk,
            publishing=Publishing(self.theme.title, self.theme.text, self.theme.points, day, list(skill)),
            actor=self.desk(),
            at=at,
        )

    def deliver(self, at: dt.datetime) -> None:
        picture = self.world.photo("compound", after=True, at=at, by=self.helper)
        self.case = wishes.deliver_wish(
            case_id=self.case.pk, actor=self.helper, at=at, note=self.rng.choice(texts.DELIVERED),
            minutes=self.rng.choice((30, 45, 60, 90, 180)), attachments=[picture],
        )  # fmt: skip

    def rate(self, at: dt.datetime) -> None:
        face = self.rng.choices(list(Satisfaction), (85, 12, 3))[0]
        answer = Answer(contacted=True, solved=True, satisfaction=face)
        actor = PublicReporter(self.case.pk)
        self.case = wishes.rate_wish(case_id=self.case.pk, actor=actor, at=at, answer=answer)
        if self.rng.random() < 0.4:
            wishes.thank_claimer(case_id=self.case.pk, actor=actor, at=at, note="谢谢你，帮了大忙！")


def _past(world: World, number: int, kinds: dict[str, Matter], at: dt.datetime) -> Life:
    """A wish of the past: most are fulfilled, some declined, cancelled, handed back, assigned or unrated."""
    me = _Living(world, number, kinds, None)
    rng = me.rng
    at = awake(at, rng)
    yield at, None
    me.ask(at)
    at += HOUR * rng.uniform(1, 8)
    yield at, me.case
    if rng.random() < 0.06:
        decline_case(case_id=me.case.pk, actor=me.desk(), at=at, note="请向物业报修，已代为联系。")
        return
    me.publish(at, days=30)
    if rng.random() < 0.03:
        at += HOUR * rng.uniform(2, 20)
        yield at, me.case
        void_case(case_id=me.case.pk, actor=me.desk(), at=at, note="家人已办好。")
        return
    at += HOUR * rng.uniform(1, 60)
    yield at, me.case
    if rng.random() < 0.1:
        at = max(at, me.case.reported_at + dt.timedelta(days=4))
        yield at, me.case
        wishes.assign_wish(case_id=me.case.pk, claimant=me.helper, actor=me.secretary(), at=at)
    else:
        me.claim(at)
        at += HOUR * rng.uniform(0.5, 5)
        yield at, me.case
        wishes.confirm_claim(case_id=me.case.pk, actor=me.secretary(), at=at)
    yield from _fulfilled(me, at)


def _fulfilled(me: _Living, at: dt.datetime) -> Life:
    """From the confirmed claim to the rating; some are not rated yet."""
    rng = me.rng
    at += HOUR * rng.uniform(2, 30)
    yield at, me.case
    wishes.begin_wish(case_id=me.case.pk, actor=me.helper, at=at)
    at += HOUR * rng.uniform(2, 70)
    yield at, me.case
    me.deliver(at)
    if rng.random() < 0.12:
        return
    at += HOUR * rng.uniform(1, 80)
    yield at, me.case
    me.rate(at)


def _standing(world: World, number: int, kinds: dict[str, Matter], state: State, grid: Place) -> Life:
    """A wish that stands at home today, in the given state."""
    me = _Living(world, number, kinds, grid)
    if state == State.BEGUN and number % 2:
        me.helper = world.staff.visitors["member"]
    road = [State.ASKED, State.PUBLISHED, State.CLAIMED, State.CONFIRMED, State.BEGUN, State.DELIVERED]
    steps = road.index(state)
    at = world.now - HOUR * (2 + 9 * steps + me.rng.uniform(0, 5))
    yield at, None
    me.ask(at)
    for step in road[1 : steps + 1]:
        at += HOUR * me.rng.uniform(4, 8)
        yield at, me.case
        if step == State.PUBLISHED:
            me.publish(at, days=me.rng.randint(6, 30))
        elif step == State.CLAIMED:
            me.claim(at)
        elif step == State.CONFIRMED:
            wishes.confirm_claim(case_id=me.case.pk, actor=me.secretary(), at=at)
        elif step == State.BEGUN:
            wishes.begin_wish(case_id=me.case.pk, actor=me.helper, at=at)
        else:
            me.deliver(at)
