"""Points of a wish that is rated again: what was spent meanwhile is not given a second time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cases.actions import wishes
from cases.actions.checking import Answer
from cases.actors import PublicReporter
from cases.workflow import State
from partymembers.actions.points import redeem_item
from partymembers.models import PointsAccount
from tests.factories.cases import NOON
from tests.factories.party import bring_wish_to, make_party
from tests.factories.service import make_station

pytestmark = pytest.mark.django_db


def test_a_wish_rated_again_brings_its_points_once() -> None:
    party = make_party()
    case = bring_wish_to(party, State.CLOSED)
    asker = PublicReporter(case.pk)
    item = make_station(party.world.city.west, points=15)
    redeem_item(user=party.member, item_id=item.pk, by=party.world.desk, at=NOON)
    balances = []
    for hour, answer in enumerate(
        (
            Answer(contacted=True, solved=False, satisfaction="dissatisfied", comment="又漏了"),
            Answer(contacted=True, solved=True, satisfaction="satisfied"),
        ),
        start=1,
    ):
        at = NOON + timedelta(hours=hour)
        wishes.rate_wish(case_id=case.pk, actor=asker, at=at, answer=answer)
        balances.append(PointsAccount.objects.get(user=party.member).balance)
    assert balances == [0, 5]  # 20 earned, 15 spent: the five are taken, and the five come back
