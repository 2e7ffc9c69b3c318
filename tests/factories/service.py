"""Activities, teams and stations for tests, in the community `west` of `make_party`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.test import Client
from django.urls import reverse

from grids.models import Place
from partymembers.actions import lists
from partymembers.actions.activities import Plan, create_activity, sign_up
from partymembers.actions.points import award_points, redeem_item
from partymembers.actions.teams import found_team
from partymembers.defaults import seed_defaults
from partymembers.models import (
    Activity,
    BranchLevel,
    PointsTransaction,
    Project,
    Redemption,
    Resource,
    SignUp,
    Station,
    StationItem,
    Team,
    User,
    Volunteer,
)
from tests.factories.cases import NOON, World
from tests.factories.party import Party, make_branch, make_branch_post, make_volunteer

HOUR = timedelta(hours=1)
#: The activity of `make_activity`: three hours from here.
STARTS = NOON + 24 * HOUR
ENDS = STARTS + 3 * HOUR


def make_plan(party: Party, **fields: Any) -> Plan:
    """Three hours of sweeping, for five."""
    values: dict[str, Any] = {
        "title": "清扫楼道",
        "place": party.world.city.west,
        "where": "西涧社区广场",
        "starts_at": STARTS,
        "ends_at": ENDS,
        "capacity": 5,
    }
    return Plan(**(values | fields))


def make_activity(party: Party, *, actor: User | None = None, at: datetime = NOON, **fields: Any) -> Activity:
    """An activity set up by the desk unless told otherwise."""
    return create_activity(plan=make_plan(party, **fields), actor=actor or party.world.desk, at=at)


def make_team(party: Party, name: str = "西涧先锋队", *, leader: User | None = None) -> Team:
    """A team of the community, led by the volunteer."""
    return found_team(
        name=name,
        place=party.world.city.west,
        leader=leader or party.volunteer,
        purpose="邻里互助",
        actor=party.world.desk,
        at=NOON,
    )


def make_station(
    place: Place, name: str = "西涧积分超市", *, stock: int = 5, points: int = 30
) -> StationItem:
    """A station with one item; the item is returned."""
    station = Station.objects.create(name=name, place=place, address="广场东侧", hours="9:00–17:00")
    return StationItem.objects.create(station=station, name="洗衣液", points=points, stock=stock)


@dataclass
class Served:
    """One of each thing, all about the world's grid worker, in the community `west`."""

    volunteer: Volunteer
    activity: Activity
    seat: SignUp
    team: Team
    award: PointsTransaction
    item: StationItem
    redemption: Redemption
    resource: Resource
    project: Project


def make_served(world: World) -> Served:
    """The worker volunteers, signs up, leads a team, has earned and spent, and leads a project."""
    seed_defaults()
    west, desk, worker = world.city.west, world.desk, world.worker
    volunteer = make_volunteer(community=west, user=worker)
    plan = Plan("清扫楼道", west, "社区广场", STARTS, ENDS)
    activity = create_activity(plan=plan, actor=desk, at=NOON)
    award = award_points(
        user=worker, rule_code="wish", source="wish", source_id=1, what="修龙头", at=NOON, place=west
    )
    assert award is not None
    item = make_station(west)
    committee = make_branch(name="西涧社区党委", level=BranchLevel.COMMUNITY, place=west)
    make_branch_post(desk, committee)
    undertaking = lists.Undertaking("加装电梯", west, committee, worker, STARTS.date())
    return Served(
        volunteer=volunteer,
        activity=activity,
        seat=sign_up(activity_id=activity.pk, user=worker, at=NOON),
        team=found_team(name="先锋队", place=west, leader=worker, purpose="", actor=desk, at=NOON),
        award=award,
        item=item,
        redemption=redeem_item(user=worker, item_id=item.pk, by=desk, at=NOON),
        resource=lists.offer_resource(offer=lists.Offer("义诊", west), actor=desk, at=NOON),
        project=lists.start_project(undertaking=undertaking, actor=desk, at=NOON),
    )


def award_wish(party: Party, user: User, source_id: int, *, what: str = "修水龙头", stated: int = 10) -> None:
    """Points for a wish, on one of nine days."""
    award_points(
        user=user, rule_code="wish", source="wish", source_id=source_id, what=what, stated=stated,
        at=NOON + timedelta(days=source_id % 9), place=party.world.city.west,
    )  # fmt: skip


def text_of(client: Client, name: str, *args: Any, **query: str) -> str:
    """The page behind a name of the service, which must answer 200."""
    answer = client.get(reverse(f"service:{name}", args=args), query)
    assert answer.status_code == 200, (name, answer.status_code)
    return str(answer.content.decode())
