"""A sandbox beside the small world: accounts whose orders are tests, and tests in every state."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cases.actions import wishes
from cases.actions.checking import Answer
from cases.models import Case
from cases.workflow import State
from partymembers.models import ServiceAccount
from tests.factories.cases import MINUTE, NOON, World, bring_to, make_attachment
from tests.factories.keys import service_account
from tests.factories.party import Party, ask, publishing
from tests.factories.whistles import WHISTLED_AT, answer, come, tell, whistle

#: What tests of the sandbox look for in pages: an address that no real order has.
ADDRESS = "测试巷 404 号"
_STATES = (
    State.REPORTED, State.ACCEPTED, State.DISPATCHED, State.HANDLING, State.SUSPENDED, State.HANDLED,
    State.CLOSED, State.DECLINED, State.MERGED, State.VOIDED,
)  # fmt: skip


@dataclass
class Sandbox:
    """The world with sandbox accounts in everybody's part, and the accounts themselves."""

    world: World
    party: Party
    desk: ServiceAccount
    unit: ServiceAccount

    def fill(self) -> None:
        """Tests in every state, one that a unit was whistled to and came, and wishes up to the rating."""
        for state in _STATES:
            bring_to(self.world, state, address=ADDRESS)
        called = whistle(self.world, bring_to(self.world, State.HANDLING, address=ADDRESS))
        answer(called, self.world.other_handler, at=WHISTLED_AT + MINUTE, is_coming=True)
        come(called, self.world.other_handler, at=WHISTLED_AT + 2 * MINUTE)
        tell(called, self.world.other_handler, at=WHISTLED_AT + 3 * MINUTE)
        for steps in range(6):
            self._wish(steps)

    def _wish(self, steps: int) -> None:
        case, desk, unit = ask(self.party, asker=self.desk.user), self.desk.user, self.unit.user
        known, at = {"case_id": case.pk}, NOON + MINUTE
        answered = Answer(contacted=True, solved=True, satisfaction="satisfied")
        picture = make_attachment(unit)
        told = {"note": "换好了", "minutes": 45, "attachments": [picture]}
        for step in (
            lambda: wishes.publish_wish(**known, publishing=publishing(text=ADDRESS), actor=desk, at=at),
            lambda: wishes.claim_wish(**known, actor=unit, unit=self.world.unit, at=at),
            lambda: wishes.confirm_claim(**known, actor=desk, at=at),
            lambda: wishes.deliver_wish(**known, actor=unit, at=at, **told),
            lambda: wishes.rate_wish(**known, actor=desk, at=at, answer=answered),
        )[:steps]:
            step()


def make_sandbox(party: Party) -> Sandbox:
    """Accounts for the desks of community and street, and for two units."""
    world = party.world
    west, street = (service_account(place=p, is_sandbox=True) for p in (world.city.west, world.city.street))
    unit, other = (service_account(unit=each, is_sandbox=True) for each in (world.unit, world.other_unit))
    parts = {"worker": west.user, "desk": west.user, "street_desk": street.user}
    tests = replace(world, **parts, handler=unit.user, other_handler=other.user)
    return Sandbox(tests, replace(party, world=tests), west, unit)


def sandboxed_ids() -> set[int]:
    """The ids of all test orders."""
    return set(Case.objects.filter(is_test=True).values_list("pk", flat=True))
