"""The Party side of the demo: branches, members, wishes in every state, teams, a ledger that balances."""

from __future__ import annotations

from collections import Counter

import pytest
from django.db.models import Sum

from cases.models import Case, Claim, Wish
from cases.workflow import WORKFLOWS, Kind, State
from governance.demo.staff import MEMBERS
from grids.levels import Level
from grids.models import Place
from partymembers.models import (
    Activity,
    Branch,
    BranchLevel,
    CheckIn,
    Evaluation,
    Member,
    PointsAccount,
    PointsEntry,
    Post,
    Role,
    ServiceRecord,
    StationItem,
    Team,
    User,
)

pytestmark = pytest.mark.usefixtures("demo")


def test_every_community_has_a_committee_with_a_secretary() -> None:
    communities = Place.objects.filter(level=Level.COMMUNITY)
    committees = Branch.objects.filter(level=BranchLevel.COMMUNITY)
    assert set(committees.values_list("place", flat=True)) == set(communities.values_list("pk", flat=True))
    led = Post.objects.filter(role=Role.BRANCH_SECRETARY).values_list("branch", flat=True)
    assert set(led) == set(committees.values_list("pk", flat=True))


def test_most_members_have_checked_in_some_wait_some_are_due() -> None:
    assert Member.objects.count() == MEMBERS == 400
    states = Counter(CheckIn.objects.values_list("state", flat=True))
    assert states[CheckIn.State.ACCEPTED] > 300
    assert states[CheckIn.State.ASKED] > 5
    assert Member.objects.filter(check_ins=None).count() > 5
    assert Member.objects.get(user__username="member").checkin_branch is not None


def test_wishes_stand_in_every_state_of_their_table() -> None:
    states = {
        state for rule in WORKFLOWS[Kind.WISH].values() for pair in rule.moves.items() for state in pair
    }
    found = Counter(Case.objects.filter(kind=Kind.WISH).values_list("state", flat=True))
    assert set(found) == states == {State(state) for state in found}
    assert sum(found.values()) > 70
    assert not Wish.objects.filter(case__state=State.ASKED).exclude(title="").exists()
    assert Claim.objects.filter(ended_at=None).values("case").distinct().count() == sum(
        found[state] for state in (State.CLAIMED, State.CONFIRMED, State.BEGUN, State.DELIVERED)
    )


def test_three_teams_activities_grades_and_a_shelf() -> None:
    assert Team.objects.count() == 3
    assert Activity.objects.count() == 6
    assert Evaluation.objects.exclude(reported_at=None).exists()
    assert StationItem.objects.filter(stock__gt=0).count() == 4
    assert ServiceRecord.objects.filter(minutes__gt=0).count() > 50


def test_the_ledger_balances() -> None:
    assert PointsEntry.objects.aggregate(sum=Sum("amount"))["sum"] == 0
    for account in PointsAccount.objects.filter(kind=PointsAccount.Kind.PERSON).annotate(
        of=Sum("entries__amount")
    ):
        assert account.balance == account.of >= 0
    assert User.objects.get(username="volunteer").volunteer.community_id is not None
