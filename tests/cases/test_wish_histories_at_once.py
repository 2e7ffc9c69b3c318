"""The books of wishes stay whole whatever is done at the same moment; steps as in `test_wish_histories`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from cases.actors import SYSTEM, Actor, PublicReporter
from cases.models import Case
from cases.permissions import allowed_actions
from cases.workflow import State
from tests.cases.test_wish_histories import ONWARD, PAUSES, Walk, check
from tests.factories.party import ask, bring_wish_to, make_party
from tests.factories.threads import at_once

ROUNDS = 30
AT_ONCE = 4
LIVE = 2
#: What moves points back and forth; otherwise seldom met in so few rounds.
MONEY = frozenset({"rate", "revoke", "void", "close_unrated", "fail"})


class Crowd(Walk):
    """Several people who press their buttons in the same instant, most of them on the same wish."""

    def round(self) -> list[object]:
        self.at += self.dice.choice(PAUSES[:5])
        live = [c for c in Case.objects.order_by("pk") if c.state not in (State.DECLINED, State.VOIDED)]
        while len(live) < LIVE:
            live.append(ask(self.party, at=self.at))
        case = self.dice.choice(live[-LIVE:])
        return at_once(*self.acts(case), self.spend)

    def acts(self, case: Case) -> list[Callable[[], object]]:
        """Some of what the buttons offer to somebody now; one of them may take the others' away."""
        actors: list[Actor] = [*self.people, SYSTEM, PublicReporter(case.pk)]
        wanted = MONEY if self.dice.random() < 0.3 else ONWARD
        offered = [
            (actor, action)
            for actor in actors
            for action in allowed_actions(actor, case, at=self.at)
            if action in wanted
        ]
        chosen = self.dice.sample(offered, k=min(AT_ONCE, len(offered)))
        return [partial(self.press, case.pk, actor, action) for actor, action in chosen]

    def press(self, case_id: int, actor: Actor, action: str) -> None:
        self.deeds()[action](Case.objects.get(pk=case_id), actor)
        self.done.add(action)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_books_are_whole_whoever_acts_in_the_same_moment(seed: int) -> None:
    party = make_party()
    for _wish in range(LIVE):
        bring_wish_to(party, State.DELIVERED)
    crowd = Crowd(seed, party)
    refused = 0
    for number in range(ROUNDS):
        refused += sum(outcome is not None for outcome in crowd.round())
        check(f"seed {seed}, round {number}")
    assert len(crowd.done) > 3
    assert refused > ROUNDS / 4  # they were in each other's way
